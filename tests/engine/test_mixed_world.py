"""`mixed-world`, which is judged where a scenario names it, and conditions over several tasks."""

from __future__ import annotations

import pytest

from klpdsl.run.session import execute, load_text
from klpdsl.trace.events import Violation

TASKS = "vmlinux { read, write }; task t1 in read; task t2; patch p1 { read; write }; "


def violations(text: str, engine: str = "v6.12") -> list[str]:
    steps = execute(load_text(TASKS + text, "test"), engine).trace.steps
    return [
        e.text for s in steps for e in s.events if isinstance(e, Violation) and e.property == "mixed-world"
    ]


def test_it_is_judged_only_where_it_is_named() -> None:
    assert violations("apply p1; t2: call write") == []
    (text,) = violations("never mixed-world; apply p1; t2: call write; t2: call read")
    assert text.startswith("t2 runs p1's write while t1 can still run the original read: ")


def test_who_calls_the_old_while_another_is_in_the_new() -> None:
    (text,) = violations("apply p1; t2: call write; t1: call write; expect violation mixed-world")
    assert "t2 runs p1's write" in text


@pytest.mark.parametrize("engine", ["v4.0", "v4.12", "v6.12"])
def test_when_nobody_is_left_behind_nothing_is_mixed(engine: str) -> None:
    assert violations("never mixed-world; t1: return; apply p1; settle; t2: call write", engine) == []


def test_without_a_consistency_model_who_sleeps_in_the_old_code_is_left_behind() -> None:
    assert len(violations("never mixed-world; apply p1; t2: call write", "v4.4")) == 1


@pytest.mark.parametrize(
    ("condition", "got"),
    [
        ("any task sees write = p1", "t2 p1"),
        ("all tasks see write = p1", "t1 original"),
        ("all tasks patch_state != undefined", "t1 unpatched, t2 patched"),
        ("any task patch_state = undefined", "t1 unpatched, t2 patched"),
        ("t1 sees write = original and t2 sees write = p1", "original and p1"),
        ("transition = none and p1 enabled = 1", "p1 and 1"),
    ],
)
def test_conditions_over_several_tasks_say_who_decides(condition: str, got: str) -> None:
    result = execute(load_text(f"{TASKS}apply p1; expect {condition}", "test"), "v6.12")
    (check,) = result.trace.steps[-1].checks
    assert check.got == got
    assert check.text == condition
