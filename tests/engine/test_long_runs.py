"""A run ends, whatever its scenario multiplies, and says at which statement it had gone on for too long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TASKS = "\n".join(f"task t{number} in f uninterruptible" for number in range(3000))
STANDING = "\n".join(
    f"always t1 patch_state != {state}" for state in ("patched", "unpatched") for _ in range(200)
)
LOGS = "task t1 in f uninterruptible\nnever stuck\n" + 'always log "livepatch"\n' * 20


RUNS = {
    "tasks and seconds": (f"{TASKS}\nload p1\ntick 100000\n", "tick 100000"),
    "tasks and rounds": (f"{TASKS}\nload p1\n" + "settle\n" * 6000, "settle"),
    "conditions and events": (
        f"task t1 in f uninterruptible\n{STANDING}\nload p1\ntick 100000\n",
        "tick 100000",
    ),
    "conditions on all that was logged": (f"{LOGS}\nload p1\ntick 100000\n", "tick 100000"),
}


@pytest.mark.parametrize(
    ("run", "engine"),
    # kGraft logs nothing while it waits, so that nothing multiplies with the conditions.
    [*((run, "v6.12") for run in RUNS), ("tasks and seconds", "kgraft")],
)
def test_a_run_ends(tmp_path: Path, run: str, engine: str) -> None:
    text, statement = RUNS[run]
    file = tmp_path / "long.klp"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "klpdsl", "run", str(file), "--engine", engine],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (2, "")
    line = text.splitlines().index(statement) + 1
    place, message = done.stderr.splitlines()[0].split(": error: ")
    assert int(place.removeprefix(f"{file}:").split(":")[0]) >= line
    assert message == "the run goes on too long: too many seconds, tasks and standing conditions together"


def test_a_long_run_that_is_none_too_long(tmp_path: Path) -> None:
    file = tmp_path / "long.klp"
    file.write_text("task t1 in f uninterruptible\nload p1\ntick 99000\n", encoding="utf-8")
    command = [sys.executable, "-m", "klpdsl", "run", str(file), "--engine", "v6.12"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("is sleeping on function f") == 99_001
