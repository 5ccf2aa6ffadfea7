"""Separating engines: what is found is confirmed, what is not found is said with care."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from klpdsl.run.session import execute, load_text
from klpdsl.semantics.axes import differing
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.lineage import before_and_after
from klpdsl.semantics.points import points
from klpdsl.semantics.records import Engine
from klpdsl.semantics.table import change, order, table
from klpdsl.separate.alphabets import alphabets, from_file
from klpdsl.separate.pairs import Bounds, Search
from klpdsl.separate.poison import AxisReadError, poisoned
from klpdsl.separate.separation import separate
from klpdsl.separate.stepping import start, take
from klpdsl.separate.view import seen
from klpdsl.syntax import tree
from klpdsl.trace.events import StepTrace, Trace
from klpdsl.trace.text import to_text
from tests.calls import call

SHOWN = [name for name in order() if change(name).shown]
PROPOSED = [name for name, row in table()["proposals"].items() if resolve(name).semantics.system == "klp"]


def klpdsl(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    done = call(arguments, cwd=cwd, environment={"KLPDSL_NO_CACHE": "1"})
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", SHOWN)
def test_every_change_that_can_be_seen_is_found_by_machine(name: str) -> None:
    before, after = before_and_after(name)
    found = separate(before, after, "full", bounds=Bounds(pairs=20_000))
    (one,) = found.findings
    loaded = load_text(one.text, "found.klp")
    assert loaded.engine_names() == (before.name, after.name)
    left, right = (execute(loaded, engine).trace for engine in (before, after))
    assert len(left.steps) == one.step
    assert left.steps[:-1] == right.steps[:-1]
    assert left.steps[-1] != right.steps[-1]
    assert name in one.changes


def test_what_is_found_is_no_longer_than_what_was_written_by_hand() -> None:
    root = Path(__file__).resolve().parents[2] / "scenarios" / "changes"
    longer = {}
    for name in SHOWN:
        before, after = before_and_after(name)
        loaded = load_text((root / f"{name}.klp").read_text(encoding="utf-8"), f"{name}.klp")
        traces = [execute(loaded, engine).trace for engine in (before, after)]
        pairs = zip(*(trace.steps for trace in traces), strict=True)
        by_hand = next(a.number for a, b in pairs if to_text_of(a) != to_text_of(b))
        (one,) = separate(before, after, "full", bounds=Bounds(pairs=20_000)).findings
        if one.step > by_hand:
            longer[name] = (one.step, by_hand)
    # By hand its module is there from the beginning; in the alphabet it comes by a step.
    assert longer == {"module-reloc-no-vmlinux-sym": (2, 1)}


def to_text_of(step: StepTrace) -> str:
    return to_text(Trace((step,)))


@pytest.mark.parametrize("name", ["late-stack-check"])
def test_a_change_that_no_rule_reads_is_proved_invisible(name: str) -> None:
    # Over the alphabets that its axis is said to be touched by: a search that closes and never reads it.
    before, after = before_and_after(name)
    known = alphabets()
    (axis,) = differing(before.semantics, after.semantics)
    touching = [one for one in known.values() if axis in one.axes and one.name != "files"]
    found = separate(before, after, "full", touching)
    assert found.findings == ()
    assert found.closed


def test_engines_without_a_difference_need_no_search(tmp_path: Path) -> None:
    code, out, _ = klpdsl("separate", "v6.11", "v6.12", cwd=tmp_path)
    assert code == 0
    assert out == "none, at any length: v6.11 and v6.11 have the same semantics in every axis\n"


def test_a_bound_that_was_hit_is_never_a_yes(tmp_path: Path) -> None:
    code, out, _ = klpdsl("separate", "v5.3", "v5.4~1", "--level", "outcome", "--pairs", "50", cwd=tmp_path)
    assert code == 125
    assert "none found up to" in out
    assert "not closed" in out
    assert "at any length" not in out
    code, out, _ = klpdsl("separate", "v4.14", "v4.12", "--depth", "0", cwd=tmp_path)
    assert code == 125


def test_the_scenario_goes_to_standard_output_and_runs(tmp_path: Path) -> None:
    code, out, err = klpdsl("separate", "v5.0", "v5.1", "--level", "outcome", cwd=tmp_path)
    assert code == 1
    assert err.startswith("separated at step 1, level outcome; searched ")
    (tmp_path / "found.klp").write_text(out, encoding="utf-8")
    code, out, _ = klpdsl("compare", "found.klp", cwd=tmp_path)
    assert code == 0
    assert "2 ways to behave" in out
    code, out, _ = klpdsl("separate", "v4.19", "v5.1", "--format", "json", cwd=tmp_path)
    record = json.loads(out)
    assert record["findings"][0]["step"] == 1
    assert "atomic-replace" in {name for one in record["findings"] for name in one["changes"]} | {
        "atomic-replace"
    }


def test_wrong_names_are_told(tmp_path: Path) -> None:
    code, _, err = klpdsl("separate", "v4.14", "v4.15", "--within", "callback", cwd=tmp_path)
    assert code == 2
    assert (
        "no alphabet and no file is called callback; did you mean callbacks? "
        "(klpdsl separate --alphabets lists them)" in err
    )
    code, _, err = klpdsl("separate", "v4.14", cwd=tmp_path)
    assert code == 2
    (tmp_path / "empty.klp").write_text("task t1\n", encoding="utf-8")
    code, _, err = klpdsl("separate", "v4.14", "v4.15", "--within", "empty.klp", cwd=tmp_path)
    assert (code, err) == (2, "klpdsl separate: empty.klp: no step in it is an action to choose from\n")


def test_ones_own_alphabet_is_a_scenario(tmp_path: Path) -> None:
    (tmp_path / "mine.klp").write_text(
        "task t1 in f\npatch p1 { f }\ninterleave {\noperator { apply p1; signal }\nt1 { return }\n}\n",
        encoding="utf-8",
    )
    assert len(from_file(str(tmp_path / "mine.klp")).actions) == 3
    code, out, _ = klpdsl(
        "separate", "v4.15", "v4.16", "--within", "mine.klp", "--level", "outcome", cwd=tmp_path
    )
    assert code == 1
    assert "signal" in out


def test_a_patch_that_only_a_step_introduces_is_declared_where_that_step_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "mine.klp").write_text(
        "interleave forever {\noperator { force p1; load p1 }\nt1 { call f }\n}\n", encoding="utf-8"
    )
    code, out, err = klpdsl(
        "separate", "v4.14", "v5.1", "--within", "mine.klp", "--level", "full", cwd=tmp_path
    )
    assert (code, err) == (1, "separated at step 1, level full; searched mine.klp: 1 pairs\n")
    assert out.endswith("\n\npatch p1\n\nforce p1\n")


def test_poison_tells_which_axis_a_step_reads() -> None:
    semantics = poisoned(resolve("v6.1").semantics, ["early_stack_check"])
    assert semantics.replace == "patch"
    with pytest.raises(AxisReadError, match="early_stack_check"):
        assert semantics.early_stack_check


@pytest.mark.parametrize(("one", "other"), list(itertools.pairwise(PROPOSED[:6])))
def test_poison_changes_no_answer(one: str, other: str) -> None:
    """With and without the short cut of one run for both sides, the same is found, over as many pairs."""
    left, right = resolve(one).semantics, resolve(other).semantics
    for alphabet in (alphabets()["replace"], alphabets()["immediate"]):
        answers = []
        for bait in (True, False):
            search = Search(alphabet.loaded.program, alphabet.actions, left, right, "full")
            if not bait:
                search._bait = None
            found = search.run(Bounds(pairs=400))
            answers.append((found.partings, found.closed, found.depth, found.pairs))
        assert answers[0] == answers[1]


def test_a_step_of_a_search_is_a_step_of_a_run() -> None:
    """The stepper does what the interpreter does: event by event, over every scenario of some folders."""
    root = Path(__file__).resolve().parents[2] / "scenarios"
    compared = 0
    for path in sorted([*(root / "replace").glob("*.klp"), *(root / "force").glob("*.klp")]):
        alphabet = from_file(str(path))
        engine: Engine = resolve(alphabet.loaded.engine_names()[-1])
        state = start(alphabet.loaded.program)
        trace = execute(alphabet.loaded, engine).trace
        plain = alphabet.loaded.program.statements
        if any(not isinstance(s, tree.Step | tree.Expect) for s in plain):
            continue
        steps = iter(s for s in trace.steps if s.number)
        for statement in plain:
            if not isinstance(statement, tree.Step):
                continue
            operation = statement.operation
            single = (
                [operation._replace(actions=(action,)) for action in operation.actions]
                if isinstance(operation, tree.TaskStep)
                else [operation]
            )
            for one in single:
                taken = take(alphabet.loaded.program, engine.semantics, state, one)
                step = next(steps)
                assert taken.events == step.events
                assert step.result
                assert taken.outcome.value == step.result.value
                state = taken.state
                compared += 1
    assert compared > 100


def test_levels_hide_what_they_say() -> None:
    before, after = before_and_after("ambiguity-without-count")  # wording alone
    assert separate(before, after, "full", bounds=Bounds(pairs=2_000)).findings
    assert not separate(before, after, "behaviour", [alphabets()["symbols"]]).findings
    assert seen("outcome", (), "0", "why") == ("0",)


def test_every_alphabet_runs_on_every_kind_of_engine() -> None:
    for alphabet in alphabets().values():
        for name in (points()[0], points()[-1], "baron-v2", "kgraft", "kpatch-core"):
            semantics = resolve(name).semantics
            search = Search(alphabet.loaded.program, alphabet.actions, semantics, semantics, "full")
            assert not search.run(Bounds(pairs=150)).partings


def test_axes_that_alphabets_name_exist() -> None:
    fields = set(resolve("v6.1").semantics._fields)
    for alphabet in alphabets().values():
        assert set(alphabet.axes) <= fields, alphabet.name
