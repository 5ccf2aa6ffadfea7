"""kGraft and kpatch by their own rules: what docs/engines.md promises of each statement."""

from __future__ import annotations

import pytest

from klpdsl.run.session import execute, load_text
from klpdsl.trace.events import Call, Log, Sysfs, Trace


def play(text: str, engine: str) -> Trace:
    return execute(load_text(text, "-"), engine).trace


def ends(trace: Trace) -> list[str]:
    return [step.result.value for step in trace.steps if step.result]


@pytest.mark.parametrize("engine", ["kgraft", "kgraft-early"])
def test_a_newer_patch_holds_an_older_one(engine: str) -> None:
    text = "load p1 { f }; settle; load p2 { g }; settle; disable p1; disable p2; settle; "
    trace = play(text + "disable p1; settle; disable p1", engine)
    assert ends(trace) == ["0", "0", "0", "0", "EBUSY", "0", "0", "0", "0", "EINVAL"]
    said = [event.text for step in trace.steps for event in step.events if isinstance(event, Log)]
    assert "kgr: can't patch, this patch is still referenced" in said
    assert said[-1] == "kgr: can't patch, this one was already reverted"


def test_kgraft_migrates_at_the_border_in_both_directions() -> None:
    trace = play("task t1; task t2 in f; load p1 { f }; t1: call f; t2: return; tick 2; show p1", "kgraft")
    (call,) = [event.code for event in trace.steps[1].events if isinstance(event, Call)]
    assert call == "p1"
    states = [e.value for e in trace.steps[-1].events if isinstance(e, Sysfs) and e.path == "p1/state"]
    assert states == ["vmlinux:f APPLIED"]


def test_a_kernel_thread_migrates_at_its_safe_points_alone() -> None:
    text = "kthread k1; load p1 { f }; k1: call f, return; tick 4; k1: freeze; tick 2"
    trace = play(text, "kgraft")
    done = [
        step.number for step in trace.steps for event in step.events if event == Log("info", "kgr succeeded")
    ]
    assert done == [6]


def test_the_first_kgraft_polls_every_ten_seconds_and_wakes_nobody() -> None:
    text = "task t1 in f; load p1 { f }; tick 9; tick; tick 9; t1: return; tick"
    said = [
        (step.number, event.text)
        for step in play(text, "kgraft-early").steps
        for event in step.events
        if isinstance(event, Log)
    ]
    assert said == [
        (1, "kgr: applying patch 'p1'"),
        (3, "kgr still in progress after timeout (10)"),
        (6, "kgr succeeded"),
    ]


def test_a_function_that_kgraft_cannot_resolve_refuses_the_module() -> None:
    trace = play("vmlinux { f }; load p1 { f, nosuch }; show p1", "kgraft")
    assert ends(trace) == ["ENOENT", "ENOENT"]


def test_kpatch_checks_the_active_version_and_every_version_when_it_replaces() -> None:
    text = "task t1; load p1 { f }; t1: call f; load p2 { f }; load p3 replace { g }; t1: return; load p3 replace { g }"
    assert ends(play(text, "kpatch-core")) == ["0", "0", "EBUSY", "EBUSY", "0", "0"]


def test_kpatch_pins_the_modules_that_it_patches() -> None:
    text = "module ext4 { read } loaded; load p1 { ext4 { read } }; unload ext4; disable p1; unload ext4; unload p1"
    assert ends(play(text, "kpatch-core")) == ["0", "EAGAIN", "0", "0", "0"]


def test_a_replaced_patch_of_kpatch_comes_back_with_its_parameter() -> None:
    text = "load p1 replace { f, g }; load p2 replace { f }; enable p1; show"
    trace = play(text, "kpatch-core")
    values = {e.path: e.value for e in trace.steps[-1].events if isinstance(e, Sysfs)}
    assert (values["p1/enabled"], values["p2/enabled"]) == ("1", "0")


@pytest.mark.parametrize(
    ("engine", "statement"),
    [
        ("kgraft", "enable p1"),
        ("kgraft", "signal"),
        ("kgraft", "hold p1/vmlinux/f"),
        ("kgraft", "t1: enter f"),
        ("kgraft", "load p2 immediate"),
        ("kgraft-early", "load p2 { f immediate }"),
        ("kgraft", "load p2 { f; state 1 version 1 }"),
        ("kgraft", "load p2 { f sympos 1 }"),
        ("kpatch-core", "reverse"),
        ("kpatch-core", "signal"),
        ("kpatch-core", "force p1"),
        ("kpatch-core", "hold p1/vmlinux/f"),
        ("kpatch-core", "t1: enter f"),
        ("kpatch-core-old", "load p2 { f; callbacks vmlinux }"),
    ],
)
def test_what_a_system_does_not_have_is_unsupported_for_a_reason(engine: str, statement: str) -> None:
    result = play(f"load p1 {{ f }}; {statement}", engine).steps[-1].result
    assert result
    assert result.value == "unsupported"
    assert engine.partition("-")[0] in result.reason.lower()
