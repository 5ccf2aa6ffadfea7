"""The journal: why goldens were changed, in the words of those who accepted the change.

`goldens/.journal/` holds one small file for each accept that altered goldens. One file each, named after its
content, so that two branches never conflict in it. `klpdsl blame` reads them together with git.
"""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from klpdsl._cache import digest
from klpdsl._reading import SMALL_BYTES, read_file
from klpdsl._shapes import check
from klpdsl.goldens.suite import GOLDENS, Suite
from klpdsl.goldens.suite import JOURNAL as FOLDER


class ChangedGolden(NamedTuple):
    """One golden in an entry: its path from the suite's folder, and the fingerprint of its content (empty: removed)."""

    path: str
    content: str


class JournalEntry(NamedTuple):
    """One accept of one class: the reason given, the class, and the goldens that it altered."""

    date: str
    reason: str
    class_id: str
    cause: str
    shape: str
    change: str
    axes: tuple[str, ...]
    function: str
    files: tuple[ChangedGolden, ...]

    @property
    def name(self) -> str:
        """The entry's file."""
        return f"{self.date}-{digest(self.text().encode())[:10]}.toml"

    def text(self) -> str:
        """The entry as its file has it."""
        lines = [
            f"{key} = {_toml(getattr(self, key))}" for key in self._fields if key not in ("files", "axes")
        ]
        lines.append(f"axes = [{', '.join(_toml(axis) for axis in self.axes)}]")
        lines += ["", "[files]"]
        lines += [f"{_toml(file.path)} = {_toml(file.content)}" for file in self.files]
        return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    # JSON's strings are TOML's basic strings, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def today() -> str:
    """The date that an entry bears."""
    import datetime as dt

    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%d")


def path_of(suite: Suite, entry: JournalEntry) -> str:
    """Where an entry lies."""
    return os.path.join(suite.goldens, FOLDER, entry.name)


def read(suite: Suite) -> tuple[tuple[JournalEntry, ...], tuple[str, ...]]:
    """All entries, oldest first, and the files that are none."""
    import tomllib

    folder = os.path.join(suite.goldens, FOLDER)
    within = os.path.join(suite.real, GOLDENS, FOLDER)
    entries, broken = [], []
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return (), ()
    for name in names:
        path = os.path.join(folder, name)
        try:
            entries.append(_entry(tomllib.loads(read_file(path, SMALL_BYTES, within).decode())))
        except (OSError, ValueError, RecursionError):
            broken.append(path)
    return tuple(entries), tuple(broken)


_TEXTS = tuple(key for key in JournalEntry._fields if key not in ("files", "axes"))
_SHAPE = {**dict.fromkeys(_TEXTS, str), "axes": [str], "files": {str: str}}


def _entry(row: dict[str, Any]) -> JournalEntry:
    check(row, _SHAPE)
    files = tuple(ChangedGolden(path, content) for path, content in row["files"].items())
    texts = {key: row[key] for key in _TEXTS}
    return JournalEntry(**texts, axes=tuple(row["axes"]), files=files)
