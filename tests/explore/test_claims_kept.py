"""The claims of the corpus, what is kept of them, and `klpdsl verify --kept`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from klpdsl.explore.bounds import SearchBounds
from klpdsl.explore.claims import ClaimReport, claim_reports
from klpdsl.explore.judging import Judge, is_claim
from klpdsl.goldens.storage import store
from klpdsl.goldens.suite import Suite
from klpdsl.run.session import execute, load_file, load_text
from klpdsl.semantics.engines import ancestors, expand, resolve
from klpdsl.syntax.wording import line_of
from klpdsl.trace.events import Violation
from tests.goldens.conftest import accepted, empty  # noqa: F401
from tests.goldens.project import Project

ROOT = Path(__file__).resolve().parents[2]
SUITE = Suite(str(ROOT))
CLAIMS = sorted(
    path.relative_to(ROOT / "scenarios").with_suffix("").as_posix()
    for path in (ROOT / "scenarios/verified").glob("*.klp")
)
EVERY = tuple(dict.fromkeys((*expand("all"), *expand("mutants"), *expand("proposals"))))
FILES = sorted((ROOT / "goldens").glob("**/*.verdict"))


class Said:
    """A file of verdicts, read back."""

    def __init__(self, text: str) -> None:
        self.ways: dict[str, list[str]] = {}
        self.runs: dict[str, list[str]] = {}
        self.holding: set[str] = set()
        condition = ""
        for line in text.splitlines()[2:]:
            if line.startswith("    "):
                (self.ways | self.runs)[condition].append(line.strip())
                continue
            condition, _, rest = line.partition(": ")
            if rest.startswith("violated, "):
                self.runs[condition] = []
            elif rest.startswith("violated in "):
                self.ways[condition] = []
            else:
                assert rest.startswith("holds"), line
                self.holding.add(condition)


def kept(name: str) -> dict[str, Said]:
    return {engine: Said(text) for engine, text in store.read(SUITE, name, store.VERDICT).items()}


def test_there_is_a_corpus_of_claims_that_hold_and_that_do_not() -> None:
    assert len(CLAIMS) >= 25
    said = [one for name in CLAIMS for one in kept(name).values()]
    assert sum(bool(one.holding) for one in said) >= 15
    assert sum(bool(one.ways) for one in said) >= 10


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_says_where_it_comes_from_and_is_kept_for_each_engine(name: str) -> None:
    path = SUITE.scenario_path(name)
    prose = re.match(r"(?:# .*\n)+", Path(path).read_text(encoding="utf-8"))
    assert prose
    assert len(prose.group().split()) >= 25
    loaded = load_file(path)
    assert is_claim(loaded.program)
    files = store.read(SUITE, name, store.VERDICT)
    engines = loaded.engine_names()
    assert set(store.effective(files, engines)) == set(engines)
    assert set(files) <= set(engines)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_way_to_a_violation_leads_there_as_a_plain_scenario(path: Path) -> None:
    name = path.parent.relative_to(ROOT / "goldens").as_posix()
    engine = resolve(store.engine_of(path.name, store.VERDICT))
    program = load_file(SUITE.scenario_path(name)).program
    for condition, steps in Said(path.read_text(encoding="utf-8")).ways.items():
        declared = [line_of(item) for item in program.declarations]
        loaded = load_text("\n".join([*declared, f"never {condition}", *steps]) + "\n", name)
        trace = execute(loaded, engine).trace
        broken = [
            number
            for number, step in enumerate(trace.steps, 1)
            for event in step.events
            if isinstance(event, Violation) and event.property == condition
        ]
        assert broken[:1] == [len(trace.steps)], f"{condition} on {engine.name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_run_without_an_end_comes_round_again(path: Path) -> None:
    name = path.parent.relative_to(ROOT / "goldens").as_posix()
    engine = resolve(store.engine_of(path.name, store.VERDICT))
    program = load_file(SUITE.scenario_path(name)).program
    for steps in Said(path.read_text(encoding="utf-8")).runs.values():
        place = steps.index("# repeat from here")
        way, loop = steps[:place], steps[place + 1 :]
        declared = [line_of(item) for item in program.declarations]
        ends = []
        for times in (1, 2, 7):
            text = "\n".join([*declared, *way, *loop * times, "expect transition != none"]) + "\n"
            trace = execute(load_text(text, name), engine).trace
            assert all(check.ok for check in trace.steps[-1].checks), f"{name} on {engine.name}"
            ends.append(trace.steps[-1].events)
        assert ends[0] == ends[1] == ends[2]


def test_every_mutant_among_the_engines_is_caught_by_a_world_that_does_not_point_at_it() -> None:
    caught = set()
    for name in CLAIMS:
        said = store.effective(store.read(SUITE, name, store.VERDICT), EVERY)
        for engine, text in said.items():
            base = ancestors(engine)[:1]
            if resolve(engine).kind == "mutant" and base and base[0] in said:
                sound = Said(said[base[0]]).ways
                # What it stands on may be broken as well, by a longer way.
                if any(len(way) < len(sound.get(one, [*way, ""])) for one, way in Said(text).ways.items()):
                    caught.add(engine)
    # What these two are told apart from is a mainline release, or another reading of the same posting.
    beside = {
        "shao-tag-draft": "verified/sets-do-not-overlap",
        "hybrid-late-flag": "verified/a-flag-flipped-in-flight",
    }
    for engine, name in beside.items():
        assert kept(name)[engine].ways
        assert any(one.holding and not one.ways for other, one in kept(name).items() if other != engine)
        caught.add(engine)
    assert caught == set(expand("mutants"))


@pytest.mark.parametrize(
    "name", ["verified/force-gives-consistency-up", "verified/reenabled-in-another-order"]
)
def test_engines_that_share_a_search_would_have_found_the_same_alone(name: str) -> None:
    loaded = load_file(SUITE.scenario_path(name))
    together = Judge(loaded.program, SearchBounds())
    shared = 0
    for engine in map(resolve, loaded.engine_names()):
        found = together.on(engine)
        shared += found.like != engine.name
        assert found.text == Judge(loaded.program, SearchBounds()).on(engine).text
    assert shared or "reenabled" in name


def _reports(names_: list[str]) -> list[ClaimReport]:
    return list(claim_reports(SUITE, names_, 1, (), SearchBounds()))


def test_what_is_kept_is_what_is_found() -> None:
    # `make verified` does all of them.
    quick = [
        name
        for name in CLAIMS
        if name.split("/")[1].startswith(("a-", "put", "retired", "exit", "force", "sets"))
    ]
    assert len(quick) >= 8
    for report in _reports(quick):
        assert (report.error, report.unknown, report.differing, report.needless) == ("", (), (), ())


CLAIM = """\
# A task that is forced goes on in the old version.
engines v4.16, v6.11
task t1
patch p1 { f, g }
never mixed
never stale-code
interleave forever {
    operator { apply p1; force p1; tick }
    t1 { call f; call g; return }
}
"""
FOUND = """\
# klpdsl verdict 1

mixed: violated in 4 steps
    t1: call f
    apply p1
    force p1
    t1: call f
stale-code: holds
"""


def test_a_verdict_is_compared_and_kept(empty: Project) -> None:  # noqa: F811
    empty.scenario("claim", CLAIM)
    fresh = empty.run("verify", "--kept")
    assert fresh.returncode == 1
    assert fresh.stdout.startswith("claim on v4.16, v6.11: nothing is kept\n  + mixed: violated in 4 steps\n")
    assert "goldens/claim/v4.16.verdict" in empty.ok("verify", "--kept", "--update")
    file = empty.root / "goldens/claim/v4.16.verdict"
    assert file.read_text(encoding="utf-8") == FOUND
    assert [path.name for path in file.parent.iterdir()] == ["v4.16.verdict"]  # v6.11 has its ancestor's
    assert re.fullmatch(
        r"1 claim on 2 engines: 2 verdicts from 2 searches of [0-9,]+ states; all as kept  \[\d+\.\d s\]\n",
        empty.ok("verify", "--kept"),
    )
    assert "0 scenarios, 0 runs on 0 engines (and 1 claim, for klpdsl verify --kept)" in empty.ok("check")
    assert "claim" not in empty.ok("prune")

    file.write_text(
        FOUND.replace("stale-code: holds", "stale-code: violated in 1 step\n    apply p1"), encoding="utf-8"
    )
    (file.parent / "v6.11.verdict").write_text(FOUND, encoding="utf-8")
    (file.parent / "v6.1.verdict").write_text(FOUND, encoding="utf-8")
    changed = empty.run("verify", "--kept", "scenarios/claim.klp")
    assert changed.returncode == 1
    assert changed.stdout.startswith(
        "claim on v4.16: not as kept\n"
        "  - stale-code: violated in 1 step\n"
        "  -     apply p1\n"
        "  + stale-code: holds\n"
    )
    assert "goldens/claim/v6.1.verdict: says nothing that is needed" in changed.stdout
    empty.ok("verify", "--kept", "--update", "--in-ci", env={"CI": "true"})
    assert [path.name for path in file.parent.iterdir()] == ["v4.16.verdict"]
    assert file.read_text(encoding="utf-8") == FOUND


HELD = """\
engines v4.19, v6.11

kthread k1
patch p1 { f }

never stalled
interleave forever 1 {
    operator { apply p1; force; tick }
    k1 { call f; return }
}
"""
HELD_SAID = """\
# klpdsl verdict 1

stalled: violated, k1 may hold the transition of p1 for ever: it can complete, but need not
    k1: call f
    apply p1
    # repeat from here
    tick
    k1: return
    k1: call f
"""


def test_a_verdict_on_runs_without_an_end_has_its_loop(empty: Project) -> None:  # noqa: F811
    empty.scenario("claim", HELD)
    empty.ok("verify", "--kept", "--update")
    folder = empty.root / "goldens/claim"
    assert (folder / "v4.19.verdict").read_text(encoding="utf-8") == HELD_SAID
    # From v5.1 on signals are counted, so that a round is fifteen ticks long.
    later = (folder / "v6.11.verdict").read_text(encoding="utf-8")
    assert later == HELD_SAID.replace("    # repeat", "    tick 15\n    # repeat") + "    tick 14\n"
    empty.ok("verify", "--kept")
    empty.scenario("claim", HELD.replace("; tick", ""))
    done = empty.run("verify", "--kept")
    assert done.returncode == 2
    assert done.stderr == (
        "scenarios/claim.klp: `stalled`: no time passes in the alphabet, so nothing is tried again; add `tick`\n"
    )
    empty.scenario("claim", "never stalled\ninterleave { operator { apply p1 }; t1 { call f } }\n")
    assert "has to end with `interleave forever`" in empty.run("verify", "--kept").stderr


def test_what_is_not_known_is_not_kept(empty: Project) -> None:  # noqa: F811
    empty.scenario("claim", CLAIM)
    for more in (["-e", "v6.11"], ["--update"]):
        done = empty.run("verify", "--kept", "--max-states", "30", *more)
        assert done.returncode == 125, done
        assert re.search(
            "(mixed|stale-code): not known, the bound of 30 states stopped the search", done.stderr
        )
    assert not (empty.root / "goldens").exists()
    assert empty.run("verify", "--kept", "--update", "-e", "v6.11").returncode == 2
    assert empty.run("verify", "--kept", "-p", "leak").returncode == 2
    assert empty.run("verify", "--kept", "--update", env={"CI": "true"}).returncode == 2
    empty.scenario("claim", "apply p1\n")
    nothing = empty.run("verify", "--kept")
    assert (nothing.returncode, nothing.stdout) == (5, "")
    assert "no claims here" in nothing.stderr
