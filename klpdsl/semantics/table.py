"""The table that names are looked up in: from the cache where it can be, built from the data files where not."""

from __future__ import annotations

import os.path

from klpdsl import _cache
from klpdsl.semantics.records import Change, Debate, Distribution, Proposal, Question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.semantics.tabulate import Table

_HERE = os.path.dirname(os.path.abspath(__file__))
# What the table depends on beside the data: the code that builds it, the records it holds, the axes and their values.
_CODE = ("tabulate.py", "records.py", "axes.py")
#: The files that the table is built from, in the order in which `build` takes them.
FILES = ("mainline.toml", "proposals.toml", "distributions.toml", "debates.toml")
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
    key = _cache.code_digest(
        [*(f"{_HERE}/{name}" for name in _CODE), *(f"{_HERE}/data/{name}" for name in FILES)]
    )
    found = _cache.load("engines", key) if key else None
    if isinstance(found, dict):
        return found
    from klpdsl.semantics.tabulate import build

    built = build(*(data_text(name).decode() for name in FILES))
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


def debate(name: str) -> Debate:
    """Return the debate of that id."""
    id_, title, text, questions = table()["debates"][name]
    return Debate(id_, title, text, tuple(Question(*one) for one in questions))


def proposal(name: str) -> Proposal:
    """Return the engine beside mainline of that id."""
    return Proposal(*table()["proposals"][name])


def distribution(name: str) -> Distribution:
    """Return the distribution's or the stable tree's kernel of that id."""
    return Distribution(*table()["distributions"][name])


def distributions() -> tuple[Distribution, ...]:
    """Return the kernels of distributions and the stable trees, in the order of the data."""
    return tuple(Distribution(*row) for row in table()["distributions"].values())


def running_on(uname: str) -> str:
    """Return the engine of the kernel on which `uname -r` says that; empty if none is known."""
    from fnmatch import fnmatchcase

    return next(
        (one.id for one in distributions() if any(fnmatchcase(uname, said) for said in one.uname)), ""
    )
