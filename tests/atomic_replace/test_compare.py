"""`klpdsl compare`: groups by equal traces, and one table of what sets them apart."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, code: int = 0, stdin: str = "") -> str:
    command = [sys.executable, "-m", "klpdsl", "compare", *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, cwd=ROOT, input=stdin)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr if code else done.stdout


def test_the_table_of_an_immediate_replacement() -> None:
    shown = run(
        "scenarios/atomic-replace/S06-replace-and-immediate.klp",
        "--engines",
        "baron-v2,mladek-kobj-release,baron-v2-reject-imm,mladek-keep-imm",
    )
    head, _, _ = shown.partition("in the end")
    assert head == (
        "S06-replace-and-immediate: 4 engines, 3 ways to behave\n"
        "\n"
        "A  baron-v2, mladek-kobj-release\n"
        "B  baron-v2-reject-imm\n"
        "C  mladek-keep-imm\n"
        "\n"
        "                            A       B       C\n"
        "4 apply p2                  0       EINVAL  0\n"
        "7 unload p1                 0       EAGAIN  EAGAIN\n"
        "violation stale-code        step 7  -       -\n"
    )
    assert "in the end p1 refs          -       1       1\n" in shown
    assert shown.endswith("\nother events, but the same result: steps 6\n")


def test_engines_that_behave_alike_are_one_group() -> None:
    assert run("-c", "apply p1", "--engines", "v4.5,v4.6") == (
        "<command line>: 2 engines behave alike\n\nA  v4.5, v4.6\n\n"
        "elsewhere: v4.5 and v4.6 differ, after 2 steps (klpdsl separate v4.5 v4.6)\n"
    )


def test_json_tells_every_engine_and_markdown_is_the_same_table() -> None:
    wanted = ("-c", "load p1; enable p1; disable p1", "--engines", "v4.5,v5.1,v4.6")
    told = json.loads(run(*wanted, "--format", "json"))
    assert told["groups"] == [
        {"group": "A", "engines": ["v4.5", "v4.6"]},
        {"group": "B", "engines": ["v5.1"]},
    ]
    enabling = next(row for row in told["differences"] if row["what"] == "2 enable p1")
    assert enabling["kind"] == "result"
    assert enabling["engines"] == {"v4.5": "0", "v4.6": "0", "v5.1": "EINVAL"}
    shown = run(*wanted, "--format", "markdown")
    assert "| A | `v4.5`, `v4.6` |\n" in shown
    assert "| 2 enable p1 | 0 | EINVAL |\n" in shown


def test_all_is_everything_there_is() -> None:
    told = json.loads(run("-c", "load p1", "--engines", "all", "--format", "json"))
    engines = {engine for group in told["groups"] for engine in group["engines"]}
    assert {"v4.0", "v6.11", "baron-v2", "loop-typo", "kgraft", "kpatch-core"} <= engines


def test_without_engines_the_scenarios_own_are_compared() -> None:
    assert run("scenarios/atomic-replace/S24-no-window.klp") == (
        "S24-no-window: one engine\n\nA  kpatch-core\n"
    )


def test_a_scenario_from_standard_input() -> None:
    assert run("-", "--engines", "v6.12", stdin="load p1\n").startswith("-: one engine\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "klpdsl compare: name one scenario: a file, - for standard input, or a text with -c\n"),
        (
            ("-c", "load p1", "x.klp"),
            "klpdsl compare: name one scenario: a file, - for standard input, or a text with -c\n",
        ),
        (
            ("-c", "load p1", "--engines", "barn"),
            "klpdsl compare: there is no engine barn; did you mean baron",
        ),
        (("-c", "lod p1"), "<command line>:1:1: error: "),
    ],
)
def test_mistakes_are_told(arguments: tuple[str, ...], said: str) -> None:
    assert said in run(*arguments, code=2)


def test_brief_leaves_out_the_end() -> None:
    wanted = ("-c", "load p1; enable p1", "--engines", "v4.5,v5.1")
    assert "in the end" in run(*wanted)
    assert run(*wanted, "--brief") == (
        "<command line>: 2 engines, 2 ways to behave\n\nA  v4.5\nB  v5.1\n\n             A  B\n2 enable p1  0  EINVAL\n"
    )


def test_a_transition_that_stalls_is_another_way_to_end() -> None:
    shown = run("-c", "task t1 in f uninterruptible; apply p1; settle", "--engines", "v4.5,v6.4", "--brief")
    assert shown.endswith("          A  B\n2 settle  0  0 (stalled)\n")
