"""The one way to read a file that somebody else may have written.

Nothing but regular files is opened, and never more is read than was asked for: a pipe waits for ever, /dev/zero never
ends, and to open a device can do things. What may be read can be confined to a folder, by real paths; then it does not
tell either whether there is anything outside.
"""

from __future__ import annotations

import errno
import os
import stat

from klpdsl._checkout import kind_of, may_be_named

#: Bytes of a golden, of a bundle, and of the small files (evidence, the journal, settings): more than anybody needs.
GOLDEN_BYTES = 32 << 20
BUNDLE_BYTES = 256 << 20
SMALL_BYTES = 1 << 20

_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
#: Most files that are read are smaller; and Python takes so little from its own memory, not the system's.
_PIECE = 1 << 14
_PROC = "/proc/self/fd/"
_DESCRIPTORS = ("/dev/fd/", _PROC)


class UnreadableError(OSError):
    """A file that is not read, for what it is: no regular file, too large, or outside."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(errno.EINVAL, reason, path)


class OutsideError(UnreadableError):
    """A file that is outside of the folder that it has to be in."""


def read_file(path: str, most: int, within: str | None = None) -> bytes:
    """Return the content of a regular file. Raises OSError, for one with more than `most` bytes, too.

    `within` is the real path of a folder; the file's real path has to be below it, and in nothing hidden there.
    """
    return _whole(path, most, read_start(path, most, within))


def _whole(path: str, most: int, content: bytes) -> bytes:
    if len(content) > most:
        raise UnreadableError(path, f"it is too large: {_shown(most)} are the most")
    return content


def _shown(size: int) -> str:
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size} bytes"


def read_start(path: str, most: int, within: str | None = None) -> bytes:
    """Return the content of a regular file, up to a byte more than `most`. Otherwise as `read_file`."""
    if within is None and _is_own_descriptor(path):
        # What the caller has opened for us (`<(…)` in a shell) is the caller's business.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _read(handle, most)
        finally:
            os.close(handle)
    try:
        # Names the file without opening it, so that no pipe waits and no device wakes up.
        named = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (OSError, ValueError):
        if within is not None and not may_be_named(_real_path(path), within):
            raise OutsideError(path, f"it is outside of {within}") from None
        raise
    try:
        link = f"{_PROC}{named}"
        if within is not None and not may_be_named(_target(link, path), within):
            raise OutsideError(path, f"it is outside of {within}")
        mode = os.fstat(named).st_mode
        if not stat.S_ISREG(mode):
            raise UnreadableError(path, f"it is {kind_of(mode)}, and no regular file")
        handle = _reopen(link, path)
        try:
            return _read(handle, most)
        except OSError as error:
            error.filename = path
            raise
        finally:
            os.close(handle)
    finally:
        os.close(named)


def _is_own_descriptor(path: str) -> bool:
    return path == "/dev/stdin" or path.startswith(_DESCRIPTORS)


def _target(link: str, path: str) -> str:
    try:
        return os.readlink(link)
    except OSError:  # without /proc
        return _real_path(path)


def _real_path(path: str) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:  # a NUL in it
        return ""


def _reopen(link: str, path: str) -> int:
    try:
        return os.open(link, _OPEN)
    except FileNotFoundError:  # without /proc
        handle = os.open(path, _OPEN)
    except OSError as error:
        error.filename = path
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UnreadableError(path, "it is no regular file")
    return handle


def _read(handle: int, most: int) -> bytes:
    wanted = most + 1
    content = os.read(handle, min(wanted, _PIECE))
    if len(content) < min(wanted, _PIECE) and stat.S_ISREG(os.fstat(handle).st_mode):
        return content  # of a file, less than was asked for is all there is
    pieces = [content]
    wanted -= len(content)
    while wanted and (piece := os.read(handle, min(wanted, 1 << 20))):
        pieces.append(piece)
        wanted -= len(piece)
    return b"".join(pieces)


def read_folder(path: str, suffix: str, most: int, within: str) -> dict[str, bytes]:
    """Return the content of each file in a folder whose name ends in `suffix`, by name, sorted.

    Empty where there is no such folder. Raises OSError for what can not be read, by the rules of `read_file`. A check
    reads many small files: here each takes no more than to open, to read and to close it.
    """
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    try:
        if not may_be_named(_target(f"{_PROC}{folder}", path), within):
            raise OutsideError(path, f"it is outside of {within}")
        with os.scandir(folder) as entries:
            found = [
                (entry.name, entry.is_file(follow_symlinks=False))
                for entry in entries
                if entry.name.endswith(suffix)
            ]
        return {
            name: _read_in(folder, path, name, most)
            if plain
            else read_file(os.path.join(path, name), most, within)
            for name, plain in sorted(found)
        }
    finally:
        os.close(folder)


def _read_in(folder: int, path: str, name: str, most: int) -> bytes:
    """Read what the folder says is a regular file: if it has become another meanwhile, it is no link, and no wait."""
    whole = os.path.join(path, name)
    try:
        handle = os.open(name, _OPEN | os.O_NOFOLLOW, dir_fd=folder)
        try:
            return _whole(whole, most, _read(handle, most))
        finally:
            os.close(handle)
    except OSError as error:
        error.filename = whole
        raise
