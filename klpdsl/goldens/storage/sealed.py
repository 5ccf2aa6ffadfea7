"""Seals on the state of a checkout: what lies in .klpdsl/ counts only if this user's klpdsl has put it there.

A commit, a pull request or an archive can carry a .klpdsl/ of its own, with a decision that nobody here has made, or a
transaction that writes what it likes. So each file begins with a hash, under a key that no commit can carry, over the
suite's place, the file's name and what is in it. The key lies in $XDG_STATE_HOME/klpdsl/ (~/.local/state/klpdsl/), or
in the git directory where that cannot be; where neither can, it lasts as long as the process.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from klpdsl._checkout import is_ours
from klpdsl._git import git
from klpdsl.goldens.storage import writes
from klpdsl.goldens.suite import Suite

try:  # hashlib also loads OpenSSL, which takes longer than all that is done here
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

#: Bytes of a file of the state.
MOST = 1 << 30

_LENGTH = 32
#: What is said of a folder that cannot be, or is not for us.
_NO_PLACE = frozenset((errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.ELOOP))
_MARK = b"klpdsl-seal "

_keys: dict[str, bytes] = {}


class UnsealedError(ValueError):
    """A file of the state that bears no seal of ours: it came with the checkout, or somebody has edited it."""


def write(suite: Suite, path: str, data: bytes) -> None:
    """Replace a file of the state by one with this content."""
    writes.write(suite, path, _MARK + _seal(suite, path, data) + b"\n" + data)


def read(suite: Suite, path: str) -> bytes | None:
    """The content of a file of the state; None where there is none. Raises `UnsealedError`, and OSError."""
    content = writes.read(suite, path, MOST)
    if content is None:
        return None
    first, _, data = content.partition(b"\n")
    if first != _MARK + _seal(suite, path, data):
        raise UnsealedError(f"{path} was not written by this user's klpdsl in {suite.root}")
    return data


def _seal(suite: Suite, path: str, data: bytes) -> bytes:
    hashed = blake2b(key=_key(suite), digest_size=32, person=b"klpdsl state")
    for part in (os.fsencode(suite.real), path.encode("utf-8", "surrogateescape"), data):
        hashed.update(b"%d:" % len(part))
        hashed.update(part)
    return hashed.hexdigest().encode()


def _key(suite: Suite) -> bytes:
    where = " ".join((suite.real, os.environ.get("XDG_STATE_HOME", ""), os.environ.get("HOME", "")))
    if where not in _keys:
        _keys[where] = _kept_key(suite) or os.urandom(_LENGTH)
    return _keys[where]


def _kept_key(suite: Suite) -> bytes | None:
    for folder in _folders(suite):
        try:
            return _read_key(folder) or _make_key(folder)
        except OSError as error:
            if error.errno not in _NO_PLACE:
                # Another key would make strangers of what this one has sealed.
                error.filename = os.path.join(folder, "key")
                raise
    return None


def _folders(suite: Suite) -> list[str]:
    folders = []
    base, home = os.environ.get("XDG_STATE_HOME", ""), os.environ.get("HOME", "")
    if os.path.isabs(base):
        folders.append(os.path.join(base, "klpdsl"))
    elif os.path.isabs(home):
        folders.append(os.path.join(home, ".local", "state", "klpdsl"))
    own = (git(suite.root, "rev-parse", "--absolute-git-dir") or "").rstrip("\n")
    return [*folders, os.path.join(own, "klpdsl")] if own else folders


def _read_key(folder: str) -> bytes | None:
    """The key that is kept in a folder; None where there is none that only we can know."""
    try:
        handle = os.open(
            os.path.join(folder, "key"), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )
    except FileNotFoundError:
        return None
    try:
        found = os.fstat(handle)
        private = stat.S_ISREG(found.st_mode) and not found.st_mode & 0o077 and is_ours(found.st_uid)
        key = os.read(handle, _LENGTH + 1) if private else b""
    finally:
        os.close(handle)
    return key if len(key) == _LENGTH else None


def _make_key(folder: str) -> bytes | None:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path, temporary = os.path.join(folder, "key"), os.path.join(folder, f".key.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, os.urandom(_LENGTH))
        os.fsync(handle)
        try:
            os.link(temporary, path)
        except FileExistsError:
            # Another process was first; or what lies there is no key, or one that others know.
            if _read_key(folder) is None:
                os.replace(temporary, path)
        return _read_key(folder)
    finally:
        os.close(handle)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
