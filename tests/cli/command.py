"""Commands as users call them, in this process: what they print, and the exit code."""

from __future__ import annotations

import io
from typing import NamedTuple

import pytest

from klpdsl.__main__ import main


class Done(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> Done:
    """Run `klpdsl ARGUMENTS`."""
    capsys.readouterr()
    code = main(list(arguments))
    said = capsys.readouterr()
    return Done(code, said.out, said.err)


def give(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let standard input hold a text."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8"))
