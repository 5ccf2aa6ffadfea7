"""The built-in properties that no engine here can break, and what each violation says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from klpdsl._properties import PROPERTIES
from klpdsl.engine import resting
from klpdsl.engine.context import Kernel
from klpdsl.run.session import execute, load_file
from klpdsl.semantics.engines import resolve
from klpdsl.syntax import words
from klpdsl.trace.events import Violation
from klpdsl.world.values import KLP_PATCHED, Entry, Module, Object, Patch
from klpdsl.world.world import World

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


def kernel() -> Kernel:
    """A world with one enabled patch of generation 1, on v6.12."""
    world = World()
    world.modules["p1"] = Module("p1", 1, 1, livepatch=True)
    world.patches["p1"] = Patch(
        "p1",
        1,
        immediate=False,
        replace=False,
        states=(),
        objects=(Object("vmlinux", (), loaded=True),),
        enabled=True,
    )
    world.klp_patches = ("p1",)
    return Kernel(world, resolve("v6.12").semantics)


def test_an_entry_of_a_removed_module_dangles() -> None:
    k = kernel()
    k.w.func_stacks["vmlinux", "f", 1] = (Entry("p1", 1, nop=False, immediate=False),)
    assert resting.dangling_hook(k) == []
    k.w.modules["p1"] = Module("p1", 2, 0, livepatch=True)
    ((_, violation),) = resting.dangling_hook(k)
    assert violation.property == "dangling-hook"
    assert violation.text == (
        "the stack of versions of vmlinux f still has the version of p1, whose module has been removed: "
        "klp_ftrace_handler() reads freed memory"
    )


def test_a_hook_in_a_removed_target_dangles() -> None:
    k = kernel()
    k.w.func_stacks["ext4", "read", 1] = (Entry("p1", 1, nop=False, immediate=False),)
    ((_, violation),) = resting.dangling_hook(k)
    assert violation.text.startswith(
        "the stack of versions of ext4 read is hooked up, but module ext4 has been removed"
    )


def test_a_transition_that_nothing_will_retry_is_stuck() -> None:
    k = kernel()
    k.w.transition_patch, k.w.target_state = "p1", KLP_PATCHED
    assert [v.property for _, v in resting.at_rest(k)] == ["stuck"]
    k.w.transition_work = True
    assert resting.at_rest(k) == []


def test_every_property_is_named_in_one_place_and_broken_by_something() -> None:
    assert tuple(PROPERTIES) == words.PROPERTIES
    broken: dict[str, str] = {}
    for path in (*SCENARIOS.glob("atomic-replace/*.klp"), *SCENARIOS.glob("proposals/*.klp")):
        loaded = load_file(str(path))
        for engine in loaded.engine_names():
            for step in execute(loaded, engine).trace.steps:
                for event in step.events:
                    if isinstance(event, Violation):
                        broken.setdefault(event.property, event.text)
    assert set(PROPERTIES) - set(broken) == {
        "stuck",
        "mixed-world",
        "stalled",
        "unbalanced",
    }
    assert [text for text in broken.values() if "()" not in text] == []


@pytest.mark.parametrize("name", PROPERTIES)
def test_never_takes_each_of_them(name: str) -> None:
    text = f"never {name}; apply p1; expect no violation {name}"
    command = [sys.executable, "-m", "klpdsl", "run", "-c", text, "--engine", "v6.12"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
