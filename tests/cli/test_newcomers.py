"""Mistakes that newcomers make, and what each is told. None of them may pass for an answer, or become a golden."""

from __future__ import annotations

from pathlib import Path

import pytest

from klpdsl._attributes import ATTRIBUTES, BELOW
from klpdsl.run.session import load_file, load_text
from klpdsl.semantics.engines import expand
from klpdsl.trace.events import Sysfs
from tests.cli.command import call

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).resolve().parents[2]
ASLEEP = "task t1 in f; load p1; "

#: What stands in a scenario, and what is said of it.
IN_A_SCENARIO = {
    # --- words that are nearly right ---
    "lod p1": "did you mean `load`?",
    "load p1; expect p1 enabld = gone": "did you mean `enabled`?",
    "load p1; expect p1 stackorder = 1": "did you mean `stack_order`?",
    "load p1; expect p1 vmlinux/pached = 1": "did you mean `patched`?",
    ASLEEP + "tl: return": "did you mean `t1`? `task tl` declares another",
    ASLEEP + "T1: return": "did you mean `t1`?",
    "task reader in f; load p1; raeder: return": "did you mean `reader`?",
    "t1: cal f": "did you mean `call`?",
    "load p1; expect t2 sees f = p1": "did you mean `t1`?",
    "load p1; enable p2": "did you mean `p1`?",
    "load p1; never stalecode": "did you mean `stale-code`?",
    "load p1 -> EBSUY": "did you mean `EBUSY`?",
    "load p1; expect t1 patch_state = ptched": "did you mean `patched`?",
    # --- results ---
    "load p1 -> ok": "success is `0`",
    "load p1 -> success": "success is `0`",
    "load p1 -> 16": "16 is `EBUSY`",
    "load p1 -> -16": "an errno is written by its name, without a sign",
    # --- habits of the shell ---
    "insmod p1": "`load p1` inserts a module",
    "insmod ./livepatch-sample.ko": "`load livepatch_sample` inserts a module",
    "sudo modprobe p1": "`load p1` inserts a module",
    "rmmod p1": "`unload p1` removes a module",
    "echo 1 > /sys/kernel/livepatch/p1/enabled": "in a scenario that is `enable p1`",
    "echo 0 >/sys/kernel/livepatch/p1/enabled": "in a scenario that is `disable p1`",
    "echo 1 > /sys/kernel/livepatch/p1/force": "in a scenario that is `force p1`",
    "cat /sys/kernel/livepatch/p1/transition": "`show p1` shows what sysfs has of it",
    "load p1; sleep 3": "`tick 3` lets 3 seconds pass",
    "load p1; dmesg": '`expect log "text"` looks for a line of the log',
    "load p1 && disable p1": "statements follow one another behind `;` or on new lines",
    "load p1 | cat": "statements follow one another behind `;` or on new lines",
    # --- habits of other languages, and marks ---
    "// a patch\nload p1": "a comment begins with `#`",
    "/* a patch */ load p1": "a comment begins with `#`",
    "load p1 // a patch": "a comment begins with `#`",
    "<<<<<<< HEAD\nload p1\n=======\nload p2\n>>>>>>> theirs": "a mark of a merge conflict",
    "load 'p1'": "names and texts stand in double quotes",
    "load p1; expect p1 enabled == 1": "write `=` once",
    "load p1 \N{RIGHTWARDS ARROW} EBUSY": "write `->`",
    "engines V6.12\nload p1": "did you mean v6.12?",
    "engines debain-12\nload p1": "did you mean debian-12",
}

#: What stands on the command line.
ON_THE_COMMAND_LINE: dict[tuple[str, ...], str] = {
    ("chek",): "did you mean 'check'?",
    ("Run", "x.klp"): "did you mean 'run'?",
    ("first.klp",): "did you mean `klpdsl run first.klp`?",
    ("--engine", "v6.12", "run"): "options stand behind the command",
    ("run", "v6.12"): "v6.12 is an engine: -e v6.12",
    ("run",): "name a file, - for standard input, or give a scenario with -c",
    ("run", "-c", "load p1", "--egine", "v6.12"): "did you mean --engine?",
    ("run", "-c", "load p1", "--format", "jsn"): "did you mean json?",
    ("run", "-c", "load p1", "-e", "6.12"): "did you mean v6.12?",
    ("run", "-c", "load p1", "-e", "V6.12"): "did you mean v6.12?",
    ("run", "-c", "load p1", "-e", "v6.12.3"): "engines are mainline releases, like v6.12",
    ("run", "-c", "load p1", "-e", "6.1.0-56-amd64"): "that is what `uname -r` says on debian-12",
    ("run", "-c", "load p1", "-e", "rhel9"): "did you mean rhel-9",
    ("run", "-c", "load p1", "-e", "v6.12,"): "lacks an engine beside a comma",
    ("run", "-c", "load p1", "-e", "v6.12..v5.1"): "write v5.1..v6.12",
    ("run", "-c", "load p1", "--set", "forse=listed"): "did you mean force",
    ("run", "-c", "load p1", "--set", "force=listd"): "did you mean listed",
    ("run", "-c", "load p1", "--with", "atomic-replcae"): "did you mean atomic-replace",
    ("bisect", "-c", "load p1", "--property", "stalecode"): "did you mean stale-code",
    ("bisect", "-c", "load p1; unload p1", "--result", "unload p1=EAGIN"): "did you mean EAGAIN",
    ("bisect", "-c", "load p1", "--events", "hok"): "did you mean hook",
    ("reduce", "-c", "load p1", "--keep-violation", "stalecode"): "did you mean stale-code",
    ("diff", "-c", "load p1"): "it compares two engines, and none was named",
    ("engines", "baronv2"): "did you mean baron-v2",
}


def test_there_are_forty_of_them_and_more() -> None:
    assert len(IN_A_SCENARIO) + len(ON_THE_COMMAND_LINE) >= 40


@pytest.mark.parametrize(("text", "said"), IN_A_SCENARIO.items(), ids=list(IN_A_SCENARIO))
def test_what_is_said_of_a_scenario(text: str, said: str, capsys: Capture) -> None:
    done = call(capsys, "run", "-c", text)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    # With its place, and a caret below it.
    assert done.err.startswith("<command line>:")
    assert "^" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"), ON_THE_COMMAND_LINE.items(), ids=[" ".join(words) for words in ON_THE_COMMAND_LINE]
)
def test_what_is_said_of_a_command_line(arguments: tuple[str, ...], said: str, capsys: Capture) -> None:
    done = call(capsys, *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "text",
    [
        # Tasks that act once, and are like no other.
        "t1: syscall f; t2: syscall f",
        "task t1 in f; load p1; worker: syscall f",
        "task reader1; task reader2; load p1; reader1: syscall f",
        "task t1 in f; task tl; load p1; tl: syscall f",
        # Files that are not there, and are like none that is.
        "load p1; expect p1 vmlinux = gone",
        "load p1; expect p1 nosuch = gone",
        "load p1 { f }; expect p1 vmlinux/f,1 = gone",
    ],
)
def test_what_is_no_mistake(text: str) -> None:
    load_text(text, "<test>")


def test_no_scenario_of_the_corpus_is_one() -> None:
    for path in sorted((ROOT / "scenarios").rglob("*.klp")):
        load_file(str(path))


@pytest.mark.parametrize("engine", [*expand("v4.0,v4.16,v5.1,v6.12,latest"), *expand("systems,proposals")])
def test_every_attribute_that_an_engine_has_is_known(engine: str, capsys: Capture) -> None:
    import json

    out = call(capsys, "run", "-c", "load p1; show", "-e", engine, "--format", "jsonl").out
    kind = Sysfs.__name__.lower()
    paths = [record["path"] for record in map(json.loads, out.splitlines()) if record["kind"] == kind]
    assert paths
    for path in paths:
        if path.endswith("/") or "/" not in path:
            continue
        depth, name = path.count("/"), path.rpartition("/")[2]
        assert name in (ATTRIBUTES if depth == 1 else BELOW), path
