"""A run ends, whatever its scenario multiplies, and says at which statement it had gone on for too long."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from klpdsl.run import interpreter
from tests.calls import call
from tests.thorough import THOROUGH

SECONDS = "tick 100000"


def too_long(part: int) -> dict[str, tuple[str, str]]:
    """Runs that multiply what each may have much of, with the statement that is too much; divided by `part`."""
    tasks = "\n".join(f"task t{number} in f uninterruptible" for number in range(3000 // part))
    task = "task t1 in f uninterruptible"
    standing = "\n".join(
        f"always t1 patch_state != {state}" for state in ("patched", "unpatched") for _ in range(200)
    )
    logs = f"{task}\nnever stuck\n" + 'always log "livepatch"\n' * 20
    return {
        "tasks and seconds": (f"{tasks}\nload p1\n{SECONDS}\n", SECONDS),
        "tasks and rounds": (f"{tasks}\nload p1\n" + "settle\n" * 6000, "settle"),
        "conditions and events": (f"{task}\n{standing}\nload p1\n{SECONDS}\n", SECONDS),
        "conditions on all that was logged": (f"{logs}\nload p1\n{SECONDS}\n", SECONDS),
    }


# kGraft logs nothing while it waits, so that nothing multiplies with the conditions.
CASES = [*((run, "v6.12") for run in too_long(1)), ("tasks and seconds", "kgraft")]


def ends(tmp_path: Path, engine: str, text: str, statement: str) -> None:
    file = tmp_path / "long.klp"
    file.write_text(text, encoding="utf-8")
    done = call(["run", str(file), "--engine", engine], cwd=tmp_path, environment=os.environ.copy())
    assert (done.returncode, done.stdout) == (2, "")
    line = text.splitlines().index(statement) + 1
    place, message = done.stderr.splitlines()[0].split(": error: ")
    assert int(place.removeprefix(f"{file}:").split(":")[0]) >= line
    assert message == "the run goes on too long: too many seconds, tasks and standing conditions together"


@pytest.mark.parametrize(("run", "engine"), CASES)
def test_a_run_ends(tmp_path: Path, run: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "MAX_EFFORT", interpreter.MAX_EFFORT // 20)
    ends(tmp_path, engine, *too_long(20)[run])


@pytest.mark.slow
@pytest.mark.parametrize(("run", "engine"), CASES if THOROUGH else CASES[::4])
def test_a_run_at_the_real_bound_ends(tmp_path: Path, run: str, engine: str) -> None:
    ends(tmp_path, engine, *too_long(1)[run])


def test_a_long_run_that_is_none_too_long(tmp_path: Path) -> None:
    file = tmp_path / "long.klp"
    file.write_text("task t1 in f uninterruptible\nload p1\ntick 99000\n", encoding="utf-8")
    command = ["run", str(file), "--engine", "v6.12"]
    done = call(command, cwd=tmp_path, environment=os.environ.copy())
    assert (done.returncode, done.stderr) == (0, "on v6.12 (= v6.11)\n")
    assert done.stdout.count("is sleeping on function f") == 99_001
