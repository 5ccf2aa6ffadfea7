"""Results that are kept between runs, each in a file named by a hash of all that it depends on.

An entry is never out of date: whatever could change it is in its key. So nothing is ever looked up by name or age,
and a cache that is gone, full, read-only or damaged costs time and nothing else. Values are what `marshal` writes
(numbers, strings, bytes, None, tuples, lists, dicts), the one form that can be read without importing anything.

The cache lies in $KLPDSL_CACHE_DIR, or in klpdsl/ below $XDG_CACHE_HOME or ~/.cache. KLPDSL_NO_CACHE=1 switches it off.
"""

from __future__ import annotations

import marshal
import os
import sys
import time

try:  # hashlib also loads OpenSSL, which takes longer than all that is done here
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_CHECKSUM = 16
#: Entries of one kind; when there are more, the older half goes. What a suite needs at once has to fit: that half
#: would be made anew, and drive out the other. An entry has some hundred bytes to some thousand.
_ENTRIES = 100_000
#: Listing all of them takes long: one in so many that are stored looks whether there are too many.
_LOOKS = 64
#: Two changes of a file that follow one another closely may leave the same time behind: younger ones are not trusted.
_SETTLED_NS = 2_000_000_000


_INTERPRETER = f"{sys.implementation.cache_tag} {marshal.version}".encode()


def digest(*parts: bytes) -> str:
    """Return a hash over parts; where one ends and the next begins counts."""
    hashed = blake2b(digest_size=20)
    for part in parts:
        hashed.update(b"%d:" % len(part))
        hashed.update(part)
    return hashed.hexdigest()


def code_digest(paths: Iterable[str], below: str = "") -> str | None:
    """Return a hash over the contents of files, and of folders' Python files; None if they can not be read.

    The interpreter is part of it, since it decides how values are written. The names of the files are not: the
    same code at another place is the same code; with `below`, a folder, their names from there are. A file that the
    file system says nobody has touched is not read again.
    """
    files: list[str] = []
    looks: list[bytes] = []
    newest = 0
    try:
        for path in paths:
            names = [path]
            if os.path.isdir(path):
                names = [f"{path}/{name}" for name in sorted(os.listdir(path)) if name.endswith(".py")]
            for name in names:
                found = os.stat(name)
                newest = max(newest, found.st_mtime_ns, found.st_ctime_ns)
                look = f"{name} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"
                looks.append(os.fsencode(look))
            files += names
        # Two trees may hold the same files at the same place, one after the other: never with the same times.
        seen = digest(_INTERPRETER, os.fsencode(below), *looks)
        known = load("code", seen)
        if isinstance(known, str):
            return known
        contents = [_INTERPRETER]
        for name in files:
            with open(name, "rb", buffering=0) as file:
                if below:
                    contents.append(os.fsencode(name.removeprefix(below)))
                contents.append(file.read())
    except OSError:
        return None
    made = digest(*contents)
    if newest + _SETTLED_NS < time.time_ns():
        store("code", seen, made)
    return made


def directory() -> str | None:
    """Return where the cache lies, whether or not it is there yet; None if it is switched off."""
    environment = os.environ
    if environment.get("KLPDSL_NO_CACHE", "") not in {"", "0"}:
        return None
    return chosen_directory() or _usual_directory()


def chosen_directory() -> str | None:
    """Return where the user wants all that klpdsl keeps: $KLPDSL_CACHE_DIR, or $KLPDSL_CACHE, its earlier name."""
    return os.environ.get("KLPDSL_CACHE_DIR") or os.environ.get("KLPDSL_CACHE") or None


def _usual_directory() -> str | None:
    environment = os.environ
    base = environment.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        home = environment.get("HOME", "")
        if not os.path.isabs(home):
            return None
        base = os.path.join(home, ".cache")
    return os.path.join(base, "klpdsl")


def load(kind: str, key: str) -> object | None:
    """Return the value that was stored under a key, or None."""
    where = directory()
    if where is None:
        return None
    try:
        with open(f"{where}/{kind}/{key}", "rb", buffering=0) as file:
            # marshal trusts what it reads, and the folder may be one that others can write to.
            if os.fstat(file.fileno()).st_uid not in {0, os.geteuid()}:
                return None
            stored = file.read()
    except (OSError, ValueError):
        return None
    if _checksum(stored[_CHECKSUM:]) != stored[:_CHECKSUM]:
        return None
    try:
        return marshal.loads(memoryview(stored)[_CHECKSUM:])  # type: ignore[no-any-return]
    except (ValueError, EOFError, TypeError):
        return None


def store(kind: str, key: str, value: Any) -> None:
    """Keep a value under a key, if that is possible."""
    where = directory()
    if where is None:
        return
    written = marshal.dumps(value)
    folder = f"{where}/{kind}"
    temporary = f"{folder}/.{key}.{os.getpid()}"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(temporary, "xb", buffering=0) as file:
            file.write(_checksum(written) + written)
        os.replace(temporary, f"{folder}/{key}")
        if os.urandom(1)[0] % _LOOKS == 0:
            _prune(folder)
    except (OSError, ValueError):
        try:
            os.unlink(temporary)
        except (OSError, ValueError):
            return


def _checksum(written: bytes) -> bytes:
    return blake2b(written, digest_size=_CHECKSUM).digest()


def _prune(folder: str) -> None:
    names = os.listdir(folder)
    if len(names) <= _ENTRIES:
        return
    ages = []
    for name in names:
        try:
            ages.append((os.stat(f"{folder}/{name}").st_mtime_ns, name))
        except FileNotFoundError:  # somebody else is at it too
            continue
    for _, name in sorted(ages)[: len(ages) // 2]:
        try:
            os.unlink(f"{folder}/{name}")
        except FileNotFoundError:
            continue
