"""What may end a command and is no fault of klpdsl: the errors that a user is told of in words, with an exit code."""

from __future__ import annotations

import errno


class KlpdslError(Exception):
    """Something that a user can mend, or has to know: a scenario, an engine's name, a file, a lock.

    The command line prints `told()` and exits with `exit_code`; no traceback reaches anybody.
    """

    #: 1 mismatch, 2 usage or a file that is not right, 125 cannot judge (klpdsl --help).
    exit_code = 2

    def told(self, command: str) -> str:
        """Return what the user of a command is told; there is no newline at its end."""
        return f"klpdsl {command}: {self}"


#: What nobody can mend by another command or other rights.
_MACHINE = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE))


def exit_code_of(error: OSError) -> int:
    """Return 4 where the machine failed (no space, a broken disk), and 2 for what lies in the user's hands."""
    return 4 if error.errno in _MACHINE else 2
