"""docs/atomic-replace.md: every command in it prints what it says; a line of `…` stands for any number of lines."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "atomic-replace.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n\$ (.*)\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)


def output_of(command: str) -> str:
    program, *arguments = shlex.split(command)
    assert program == "klpdsl", command
    called = [sys.executable, "-m", "klpdsl", *arguments]
    done = subprocess.run(called, capture_output=True, encoding="utf-8", check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pattern(text: str) -> str:
    pieces = [re.escape(piece) for piece in re.split(r"(?m)^…\n", text)]
    return r"(?:.*\n)*?".join(pieces)


@pytest.mark.parametrize(("command", "shown"), BLOCKS, ids=[command[:90] for command, _ in BLOCKS])
def test_a_claim_is_what_the_command_prints(command: str, shown: str) -> None:
    printed = output_of(command)
    assert re.fullmatch(pattern(shown), printed), f"$ {command}\n{printed}"
    assert shown.replace("…\n", "").strip(), "nothing is claimed"


def test_every_code_block_is_a_command() -> None:
    assert PAGE.count("```console") == PAGE.count("```") / 2 == len(BLOCKS) > 40


def test_what_is_shown_is_not_matched_by_anything_else() -> None:
    assert not re.fullmatch(pattern("a\n…\nb\n"), "a\nc\n")
    assert re.fullmatch(pattern("a\n…\nb\n"), "a\nx\ny\nb\n")
    assert not re.fullmatch(pattern("…\nb\n"), "x\nb\nc\n")


def test_every_scenario_that_is_named_is_there() -> None:
    for name in re.findall(r"scenarios/[\w/-]+\.klp", PAGE):
        assert (ROOT / name).is_file(), name
