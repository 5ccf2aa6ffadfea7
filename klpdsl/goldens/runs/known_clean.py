"""What is known to be clean, for a whole suite in one entry of the cache.

For each scenario it holds a key over the scenario, what it imports, and its goldens, byte for byte; the entry itself is
named after klpdsl's code and data. So it cannot be out of date: every file is read at every check, and only what would
be done with it is not done again. Whatever is not clean is not in here.
"""

from __future__ import annotations

from klpdsl import _cache
from klpdsl.goldens.runs.cases import code_digest
from klpdsl.goldens.suite import Suite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    #: By the scenario's name: its key, and the engines on which it was run.
    Index: TypeAlias = dict[str, tuple[str, tuple[str, ...]]]

_SUITES = "suites"


def key(contents: tuple[bytes, ...], goldens: dict[str, bytes]) -> str:
    """A hash over a scenario's inputs and its goldens."""
    named = (part for engine, golden in goldens.items() for part in (engine.encode(), golden))
    return _cache.digest(b"%d" % len(contents), *contents, *named)


def _name(suite: Suite) -> str:
    return _cache.digest(code_digest().encode(), suite.root.encode("utf-8", "surrogateescape"))


def load(suite: Suite) -> Index:
    """What is known of the suite."""
    stored = _cache.load(_SUITES, _name(suite))
    return stored if isinstance(stored, dict) else {}


def remember(suite: Suite, known: Index, clean: Index) -> None:
    """Add what a check has found clean."""
    # An engine in a file of its own is an input that the key does not cover.
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # most scenarios are meant for the same engines
    new = {
        name: (key, shared.setdefault(engines, engines))
        for name, (key, engines) in clean.items()
        if not any(".toml" in engine for engine in engines)
    }
    if new.items() - known.items():
        _cache.store(_SUITES, _name(suite), {**known, **new})
