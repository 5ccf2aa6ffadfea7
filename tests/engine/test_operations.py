"""Single operations, each by the trace that a small scenario gives: what was wrong once, and what is easy to break."""

from __future__ import annotations

import pytest

from klpdsl.run.session import execute, load_text
from klpdsl.trace.jsonl import from_jsonl, to_jsonl
from klpdsl.trace.text import to_text


def lines(text: str, engine: str) -> list[str]:
    return to_text(execute(load_text(text, "test"), engine).trace).splitlines()


def results(text: str, engine: str) -> list[str]:
    return [line.strip() for line in lines(text, engine) if line.startswith("  = ")]


def test_a_function_of_an_absent_module_cannot_be_called() -> None:
    found = results("module ext4 { read }\nt1: call read\nload ext4\nt1: call read", "v6.12")
    assert found == ["= ENOENT (ext4 is not loaded)", "= 0", "= 0"]


def test_positions_of_symbols_are_unsupported_before_they_were_added() -> None:
    (found,) = results("load p1 { f sympos 1 }", "v4.0")
    assert found.startswith("= unsupported (added in v4.5 by b2b018ef48")


FREED = "ENOENT ('p1' has been freed, and its files are gone)"


def test_a_patch_cannot_be_loaded_twice() -> None:
    assert results("load p1\nload p1", "v6.12") == ["= 0", "= EEXIST (module p1 is loaded already)"]


@pytest.mark.parametrize(
    ("engine", "value"), [("v4.12", "0"), ("v5.0", "0"), ("v5.1", FREED), ("v6.19", FREED)]
)
def test_a_disabled_patch_is_kept_or_gone(engine: str, value: str) -> None:
    assert results("apply p1\ndisable p1\nenable p1", engine) == ["= 0", "= 0", f"= {value}"]


@pytest.mark.parametrize("engine", ["v4.12", "v4.15", "v5.1", "v6.1", "v6.19"])
def test_a_reversal_completes_on_a_later_tick(engine: str) -> None:
    trace = lines(
        "task t1 in f\napply p1\nreverse\nexpect transition = p1\ntick\nexpect transition = none", engine
    )
    assert [line for line in trace if line.startswith("  expect")] == [
        "  expect ok: transition = p1 (got p1)",
        "  expect ok: transition = none (got none)",
    ]


def test_a_long_reason_is_cut_where_the_kernel_has_a_buffer() -> None:
    name = "f" * 120
    for engine, length in (("v4.15", 127), ("v6.19", 172)):
        found = [x for x in lines(f"task t1 in {name}\napply p1 {{ {name} }}", engine) if "sleeping on" in x]
        assert [len(x.removeprefix("    log debug livepatch: ")) for x in found] == [length]


def test_a_target_with_a_task_inside_is_in_use() -> None:
    text = "module ext4 { read } loaded\nt1: call read\nunload ext4\nt1: return\nunload ext4"
    assert results(text, "v6.12") == ["= 0", "= EAGAIN (module ext4 has 1 reference)", "= 0", "= 0"]


def test_the_signal_comes_by_itself_at_the_fifteenth_retry() -> None:
    text = 'task t1 in f\nload p1\ntick 14\nexpect log "signaling"\ntick\nexpect log "signaling"'
    trace = lines(text, "v5.1")
    assert [line.split(":")[0].strip() for line in trace if line.startswith("  expect")] == [
        "expect failed",
        "expect ok",
    ]


def test_a_load_without_a_body_means_what_was_written_last() -> None:
    text = "load p1 { g }\ndisable p1\nunload p1\nload p1\ndisable p1\nunload p1\nload p1 { f }"
    hooks = [
        line.strip() for line in lines(text, "v6.12") if line.strip().startswith("hook") and "[p1]" in line
    ]
    assert hooks == ["hook vmlinux g [p1]", "hook vmlinux g [p1]", "hook vmlinux f [p1]"]


def test_a_patch_may_name_a_module_that_nobody_declares() -> None:
    assert results("load p1 { nfs { open } }", "v6.12") == ["= 0"]


def test_success_is_a_number_in_json_and_an_errno_a_name() -> None:
    trace = execute(load_text("load p1 { callbacks vmlinux { pre_patch } }\nload p1", "test"), "v6.12").trace
    text = to_jsonl(trace)
    assert '{"kind": "result", "step": 1, "value": 0}' in text
    assert '"callback": "pre_patch", "result": 0}' in text
    assert '{"kind": "result", "step": 2, "value": "EEXIST", "reason": "module p1 is loaded already"}' in text
    assert from_jsonl(text) == trace
