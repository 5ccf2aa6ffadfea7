"""One lock for each suite: who holds it may change what is pending, the decisions and the goldens.

The state that it guards has to be this user's own. What git tracks there came with a commit, and nothing is done in it.
"""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager

from klpdsl._errors import KlpdslError
from klpdsl._git import git
from klpdsl.goldens.storage import writes
from klpdsl.goldens.suite import STATE, Suite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK = f"{STATE}/lock"
_IGNORE = f"{STATE}/.gitignore"
#: How long an accept waits for another one.
PATIENCE = 10.0


class BusyError(KlpdslError):
    """Somebody else is writing the goldens of this suite."""

    exit_code = 1


class ForeignStateError(KlpdslError):
    """What lies in .klpdsl/ came with the checkout, and is not acted upon."""


@contextmanager
def lock(suite: Suite, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the suite's lock.

    Raises `BusyError` when another process does not give it back in time, `ForeignStateError` where git tracks the
    state, and OSError where it cannot be written.
    """
    import fcntl
    import time

    _refuse_tracked(suite)
    _prepare(suite)
    handle = writes.open_own(suite, LOCK)
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
                        f"process {holder if holder.isdecimal() else '?'} is writing the goldens of {suite.root}; "
                        "try again when it is done"
                    ) from None
                time.sleep(0.02)
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            error.filename = os.path.join(suite.root, LOCK)
            raise
        yield
    finally:
        os.close(handle)


def _refuse_tracked(suite: Suite) -> None:
    tracked = (git(suite.root, "ls-files", "-z", "--", STATE) or "").split("\0")[0]
    if tracked:
        raise ForeignStateError(
            f"git tracks {tracked}: what is pending here is for this user alone to say, and no commit brings it; "
            f"git rm -r --cached {shlex.quote(STATE)} takes it out"
        )


def _prepare(suite: Suite) -> None:
    """Make the state folder, which tells git by itself to ignore it."""
    if writes.read(suite, _IGNORE, 1 << 16) is None:
        writes.write(suite, _IGNORE, b"*\n")
