"""What the commands that write goldens share: arguments, the guard in CI, the lock, what they say of their work."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from klpdsl._errors import KlpdslError
from klpdsl.cli.common import MISMATCH, USAGE, Progress, complain, in_ci
from klpdsl.goldens.checking import suite_check
from klpdsl.goldens.checking.findings import ScenarioReport
from klpdsl.goldens.deciding import pending, transaction
from klpdsl.goldens.deciding.locking import lock
from klpdsl.goldens.deciding.transaction import Finished
from klpdsl.goldens.suite import Suite


def add_write_arguments(p: argparse.ArgumentParser) -> None:
    """The arguments of every command that writes goldens."""
    p.add_argument(
        "--in-ci", action="store_true", help="write even where CI is set, and nobody is there to look"
    )


def add_class_argument(p: argparse.ArgumentParser) -> None:
    """The classes that a command is about, of those that are pending."""
    p.add_argument(
        "--class",
        dest="classes",
        action="append",
        default=[],
        metavar="ID",
        help="only this class of differences (as klpdsl check calls it); may be repeated",
    )


def may_write(command: str, arguments: argparse.Namespace) -> int:
    """0 if the command may write, else the exit code; in CI nothing is written without saying so."""
    if in_ci() and not arguments.in_ci:
        complain(
            f"klpdsl {command}: CI is set, and goldens are accepted by people; "
            "nothing is written here without --in-ci"
        )
        return USAGE
    return 0


class LeftAloneError(KlpdslError):
    """An interrupted accept was finished, but for files that somebody has changed since."""

    exit_code = MISMATCH


@contextmanager
def writing(suite: Suite) -> Iterator[None]:
    """Hold the suite's lock, with what an interrupted accept has left carried out.

    Raises `BusyError`, `ForeignStateError`, OSError; `LeftAloneError` where that could not be carried out in full.
    """
    with lock(suite):
        finished = transaction.recover(suite)
        if finished:
            print(f"finished an accept that was interrupted: {len(finished.written)} files")
            tell(suite, finished)
            if finished.moved:
                raise LeftAloneError("nothing else was done: look at what was left alone first")
        yield


def tell(suite: Suite, finished: Finished) -> None:
    """List every path that was written, and every one that was not; and what a real kernel has against it."""
    from klpdsl.kernel import evidence

    for path in finished.written:
        shown = os.path.relpath(os.path.join(suite.root, path))
        print(f"{shown} (removed)" if path in finished.removed else shown)
    for path in finished.moved:
        complain(f"{path}: left alone, somebody has changed it in the meantime; run klpdsl check")
    for sentence in evidence.objections(suite, finished.written):
        complain(sentence)


def check_anew(
    suite: Suite, names: Collection[str], jobs: int, *, cache: bool = True
) -> list[ScenarioReport]:
    """Check scenarios and leave what differs pending. The lock is held."""
    progress = Progress(len(names), "scenarios")
    try:
        reports = suite_check.check_all(
            suite, list(names), jobs, cache=cache, tell=lambda done, _: progress.show(done)
        )
    finally:
        progress.end()
    pending.make(suite, pending.changes(suite, reports))
    return reports
