"""Long output through a pager, as git does it: on a terminal only, and only if there is more than a screen of it."""

from __future__ import annotations

import contextlib
import io
import os
import sys

from klpdsl.cli.common import colours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: The commands whose output may be long, and is read from its top.
PAGED = frozenset({"run", "compare", "history", "engines", "diff", "blame"})
#: less ends where all fits on a screen, keeps colours, and leaves what it showed.
_LESS = "FRX"


def pager() -> list[str]:
    """Return the pager's command: $KLPDSL_PAGER or $PAGER, else less; nothing where none is wanted or at hand."""
    import shlex
    import shutil

    environment = os.environ
    chosen = environment.get("KLPDSL_PAGER", environment.get("PAGER", "less"))
    words = shlex.split(chosen)
    if not words or words[0] == "cat" or environment.get("TERM") == "dumb" or not sys.stdout.isatty():
        return []
    return words if shutil.which(words[0]) else []


def paged(action: Callable[[], int]) -> int:
    """Do what a command does, its output going to the pager where there is one; returns the exit code.

    That the pager's reader has seen enough ends the command as any reader does that goes away.
    """
    command = pager()
    if not command:
        return action()
    import subprocess

    environment = {"LESS": _LESS, **os.environ}
    # What is written goes into a pipe now, and is for the terminal all the same.
    os.environ["KLPDSL_COLOR"] = "always" if colours() else "never"
    terminal = sys.stdout
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        sys.stdout = io.TextIOWrapper(process.stdin, terminal.encoding, terminal.errors)
        try:
            code = action()
            sys.stdout.flush()
        finally:
            with contextlib.suppress(BrokenPipeError):
                sys.stdout.close()
            sys.stdout = terminal
            while process.poll() is None:
                # Ctrl-C is the pager's as long as it shows something.
                with contextlib.suppress(KeyboardInterrupt):
                    process.wait()
    return code
