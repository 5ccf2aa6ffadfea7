"""The table that names are looked up in: from the cache where it can be, built from the data files where not."""

from __future__ import annotations

import os.path

from klpdsl import _cache
from klpdsl.semantics.records import Change, Proposal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.semantics.tabulate import Table

_HERE = os.path.dirname(os.path.abspath(__file__))
# What the table depends on beside the data: the code that builds it, the records it holds, the axes and their values.
_CODE = ("tabulate.py", "records.py", "axes.py")
_loaded: list[Table] = []


def data_text(name: str) -> bytes:
    """Return the content of a file in the room's `data` folder."""
    with open(f"{_HERE}/data/{name}", "rb", buffering=0) as file:
        return file.read()


def table() -> Table:
    """Return the table; the first call of a process reads it."""
    if not _loaded:
        _loaded.append(_read())
    return _loaded[0]


def _read() -> Table:
    mainline, proposals = data_text("mainline.toml"), data_text("proposals.toml")
    code = _cache.code_digest(f"{_HERE}/{name}" for name in _CODE)
    key = code and _cache.digest(code.encode(), mainline, proposals)
    found = _cache.load("engines", key) if key else None
    if isinstance(found, dict):
        return found
    from klpdsl.semantics.tabulate import build

    built = build(mainline.decode(), proposals.decode())
    if key:
        _cache.store("engines", key, built)
    return built


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
