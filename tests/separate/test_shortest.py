"""The table of what a search has found for each change and value: complete, confirmed, and found again."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

import pytest

from klpdsl.run.session import execute, load_text
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.lineage import before_and_after
from klpdsl.semantics.table import change, order
from klpdsl.separate.shortest import Shortest, kept, look_for_change, look_for_value, render, values
from tests.calls import call
from tests.thorough import THOROUGH

ROOT = Path(__file__).resolve().parents[2]
ROWS = kept()
VALUES = [f"{axis}={word}" for axis, word in values()]


def test_each_change_and_each_value_has_its_row() -> None:
    assert list(ROWS) == [*order(), *VALUES], "what is new is searched by `make separators`"


def test_a_row_has_a_scenario_or_says_over_what_was_searched() -> None:
    for row in ROWS.values():
        assert bool(row.scenario) == bool(row.steps) == (not row.verdict), row.name
        assert row.steps or re.match("none |no axis |no engine |not searched: ", row.verdict), row.name


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.steps])
def test_the_interpreter_confirms_it(name: str) -> None:
    row = ROWS[name]
    loaded = load_text(row.scenario, f"{name}.klp")
    left, right = (execute(loaded, resolve(engine)).trace.steps for engine in (row.left, row.right))
    assert len(left) == len(right) == row.steps == len(row.actions)
    assert left[:-1] == right[:-1]
    assert left[-1] != right[-1]


def test_rows_are_of_the_engines_that_they_should_be() -> None:
    for name in order():
        assert (ROWS[name].left, ROWS[name].right) == tuple(one.name for one in before_and_after(name))
    for name in VALUES:
        row = ROWS[name]
        axis, _, word = name.partition("=")
        if row.left:
            left, right = (str(getattr(resolve(one).semantics, axis)) for one in (row.left, row.right))
            assert left in (word, word.capitalize())
            assert right != left


def test_what_scenarios_can_show_is_found_by_machine_too() -> None:
    assert [name for name in order() if change(name).shown and not ROWS[name].steps] == []


SAMPLE = [name for name in order() if ROWS[name].steps]
SAMPLE_OF_VALUES = [name for name in VALUES if ROWS[name].steps]


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE if THOROUGH else SAMPLE[::8])
def test_a_change_is_found_again(name: str) -> None:
    assert look_for_change(name) == ROWS[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE_OF_VALUES if THOROUGH else SAMPLE_OF_VALUES[::16])
def test_a_value_is_found_again(name: str) -> None:
    axis, _, word = name.partition("=")
    assert look_for_value(axis, word) == ROWS[name]


def test_what_is_written_is_read_back() -> None:
    odd = Shortest("a=b+c", "l", "r", 1, 'k"\\', 'write p1 enabled "y"\n"""\\ \n', "")
    for rows in ([odd], list(ROWS.values())):
        read = tomllib.loads(render(rows))
        assert [Shortest(name, **fields) for name, fields in read.items()] == rows


def test_coverage_says_it(tmp_path: Path) -> None:
    done = call(("engines", "--coverage"), cwd=ROOT, environment=dict(os.environ))
    assert done.returncode == 0
    changes = sum(1 for name in order() if ROWS[name].steps)
    found = sum(1 for name in VALUES if ROWS[name].steps)
    assert f"a search has found, for {changes} of {len(order())} changes" in done.stdout
    assert f"a search has found, for {found} of {len(VALUES)} values of axes" in done.stdout
    done = call(("engines", "--coverage", "--format", "json"), cwd=tmp_path, environment=dict(os.environ))
    assert json.loads(done.stdout)["by_machine"].keys() == ROWS.keys()
