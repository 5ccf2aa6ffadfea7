"""A task that sleeps in the middle of fork: what it can do, and when the child gets what."""

from __future__ import annotations

import pytest

from klpdsl.engine import klp
from klpdsl.engine.context import Kernel
from klpdsl.run.session import execute, load_text
from klpdsl.semantics.engines import resolve
from klpdsl.trace.text import to_text


def steps(text: str, engine: str = "v6.12") -> list[list[str]]:
    found: list[list[str]] = []
    for line in to_text(execute(load_text(text, "test"), engine).trace).splitlines()[2:]:
        if line.startswith(" "):
            found[-1].append(line.strip())
        else:
            found.append([])
    return found


@pytest.mark.parametrize("action", ["call f", "return", "syscall f", "fork t8", "exit", "run", "resched"])
def test_in_the_middle_of_fork_a_task_can_only_continue(action: str) -> None:
    found = steps(f"t1: fork t9 slowly\nt1: {action}\nt1: continue")
    assert found == [["= 0"], ["= EINVAL (the task is in the middle of fork; it can only continue)"], ["= 0"]]


def test_only_who_has_stopped_continues() -> None:
    (found,) = steps("t1: continue")
    assert found == [
        "= EINVAL (the task is neither inside the ftrace handler nor in the middle of fork or exit)"
    ]


def test_the_name_of_the_child_may_be_taken_meanwhile() -> None:
    assert steps("task t1\ntask t2\nt1: fork t9 slowly\nt2: fork t9\nt1: continue")[-1] == [
        "= EINVAL (there is a task t9 already)"
    ]


@pytest.mark.parametrize("engine", ["v4.12", "v6.0", "v6.1"])
def test_a_parent_that_is_switched_meanwhile_has_a_child_that_is(engine: str) -> None:
    # The parent is pending and is switched while it sleeps in fork, by its stack: the state is copied after that.
    text = "kthread k1 in g\nt1: call f\napply p1 { f }\nk1: fork k9 slowly\nk1: continue"
    assert steps(text, engine)[-1] == ["task k9 undefined -> patched", "= 0"]


@pytest.mark.parametrize("engine", ["v4.16", "v5.12", "v5.13"])
def test_a_fake_signal_does_not_end_it(engine: str) -> None:
    text = "task t1 running\napply p1\nt1: sleep\nt1: fork t9 slowly\nsettle\nt1: continue"
    assert steps(text, engine)[-1][-1] == "= 0"


def test_who_sleeps_in_the_middle_of_fork_is_off_its_cpu_and_runs_again_after_it() -> None:
    text = "task t2 in f uninterruptible\nkthread k1 running\napply p1 { f }\nk1: fork k9 slowly\ntick\nk1: continue"
    found = steps(text, "v6.1")
    assert "blocked k1 running" in found[0]
    assert "task k1 unpatched -> patched" in found[2]
    done = steps(text + "\nt2: return\ntick\napply p2", "v6.1")
    assert "blocked k1 running" in done[-1]


@pytest.mark.parametrize(("engine", "marked"), [("v4.12", True), ("v6.0", True), ("v6.1", False)])
def test_a_mark_that_was_copied_too_early_outlives_the_transition(engine: str, marked: bool) -> None:
    program = load_text("task t2 in f uninterruptible\nkthread k1 running\npatch p1 { f }", "test").program
    k = Kernel(program.world.copy(), resolve(engine).semantics)
    klp.apply_patch(k, program.patches["p1"])
    klp.fork(k, "k1", "k9", True)
    klp.tick(k)
    klp.continue_(k, "k1")
    assert [task.pending for task in k.w.tasks if task.name == "k9"] == [marked]
    klp.return_(k, "t2")
    klp.sleep(k, "k1")
    klp.tick(k)
    assert not k.w.transition_patch
    assert [task.pending for task in k.w.tasks if task.name == "k9"] == [marked]
