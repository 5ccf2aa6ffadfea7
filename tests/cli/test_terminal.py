"""Colours and the pager: when there are some, and what a terminal gets."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from klpdsl.cli.common import colours
from klpdsl.cli.general_options import taken
from tests.cli.command import call

Capture = pytest.CaptureFixture[str]
BLOCKED = "task t1 in f; load p1 { f }; expect transition = none"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "KLPDSL_COLOR", "KLPDSL_PAGER", "PAGER", "LESS"):
        # Set first, so that what a test makes of it is undone.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("environment", "terminal", "wanted"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"KLPDSL_COLOR": "always", "NO_COLOR": "1"}, False, True),
        ({"KLPDSL_COLOR": "never", "FORCE_COLOR": "1"}, True, False),
        ({"KLPDSL_COLOR": "auto"}, True, True),
    ],
)
def test_when_there_are_colours(
    environment: dict[str, str], terminal: bool, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert colours(Terminal() if terminal else io.StringIO()) is wanted


def test_what_stands_out_of_a_trace(capsys: Capture) -> None:
    plain = call(capsys, "run", "-c", BLOCKED, "-e", "v6.14")
    shown = call(capsys, "run", "--color", "-c", BLOCKED, "-e", "v6.14")
    assert (plain.code, shown.code) == (1, 1)
    lines = shown.out.splitlines()
    assert "\x1b[1m1 load p1 { f }\x1b[0m" in lines
    assert any(line.startswith("\x1b[33m    blocked t1") for line in lines)
    assert any(line.startswith("\x1b[31;1m  expect failed") for line in lines)
    # Nothing else is different.
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", shown.out) == plain.out


def test_a_violation_stands_out_of_a_comparison(capsys: Capture) -> None:
    text = "task t1 in f; load p1 immediate { f }; enable p1; disable p1; unload p1"
    asked = ["-c", text, "-e", "v4.13,v5.1"]
    shown = call(capsys, "compare", *asked, "--color=always").out
    assert shown.startswith("\x1b[1m<command line>: 2 engines")


def test_no_colour_is_kept_from_one_call_to_the_next_by_never(capsys: Capture) -> None:
    shown = call(capsys, "run", "-c", "load p1", "--color=never")
    assert "\x1b" not in shown.out


def test_a_wrong_value_is_told(capsys: Capture) -> None:
    done = call(capsys, "run", "-c", "load p1", "--color=sometimes")
    assert (done.code, done.out) == (2, "")
    assert done.err == "klpdsl run: --color can not be `sometimes`, only always, never, auto\n"


def test_the_text_of_a_scenario_is_no_option() -> None:
    assert taken(["-c", "--color=x", "--no-pager", "y"]) == ["-c", "--color=x", "y"]
    assert taken(["--color=never", "--", "--color"]) == ["--", "--color"]


def test_what_all_formats_say(capsys: Capture) -> None:
    listed = json.loads(call(capsys, "run", "-c", "load p1", "-e", "v6.12", "--format", "json").out)
    lines = call(capsys, "run", "-c", "load p1", "-e", "v6.12", "--format", "jsonl").out.splitlines()
    assert listed[0]["engine"] == "v6.11"
    assert listed[1:] == [json.loads(line) for line in lines[1:]]
    two = json.loads(call(capsys, "run", "-c", "load p1", "-e", "v6.12,v6.14", "--format", "json").out)
    assert [run[0]["asked"] for run in two] == [["v6.12"], ["v6.14"]]
    text = call(capsys, "run", "-c", "load p1", "-e", "v6.12").out
    page = call(capsys, "run", "-c", "load p1", "-e", "v6.12", "--format", "markdown").out
    assert page == f"### <command line> on v6.12 (= v6.11)\n\n```\n{text}```\n"


def on_a_terminal(tmp_path: Path, *arguments: str, **environment: str) -> bytes:
    """What a terminal shows of a command."""
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "klpdsl", *arguments],
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env={**os.environ, **environment},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(mine, 4096)
        except OSError:  # nobody writes there any more
            break
        if not piece:
            break
        shown += piece
    os.close(mine)
    assert process.wait(timeout=60) == 0
    return shown


def test_a_terminal_gets_it_through_the_pager(tmp_path: Path) -> None:
    shown = on_a_terminal(tmp_path, "engines", PAGER="tee seen")
    seen = (tmp_path / "seen").read_bytes()
    assert shown.replace(b"\r\n", b"\n") == seen
    assert b"\x1b[1mv4.12\x1b[0m" in seen
    # And not what nobody reads from its top, or where it is not wanted.
    for words in (["engines", "--no-pager"], ["fmt", "--help"]):
        (tmp_path / "seen").unlink(missing_ok=True)
        assert on_a_terminal(tmp_path, *words, PAGER="tee seen")
        assert not (tmp_path / "seen").exists()
    assert on_a_terminal(tmp_path, "engines", PAGER="no-such-pager")


def test_no_pager_where_there_is_no_terminal(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAGER", "tee seen")
    assert call(capsys, "engines").code == 0
    assert not (tmp_path / "seen").exists()


def test_a_pager_that_is_left_ends_the_command_quietly(tmp_path: Path) -> None:
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "klpdsl", "engines", "--axes"],
        stdout=theirs,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PAGER": "true"},
    )
    os.close(theirs)
    _, told = process.communicate(timeout=60)
    os.close(mine)
    assert (process.returncode, told) in {(0, b""), (141, b"")}
