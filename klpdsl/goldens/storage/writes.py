"""The only way in which goldens, pending changes, decisions and evidence reach the disk.

Everything is named by its path from the suite's folder, and lies below goldens/, .klpdsl/ or evidence/; nothing else
is ever written or removed, whatever a file says that came with the checkout. No link is followed.
"""

from __future__ import annotations

import contextlib
import os
import stat

from klpdsl._cache import digest
from klpdsl._checkout import is_ours, kind_of, name_of
from klpdsl._reading import GOLDEN_BYTES, UnreadableError
from klpdsl._writing import Folder, UnfitPlaceError, open_folder
from klpdsl.goldens.suite import EVIDENCE, GOLDENS, STATE, Suite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: The folders of a suite in which something is written.
PLACES = (GOLDENS, STATE, EVIDENCE)

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@contextlib.contextmanager
def folder_of(suite: Suite, path: str, *, make: bool = False) -> Iterator[tuple[Folder, str]]:
    """Open the folder of a file; yields it and the file's name. Raises OSError, for every other place, too."""
    *parts, name = path.split("/")
    if not parts or parts[0] not in PLACES:
        raise UnfitPlaceError(
            os.path.join(suite.root, path), f"nothing is written but below {', '.join(PLACES)}"
        )
    with open_folder(suite.root, parts, make=make) as folder:
        yield folder, name


def write(suite: Suite, path: str, data: bytes) -> None:
    """Replace a file by one with this content."""
    with folder_of(suite, path, make=True) as (folder, name):
        folder.write(name, data)


def remove(suite: Suite, path: str) -> None:
    """Take a file away, if it is there."""
    with contextlib.suppress(FileNotFoundError), folder_of(suite, path) as (folder, name):
        folder.remove(name)


def remove_empty_folders(suite: Suite, path: str) -> None:
    """Take away a folder that has nothing in it any more, and those above it, but none of `PLACES` itself."""
    while path.count("/"):
        try:
            with folder_of(suite, path) as (folder, name):
                os.rmdir(name, dir_fd=folder.handle)
        except FileNotFoundError:
            pass
        except OSError:
            return  # it is in use
        path = path.rpartition("/")[0]


def read(suite: Suite, path: str, most: int) -> bytes | None:
    """The content of a file of our own; None where there is none.

    Raises OSError for what is no regular file, belongs to somebody else, has another name outside, or is too large.
    """
    try:
        with folder_of(suite, path) as (folder, name):
            return _read(folder, name, most)
    except FileNotFoundError:
        return None


def _read(folder: Folder, name: str, most: int) -> bytes:
    whole = os.path.join(folder.path, name)
    try:
        handle = os.open(name, _READ, dir_fd=folder.handle)
    except FileNotFoundError:
        raise
    except OSError as error:
        error.filename = whole
        raise _explained(error, folder, name) from error
    try:
        check_own(handle, whole)
        pieces = []
        left = most + 1
        while left and (piece := os.read(handle, min(left, 1 << 20))):
            pieces.append(piece)
            left -= len(piece)
        if not left:
            raise UnreadableError(whole, f"it is too large: {most >> 20} MiB are the most")
        return b"".join(pieces)
    except OSError as error:
        error.filename = whole
        raise
    finally:
        os.close(handle)


def _explained(error: OSError, folder: Folder, name: str) -> OSError:
    with contextlib.suppress(OSError):
        mode = os.stat(name, dir_fd=folder.handle, follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode):
            return UnfitPlaceError(
                os.path.join(folder.path, name), f"it is {kind_of(mode)}, and no regular file"
            )
    return error


def check_own(handle: int, path: str) -> None:
    """Raise `UnfitPlaceError` for an open file that is no regular one, has more than one name, or is not ours."""
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        raise UnfitPlaceError(path, f"it is {kind_of(found.st_mode)}, and no regular file")
    if found.st_nlink > 1:
        raise UnfitPlaceError(path, "it has another name somewhere, by a hard link")
    if not is_ours(found.st_uid):
        raise UnfitPlaceError(path, f"it belongs to {name_of(found.st_uid)}")


def open_own(suite: Suite, path: str) -> int:
    """Open a file of our own for reading and writing, and make it where it is not there yet."""
    with folder_of(suite, path, make=True) as (folder, name):
        whole = os.path.join(folder.path, name)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            handle = os.open(name, flags, 0o666, dir_fd=folder.handle)
        except OSError as error:
            error.filename = whole
            raise _explained(error, folder, name) from error
    try:
        check_own(handle, whole)
    except BaseException:
        os.close(handle)
        raise
    return handle


def names_below(suite: Suite, path: str) -> list[str]:
    """The files below a folder, as paths from there; none where there is no folder. Raises OSError."""
    found: list[str] = []
    waiting = [""]
    while waiting:
        inner = waiting.pop()
        try:
            with open_folder(suite.root, [*path.split("/"), *filter(None, inner.split("/"))]) as folder:
                listed = sorted(os.scandir(folder.handle), key=lambda entry: entry.name)
                for entry in listed:
                    below = f"{inner}/{entry.name}" if inner else entry.name
                    (waiting if entry.is_dir(follow_symlinks=False) else found).append(below)
        except FileNotFoundError:
            continue
    return sorted(found)


def state_of(suite: Suite, path: str) -> str:
    """A fingerprint of what lies there, a link taken for itself; empty where nothing does. See `store.fingerprint`."""
    try:
        with folder_of(suite, path) as (folder, name):
            try:
                found = os.stat(name, dir_fd=folder.handle, follow_symlinks=False)
                if stat.S_ISLNK(found.st_mode):
                    return digest(b"\0link", os.fsencode(os.readlink(name, dir_fd=folder.handle)))
                if not stat.S_ISREG(found.st_mode):
                    return digest(b"\0other", kind_of(found.st_mode).encode())
                if found.st_size > GOLDEN_BYTES:
                    return digest(b"\0large", b"%d %d" % (found.st_size, found.st_mtime_ns))
                handle = os.open(name, _READ, dir_fd=folder.handle)
                with open(handle, "rb", buffering=0) as file:
                    return digest(file.read(GOLDEN_BYTES + 1) or b"")
            except FileNotFoundError:
                raise
            except OSError as error:
                error.filename = os.path.join(folder.path, name)
                raise
    except FileNotFoundError:
        return ""
