"""The only way in which goldens, pending changes and decisions reach the disk.

Every write is whole or has not happened: a temporary file beside nothing that matters (in the state folder), flushed
to the disk, then renamed over the old one. There are few functions here, so that a test can stop the process before
and inside each of them.
"""

from __future__ import annotations

import os


def make_folder(path: str) -> None:
    """A folder and those above it, as far as they are missing."""
    if not os.path.isdir(path):
        os.makedirs(path, exist_ok=True)


def write(path: str, data: bytes, scratch: str) -> None:
    """Replace a file by one with this content. `scratch` is a folder on the same disk for the temporary file."""
    make_folder(scratch)
    make_folder(os.path.dirname(path))
    temporary = os.path.join(scratch, f"new.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(temporary, path)
    sync_folder(os.path.dirname(path))


def remove(path: str) -> None:
    """Take a file away, if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    sync_folder(os.path.dirname(path))


def remove_empty_folders(path: str, top: str) -> None:
    """Take away a folder that has nothing in it any more, and those above it, but never `top`."""
    while path != top and path.startswith(top + os.sep):
        try:
            os.rmdir(path)
        except FileNotFoundError:
            pass
        except OSError:
            return
        path = os.path.dirname(path)


def sync_folder(path: str) -> None:
    """Make renames and removals in a folder last."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
