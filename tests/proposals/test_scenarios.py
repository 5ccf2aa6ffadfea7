"""The debates of 2023 to 2026: scenarios say what they decide, engines differ from their bases, mutants are caught."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

from klpdsl.run.session import execute, load_file
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.table import proposal, table
from klpdsl.trace.events import Violation
from klpdsl.trace.text import to_text

FOLDER = Path(__file__).resolve().parents[2] / "scenarios" / "proposals"
SCENARIOS = sorted(FOLDER.glob("*.klp"))
# What these do can not be said in the language yet.
WAITING = {
    "shao-tag-draft",
    "mladek-replace-sets",
    "shao-scan-break",
    "mladek-scan-budget",
}
ENGINES = [name for name in table()["proposals"] if proposal(name).debate and name not in WAITING]


@functools.cache
def trace(path: Path, engine: str) -> str:
    return to_text(execute(load_file(str(path)), engine).trace)


def meant_for(engine: str) -> list[Path]:
    return [path for path in SCENARIOS if engine in load_file(str(path)).engine_names()]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_opens_with_who_argued_what(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    prose = re.match(r"(?:# .*\n)+", text)
    assert prose, "no comment at the top"
    assert len(prose.group().split()) >= 25
    assert "\nengines " in text


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_differs_from_what_it_was_made_from(engine: str) -> None:
    base = resolve(engine).base
    assert any(trace(path, engine) != trace(path, base) for path in meant_for(engine))


@pytest.mark.parametrize("engine", [name for name in ENGINES if proposal(name).kind == "mutant"])
def test_a_mutant_is_caught_where_its_data_says(engine: str) -> None:
    for line in proposal(engine).caught:
        (path,) = FOLDER.glob(f"{line.partition(':')[0]}-*.klp")
        steps = execute(load_file(str(path)), engine).trace.steps
        assert any(isinstance(event, Violation) for step in steps for event in step.events), line


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_mainline_violates_nothing_that_nobody_argued_about(path: Path) -> None:
    # Force pins modules for ever; that is its documented price. X1 and X2 are a bug of every release.
    known = {"leak", "stale-code"} if path.stem.startswith("X") else {"leak"}
    if "v6.19" in load_file(str(path)).engine_names():
        steps = execute(load_file(str(path)), "v6.19").trace.steps
        found = {event.property for step in steps for event in step.events if isinstance(event, Violation)}
        assert found <= known
