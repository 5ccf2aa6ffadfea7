"""What a broken property looks like in a trace: said once, however many patches it is broken for."""

from __future__ import annotations

import subprocess
import sys


def run(text: str, engine: str) -> str:
    command = [sys.executable, "-m", "klpdsl", "run", "-c", text, "--engine", engine]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout


def test_one_call_that_mixes_versions_of_three_patches_is_one_violation() -> None:
    text = "task t1 in f; " + "".join(
        f"load p{i} immediate; enable p{i}; " if i < 3 else "load p3; enable p3; " for i in (1, 2, 3)
    )
    trace = run(text + "t1: call f", "v4.12")
    assert trace.count("violation mixed") == 1


def test_two_tasks_that_mix_versions_are_two_violations() -> None:
    text = "task t1 in f; task t2 in f; load p1 immediate { f, g }; enable p1; t1: call g; t2: call g"
    trace = run(text, "v4.12")
    assert "violation mixed: t1 ran" in trace
    assert "violation mixed: t2 ran" in trace
