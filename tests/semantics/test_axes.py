"""Each axis is declared once, with values and a meaning; something moves it, and a rule reads it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from klpdsl.semantics.axes import Semantics
from klpdsl.semantics.lineage import describe_axes
from klpdsl.semantics.spelling import spell

PACKAGE = Path(__file__).resolve().parents[2] / "klpdsl"
AXES = describe_axes()


def readers() -> dict[str, set[str]]:
    """For each axis the modules of the rules that read it from the semantics they are handed."""
    found: dict[str, set[str]] = {axis: set() for axis in Semantics._fields}
    for path in (*(PACKAGE / "engine").glob("*.py"), *(PACKAGE / "run").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in found:
                owner = node.value
                name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                if name in {"sem", "semantics"}:
                    found[node.attr].add(path.name)
    return found


READERS = readers()


@pytest.mark.parametrize("axis", Semantics._fields)
def test_a_rule_reads_every_axis(axis: str) -> None:
    assert READERS[axis]


@pytest.mark.parametrize("axis", Semantics._fields)
def test_an_axis_has_values_a_meaning_and_something_that_moves_it(axis: str) -> None:
    one = AXES[axis]
    assert len(one["meaning"]) > 10


def test_the_command_lists_them() -> None:
    command = [sys.executable, "-m", "klpdsl", "engines", "--axes"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for axis in Semantics._fields:
        assert f"\n{axis}  {' | '.join(map(spell, AXES[axis]['values']))}\n" in f"\n{said}"
