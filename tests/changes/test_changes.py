"""scenarios/changes/: each change of mainline that can be seen has a scenario that shows it, and nothing but it.

The traces just before and just after the change are compared: they must differ, and differ by what effects.toml says.
A change that is said to be invisible must be so in every scenario of the suite.
"""

from __future__ import annotations

import difflib
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from klpdsl.run.session import Loaded, execute, load_file
from klpdsl.semantics.points import mainline_engine
from klpdsl.semantics.table import change, order
from klpdsl.trace.events import Trace
from klpdsl.trace.text import to_text

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios" / "changes"
GOLDENS = ROOT / "goldens" / "changes"
EFFECTS = tomllib.loads((Path(__file__).parent / "effects.toml").read_text(encoding="utf-8"))

SHOWN = [name for name in order() if change(name).shown]
HIDDEN = [name for name in order() if not change(name).shown]


def around(name: str) -> tuple[str, str]:
    """The points of mainline just before and just after a change."""
    place = order().index(name)
    return mainline_engine(place).name, mainline_engine(place + 1).name


def difference(before: Trace, after: Trace) -> tuple[list[str], list[str]]:
    """The lines that only the first trace has, and those that only the second has, step by step, in order."""
    gone: list[str] = []
    new: list[str] = []
    for one, other in zip(before.steps, after.steps, strict=True):
        old, changed = (to_text(Trace((step,))).splitlines() for step in (one, other))
        for line in difflib.ndiff(old, changed):
            if line.startswith("- "):
                gone.append(line[2:].strip())
            elif line.startswith("+ "):
                new.append(line[2:].strip())
    return gone, new


def among(line: str, lines: list[str]) -> bool:
    """Whether a line is there; a result without its reason stands for one with any."""
    return any(one == line or (line.startswith("= ") and one.startswith(f"{line} (")) for one in lines)


def test_there_is_one_scenario_for_each_change_that_can_be_seen() -> None:
    assert sorted(path.stem for path in SCENARIOS.glob("*.klp")) == sorted(SHOWN)
    assert sorted(EFFECTS) == sorted(SHOWN)


@pytest.mark.parametrize("name", SHOWN)
def test_the_effect_appears_with_the_change(name: str) -> None:
    loaded = load_file(str(SCENARIOS / f"{name}.klp"))
    assert loaded.engine_names() == around(name)
    runs = [execute(loaded, engine) for engine in around(name)]
    assert all(run.ok for run in runs)
    gone, new = difference(*(run.trace for run in runs))
    expected = EFFECTS[name]
    assert expected["gone"] or expected["new"]
    assert [line for line in expected["gone"] if not among(line, gone)] == []
    assert [line for line in expected["new"] if not among(line, new)] == []


@pytest.mark.parametrize("name", SHOWN)
def test_the_golden_changes_exactly_at_the_change(name: str) -> None:
    files = {path.name for path in (GOLDENS / name).iterdir()}
    assert files == {f"{engine}.trace" for engine in around(name)}


@pytest.mark.parametrize("name", SHOWN)
def test_the_scenario_says_which_commit_it_is_about(name: str) -> None:
    text = (SCENARIOS / f"{name}.klp").read_text(encoding="utf-8")
    comment = " ".join(line.removeprefix("#").strip() for line in text.split("\nscenario")[0].splitlines())
    found = change(name)
    assert found.commit[:12] in comment if found.commit else found.subject in comment


def test_checking_the_scenarios_finds_nothing() -> None:
    command = [sys.executable, "-m", "klpdsl", "check", "-j1", "scenarios/changes"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@cache
def suite() -> tuple[Loaded, ...]:
    paths = sorted((ROOT / "scenarios").rglob("*.klp"))
    return tuple(load_file(str(path)) for path in paths if "common" not in path.parts)


@pytest.mark.parametrize("name", HIDDEN)
def test_a_change_that_no_scenario_can_show_says_why_and_shows_in_none(name: str) -> None:
    assert change(name).why
    before, after = (mainline_engine(place + order().index(name)) for place in (0, 1))
    for loaded in suite():
        traces = [execute(loaded, engine).trace for engine in (before, after)]
        assert traces[0] == traces[1], f"{loaded.source} shows {name}"
