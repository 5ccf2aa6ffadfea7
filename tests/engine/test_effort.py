"""What a run costs is charged to its bound, functions of patches included."""

import pytest

from klpdsl.run import interpreter
from klpdsl.run.session import execute, load_text
from klpdsl.syntax.diagnostics import ScenarioError

BODY = ", ".join(f"f{number}" for number in range(200))


@pytest.mark.parametrize("engine", ["v6.12", "v4.12"])  # there, a patch that is loaded is not in force yet
def test_functions_of_a_patch_are_charged(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patch = f"load p1 {{ {BODY} }}"
    few = load_text(f"{patch}\n" + "t1: syscall g\n" * 10, "few")
    many = load_text(f"{patch}\n" + "t1: syscall g\n" * 500, "many")
    monkeypatch.setattr(interpreter, "MAX_EFFORT", 100_000)
    assert execute(few, engine).ok
    with pytest.raises(ScenarioError, match="goes on too long"):
        execute(many, engine)
