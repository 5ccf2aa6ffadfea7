"""What callbacks take and give back, and whose shadow variables are."""

from __future__ import annotations

import pytest

from klpdsl.run.session import execute, load_text
from klpdsl.trace.events import Owed, Violation

ARMS = "patch p1 { f; callbacks vmlinux { pre_patch takes timer; post_unpatch gives timer } }; "


def told(text: str, engine: str = "v6.12") -> list[tuple[int, str]]:
    steps = execute(load_text(text, "test"), engine).trace.steps
    return [(step.number, e.property) for step in steps for e in step.events if isinstance(e, Violation)]


@pytest.mark.parametrize("engine", ["v4.15", "v5.0", "v5.1", "v7.3"])
def test_what_is_given_back_is_balanced(engine: str) -> None:
    assert told(f"{ARMS}apply p1; settle; disable p1; settle; unload p1", engine) == []
    assert told(f"task t1 in f; {ARMS}apply p1; reverse; t1: return; settle", engine) == []


def test_a_pre_patch_that_fails_has_taken_nothing() -> None:
    text = "patch p1 { f; callbacks vmlinux { pre_patch fails ENODEV takes timer } }; apply p1; show"
    result = execute(load_text(text, "test"), "v6.12")
    assert not [e for step in result.trace.steps for e in step.events if isinstance(e, Owed | Violation)]


def test_show_says_what_is_owed() -> None:
    steps = execute(load_text(f"{ARMS}apply p1; show; show p1", "test"), "v6.12").trace.steps
    for step in steps[1:]:
        assert [e for e in step.events if isinstance(e, Owed)] == [Owed("p1", "timer")]


def test_who_replaces_has_to_give_it_back() -> None:
    assert told(f"{ARMS}apply p1; apply p2 replace {{ f }}") == [(2, "unbalanced")]
    takes_over = "patch p2 replace { f; callbacks vmlinux { post_unpatch gives timer } }; "
    assert told(f"{ARMS}{takes_over}apply p1; apply p2; settle; disable p2; settle") == []


def test_a_variable_goes_with_its_state() -> None:
    states = (
        "patch p1 { f; callbacks vmlinux; state 1 }; patch p2 replace { f; callbacks vmlinux; state 1 }; "
    )
    text = f"{states}apply p1; shadow alloc o 1 of p1; apply p2; shadow free_all 1; disable p2"
    assert told(text) == []
    assert told(text.replace("shadow free_all 1; ", "")) == [(4, "leak")]
    assert told("apply p1; shadow alloc o 1 of p1; disable p1; settle") == [(3, "leak")]
    assert told("apply p1; shadow alloc o 1; disable p1; settle") == []
