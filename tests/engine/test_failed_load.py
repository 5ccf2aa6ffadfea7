"""What a patch that cannot be initialised leaves in the trace: only what had appeared can vanish."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(text: str, engine: str) -> list[str]:
    command = [sys.executable, "-m", "klpdsl", "run", "-c", text, "--engine", engine]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return [line.strip() for line in done.stdout.splitlines()]


@pytest.mark.parametrize("engine", ["v4.0", "v4.12", "v5.1", "v6.12"])
def test_objects_behind_the_one_that_fails_never_had_a_directory(engine: str) -> None:
    # klp_init_patch() stops at the first object that fails (core.c: "goto free" up to v5.0, "return ret" after).
    lines = run("vmlinux { f }; module ext4 { read }; load p1 { nosuch; ext4 { read } }", engine)
    assert "= EINVAL" in lines
    assert "sysfs p1/vmlinux/ gone" in lines
    assert not [line for line in lines if "p1/ext4" in line]


def test_an_object_whose_name_is_too_long_never_had_a_directory() -> None:
    # klp_init_object() looks at the length before kobject_add().
    name = "m" * 60
    lines = run(f"module {name}; load p1 {{ {name} {{ f }} }}", "v6.12")
    assert "= EINVAL (the name of an object has more than 55 characters)" in lines
    assert not [line for line in lines if name in line and line.startswith("sysfs")]


@pytest.mark.parametrize(("engine", "first"), [("v4.0", "ext4"), ("v5.0", "ext4"), ("v5.1", "vmlinux")])
def test_the_object_that_fails_goes_first_where_it_undoes_its_own_work(engine: str, first: str) -> None:
    # Up to v5.0 klp_init_object() puts its own kobject at `free:`; since then klp_free_objects() puts all in order.
    lines = run("vmlinux { f }; module ext4 { read } loaded; load p1 { f; ext4 { nosuch } }", engine)
    gone = [line for line in lines if line.endswith(" gone") and line.startswith("sysfs")]
    assert gone[0] == f"sysfs p1/{first}/ gone"
    assert gone[-1] == "sysfs p1/ gone"
    assert len(gone) == 3
