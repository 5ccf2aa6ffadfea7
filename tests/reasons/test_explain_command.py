"""`klpdsl explain` as users run it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from klpdsl.reasons.telling import explain
from klpdsl.run.session import load_text
from klpdsl.semantics.engines import resolve
from tests.calls import call
from tests.engine.scenarios import scenarios

ROOT = Path(__file__).resolve().parents[2]
SLEEPER = """\
task t1 in f
task t2
kthread k1 in f
patch p1 { f }

load p1
t2: call f
force p1
t1: call f
"""


def klpdsl(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return call(("explain", *arguments), cwd=cwd, environment=dict(os.environ))


def test_a_step_in_full(tmp_path: Path) -> None:
    (tmp_path / "sleeper.klp").write_text(SLEEPER, encoding="utf-8")
    done = klpdsl("sleeper.klp:1", "-e", "v6.12", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout
        == """\
on v6.12 (= v6.11)

step 1: load p1  = 0
  what changed
    - p1's module is pinned: it has 1 reference [1]
    - p1 is now on top of f's stack of versions, which is [p1] [2]
  who holds the transition
    - t1 is inside the original vmlinux f, which p1 replaces: it would come back from old code into a world
      that runs the new [3]
        going back to user space switches it at once [4]
        once it is off f, the next attempt switches it: there is one every second [5]
        the fake signal wakes it, sent after every 15 attempts in vain, and it leaves for user space [6]
    - k1 is inside the original vmlinux f, which p1 replaces: it would come back from old code into a world
      that runs the new [3]
        once it is off f, the next attempt switches it: there is one every second [5]
        no signal reaches it: a kernel thread is only woken, and goes on with what it does [6]
    - for all of them:
        `force` switches it as it is, and pins the modules whose code it may still be in for ever [7]
        `reverse` gives the transition up: it then waits for those who have switched [8]
  who does not hold it
    - t2 was in user space: it has no stack in the kernel that could forbid it [9]

[1] try_module_get(), kernel/module/main.c; module_ref=enable since v4.12, 3ec24776bfd0
[2] klp_patch_func(), kernel/livepatch/patch.c; func_stack=true since v4.0, 3c33f5b99d68
[3] klp_check_stack(), kernel/livepatch/transition.c; consistency=per-task since v4.12, d83a7cb375ee
[4] klp_update_patch_state(), kernel/livepatch/transition.c; consistency=per-task since v4.12, d83a7cb375ee
[5] klp_transition_work_fn(), kernel/livepatch/transition.c; consistency=per-task since v4.12, d83a7cb375ee
[6] klp_send_signals(), kernel/livepatch/transition.c; fake_signal=periodic since v5.1, cba82dea3061
[7] klp_force_transition(), kernel/livepatch/transition.c; force=removed since v5.18, 2957308343fa
[8] klp_reverse_transition(), kernel/livepatch/transition.c; consistency=per-task since v4.12, d83a7cb375ee
[9] klp_try_switch_task(), kernel/livepatch/transition.c; consistency=per-task since v4.12, d83a7cb375ee
"""
    )


def test_how_a_violation_came_about(tmp_path: Path) -> None:
    text = "task t1 in f; load p1; force p1; tick; t1: return; disable p1"
    done = klpdsl("-c", text, "-e", "v5.4", "--step", "5", cwd=tmp_path)
    assert done.returncode == 0
    assert (
        """\
  what is broken
    - leak: nothing uses module p1 any more, yet 1 of its references will never be put:
      klp_free_patch_finish() does not put a patch that was forced
        leak means: a module that nothing uses can never be removed, or a shadow variable is nobody's any more
        it took each of these steps; without any one of them it does not come about:
          1 load p1
          2 force p1
          3 tick
          5 disable p1
"""
        in done.stdout
    )


def test_a_refusal_says_who_refused(tmp_path: Path) -> None:
    done = klpdsl("-c", "task t1 in f; load p1; load p2", "--step", "2", "-e", "v6.19", cwd=tmp_path)
    assert "  why it ended so\n    - EBUSY: " in done.stdout
    done = klpdsl("-c", "load p1 immediate", "--step", "1", "-e", "v6.19", cwd=tmp_path)
    assert "    - unsupported: removed in v4.16 by " in done.stdout


def test_what_repeats_is_said_once(tmp_path: Path) -> None:
    done = klpdsl("-c", "task t1 in f; load p1; tick; tick", "-e", "v6.19", cwd=tmp_path)
    assert done.stdout.count("who holds the transition\n    - the same as before\n") == 2


def test_markdown_and_json_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "sleeper.klp").write_text(SLEEPER, encoding="utf-8")
    plain = json.loads(klpdsl("sleeper.klp", "-e", "v6.12", "--format", "json", cwd=tmp_path).stdout)
    (one,) = plain
    assert one["engine"] == "v6.12 (= v6.11)"
    assert [step["step"] for step in one["steps"]] == [1, 2, 3, 4]
    (held, _, _) = one["steps"][0]["paragraphs"]["who holds the transition"]
    assert held["source"].startswith("klp_check_stack(), kernel/livepatch/transition.c")
    marked = klpdsl("sleeper.klp", "-e", "v6.12", "--format", "markdown", cwd=tmp_path).stdout
    assert marked.startswith("**on v6.12 (= v6.11)**\n\n**step 1:** `load p1` = 0\n")
    assert f"- {held['text']} [3]\n" in marked
    assert f"\n3. {held['source']}\n" in marked


def test_from_standard_input_and_on_several_engines(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "klpdsl", "explain", "-", "-e", "v4.11,v6.19"]
    text = "task t1 in f; load p1; enable p1"
    done = subprocess.run(command, input=text, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert "on v4.11 (= v4.9)\n" in done.stdout
    assert "- nobody is waited for: on this engine a patch is in force for everybody at once" in done.stdout
    assert "\non v6.19\n" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "klpdsl explain: name a file, - for standard input, or give a scenario with -c\n"),
        (["-c", "load p1", "--step", "7"], "klpdsl explain: there is no step 7 in <command line>\n"),
        (
            ["-c", "load p1", "--step", "-1"],
            "klpdsl explain: one step, by its number from 1 on: FILE:STEP or --step STEP\n",
        ),
        (["nowhere.klp:3"], "nowhere.klp:1:1: error: the file can not be read: No such file or directory\n"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    done = klpdsl(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", complaint)


@given(scenarios())
@settings(max_examples=40)
def test_each_task_that_is_waited_for_is_explained_once(
    parts: tuple[list[str], list[str], list[str]],
) -> None:
    text = "\n".join(line for part in parts for line in part)
    for name in ("v4.4", "v5.1", "v6.19"):
        for told in explain(load_text(text, "random.klp"), resolve(name)):
            for paragraph in told.paragraphs:
                assert paragraph.sentences
                texts = [one.text for one in paragraph.sentences]
                if paragraph.title == "who holds the transition" and texts != ["the same as before"]:
                    assert len(texts) == len(set(texts))
                    assert texts[-1] == "for all of them:"
                    assert all(one.inner for one in paragraph.sentences)
