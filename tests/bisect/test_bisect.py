"""klpdsl bisect over the lineage: the change that makes a difference, and all that can stand in the way."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from klpdsl.bisect.predicates import LinePresent, Predicate, SomeEvents, StepResult, WholeTrace, unsupported
from klpdsl.bisect.route import mainline, visible
from klpdsl.bisect.scenario import Runner, read_items
from klpdsl.bisect.trace_text import blocks, result_of

ROOT = Path(__file__).parents[2]
CHANGES = ROOT / "scenarios" / "changes"
EFFECTS = tomllib.loads((ROOT / "tests" / "changes" / "effects.toml").read_text(encoding="utf-8"))

RMMOD = "load p1 { f }\nenable p1\ndisable p1\nsettle\nunload p1\n"
APPLIED = "task t1 in f\napply p1 { f }\nsettle\n"

Write = Callable[..., Path]


def bisect(klpdsl: Any, *arguments: str | Path, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(klpdsl("bisect", *arguments, "--format", "json", code=code).stdout)
    return found


def named(found: dict[str, Any]) -> list[str]:
    """The moves that the only culprit names."""
    (culprit,) = found["culprits"]
    return [move["title"] for point in culprit["candidates"] for move in point["moves"]]


def widest(name: str) -> tuple[list[str], str, str]:
    """What to ask about the change of that name, and the ends between which the answer turns there and nowhere else.

    Asked are its lines, the results of steps, kinds of events, the whole trace; what reaches farthest is taken: from
    the oldest kernel to mainline where it can be. What keeps ends apart from these is that the scenario cannot be
    carried out beyond them, or that another change makes or undoes the same.
    """
    points = visible(mainline())
    place = next(i for i, point in enumerate(points) if point.moves and point.moves[-1].change == name)
    runner = Runner(read_items(str(CHANGES / f"{name}.klp")))
    texts = [runner.text(point.engine) for point in points]
    gaps = [set(unsupported(blocks(text))) for text in texts]
    results = [(block.number, result_of(block)) for block in blocks(texts[place])]
    asked: list[tuple[list[str], Predicate]] = [([], WholeTrace())]
    asked += [
        (["--expect", line], LinePresent(line)) for line in EFFECTS[name]["new"] + EFFECTS[name]["gone"]
    ]
    asked += [(["--result", f"{step}={end}"], StepResult(f"{step}={end}")) for step, end in results]
    asked += [
        (["--events", kind], SomeEvents(kind))
        for kind in ("call", "callback", "hook", "result", "sysfs", "task")
    ]
    best: tuple[int, list[str], str, str] = (0, [], "", "")
    for options, predicate in asked:
        views = [predicate.view(text, {}) for text in texts]
        old, new = views[place - 1], views[place]
        if old.cannot or new.cannot or old.seen == new.seen:
            continue
        first, last = place - 1, place
        while first > 0 and views[first - 1] == old:
            first -= 1
        while last + 1 < len(points) and not views[last + 1].cannot and views[last + 1].seen != old.seen:
            if predicate.compares and not gaps[last + 1] <= gaps[first]:
                break
            last += 1
        best = max(
            best, (last - first, options, points[first].name, points[last].name), key=lambda row: row[0]
        )
    return best[1:]


@pytest.mark.parametrize("name", sorted(EFFECTS))
def test_the_change_is_named_in_the_fewest_runs(name: str, klpdsl: Any) -> None:
    what, good, bad = widest(name)
    found = bisect(klpdsl, CHANGES / f"{name}.klp", "--good", good, "--bad", bad, *what)
    assert named(found) == [name]
    assert found["culprits"][0]["exact"]
    assert found["runs"] <= math.ceil(math.log2(found["changes"])) + 2


def test_most_changes_are_named_between_the_oldest_kernel_and_mainline() -> None:
    points = visible(mainline())
    all_the_way = [name for name in EFFECTS if widest(name)[1:] == (points[0].name, points[-1].name)]
    assert len(all_the_way) >= len(EFFECTS) // 2


def test_the_whole_answer(klpdsl: Any, scenario: Write) -> None:
    path = scenario("load p1\nenable p1\ndisable p1\nunload p1\n")
    shown = klpdsl("bisect", path, "--good", "v4.7", "--bad", "v4.12", "--result", "4=0").stdout
    points = visible(mainline())
    names = [point.name for point in points]
    changes = names.index("v4.12") - names.index("v4.7")
    question, head, *probes = shown.partition("\n\n")[0].splitlines()
    assert question == "whether `4` ends with 0: no on v4.7, yes on v4.12"
    assert head == (
        f"v4.7 is good and v4.12 is bad; between them {changes} changes can be seen, "
        f"which takes {math.ceil(math.log2(changes))} steps at most"
    )
    assert probes[0].endswith(": good")
    assert probes[0].strip().startswith(f"{changes} left, ")
    before = names[names.index("v4.12") - 1]
    assert shown.partition("\n\n")[2] == (
        "The difference comes with v4.12:\n"
        "  disabled-patch-rmmod  3ec24776bfd0  livepatch: allow removal of a disabled patch  (v4.12)\n"
        "    the module reference is taken when a patch is enabled and returned when it is disabled, "
        "so its module can be removed\n"
        "    module_ref: register -> enable\n"
        f"{before} (-) and v4.12 (+):\n"
        "  1 load p1\n"
        "      log notice p1: tainting kernel with TAINT_LIVEPATCH\n"
        "    - module p1 refs 1\n"
        "      sysfs p1/\n"
        "  2 enable p1\n"
        "    + module p1 refs 1\n"
        "      log notice livepatch: enabling patch 'p1'\n"
        "  3 disable p1\n"
        "      hook vmlinux f []\n"
        "    + module p1 refs 0\n"
        "      task t1 unpatched -> undefined\n"
        "  4 unload p1\n"
        "    - = EAGAIN (module p1 has 1 reference)\n"
        "    + sysfs p1/vmlinux/ gone\n"
        "    + sysfs p1/ gone\n"
        "    + module p1 gone\n"
        "    + = 0\n"
        "\n"
        f"{len(probes) + 2} runs.\n"
    )


def test_the_same_question_takes_the_same_way(klpdsl: Any, scenario: Write) -> None:
    path = scenario(RMMOD)
    assert klpdsl("bisect", path).stdout == klpdsl("bisect", path).stdout


@pytest.mark.parametrize(
    ("predicate", "change"),
    [
        (["--result", "5=0"], "disabled-patch-rmmod"),
        (["--result", "unload p1=0"], "disabled-patch-rmmod"),
        (["--events", "task"], "per-task-consistency"),
        (["--events", "call, result"], "disabled-patch-rmmod"),
        (["--expect", "module p1 refs 0"], "disabled-patch-rmmod"),
        (["--expect", "  log   notice livepatch: enabling"], None),
        (["--run", "grep -q 'starting patching'"], "transition-notices"),
        ([], "sysfs-func-sympos"),
    ],
)
def test_every_predicate(klpdsl: Any, scenario: Write, predicate: list[str], change: str | None) -> None:
    ends = ["--good", "v4.4", "--bad", "v4.15"]
    if change is None:
        done = klpdsl("bisect", scenario(RMMOD), *ends, *predicate, code=1)
        assert "are alike in this: whether the trace has `log notice livepatch: enabling`" in done.stderr
    else:
        assert named(bisect(klpdsl, scenario(RMMOD), *ends, *predicate)) == [change]


def test_a_violated_property_is_a_predicate(klpdsl: Any, scenario: Write) -> None:
    # In the middle of the commit that brings the single call, a disabled patch keeps its module for ever.
    path = scenario("apply p1\ndisable p1\nunload p1\n")
    ends = ["--good", "v4.12", "--bad", "v5.1@single-call-api"]
    assert named(bisect(klpdsl, path, "--property", "leak", *ends)) == ["single-call-api"]


def test_a_branch_is_searched_axis_by_axis(klpdsl: Any, scenario: Write) -> None:
    path = scenario(
        "patch p1 immediate { f }\npatch p2 replace { g }\nload p1\nenable p1\nload p2\nenable p2\nsettle\nunload p1\n"
    )
    found = bisect(klpdsl, path, "--good", "v4.13", "--bad", "mladek-unlink")
    (culprit,) = found["culprits"]
    (point,) = culprit["candidates"]
    assert point["moves"][0]["title"] == "replace=patch"
    assert point["moves"][0]["commit"] is None
    assert culprit["axes"] == [{"axis": "replace", "before": "none", "after": "patch"}]


def test_from_one_branch_to_another(klpdsl: Any, scenario: Write) -> None:
    path = scenario(
        "patch p1 immediate { f }\npatch p2 replace { g }\nload p1\nenable p1\nload p2\nenable p2\nsettle\nunload p1\n"
    )
    found = bisect(klpdsl, path, "--good", "baron", "--bad", "mladek", "--result", "unload p1=EAGAIN")
    assert named(found) == ["put=keep"]
    back = bisect(klpdsl, path, "--good", "mladek", "--bad", "baron", "--result", "unload p1=EAGAIN")
    assert named(back) == ["put=keep"]
    assert back["culprits"][0]["candidates"][0]["moves"][0]["undone"]


def test_the_ends_are_those_that_the_scenario_is_meant_for(klpdsl: Any, scenario: Write) -> None:
    found = bisect(klpdsl, scenario(f"engines v4.11 .. v4.12\n{RMMOD}"))
    assert (found["good"], found["bad"]) == ("v4.9", "v4.12")


JUDGE = 'case "$KLPDSL_ENGINE" in {unknown}) exit 125;; esac; grep -q "= EAGAIN"'


def test_points_that_cannot_be_judged_leave_a_range(klpdsl: Any, scenario: Write) -> None:
    skip = JUDGE.format(unknown="v4.12@*|v4.9")
    found = bisect(klpdsl, scenario(RMMOD), "--good", "v4.0", "--bad", "v5.0", "--run", skip)
    (culprit,) = found["culprits"]
    assert not culprit["exact"]
    assert culprit["before"] == "v4.7"
    assert culprit["after"] == "v4.12"
    assert named(found)[0] == "taint-at-module-load"
    assert named(found)[-1] == "disabled-patch-rmmod"
    shown = klpdsl("bisect", scenario(RMMOD), "--good", "v4.0", "--bad", "v5.0", "--run", skip).stdout
    assert f"One or more of these {len(culprit['candidates'])} points makes the difference" in shown
    assert f"v4.9: cannot judge: `{skip}` exits with 125" in shown


def test_an_end_that_cannot_be_judged_ends_it(klpdsl: Any, scenario: Write) -> None:
    done = klpdsl("bisect", scenario(RMMOD), "--run", JUDGE.format(unknown="v4.0*"), code=125)
    assert "v4.0 cannot be judged" in done.stderr
    path = scenario("load p1\nforce p1\n")
    done = klpdsl("bisect", path, "--good", "v4.0", "--bad", "v5.0", "--expect", "= 0", code=1)
    done = klpdsl("bisect", path, "--good", "v4.0", "--bad", "v5.0", "--expect", "= EINVAL", code=125)
    assert "step 2 `force p1` is unsupported (added in v4.16 by c99a2be790b0" in done.stderr
    assert done.stderr.endswith("; the nearest that can is v4.16@force-sysfs (--good v4.16@force-sysfs)\n")


def test_a_step_that_only_points_between_lack_is_no_verdict(klpdsl: Any, scenario: Write) -> None:
    # `signal` is there on v4.16 .. v5.0 alone. Of what is asked, only a yes counts where it is missing.
    path = scenario("task t1 in f\napply p1 { f }\nsignal p1\ntick\n")
    done = klpdsl("bisect", path, "--good", "v4.15", "--bad", "v5.1", "--result", "2=0", code=125)
    assert "v4.15 cannot be judged: step 2 `signal p1` is unsupported" in done.stderr


def test_a_command_that_dies_ends_it(klpdsl: Any, scenario: Write) -> None:
    done = klpdsl("bisect", scenario(RMMOD), "--run", "exit 200", code=2)
    assert "`exit 200` exits with 200, which ends a bisection" in done.stderr


def test_what_came_and_went_unseen_is_warned_of(klpdsl: Any, scenario: Write) -> None:
    ends = ["--good", "v4.0", "--bad", "mainline", "--expect", "sysfs p1/vmlinux/patched = 1"]
    found = bisect(klpdsl, scenario(APPLIED), *ends)
    assert named(found) == ["object-patched-attr"]
    assert "immediate" in [row["axis"] for row in found["missed"]]
    shown = klpdsl("bisect", scenario(APPLIED), *ends).stdout
    assert "warning: `immediate` moves at v4.12@immediate-flags and is back at v4.16" in shown
    every = bisect(klpdsl, scenario(APPLIED), *ends, "--all")
    assert every["missed"] == []


def test_all_points_show_what_comes_and_goes(klpdsl: Any, scenario: Write) -> None:
    path = scenario("apply p1\n")
    signal = ["--good", "v4.0", "--bad", "mainline", "--expect", "sysfs p1/signal = -"]
    assert "(--all shows what comes and goes between them)" in klpdsl("bisect", path, *signal, code=1).stderr
    found = bisect(klpdsl, path, *signal, "--all")
    names = [named({"culprits": [culprit]}) for culprit in found["culprits"]]
    assert names == [["fake-signal-sysfs"], ["signal-attr-removed"]]
    assert found["runs"] == found["changes"] + 1
    assert "It turns 2 times:" in klpdsl("bisect", path, *signal, "--all").stdout


def test_changes_that_only_work_together(klpdsl: Any, scenario: Write) -> None:
    # Reading the whole trace from v4.15: tracing can be switched off until v5.5 refuses it, but only for a patch that
    # `load` has enabled, which it does since v5.1.
    path = scenario("load p1\nsysctl kernel.ftrace_enabled 0\n")
    arguments = [str(path), "--good", "v4.15", "--bad", "v5.18", "--result", "2=EBUSY", "--minimal-set"]
    found = bisect(klpdsl, *arguments)
    assert named(found) == ["ftrace-permanent"]
    minimal = found["minimal_set"]
    assert [move["title"] for move in minimal["moves"]] == ["single-call-api", "ftrace-permanent"]
    assert minimal["needed"] == []
    assert minimal["engine"] == "v4.15+single-call-api+ftrace-permanent"
    assert "These 2 make the difference only together" in klpdsl("bisect", *arguments).stdout


def test_a_change_that_is_enough_by_itself(klpdsl: Any, scenario: Write) -> None:
    found = bisect(
        klpdsl, scenario(RMMOD), "--good", "v4.13", "--bad", "v4.0", "--result", "5=0", "--minimal-set"
    )
    minimal = found["minimal_set"]
    assert [(move["title"], move["undone"]) for move in minimal["moves"]] == [("disabled-patch-rmmod", True)]
    assert named(found) == ["disabled-patch-rmmod"]


def test_reduce_gives_the_smallest_scenario_for_the_answer(
    klpdsl: Any, scenario: Write, tmp_path: Path
) -> None:
    noise = "".join(f"u{i}: syscall g\nexpect u{i} patch_state = undefined\n" for i in range(10))
    path = scenario(f"{noise}load p1 {{ f, g }}\nenable p1\n{noise}disable p1\nsettle\nunload p1\n{noise}")
    target = tmp_path / "small.klp"
    arguments = [path, "--result", "unload p1=0", "--reduce", "-o", target]
    shown = klpdsl("bisect", *arguments).stdout
    assert shown.endswith(f"{target}: 65 statements to 2; klpdsl accept {target} writes its goldens\n")
    lines = target.read_text(encoding="utf-8").splitlines()
    # Whether it was enabled in between does not matter: up to v4.11 a patch pins its module when it registers.
    assert lines[-3:] == ["", "load p1", "unload p1"]
    assert lines[0].startswith("# Whether `unload p1` ends with 0: no on ")
    assert named(bisect(klpdsl, target, "--result", "unload p1=0")) == ["disabled-patch-rmmod"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--good", "nosuch"], 2, "there is no engine nosuch"),
        (["--good", "v4.12", "--bad", "v4.13"], 1, "no axis differs between v4.12 and v4.12"),
        (["--result", "3"], 2, "`3` is no result of a step"),
        (["--result", "77=0"], 125, "cannot be judged: the trace has no step `77`"),
        (["--events", "cull"], 2, "no event is called 'cull'"),
        (["--expect", " "], 2, "an empty line says nothing"),
        (["-o", "x.klp"], 2, "--output is where --reduce writes"),
        (["--git", "a..b", "--good", "v4.0"], 2, "--git about revisions"),
    ],
)
def test_what_cannot_be_asked_is_said(
    klpdsl: Any, scenario: Write, arguments: list[str], code: int, said: str
) -> None:
    assert said in klpdsl("bisect", scenario(RMMOD), *arguments, code=code).stderr
