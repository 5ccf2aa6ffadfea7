"""Random scenarios on every engine beside mainline: nothing fails, and what is sound violates nothing."""

from __future__ import annotations

import random

import pytest

from klpdsl.run.session import execute, load_text
from klpdsl.semantics.engines import expand
from klpdsl.trace.events import Violation
from klpdsl.trace.jsonl import from_jsonl, to_jsonl
from klpdsl.trace.reading import from_text
from klpdsl.trace.text import to_text

PATCHES = ("p1", "p2", "p3")

# Without `immediate` and force, these hold; the others have a weakness of their own, which the catalogue shows.
SOUND = (
    "v4.12",
    "v4.16",
    "v5.5",
    "v6.19",
    "baron-v2-skip",
    "mladek-keep-imm",
    "mladek-put-optimised",
    "mladek-unlink",
    "mladek-reenable",
    "mladek-enabled-end",
    "mladek-kobj-release",
    "mladek-kobj-wait",
    "sle15-v6",
    "kgraft",
    "kgraft-always",
    "kpatch-core",
)


def scenario(seed: int) -> str:
    """A scenario that is valid by construction; a third of them use `immediate` or force."""
    r = random.Random(seed)
    reckless = seed % 3 == 0
    lines = ["vmlinux { f, g, h }", "module ext4 { read }" + r.choice(("", " loaded"))]
    lines += [f"task {t}" + r.choice(("", " in f", " in g uninterruptible")) for t in ("t1", "t2")]
    lines.append("kthread k1" + r.choice(("", " in f")))
    for name in PATCHES:
        flags = r.choice(("", " replace")) + (r.choice(("", " immediate")) if reckless else "")
        items = r.sample(["f", "g", "ext4 { read }", "h"], r.randint(1, 3))
        lines.append(f"patch {name}{flags} {{ {'; '.join(items)} }}")
    for _ in range(r.randint(5, 25)):
        p, t = r.choice(PATCHES), r.choice(("t1", "t2", "k1"))
        f = r.choice(("f", "g", "h", "ext4:read"))
        choices = [
            *(f"{verb} {p}" for verb in ("apply", "apply", "load", "enable", "enable", "disable", "unload")),
            *("reverse", "settle", "settle", "tick", "load ext4", "unload ext4", "show"),
            *(f"{t}: {action} {f}" for action in ("call", "call", "enter")),
            *(f"{t}: {action}" for action in ("return", "return", "syscall", "continue")),
            f"open {p}/vmlinux/{r.choice('fgh')}",
            f"close {p}/vmlinux/{r.choice('fgh')}",
        ]
        lines.append(r.choice([*choices, "force"] if reckless else choices))
    return "\n".join(lines)


@pytest.mark.parametrize("engine", [*expand("proposals,mutants,systems"), "v5.1@atomic-replace", "v5.5"])
def test_nothing_fails_and_a_trace_survives_both_forms(engine: str) -> None:
    for seed in range(40):
        trace = execute(load_text(scenario(seed), "random"), engine).trace
        assert from_jsonl(to_jsonl(trace)) == trace, seed
        assert from_text(to_text(trace, lines=True)) == trace, seed


@pytest.mark.parametrize("engine", SOUND)
def test_without_immediate_and_force_a_sound_engine_violates_nothing(engine: str) -> None:
    for seed in range(1, 200):
        if seed % 3:
            trace = execute(load_text(scenario(seed), "random"), engine).trace
            found = [e for step in trace.steps for e in step.events if isinstance(e, Violation)]
            assert not found, (seed, found)
