"""What livepatch remembers of a module that it refused, release by release (the err: label of klp_module_coming())."""

from __future__ import annotations

import subprocess
import sys

import pytest

MISSING_SYMBOL = (
    "vmlinux { f }; module ext4 { read }; patch p1 { f; ext4 { write } }; "
    "apply p1; load ext4; disable p1; enable p1"
)


def run(text: str, engine: str) -> list[str]:
    command = [sys.executable, "-m", "klpdsl", "run", "-c", text, "--engine", engine]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return [line.strip() for line in done.stdout.splitlines()]


@pytest.mark.parametrize("engine", ["v4.6", "v4.9", "v4.12"])
def test_up_to_v4_13_the_failing_object_forgets_the_module(engine: str) -> None:
    # klp_free_object_loaded(obj) in the error path: enabling again passes over the module that is not there.
    assert run(MISSING_SYMBOL, engine)[-1] == "= 0"


@pytest.mark.parametrize("engine", ["v4.14", "v4.15", "v5.0"])
def test_from_v4_14_to_v5_3_it_counts_as_loaded(engine: str) -> None:
    # ef8daf8eeb5b dropped that call, and 4ff96fb52c69 (v5.4) put a part of it back.
    assert run(MISSING_SYMBOL, engine)[-1] == "= EINVAL (write of ext4 was never found)"


def test_a_function_that_cannot_be_taken_off_stays_patched() -> None:
    # The module is refused for p2's sake, then for that of p1, which is still on it: p1's object is forgotten while
    # it is patched. klp_unpatch_func() finds no address then, and klp_patch_func() a function that is patched.
    lines = run(
        "module ext4 { read }; load p1 { ext4 { read } }; enable p1; load p2 { ext4 { write } }; "
        "load ext4; load ext4; unload p2; disable p1; load ext4; enable p1; enable p1",
        "v4.12",
    )
    results = [line.partition(" (")[0] for line in lines if line.startswith("= ")]
    assert results == [
        "= 0",
        "= 0",
        "= 0",
        "= EINVAL",
        "= EINVAL",
        "= 0",
        "= 0",
        "= 0",
        "= EINVAL",
        "= EINVAL",
    ]


def test_a_refused_module_takes_its_hooks_along() -> None:
    lines = run(
        "module ext4 { read }; apply p1 { ext4 { read } }; apply p2 { ext4 { write } }; load ext4; show",
        "v4.12",
    )
    assert lines.index("hook ext4 read []") < lines.index("module ext4 gone")
    assert "hook ext4 read [p1]" not in lines[lines.index("module ext4 gone") :]


@pytest.mark.parametrize("engine", ["v5.7", "v5.8", "v6.12"])
def test_a_module_called_vmlinux_takes_nothing_of_the_core_kernel_with_it(engine: str) -> None:
    lines = run(
        "module vmlinux; task t1 in f; load p1 { f }; load vmlinux; t1: return; tick; t1: syscall f", engine
    )
    assert "call t1 vmlinux f -> p1" in lines


def test_a_transition_outlives_the_hooks_that_a_refused_module_took_with_it() -> None:
    # v4.12 does not take p1's object back when p2 refuses the module: p1 believes it patched, its hooks are gone.
    lines = run(
        "module ext4 { read }; task t1 in f; patch p1 { f; ext4 { read } }; patch p2 { f; ext4 { nosuch } }; "
        "load p1; enable p1; load p2; load ext4; tick; t1: return; tick",
        "v4.12",
    )
    assert "log notice livepatch: 'p1': patching complete" in lines
