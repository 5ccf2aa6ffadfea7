"""A task in user space that forks has made a system call: it passes the way back to user space, too."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(text: str, engine: str) -> str:
    command = [sys.executable, "-m", "klpdsl", "run", "-c", text, "--engine", engine]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout


@pytest.mark.parametrize("engine", ["v4.12", "v5.10", "v6.3"])
def test_a_parent_from_user_space_is_switched_with_its_child(engine: str) -> None:
    # exit_to_usermode_loop() / exit_to_user_mode_loop(): klp_update_patch_state(current) when TIF_PATCH_PENDING is set.
    trace = run("task t1 running; apply p1 { f }; t1: fork t9", engine)
    step = trace.partition("2 t1: fork t9\n")[2]
    assert step.splitlines()[:3] == [
        "    task t9 undefined -> unpatched",
        "    task t1 unpatched -> patched",
        "    task t9 unpatched -> patched",
    ]


@pytest.mark.parametrize("engine", ["v4.12", "v6.12"])
def test_a_parent_inside_a_function_stays_there(engine: str) -> None:
    trace = run("task t1 in f uninterruptible; apply p1 { f }; t1: fork t9", engine)
    step = trace.partition("2 t1: fork t9\n")[2]
    assert "task t1" not in step
    assert "task t9 unpatched -> patched" in step
