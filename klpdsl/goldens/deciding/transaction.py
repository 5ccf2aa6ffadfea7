"""Writing goldens: one transaction for each accept, one lock for each suite, safe against a crash at every point.

What is to be done is first written down as a whole (`.klpdsl/transaction.json`); that rename is the point at which
an accept has happened. Then the goldens are replaced, one by one and each atomically, then the pending changes are
dropped, and last the transaction. Whoever takes the lock next carries out what is left of one.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager

from klpdsl._errors import KlpdslError
from klpdsl.goldens.deciding import pending
from klpdsl.goldens.deciding.pending import Record
from klpdsl.goldens.storage import writes
from klpdsl.goldens.storage.store import fingerprint
from klpdsl.goldens.suite import Suite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple

TRANSACTION = "transaction.json"
LOCK = "lock"
#: How long an accept waits for another one.
PATIENCE = 10.0


class BusyError(KlpdslError):
    """Somebody else is writing the goldens of this suite."""

    exit_code = 1


class Operation(NamedTuple):
    """One file: its path from the suite's folder, its content (None: it goes), and the content it had ('': none)."""

    path: str
    new: str | None
    old: str


class Finished(NamedTuple):
    """What a transaction has written: the paths, and those left alone because somebody has changed them since."""

    written: tuple[str, ...]
    moved: tuple[str, ...]


def in_progress(suite: Suite) -> bool:
    """Whether an accept was interrupted, so that the next one has to finish it."""
    return os.path.exists(os.path.join(suite.state, TRANSACTION))


@contextmanager
def lock(suite: Suite, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the suite's lock. Raises `BusyError` when another process does not give it back in time."""
    import fcntl
    import time

    pending.prepare(suite)
    handle = os.open(os.path.join(suite.state, LOCK), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
                    raise BusyError(
                        f"process {holder or '?'} is writing the goldens of {suite.root}; try again when it is done"
                    ) from None
                time.sleep(0.02)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


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
    """Carry out a plan as one. The lock is held."""
    row = {
        "version": pending.VERSION,
        "operations": plan.operations,
        "done": plan.done,
        "left": [pending.to_json(record) for record in plan.left],
        "decided": plan.decided,
    }
    data = json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogateescape")
    writes.write(os.path.join(suite.state, TRANSACTION), data, pending.scratch(suite))
    return _carry_out(suite, plan)


def recover(suite: Suite) -> Finished | None:
    """Finish what an interrupted accept has left; None when there is nothing. The lock is held."""
    path = os.path.join(suite.state, TRANSACTION)
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            row = json.load(file)
        plan = Plan(
            tuple(Operation(*one) for one in row["operations"]),
            tuple(row["done"]),
            tuple(pending.from_json(one) for one in row["left"]),
            tuple(row["decided"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise BusyError(
            f"{path} is left from an accept and cannot be read ({error}); look at git status, and remove it"
        ) from error
    return _carry_out(suite, plan)


def _carry_out(suite: Suite, plan: Plan) -> Finished:
    written, moved = [], []
    for operation in plan.operations:
        path = os.path.join(suite.root, *operation.path.split("/"))
        now = content(path)
        if now == operation.new:
            written.append(operation.path)  # by whoever was interrupted
            continue
        if (fingerprint_of(now) if now is not None else "") != operation.old:
            moved.append(operation.path)
            continue
        if operation.new is None:
            writes.remove(path)
            writes.remove_empty_folders(os.path.dirname(path), suite.goldens)
        else:
            writes.write(path, operation.new.encode("utf-8", "surrogateescape"), pending.scratch(suite))
        written.append(operation.path)
    for record in plan.left:
        pending.write(suite, record)
    for name in plan.done:
        pending.drop(suite, name)
    if plan.decided:
        left = {id_: one for id_, one in pending.decisions(suite).items() if id_ not in plan.decided}
        pending.decide(suite, left)
    writes.remove(os.path.join(suite.state, TRANSACTION))
    return Finished(tuple(written), tuple(moved))


def content(path: str) -> str | None:
    """A file's text, byte for byte; None when there is none."""
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None


def fingerprint_of(text: str) -> str:
    """The fingerprint of a text as it lies on the disk."""
    return fingerprint(text.encode("utf-8", "surrogateescape"))
