"""What the commands share: exit codes, the parser's manners, where errors go, whether to colour."""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

OK = 0
MISMATCH = 1
USAGE = 2
HOUSEKEEPING = 3
FAILED = 4
NOTHING_SELECTED = 5
CANNOT_JUDGE = 125


def parser(command: str, description: str, example: str) -> argparse.ArgumentParser:
    """A parser that shows an example in its help and wraps nothing the author has laid out."""
    from klpdsl.cli.arguments import make_parser

    return make_parser(command, description, example)


def complain(text: str) -> None:
    """An error, for the user's eyes."""
    print(text, file=sys.stderr)


#: What nobody can mend by another command or other rights.
_MACHINE = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE))


def told_of(command: str, error: OSError) -> int:
    """Say what could not be read or written, and why; returns the exit code.

    That is 4 where the machine failed (no space, a broken disk), and 2 for what lies in the user's hands: a folder
    where a file should be, a lack of rights, a name that is too long.
    """
    where = f"{_from_here(error.filename)}: " if isinstance(error.filename, str) else ""
    complain(f"klpdsl {command}: {where}{error.strerror or error}")
    return FAILED if error.errno in _MACHINE else USAGE


def _from_here(path: str) -> str:
    try:
        shown = os.path.relpath(path)
    except (OSError, ValueError):  # here is no more
        return path
    return path if shown.startswith(os.pardir) else shown


def colours(stream: object = None) -> bool:
    """Whether output to the stream (standard output) may carry colours."""
    environment = os.environ
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    isatty = getattr(stream or sys.stdout, "isatty", None)
    return bool(isatty and isatty())


def in_ci() -> bool:
    """Whether this runs where nobody looks: then nothing is written without an explicit flag."""
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}


def default_jobs() -> int:
    """How many processes to use unless told."""
    return len(os.sched_getaffinity(0))


class Progress:
    """A line that counts, on a terminal; nothing elsewhere."""

    def __init__(self, total: int, what: str) -> None:
        self._total = total
        self._what = what
        self._on = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._width = 0

    def show(self, done: int, note: str = "") -> None:
        """So many are done."""
        if not self._on:
            return
        text = f"{done}/{self._total} {self._what}{note}"
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def end(self) -> None:
        """Take the line away."""
        if self._on and self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
