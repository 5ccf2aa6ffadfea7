"""What was expected of each engine in each situation, cell by cell, against what `klpdsl compare` finds."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klpdsl.compare.groups import ObservedRun, compare, final_state, violated
from klpdsl.run.session import load_file
from klpdsl.trace.events import Call

ROOT = Path(__file__).resolve().parents[2]
DATA = tomllib.loads((ROOT / "tests" / "data" / "review-tables.toml").read_text(encoding="utf-8"))
COLUMNS = {(column["table"], column["name"]): column for column in DATA["column"]}


def cells() -> Iterator[Any]:
    for row in DATA["row"]:
        for name, value in row["cells"].items():
            for engine in row["engines"]:
                label = f"{row['table']}: {name}: {engine}"
                yield pytest.param(COLUMNS[row["table"], name], engine, value, id=label)


@functools.cache
def runs(scenario: str) -> dict[str, ObservedRun]:
    """All runs of a scenario that some cell looks at, by engine."""
    loaded = load_file(str(ROOT / "scenarios" / "atomic-replace" / f"{scenario}.klp"))
    wanted: dict[str, None] = {}
    for row in DATA["row"]:
        for name in row["cells"]:
            if COLUMNS[row["table"], name]["scenario"] == scenario:
                wanted.update(dict.fromkeys(row["engines"]))
    found = compare(loaded, wanted)
    return {engine: group.run for group in found.groups for engine in group.engines}


def look(run: ObservedRun, column: dict[str, Any]) -> str:
    what: str = column["what"]
    nth: int = column.get("nth", 1)
    steps = run.trace.steps
    if column["look"] == "result":
        found = [step.result.value for step in steps if step.text == what and step.result]
        return found[nth - 1]
    if column["look"] == "final":
        return final_state(run.final).get(what, "-")
    if column["look"] == "shown":
        shown = [step for step in steps if step.text == "show"]
        return final_state(shown[nth - 1].events).get(what, "-")
    if column["look"] == "code":
        calls = [event for step in steps for event in step.events if isinstance(event, Call)]
        return [event.code for event in calls if f"{event.task} {event.function}" == what][nth - 1]
    assert column["look"] == "violation"
    return ", ".join(f"step {number}" for name, number in violated(run) if name == what) or "-"


@pytest.mark.parametrize(("column", "engine", "expected"), list(cells()))
def test_cell(column: dict[str, Any], engine: str, expected: str) -> None:
    assert look(runs(column["scenario"])[engine], column) == expected


def test_every_column_is_asked() -> None:
    asked = {(row["table"], name) for row in DATA["row"] for name in row["cells"]}
    assert asked == set(COLUMNS)
