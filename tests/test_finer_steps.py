"""The finer steps of the language: a directory held open, a task stopped inside the ftrace handler."""

import subprocess
import sys

import pytest

from klpdsl.syntax.layout import format_scenario
from klpdsl.trace.jsonl import from_jsonl, to_jsonl
from klpdsl.trace.reading import from_text


def run(text: str, engine: str, *more: str) -> str:
    command = [sys.executable, "-m", "klpdsl", "run", "-c", text, "--engine", engine, *more]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def step(trace: str, number: int) -> str:
    """The lines of one step, without its own."""
    for one in from_text(trace).steps:
        if one.number == number:
            lines = trace.split("\n")
            start = next(i for i, line in enumerate(lines) if line.startswith(f"{number} "))
            end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith(" ")), len(lines))
            return "\n".join(line.strip() for line in lines[start + 1 : end])
    raise AssertionError(f"no step {number} in\n{trace}")


REPLACE = "load p1 { f, g }; enable p1; load p2 replace { f }; "


@pytest.mark.parametrize(
    "text",
    [
        "open p1/vmlinux/f\n",
        "close p1/ext4/read,2\n",
        "t1: enter f, continue, return\n",
        "patch p2 { callbacks vmlinux { post_patch reads p1; pre_patch fails ENODEV reads p3 } }\n",
        "interleave {\n    t1 { enter f; continue }\n    operator { show; open p1/vmlinux }\n}\n",
        "open: call f\n",
    ],
)
def test_the_new_words_have_a_canonical_form(text: str) -> None:
    assert format_scenario(text, "-") == text


def test_a_directory_that_is_not_there_cannot_be_held() -> None:
    trace = run(
        "load p1; hold p1/vmlinux/g; hold p1/vmlinux/f; drop p1/vmlinux/f; drop p1/vmlinux/f", "v4.14"
    )
    assert [step(trace, n) for n in (2, 3, 4, 5)] == [
        "= ENOENT (the patch has no such directory)",
        "= 0",
        "= 0",
        "= EINVAL (nobody has a reference on it)",
    ]


def test_a_no_op_freed_while_its_directory_is_open_is_a_violation_where_it_is_freed_at_once() -> None:
    trace = run(REPLACE + "hold p2/vmlinux/g; enable p2; drop p2/vmlinux/g", "baron-v2")
    assert "violation dangling-kobject: p2/vmlinux/g,1/ is still held open" in step(trace, 5)
    assert "sysfs p2/vmlinux/g,1/ gone" not in trace


def test_a_no_op_that_is_freed_on_release_stays_until_its_directory_is_closed() -> None:
    trace = run(REPLACE + "hold p2/vmlinux/g; enable p2; show p2; drop p2/vmlinux/g", "mladek-kobj-release")
    assert "violation" not in trace
    assert "sysfs p2/vmlinux/g,1/" in step(trace, 6)
    assert step(trace, 7) == "sysfs p2/vmlinux/g,1/ gone\n= 0"


def test_kobject_del_takes_the_directory_away_at_once() -> None:
    trace = run(REPLACE + "hold p2/vmlinux/g; enable p2; show p2; drop p2/vmlinux/g", "baron-kobj-del")
    assert "sysfs p2/vmlinux/g,1/ gone" in step(trace, 5)
    assert "vmlinux/g" not in step(trace, 6)
    assert step(trace, 7) == "= 0"


def test_where_the_completion_waits_for_the_release_nothing_else_gets_the_mutex() -> None:
    text = (
        REPLACE
        + "hold p2/vmlinux/g; enable p2; load p3 { h }; disable p2; drop p2/vmlinux/g; show p2; load p3 { h }"
    )
    trace = run(text, "mladek-kobj-wait")
    assert step(trace, 5).endswith(
        "= blocked (the completion waits until nobody holds a directory of its no-ops open)"
    )
    assert step(trace, 6) == step(trace, 7)
    assert step(trace, 6).startswith("= blocked (klp_mutex is taken: ")
    assert step(trace, 8) == "sysfs p2/vmlinux/g,1/ gone\nsysfs p2/transition = 0\nsysfs p2/enabled = 1\n= 0"
    assert step(trace, 10).endswith("= 0")


def test_a_barrier_waits_for_the_task_inside_the_handler() -> None:
    text = "load p1 { f }; enable p1; load p2 { f }; t1: enter f; t1: run; enable p2; tick; t1: continue; show p2"
    trace = run(text, "v4.14")
    assert step(trace, 4) == "enter t1 vmlinux f -> p1\n= 0"
    assert step(trace, 5) == "= EINVAL (the task is inside the ftrace handler; it can only continue)"
    assert "blocked t1 running" in step(trace, 6)
    assert step(trace, 8) == "call t1 vmlinux f -> p1\n= 0"


def test_a_task_that_migrated_and_entered_the_handler_holds_the_barrier_not_the_switch() -> None:
    text = (
        "task t2 in f; load p1 { f }; enable p1; t1: syscall; t1: enter f; t2: return; tick; disable p1; "
        "t1: continue; show p1"
    )
    trace = run(text, "v4.14")
    assert "patching complete" in step(trace, 6)
    assert "sysfs p1/transition = 0" not in step(trace, 6)
    assert (
        step(trace, 7)
        == "= blocked (klp_mutex is taken: the completion waits for the task inside the ftrace handler)"
    )
    assert "sysfs p1/transition = 0" in step(trace, 8)


def test_nothing_calls_a_handler_where_nothing_is_patched() -> None:
    trace = run("t1: enter f; t1: continue", "v6.12")
    assert step(trace, 1) == "= EINVAL (nothing patches this function, so no handler is called)"
    assert (
        step(trace, 2)
        == "= EINVAL (the task is neither inside the ftrace handler nor in the middle of fork or exit)"
    )


def test_json_lines_hold_the_new_event() -> None:
    text = "apply p1 { f }; t1: enter f; t1: continue"
    plain = from_text(run(text, "v6.12"))
    lines = run(text, "v6.12", "--format", "jsonl")
    assert (
        '{"kind": "enter", "step": 2, "task": "t1", "object": "vmlinux", "function": "f", "code": "p1"}'
        in lines
    )
    back = from_jsonl(lines)
    assert [s._replace(line=0) for s in back.steps] == list(plain.steps)
    # The header says on which engine it was, which is no part of the trace.
    assert to_jsonl(back).splitlines()[1:] == lines.splitlines()[1:]


def test_a_callback_that_reads_a_replaced_patch_comes_too_late_before_v5_5() -> None:
    text = "apply p1 { f }; apply p2 replace { f; callbacks vmlinux { post_patch reads p1 } }"
    assert "violation stale-data: 'p2' uses in post_patch what 'p1' keeps" in run(text, "v5.4")
    assert "violation" not in run(text, "v5.5")


def test_a_task_inside_the_handler_of_a_modules_function_holds_the_module() -> None:
    text = "module ext4 { read } loaded; patch p1 { ext4 { read } }; apply p1; t1: enter ext4:read; unload ext4; "
    trace = run(text + "t1: continue, return; unload ext4", "v6.12")
    assert step(trace, 3) == "= EAGAIN (module ext4 has 1 reference)"
    assert step(trace, 6).endswith("module ext4 gone\n= 0")


def test_a_no_op_over_nothing_mixes_nothing() -> None:
    text = "kthread k1 in f; load p2 { f, h }; apply p1 replace { f }; k1: call h"
    assert "violation" not in run(text, "baron-v2")


def test_a_callback_that_finds_no_other_patch_reads_nothing() -> None:
    text = "patch p1 { f }; apply p2 { f; callbacks vmlinux { post_patch reads p1 } }"
    assert "violation" not in run(text, "v5.1")
