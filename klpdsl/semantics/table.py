"""The table that names are looked up in: from the cache where it can be, built from the data files where not."""

from __future__ import annotations

import os.path

from klpdsl.semantics.records import Change, Proposal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.semantics.build import Table

_HERE = os.path.dirname(os.path.abspath(__file__))
_loaded: list[Table] = []


def data_text(name: str) -> bytes:
    """Return the content of a file in the room's `data` folder."""
    with open(os.path.join(_HERE, "data", name), "rb") as file:
        return file.read()


def table() -> Table:
    """Return the table; the first call of a process reads it."""
    if not _loaded:
        from klpdsl.semantics.build import build

        _loaded.append(build(data_text("mainline.toml").decode(), data_text("proposals.toml").decode()))
    return _loaded[0]


def order() -> tuple[str, ...]:
    """Return the ids of all mainline changes, in the order of their commits."""
    ids: tuple[str, ...] = table()["order"]
    return ids


def change(name: str) -> Change:
    """Return the change of that id."""
    return Change(*table()["changes"][name])


def proposal(name: str) -> Proposal:
    """Return the engine beside mainline of that id."""
    return Proposal(*table()["proposals"][name])
