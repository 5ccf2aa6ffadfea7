"""The command as a call: for tests to which a process of its own would add nothing but its start."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from klpdsl.__main__ import main


def call(
    arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str], stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Do what `klpdsl ARGUMENTS` does in that folder and environment; return what its process would have given."""
    out, err = _stream(), _stream()
    with _elsewhere(cwd, environment), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        before, sys.stdin = sys.stdin, io.StringIO(stdin)
        try:
            code = main(list(arguments))
        except SystemExit as exit_:  # argparse's way of ending
            code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        finally:
            sys.stdin = before
    return subprocess.CompletedProcess(["klpdsl", *arguments], code, _text(out), _text(err))


def _stream() -> io.TextIOWrapper:
    # As `klpdsl/_streams.py` makes the streams of a process.
    return io.TextIOWrapper(
        io.BytesIO(), encoding="utf-8", errors="surrogateescape", newline="\n", write_through=True
    )


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@contextlib.contextmanager
def _elsewhere(cwd: Path, environment: Mapping[str, str]) -> Iterator[None]:
    # The folder may be gone when we come back to it, if it is a test's own.
    folder, variables = os.open(".", os.O_RDONLY), dict(os.environ)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(variables)
        os.fchdir(folder)
        os.close(folder)
