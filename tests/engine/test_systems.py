"""Every system offers what systems.py asks for: a hole is a type error, and is named here as well."""

import ast
import inspect
from pathlib import Path

import pytest

from klpdsl.engine import systems
from klpdsl.engine.preconditions import TASK_ACTIONS
from klpdsl.semantics.table import table
from klpdsl.syntax import actions

SYSTEMS = table()["allowed"]["system"]


def asked_for() -> dict[str, int]:
    """The operations of the Protocol, which only a type checker sees, and how many values each takes."""
    source = ast.parse(Path(systems.__file__).read_text(encoding="utf-8"))
    protocol = next(n for n in ast.walk(source) if isinstance(n, ast.ClassDef) and n.name == "System")
    functions = [node for node in protocol.body if isinstance(node, ast.FunctionDef)]
    return {function.name: len(function.args.posonlyargs) - 1 for function in functions}


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_has_every_operation(system: str) -> None:
    module = systems.operations(system)
    holes = [
        f"{system}: {name} ({takes} values)"
        for name, takes in asked_for().items()
        if not callable(getattr(module, name, None))
        or len(inspect.signature(getattr(module, name)).parameters) != takes
    ]
    assert not holes


def test_every_action_of_a_task_has_a_precondition() -> None:
    assert set(TASK_ACTIONS) == {verb.word for verb in actions.TASK_VERBS}
