"""A task that has left the task list is seen by no transition, runs on, and can not come back."""

import pytest

from klpdsl.run.session import execute, load_text


def results(text: str, engine: str) -> list[str]:
    trace = execute(load_text(text, "x"), engine).trace
    return [step.result.value for step in trace.steps if step.result]


def trace_of(text: str, engine: str) -> str:
    from klpdsl.trace.text import to_text

    return to_text(execute(load_text(text, "x"), engine).trace)


@pytest.mark.parametrize("engine", ["v4.12", "v5.0", "v5.1", "v6.12", "kgraft", "kpatch-core"])
def test_no_transition_waits_for_it(engine: str) -> None:
    inside = (
        "task t1 in f uninterruptible\ntask t2 running\napply p1 { f }\ntick 40\nexpect transition = none\n"
    )
    assert not execute(load_text(inside, "x"), engine).ok or engine == "kpatch-core"
    leaving = inside.replace("apply", "t1: exit slowly\napply")
    assert execute(load_text(leaving, "x"), engine).ok


@pytest.mark.parametrize("engine", ["v4.12", "v5.0"])
def test_code_that_goes_below_it_is_stale(engine: str) -> None:
    text = "load p1 { f }\nenable p1\nsettle\nt1: call f, exit slowly\ndisable p1\nsettle\nunload p1 -> 0\n"
    assert execute(load_text(text + "expect violation stale-code\n", "x"), engine).ok
    assert "stale-code" not in trace_of(text.replace(", exit slowly", "").replace(" -> 0", ""), engine)


@pytest.mark.parametrize("action", ["syscall f", "fork t9", "exit", "exit slowly"])
def test_it_can_not_come_back(action: str) -> None:
    text = f"t1: exit slowly\nt1: {action}\nt1: continue\nt1: run\n"
    assert results(text, "v6.12") == ["0", "ESRCH", "0", "ESRCH"]


def test_it_warns_once_and_only_in_a_transition() -> None:
    text = (
        "task t0 in f\ntask t1\nt1: exit slowly\nt1: call f, return\n"
        "apply p1 { f }\nt1: call f, return\nt1: call f, return\n"
    )
    traced = trace_of(text, "v6.12")
    assert traced.count("WARNING: PID: 102 at kernel/livepatch/patch.c klp_ftrace_handler") == 1
    assert "WARNING" not in trace_of(text.replace("apply", "t0: return\napply"), "v6.12")


def test_show_and_signals_pass_it_by() -> None:
    text = "task t1 in f\nkthread k1 in f\nt1: exit slowly\napply p1 { f }\nsignal p1\nshow\nt1: return\n"
    traced = trace_of(text, "v5.0")
    assert "    task t1" not in traced
    assert traced.count("return t1 vmlinux f") == 1
