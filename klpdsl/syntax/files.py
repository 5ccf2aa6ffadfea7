"""The files that scenarios come from: how they are read, and what the cache knows of them.

Whoever has text that is not saved yet lays it over the disk: then every import sees it, too.
"""

from __future__ import annotations

import os

from klpdsl import _cache
from klpdsl.syntax import limits
from klpdsl.syntax.codec import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NamedTuple, Protocol

    from klpdsl.syntax.tree import ScenarioTree

    class Readable(Protocol):
        """What is open for reading bytes."""

        def read(self, size: int, /) -> bytes | None:
            """Read some."""
else:
    from klpdsl._records import NamedTuple

_TREES = "trees"

_code: list[str | None] = []


class File(NamedTuple):
    """A file as it was read: its name for messages, its contents, and its tree if the cache has it."""

    source: str
    data: bytes
    scenario: ScenarioTree | None
    #: Whether the names in it have been checked and found right, which a file without imports can say by itself.
    checked: bool


class Files:
    """Where files come from: the disk, below the texts that are laid over it.

    The keys of `overlay` are paths as a user would give them; a file is the same by whichever path it is reached.
    """

    def __init__(self, overlay: Mapping[str, str | bytes] | None = None) -> None:
        self._overlay = {
            os.path.realpath(path): encoded(text) if isinstance(text, str) else text
            for path, text in (overlay or {}).items()
        }

    def read(self, path: str, within: str | None = None) -> bytes:
        """Return what is in a file, up to a byte more than may be in it. Raises OSError or ValueError.

        `within` is the real path of the folder that it has to be in; a file that is a link has to stay in its root.
        """
        if self._overlay:
            laid = self._overlay.get(os.path.realpath(path))
            if laid is not None:
                return laid[: limits.FILE_BYTES + 1]
        if within is None and os.path.islink(path) and not path.startswith("/dev/"):
            from klpdsl._checkout import root_of

            within = root_of(path)
        from klpdsl._reading import read_start

        return read_start(path, limits.FILE_BYTES, within)


DISK = Files()


def encoded(text: str) -> bytes:
    """Return the bytes of a text."""
    # What the command line could not decode comes as surrogates: they are undone, to be reported as what they are.
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def read_bounded(file: Readable) -> bytes:
    """Read a file that is open, up to a byte more than may be in it (it may be a pipe that never ends)."""
    pieces = []
    wanted = limits.FILE_BYTES + 1
    while wanted and (piece := file.read(wanted)):
        pieces.append(piece)
        wanted -= len(piece)
    return b"".join(pieces)


def look_up(data: bytes, source: str) -> File:
    """Return a file with what the cache knows of it."""
    key = key_of(data)
    if key is not None:
        stored = _cache.load(_TREES, key)
        if isinstance(stored, tuple):
            try:
                plain, checked = stored
                return File(source, data, decode(plain, source), checked)
            except (ValueError, TypeError, IndexError):
                pass
    return File(source, data, None, False)


def remember(file: File) -> None:
    """Keep the tree of a file that parsed."""
    key = key_of(file.data)
    if key is not None:
        from klpdsl.syntax.codec import encode

        _cache.store(_TREES, key, (encode(file.scenario), file.checked))


def key_of(*contents: bytes) -> str | None:
    """Return the cache's key for what follows from the contents of files; None if there can be none."""
    if not _code:
        _code.append(_code_digest())
    code = _code[0]
    return None if code is None else _cache.digest(code.encode(), *contents)


def _code_digest() -> str | None:
    """Return a hash over all that decides how a text is read: this room, the words below it, the grammar."""
    from klpdsl._resources import grammar_path

    here = os.path.dirname(os.path.abspath(__file__))
    package = os.path.dirname(here)
    try:
        ground = [
            name for name in sorted(os.listdir(package)) if name.startswith("_") and name.endswith(".py")
        ]
    except OSError:
        return None
    return _cache.code_digest([here, grammar_path(), *(os.path.join(package, name) for name in ground)])
