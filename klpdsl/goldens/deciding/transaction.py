"""Writing goldens: one transaction for each accept, under the suite's lock, safe against a crash at every point.

All that is to be written is first brought to the disk beside the goldens (`.klpdsl/new/`): if there is no space for it,
nothing has happened. Then what is to be done is written down as a whole (`.klpdsl/transaction.json`); that is the point
at which an accept has happened. What is left are renames and removals, the changes that are not pending any more, and
last the transaction itself. Whoever takes the lock next carries out what is left of one.
"""

from __future__ import annotations

import contextlib
import json
import os

from klpdsl._errors import KlpdslError, exit_code_of
from klpdsl._shapes import Escaped, ShapeError, check, why
from klpdsl._writing import UnfitPlaceError
from klpdsl.goldens.deciding import pending
from klpdsl.goldens.deciding.locking import ForeignStateError
from klpdsl.goldens.deciding.pending import Record
from klpdsl.goldens.storage import sealed, writes
from klpdsl.goldens.storage.sealed import UnsealedError
from klpdsl.goldens.storage.store import fingerprint
from klpdsl.goldens.suite import STATE, Suite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from klpdsl._records import NamedTuple

TRANSACTION = f"{STATE}/transaction.json"
STAGED = f"{STATE}/new"


class UnfinishedError(KlpdslError):
    """An accept has happened, and could not be carried out to its end."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror)
        self.exit_code = exit_code_of(error)
        self._path = str(error.filename or TRANSACTION)

    def told(self, command: str) -> str:
        """Return what could not be written, and that it is not lost."""
        return (
            f"klpdsl {command}: {self._path}: {self}\n"
            "what was decided is written down, but not carried out to its end: the next klpdsl accept finishes it"
        )


class Operation(NamedTuple):
    """One file: its path from the suite's folder, its content (None: it goes), and the content it had ('': none)."""

    path: str
    new: str | None
    old: str


class Finished(NamedTuple):
    """What a transaction has done: the paths, and those left alone because somebody has changed them since.

    `removed` are those of `written` at which there is no file any more.
    """

    written: tuple[str, ...]
    moved: tuple[str, ...]
    removed: frozenset[str] = frozenset()


def in_progress(suite: Suite) -> bool:
    """Whether an accept was interrupted, so that the next one has to finish it. Raises OSError."""
    try:
        return sealed.read(suite, TRANSACTION) is not None
    except (UnsealedError, UnfitPlaceError):
        return False


def foreign(suite: Suite) -> bool:
    """Whether something lies where an interrupted accept would be, and is none of ours. Raises OSError."""
    try:
        sealed.read(suite, TRANSACTION)
    except (UnsealedError, UnfitPlaceError):
        return True
    return False


class Plan(NamedTuple):
    """All that one accept does.

    When the operations are carried out, what is pending for the scenarios in `done` is dropped, `left` are the
    pending changes that stay for some of them, and `decided` the classes whose decisions have been carried out.
    """

    operations: tuple[Operation, ...]
    done: tuple[str, ...] = ()
    left: tuple[Record, ...] = ()
    decided: tuple[str, ...] = ()


def commit(suite: Suite, plan: Plan) -> Finished:
    """Carry out a plan as one. The lock is held.

    Raises OSError when nothing of it has happened, and `UnfinishedError` when all of it will.
    """
    try:
        _stage(suite, plan)
        sealed.write(suite, TRANSACTION, _written_down(plan))
    except BaseException:
        _take_back(suite, plan)
        raise
    return _carry_out(suite, _reduced(plan))


class _Step(NamedTuple):
    """An operation as it is written down: fingerprints of its content (None: the file goes), and of what was there."""

    path: str
    new: str | None
    old: str


class _Reduced(NamedTuple):
    """A plan as it is written down."""

    steps: tuple[_Step, ...]
    done: tuple[str, ...]
    left: tuple[Record, ...]
    decided: tuple[str, ...]


def _reduced(plan: Plan) -> _Reduced:
    steps = (
        _Step(one.path, None if one.new is None else fingerprint_of(one.new), one.old)
        for one in plan.operations
    )
    return _Reduced(tuple(steps), plan.done, plan.left, plan.decided)


def _written_down(plan: Plan) -> bytes:
    reduced = _reduced(plan)
    row = {
        "version": pending.VERSION,
        "operations": reduced.steps,
        "done": reduced.done,
        "left": [pending.to_json(record) for record in reduced.left],
        "decided": reduced.decided,
    }
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogateescape")


def _stage(suite: Suite, plan: Plan) -> None:
    """Bring the contents to the disk, and make the folders that they go to."""
    _sweep(suite)
    for number, operation in enumerate(plan.operations):
        if operation.new is None:
            continue
        with writes.folder_of(suite, operation.path, make=True):
            pass
        with writes.folder_of(suite, f"{STAGED}/{number}", make=True) as (folder, name):
            folder.create(name, operation.new.encode("utf-8", "surrogateescape"))
    with contextlib.suppress(FileNotFoundError), writes.folder_of(suite, f"{STAGED}/x") as (folder, _):
        folder.sync()


def _take_back(suite: Suite, plan: Plan) -> None:
    """Leave no trace of a plan that has not happened."""
    writes.remove(suite, TRANSACTION)
    with contextlib.suppress(OSError):
        for operation in plan.operations:
            writes.remove_empty_folders(suite, operation.path.rpartition("/")[0])
        _sweep(suite)


def _sweep(suite: Suite) -> None:
    """Take away what was staged and never got to its place."""
    for name in writes.names_below(suite, STAGED):
        writes.remove(suite, f"{STAGED}/{name}")


def recover(suite: Suite) -> Finished | None:
    """Finish what an interrupted accept has left; None when there is nothing. The lock is held.

    Raises `ForeignStateError` for what no klpdsl of this user has left here.
    """
    path = os.path.join(suite.root, TRANSACTION)
    try:
        data = sealed.read(suite, TRANSACTION)
        plan = None if data is None else _read_back(json.loads(data.decode("utf-8", "surrogateescape")))
    except UnsealedError as error:
        raise ForeignStateError(
            f"{path} is left from an accept that was not made here: nothing of it is done; look at git status, and "
            "remove it"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ForeignStateError(
            f"{path} is left from an accept and cannot be read ({why(error)}); look at git status, and remove it"
        ) from error
    if plan is None:
        _sweep(suite)
        return None
    return _carry_out(suite, plan)


_SHAPE = {
    "version": int,
    "operations": [[(Escaped, None)]],
    "done": [Escaped],
    "left": [dict],
    "decided": [str],
}
"""A transaction as JSON."""


def _read_back(row: Any) -> _Reduced:
    check(row, _SHAPE)
    for place, one in enumerate(row["operations"]):
        if len(one) != 3 or None in (one[0], one[2]):
            raise ShapeError(f"`operations[{place}]` should be a path and two fingerprints")
    return _Reduced(
        tuple(_Step(*one) for one in row["operations"]),
        tuple(row["done"]),
        tuple(pending.from_json(one) for one in row["left"]),
        tuple(row["decided"]),
    )


def _carry_out(suite: Suite, plan: _Reduced) -> Finished:
    try:
        finished = _put_in_place(suite, plan)
        for record in plan.left:
            pending.write(suite, record)
        for name in plan.done:
            pending.drop(suite, name)
        if plan.decided:
            left = {id_: one for id_, one in pending.decisions(suite).items() if id_ not in plan.decided}
            pending.decide(suite, left)
        _sweep(suite)
        writes.remove(suite, TRANSACTION)
    except OSError as error:
        raise UnfinishedError(error) from error
    return finished


def _put_in_place(suite: Suite, plan: _Reduced) -> Finished:
    written, moved = [], []
    touched: set[str] = set()
    for number, step in enumerate(plan.steps):
        now = writes.state_of(suite, step.path)
        if now == (step.new or ""):
            written.append(step.path)  # by whoever was interrupted
            continue
        if now != step.old or not _put(suite, step, f"{STAGED}/{number}"):
            moved.append(step.path)
            continue
        touched.add(step.path.rpartition("/")[0])
        written.append(step.path)
    for folder in sorted(touched):
        with contextlib.suppress(FileNotFoundError), writes.folder_of(suite, f"{folder}/x") as (opened, _):
            opened.sync()
    for step in plan.steps:
        if step.new is None:
            writes.remove_empty_folders(suite, step.path.rpartition("/")[0])
    gone = frozenset(step.path for step in plan.steps if step.new is None)
    return Finished(tuple(written), tuple(moved), gone & frozenset(written))


def _put(suite: Suite, step: _Step, staged: str) -> bool:
    """Let the staged file take its place; False where it is not what was staged."""
    if step.new is None:
        with writes.folder_of(suite, step.path) as (folder, name):
            folder.take(name)
        return True
    if writes.state_of(suite, staged) != step.new:
        return False
    with (
        writes.folder_of(suite, staged) as (source, number),
        writes.folder_of(suite, step.path, make=True) as (folder, name),
    ):
        folder.take_over(name, source, number)
    return True


def fingerprint_of(text: str) -> str:
    """The fingerprint of a text as it lies on the disk."""
    return fingerprint(text.encode("utf-8", "surrogateescape"))
