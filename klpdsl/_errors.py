"""What may end a command and is no fault of klpdsl: the errors that a user is told of in words, with an exit code."""

from __future__ import annotations


class KlpdslError(Exception):
    """Something that a user can mend, or has to know: a scenario, an engine's name, a file, a lock.

    The command line prints `told()` and exits with `exit_code`; no traceback reaches anybody.
    """

    #: 1 mismatch, 2 usage or a file that is not right, 125 cannot judge (klpdsl --help).
    exit_code = 2

    def told(self, command: str) -> str:
        """Return what the user of a command is told; there is no newline at its end."""
        return f"klpdsl {command}: {self}"
