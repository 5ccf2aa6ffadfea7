"""The standard streams of the command: an error of theirs says whose it is, and a closed one is stood in for."""

from __future__ import annotations

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INPUT, OUTPUT, ERRORS = "standard input", "standard output", "standard error"


class _Named(io.FileIO):
    """A stream whose errors bear its name, as those of files bear theirs. Python's own do not."""

    def __init__(self, handle: int, mode: str, name: str) -> None:
        super().__init__(handle, mode, closefd=False)
        self._name = name

    def write(self, data: Any, /) -> Any:
        try:
            return super().write(data)
        except OSError as error:
            error.filename = self._name
            raise

    def readinto(self, buffer: Any, /) -> Any:
        try:
            return super().readinto(buffer)
        except OSError as error:
            error.filename = self._name
            raise


def set_up() -> None:
    """Make the streams of this process the command's.

    What we print is the same bytes in every locale, and bytes of a path that are no text are what they were.
    """
    # The lowest number that is free is taken, so they are gone through in order. Something has to have the number,
    # or a file that we open gets it; and to use it fails as for other tools: bad file descriptor.
    if sys.stdin is None:
        os.open(os.devnull, os.O_WRONLY)
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_Named(0, "r", INPUT)), encoding="utf-8")
    closed = sys.stdout is None
    if closed:
        os.open(os.devnull, os.O_RDONLY)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Named(1, "w", OUTPUT)),
        encoding="utf-8",
        errors="surrogateescape",
        line_buffering=not closed and bool(sys.stdout.line_buffering),
        write_through=not closed and _is_unbuffered(sys.stdout),
    )
    if sys.stderr is None:
        os.open(os.devnull, os.O_WRONLY)
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), write_through=True)
    _write_utf_8(sys.stderr)


def _is_unbuffered(stream: object) -> bool:
    return bool(getattr(stream, "write_through", False))


def _write_utf_8(stream: object) -> None:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="surrogateescape")
