"""A layer between klpdsl and the system in which one call fails, or in which the process ends at one call.

Commands run in processes forked from the test's own, so that a run costs no start. Counted are the calls that concern
the given folders; what klpdsl keeps elsewhere (the cache) may come and go.
"""

from __future__ import annotations

import builtins
import errno
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from klpdsl.__main__ import main

CHANGING = (
    "write",
    "pwrite",
    "ftruncate",
    "fsync",
    "fchmod",
    "link",
    "replace",
    "rename",
    "unlink",
    "mkdir",
    "rmdir",
)
READING = ("read", "pread", "stat", "lstat", "fstat", "scandir", "listdir", "readlink", "set_blocking")
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)


class Fault(NamedTuple):
    """What happens at the call of this number (0: never): an error's number, or a signal's if `kills`."""

    at: int = 0
    number: int = 0
    kills: bool = False
    #: Only calls that change something are counted, and a write that dies has written half.
    changing: bool = False


class Ended(NamedTuple):
    """How a run ended, what it printed, how many calls were counted, and the one that failed."""

    code: int
    out: str
    err: str
    calls: int
    failed: str


class _Layer:
    def __init__(self, roots: Sequence[Path], fault: Fault) -> None:
        self.roots = [str(root) for root in roots]
        self.fault = fault
        self.calls = 0
        self.failed = ""

    def wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            where = self._concerned(name, arguments, named)
            if where is not None:
                self.calls += 1
                if self.calls == self.fault.at:
                    self.failed = f"{name} {where}"
                    self._fail(name, real, arguments, where)
            return real(*arguments, **named)

        return call

    def _concerned(self, name: str, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> str | None:
        if self.fault.changing and name == "open" and not _makes(arguments):
            return None
        what = arguments[0] if arguments else os.curdir
        folder = next((named[key] for key in ("dst_dir_fd", "dir_fd") if named.get(key) is not None), None)
        try:
            if isinstance(what, int):
                path = _readlink(f"/proc/self/fd/{what}")
            elif folder is not None:
                path = f"{_readlink(f'/proc/self/fd/{folder}')}/{os.fspath(what)}"
            else:
                path = os.path.abspath(os.fsdecode(what))
        except (OSError, TypeError, ValueError):
            return None
        return path if any(f"{path}/".startswith(f"{root}/") for root in self.roots) else None

    def _fail(self, name: str, real: Callable[..., Any], arguments: tuple[Any, ...], where: str) -> None:
        if self.fault.kills:
            if name == "write" and self.fault.changing:
                real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            os.kill(os.getpid(), self.fault.number)
            return
        raise OSError(self.fault.number, os.strerror(self.fault.number), where)


_readlink = os.readlink


def _makes(arguments: tuple[Any, ...]) -> bool:
    if len(arguments) < 2:
        return False
    mode = arguments[1]
    return bool(mode & (os.O_CREAT | os.O_TMPFILE)) if isinstance(mode, int) else not mode.startswith("r")


def run(
    arguments: Sequence[str], root: Path, environment: Mapping[str, str], fault: Fault, roots: Sequence[Path]
) -> Ended:
    """Run a command in `root`, in a process of its own, with one call that fails."""
    reader, writer = os.pipe()
    streams = [os.memfd_create(name) for name in ("out", "err")]
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 99
        layer = _Layer(roots, fault)
        try:
            os.chdir(root)
            os.environ.clear()
            os.environ.update(environment)
            for signal_ in (signal.SIGTERM, signal.SIGINT):
                signal.signal(signal_, signal.SIG_DFL)
            sys.stdout, sys.stderr = map(_stream, streams)
            sys.stdin = _stream(os.open(os.devnull, os.O_RDWR))
            for name in (*CHANGING, *(() if fault.changing else READING), "open"):
                setattr(os, name, layer.wrapped(name, getattr(os, name)))
            builtins.open = layer.wrapped("open", builtins.open)
            code = main(list(arguments))
            sys.stdout.flush()
        except BaseException:  # noqa: BLE001 (told, and the process ends)
            traceback.print_exc(file=sys.stderr)
            code = 98
        finally:
            _write(writer, f"{layer.calls} {layer.failed}".encode("utf-8", "surrogateescape"))
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, errors="surrogateescape") as pipe:
        told, _, failed = pipe.read().partition(" ")
    _, status = os.waitpid(child, 0)
    texts = []
    for handle in streams:
        os.lseek(handle, 0, os.SEEK_SET)
        with open(handle, encoding="utf-8", errors="surrogateescape") as stream:
            texts.append(stream.read())
    return Ended(os.waitstatus_to_exitcode(status), texts[0], texts[1], int(told or 0), failed)


_write = os.write


def _stream(handle: int) -> TextIO:
    return os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", buffering=1, closefd=False)


def again(root: Path, start: Path) -> None:
    """Make a folder what it was at the start."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(start, root, symlinks=True)


def files(root: Path) -> dict[str, bytes]:
    """What lies in a project, apart from klpdsl's state and git's."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not {".klpdsl", ".git"} & set(path.relative_to(root).parts)
    }
