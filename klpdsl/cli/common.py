"""What the commands share: exit codes, the parser's manners, where errors go, whether to colour."""

from __future__ import annotations

import os
import sys

from klpdsl._errors import KlpdslError, exit_code_of
from klpdsl._output import Screen, raw, visible
from klpdsl._streams import ERRORS, INPUT, OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from types import TracebackType

OK = 0
MISMATCH = 1
USAGE = 2
HOUSEKEEPING = 3
FAILED = 4
NOTHING_SELECTED = 5
CANNOT_JUDGE = 125
INTERRUPTED = 130
READER_GONE = 141


def parser(command: str, description: str, example: str) -> argparse.ArgumentParser:
    """A parser that shows an example in its help and wraps nothing the author has laid out."""
    from klpdsl.cli.arguments import make_parser

    return make_parser(command, description, example)


def complain(text: str) -> None:
    """An error, for the user's eyes."""
    print(text, file=sys.stderr)


def guard(command: str, action: Callable[[], int]) -> int:
    """Do what a command does, and return its exit code, whatever comes of it.

    This is the one place that knows how a command may end. A command catches nothing of it by itself.
    """
    with Screen():
        return _guarded(command, action)


def _guarded(command: str, action: Callable[[], int]) -> int:
    debug = bool(os.environ.get("KLPDSL_DEBUG"))
    try:
        code = action()
    except KlpdslError as error:
        complain(error.told(command))
        code = error.exit_code
    except KeyboardInterrupt:
        complain("klpdsl: interrupted")
        code = INTERRUPTED
    except SystemExit as end:  # argparse's way of saying that all has been said
        code = end.code if isinstance(end.code, int) else OK
    except OSError as error:
        if _is_of_output(error):
            return _let_output_go(command, error)
        if debug:
            raise
        code = told_of(command, error)
    except Exception as error:
        if debug:
            raise
        complain(
            f"klpdsl: internal error: {type(error).__name__}: {error}\n"
            "This is a bug of klpdsl, not of your scenario. KLPDSL_DEBUG=1 shows where it happened."
        )
        code = FAILED
    try:
        sys.stdout.flush()
    except OSError as error:
        return _let_output_go(command, error)
    return code


def _is_of_output(error: OSError) -> bool:
    return error.filename == OUTPUT or isinstance(error, BrokenPipeError)


def _let_output_go(command: str, error: OSError) -> int:
    """Standard output takes nothing any more: say nothing there, not even when the interpreter closes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # Whoever read has enough, and need not be told.
    return READER_GONE if isinstance(error, BrokenPipeError) else told_of(command, error)


class EachAlone:
    """For a command that does the same to several things: what is wrong with one is told, and does not hide the next.

    `with each: …` around what is done to one; `code` is then the exit code of all.
    """

    def __init__(self, command: str) -> None:
        self._command = command
        self.code = OK

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> bool:
        if isinstance(error, KlpdslError):
            complain(error.told(self._command))
            self.code = max(self.code, error.exit_code)
            return True
        if isinstance(error, OSError) and error.filename is not None:
            self.code = max(self.code, told_of(self._command, error))
            return True
        return False


def told_of(command: str, error: OSError) -> int:
    """Say what could not be read or written, and why; returns the exit code.

    That is 4 where the machine failed (no space, a broken disk), and 2 for what lies in the user's hands: a folder
    where a file should be, a lack of rights, a name that is too long.
    """
    where = f"{_from_here(error.filename)}: " if isinstance(error.filename, str) else ""
    if not where and isinstance(error, FileNotFoundError) and _nowhere():
        where = "the folder that it was called in: "
    complain(f"{f'klpdsl {command}'.rstrip()}: {where}{error.strerror or error}")
    return exit_code_of(error)


def _nowhere() -> bool:
    try:
        os.getcwd()
    except OSError:
        return True
    return False


def _from_here(path: str) -> str:
    if path in (INPUT, OUTPUT, ERRORS):
        return path
    try:
        shown = os.path.relpath(path)
    except (OSError, ValueError):  # here is no more
        return path
    return path if shown.startswith(os.pardir) else shown


def colours(stream: object = None) -> bool:
    """Whether output to the stream (standard output) may carry colours.

    --color (which leaves its value in $KLPDSL_COLOR) comes before NO_COLOR, that before FORCE_COLOR, and all of them
    before what the stream is.
    """
    environment = os.environ
    asked = environment.get("KLPDSL_COLOR")
    if asked in ("always", "never"):
        return asked == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    if environment.get("TERM") == "dumb":
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
        raw(sys.stderr, "\r" + visible(text).ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def end(self) -> None:
        """Take the line away."""
        if self._on and self._width:
            raw(sys.stderr, "\r" + " " * self._width + "\r")
            sys.stderr.flush()
