"""What every command does alike: its help, wrong words, and a reader that goes away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from klpdsl.cli.commands import COMMANDS

ROOT = Path(__file__).parent.parent
SEED = str(ROOT / "scenarios" / "basics" / "seed.klp")
# Git calls this one, with paths of its own.
PLAIN = [name for name in COMMANDS if name != "merge-golden"]


def klpdsl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "klpdsl", *arguments], cwd=ROOT, check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize("command", PLAIN)
def test_help_has_an_example(command: str) -> None:
    done = klpdsl(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: klpdsl {command}")
    assert "klpdsl " + command in done.stdout.split("example", 1)[1]


@pytest.mark.parametrize("command", PLAIN)
def test_a_wrong_option_is_a_usage_error(command: str) -> None:
    done = klpdsl(command, "--no-such-option")
    assert done.returncode == 2
    assert done.stderr.startswith(f"usage: klpdsl {command}")
    assert "Traceback" not in done.stderr


def test_a_wrong_command_gets_a_hint() -> None:
    done = klpdsl("chek")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'check'?" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", SEED, "--engine", "all"],
        ["history", SEED],
        ["bisect", SEED, "--good", "v4.12", "--bad", "v6.12"],
        ["engines"],
        ["compare", SEED, "--engines", "all"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_reader_that_goes_away_is_no_error(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "klpdsl", *arguments],
            cwd=ROOT,
            check=False,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(writing)
    assert (done.stderr, done.returncode) == ("", 141)


# A locale without UTF-8, in a Python that is told not to help itself.
ELSEWHERE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "-c", 'task "t\u00e4sk" in f; load p1; "t\u00e4sk": return'],
        ["run", "-c", 'load p1; loda "\u00e4"'],
        ["engines", "--coverage"],
        ["history", SEED],
    ],
    ids=lambda arguments: " ".join(arguments)[:16].encode("ascii", "replace").decode(),
)
@pytest.mark.parametrize("elsewhere", [ELSEWHERE, {"PYTHONIOENCODING": "latin-1"}], ids=["ascii", "latin-1"])
def test_a_locale_changes_no_byte(arguments: list[str], elsewhere: dict[str, str]) -> None:
    def told(environment: dict[str, str]) -> tuple[int, bytes, bytes]:
        done = subprocess.run(
            [sys.executable, "-m", "klpdsl", *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            check=False,
            capture_output=True,
        )
        return done.returncode, done.stdout, done.stderr

    assert told(elsewhere) == told({"PYTHONUTF8": "1"})
