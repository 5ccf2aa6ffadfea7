"""A real pseudo-terminal with the command in it: keys go in, and what the screen was sent comes out."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tests.goldens.project import Project

ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_].*?\x1b\\|[@-Z\\^_=>()][0-9A-B]?)"
)


class Terminal:
    """A command that believes to talk to a person."""

    def __init__(self, project: Project, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.raw = ""
        self._from = 0
        self._child, self._handle = pty.fork()
        if self._child == 0:
            os.chdir(project.root)
            command = project.command(*arguments)
            # Whoever runs the tests in the background has switched it off for all children.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execve(command[0], command, project.env(env))
        fcntl.ioctl(self._handle, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self._handle)

    @property
    def text(self) -> str:
        """What was shown since the last key, without escape sequences."""
        return ESCAPES.sub("", self.raw[self._from :])

    def wait_for(self, words: str, seconds: float = 30) -> str:
        """Read until the words have been shown."""
        deadline = time.monotonic() + seconds
        while words not in self.text:
            if time.monotonic() > deadline or not self._read():
                raise AssertionError(f"never saw {words!r} in:\n{self.text[-3000:]}")
        return self.text

    def send(self, keys: str) -> None:
        self._from = len(self.raw)
        os.write(self._handle, keys.encode())

    def end(self, seconds: float = 30) -> int:
        """Read to the end; returns the exit code."""
        deadline = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < deadline, f"does not end:\n{self.text[-3000:]}"
        _, status = os.waitpid(self._child, 0)
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._handle], [], [], 1)
        if not ready:
            return True
        try:
            data = os.read(self._handle, 65536)
        except OSError:
            return False
        self.raw += data.decode("utf-8", "replace")
        return bool(data)
