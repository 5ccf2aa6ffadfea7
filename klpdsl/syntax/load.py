"""The way from a file, or a text, to a scenario that can run. Everybody comes in through here.

A scenario that has been read before comes out of the cache, without the grammar, the parser or the checks being so
much as imported. So this module imports nothing that is not needed for that.
"""

from __future__ import annotations

import os

from klpdsl import _cache
from klpdsl.syntax import limits, tree
from klpdsl.syntax.codec import decode
from klpdsl.syntax.tree import Item, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, Protocol

    class Readable(Protocol):
        """What is open for reading bytes."""

        def read(self, size: int, /) -> bytes | None:
            """Read some."""
else:
    from klpdsl._records import NamedTuple

_TREES = "trees"

_code: list[str | None] = []


class Loaded(NamedTuple):
    """A scenario that parsed, with all that it imports.

    `scenario` is the file itself. `items` are what there is to run, in order: each import is replaced by the
    declarations it brings (by the first import, if there are several of one file). `files` are the names of the
    files that were read, the scenario first, `contents` what is in them, and `digest` a hash over that.
    """

    scenario: Scenario
    items: tuple[Item, ...]
    files: tuple[str, ...]
    digest: str
    contents: tuple[bytes, ...] = ()

    def texts(self) -> dict[str, str]:
        """Return the texts by the files' names, as ScenarioError wants them to show lines from."""
        from klpdsl.syntax.texts import read_text

        return {name: read_text(data, name)[0] for name, data in zip(self.files, self.contents, strict=False)}


class File(NamedTuple):
    """A file as it was read: its name for messages, its contents, and its tree if the cache has it."""

    source: str
    data: bytes
    scenario: Scenario | None
    #: Whether the names in it have been checked and found right, which a file without imports can say by itself.
    checked: bool


def load_scenario(path: str) -> Loaded:
    """Read, parse and check the scenario in a file. Raises ScenarioError with all that is wrong."""
    try:
        with open(path, "rb", buffering=0) as file:
            data = read_bounded(file)
    except (OSError, ValueError) as error:
        from klpdsl.syntax.diagnostics import ScenarioError, unreadable

        raise ScenarioError([unreadable(tree.Span(path, 1, 1, 1, 1), error)]) from None
    return _load(data, path)


def load_text(text: str | bytes, source: str = "<text>") -> Loaded:
    """Read, parse and check a scenario given as text. Raises ScenarioError with all that is wrong.

    `source` names it in messages; imports are looked up beside the file of that name.
    """
    return _load(_encoded(text) if isinstance(text, str) else text, source)


def _encoded(text: str) -> bytes:
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


def _load(data: bytes, source: str) -> Loaded:
    file = look_up(data, source)
    if file.scenario is not None and file.checked:
        return Loaded(file.scenario, file.scenario.items, (source,), _cache.digest(data), (data,))
    from klpdsl.syntax.assemble import assemble

    return assemble(file)
