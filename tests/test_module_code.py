"""What a module's own code does: shadow variables, callbacks that begin to fail, kernel threads, states it asks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from klpdsl.run.session import execute, load_text
from klpdsl.syntax.layout import format_scenario
from klpdsl.trace.jsonl import from_jsonl, to_jsonl
from klpdsl.trace.reading import from_text
from klpdsl.trace.text import to_text


def trace(text: str, engine: str = "v6.12") -> str:
    return to_text(execute(load_text(text, "test"), engine).trace)


def steps(text: str, engine: str = "v6.12") -> list[list[str]]:
    """The lines of each step without its title, without indentation."""
    found: list[list[str]] = []
    for line in trace(text, engine).splitlines()[2:]:
        if not line.startswith(" "):
            found.append([])
        else:
            found[-1].append(line.strip())
    return found


def complaints(tmp_path: Path, text: str) -> str:
    (tmp_path / "bad.klp").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "klpdsl", "run", "bad.klp"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


STATEMENTS = """\
module ext4 { read }
module probe redirects f, ext4:read loaded
module tracer { trace } redirects g
kthread k1 of ext4 running in ext4:read
kthread "kworker/0:1" of ext4
load p1 { f; relocations vmlinux { g }; relocations ext4 { read sympos 2, vmlinux:g } }
load p2 { relocations }
callbacks p1 ext4 { pre_patch fails ENODEV; post_patch }
shadow get inode 1
shadow alloc inode 1
shadow alloc inode 1 "some data"
shadow alloc inode 1 ctor
shadow get_or_alloc inode 1 "some data" ctor fails ENOMEM
shadow free inode 1
shadow free inode 1 dtor
shadow free_all 18446744073709551615 dtor
callbacks: syscall f
t1: fork t9 slowly, continue
shadow: syscall f
"""


def test_the_statements_are_canonical_as_they_stand() -> None:
    assert format_scenario(STATEMENTS) == STATEMENTS


def test_callbacks_too_long_for_a_line_are_broken_into_several() -> None:
    name = "p" * 70
    text = f"load {name} {{ f; callbacks vmlinux }}; callbacks {name} vmlinux {{ pre_patch fails EIO; post_patch }}"
    formatted = format_scenario(text)
    assert formatted.endswith(f"callbacks {name} vmlinux {{\n    pre_patch fails EIO\n    post_patch\n}}\n")
    assert format_scenario(formatted) == formatted


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("task t1 of ext4", "bad.klp:1:1: error: a module has kernel threads of its own, not user tasks"),
        ("kthread k1 of ext3\nmodule ext4", "bad.klp:1:15: error: there is no module `ext3`"),
        ("callbacks p1 vmlinux { pre_patch }", "bad.klp:1:11: error: there is no patch `p1`"),
        (
            "load p1\ncallbacks p1 vmlinux { post_patch fails EIO }",
            "bad.klp:2:24: error: `post_patch` can not fail: it returns nothing",
        ),
        ("module ext4\nload p1 { relocations ext3 { f } }", "bad.klp:2:23: error: there is no module `ext3`"),
        (
            "module ext4\nload p1 { relocations vmlinux { ext3:f } }",
            "bad.klp:2:33: error: there is no module `ext3`",
        ),
        ("shadow alloc o 1 ctor fails ENOSUCH", "bad.klp:1:29: error: `ENOSUCH` is no errno"),
        ("shadow free_all 18446744073709551616", "bad.klp:1:17: error: a shadow variable's id can not be"),
        ("shadow take o 1", "bad.klp:1:8: error: unexpected `take`"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaint in complaints(tmp_path, text)


# --- callbacks ------------------------------------------------------------------------------------------------

LATE = """
module ext4
patch p1 { f; callbacks ext4 { pre_patch; post_patch } }
load p1
load ext4
unload ext4
callbacks p1 ext4 { pre_patch fails ENODEV }
load ext4
callbacks p1 ext4 { pre_patch }
load ext4
"""


def test_a_callback_can_begin_to_fail_and_stop_again() -> None:
    first, refused, again = (steps(LATE)[i] for i in (1, 4, 6))
    assert first[-1] == again[-1] == "= 0"
    assert "callback p1 ext4 pre_patch = ENODEV" in refused
    assert refused[-1] == "= ENODEV"


def test_callbacks_of_a_patch_that_is_not_loaded_are_not_there() -> None:
    assert steps("patch p1 { f; callbacks vmlinux }\ncallbacks p1 vmlinux { pre_patch }") == [
        ["= ENOENT (module p1 is not loaded)"]
    ]


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        ("v4.14", "added in v4.15 by 93862e385ded"),
        ("kgraft", "kGraft does not have it"),
        ("kpatch-core-old", "kpatch's core does not have it"),
    ],
)
def test_where_there_are_no_callbacks_none_can_be_set(engine: str, reason: str) -> None:
    ((found,),) = steps("patch p1 { f; callbacks vmlinux }\ncallbacks p1 vmlinux { pre_patch }", engine)
    assert found.startswith(f"= unsupported ({reason}")


# --- kernel threads -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["kgraft", "kpatch-core", "v4.0"])
def test_a_modules_exit_waits_in_other_systems_too(engine: str) -> None:
    text = "module ext4 { read } loaded\nkthread k1 of ext4 in read\nunload ext4"
    assert steps(text, engine) == [["return k1 ext4 read <- original", "module ext4 gone", "= 0"]]


@pytest.mark.parametrize("kind", ["kthread", "task"])
def test_a_task_inside_a_module_pins_it(kind: str) -> None:
    (unload,) = steps(f"module ext4 {{ read }} loaded\n{kind} t1 in read\nunload ext4")
    assert unload == ["= EAGAIN (module ext4 has 1 reference)"]


def test_a_modules_exit_waits_for_its_own_work() -> None:
    text = "module ext4 { read }\nkthread k1 of ext4\nload ext4\nk1: call f, call read, call f\nunload ext4"
    unload = steps(text)[-1]
    assert unload == [
        "return k1 vmlinux f <- original",
        "return k1 ext4 read <- original",
        "module ext4 gone",
        "= 0",
    ]


def test_a_modules_own_work_that_is_declared_inside_pins_nothing() -> None:
    text = "module ext4 { read } loaded\nkthread k1 of ext4 in read\nexpect ext4 refs = 0\nunload ext4 -> 0"
    assert execute(load_text(text, "test"), "v6.12").ok


# --- other handlers -------------------------------------------------------------------------------------------

PROBE = """
module probe redirects f
load probe
load p1 { g, f }
unload probe
load p1 { g, f }
load probe
"""


def test_ftrace_lets_one_handler_redirect_a_function() -> None:
    loaded, refused, gone, enabled, probe = steps(PROBE)
    assert (loaded[-1], gone[-1], enabled[-1]) == ("= 0", "= 0", "= 0")
    assert "log err livepatch: failed to register ftrace handler for function 'f' (-16)" in refused
    assert "hook vmlinux g []" in refused
    assert refused[-1] == "= EBUSY"
    assert probe == [
        "module probe loaded",
        "module probe gone",
        "= EBUSY (a function that the module redirects is redirected by somebody else)",
    ]


def test_a_function_that_a_module_redirects_is_there() -> None:
    assert steps("module probe redirects f\nt1: syscall f")[0][-1] == "= 0"


# --- relocations ----------------------------------------------------------------------------------------------

RELOCATED = """
module ext4 { read, commit }
patch p1 { f; ext4 { read }; relocations ext4 { commit } }
apply p1
load ext4
unload ext4
load ext4
disable p1
load ext4
"""


@pytest.mark.parametrize(
    ("engine", "again", "disabled"),
    [
        ("v4.14", "0", "EEXIST"),
        ("v4.15", "ENOEXEC", "ENOEXEC"),  # a disabled patch refuses it too, while it is registered
        ("v5.1", "ENOEXEC", "0"),
        ("v6.2", "ENOEXEC", "0"),
        ("v6.3", "0", "EEXIST"),
    ],
)
def test_a_relocated_module_comes_back_or_is_refused(engine: str, again: str, disabled: str) -> None:
    found = steps(RELOCATED, engine)
    results = [step[-1].partition(" (")[0] for step in found]
    assert results == ["= 0", "= 0", "= 0", f"= {again}", "= 0", f"= {disabled}"]


def test_relocations_against_vmlinux_are_written_in_each_load_anew() -> None:
    text = "patch p1 { f; relocations vmlinux { g } }\nload p1\ndisable p1\nunload p1\nload p1"
    assert [step[-1] for step in steps(text, "v5.7")] == ["= 0"] * 4


@pytest.mark.parametrize("engine", ["kgraft", "kpatch-core-old"])
def test_other_systems_know_no_such_relocations(engine: str) -> None:
    ((found,),) = steps("load p1 { f; relocations vmlinux { g } }", engine)
    assert found.startswith("= unsupported (k")


def test_relocations_are_no_sooner_than_the_module_loader_knew_them() -> None:
    ((found,),) = steps("load p1 { f; relocations vmlinux { g } }", "v4.6")
    assert found.startswith("= unsupported (added in v4.7 by 425595a7fc20")


# --- states ---------------------------------------------------------------------------------------------------

STATES = """
patch p1 { f; callbacks vmlinux; state 7 version 1 }
patch p2 replace { f; callbacks vmlinux; state 7 version 3 }
load p1
load p2
disable p2
"""


def test_callbacks_find_the_state_of_the_patch_that_is_replaced() -> None:
    first, second, last = ([line for line in step if line.startswith("state ")] for step in steps(STATES))
    assert first == ["state p1 7 version 1 previous none"] * 2
    assert second == ["state p2 7 version 3 previous 1"] * 2
    assert last == ["state p2 7 version 3 previous none"] * 2


def test_post_patch_finds_it_because_replaced_patches_are_kept_that_long() -> None:
    engine = "v6.12^keep-replaced-until-post-patch+put_when=work"
    found = [line for line in steps(STATES, engine)[1] if line.startswith("state ")]
    assert found == ["state p2 7 version 3 previous 1", "state p2 7 version 3 previous none"]


# --- shadow variables -----------------------------------------------------------------------------------------


def test_a_constructor_may_be_asked_for_no_sooner_than_there_were_any() -> None:
    ((first,), (second,)) = steps('shadow alloc o 1 "d" ctor\nshadow free o 1 dtor', "v4.16")
    assert first.startswith("= unsupported (added in v4.17 by e91c2518a5d2")
    assert second.startswith("= unsupported (added in v4.17 by 3b2c77d000fe")


def test_any_errno_can_come_from_a_constructor() -> None:
    (lines,) = steps("shadow alloc o 255 ctor fails EWOULDBLOCK")
    assert lines == [
        "shadow ctor o 255 NULL",
        "log err livepatch: Failed to construct shadow variable <o, ff> (-11)",
        "shadow alloc o 255 NULL",
        "= 0",
    ]


def test_nothing_that_happens_to_patches_touches_shadow_variables() -> None:
    last = steps('shadow alloc o 1 "d"\nload p1\nload p2 replace\ndisable p2\nunload p1\nshadow get o 1')[-1]
    assert last == ["shadow get o 1 = d", "= 0"]


# --- traces ---------------------------------------------------------------------------------------------------


def test_both_forms_of_a_trace_carry_the_new_events() -> None:
    text = (
        STATES + 'shadow alloc "an inode" 1 "NULL"\nshadow alloc o 2 ""\nshadow get o 1\nshadow free o 2 dtor'
    )
    run = execute(load_text(text, "test"), "v6.12").trace
    assert from_jsonl(to_jsonl(run)) == run
    # Text does not hold the lines of the scenario unless it is told to.
    assert from_text(to_text(run, lines=True)) == run
    assert 'shadow alloc "an inode" 1 = NULL' in to_text(run)
    assert "shadow get o 1 NULL" in to_text(run)
