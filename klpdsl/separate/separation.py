"""Separating two engines: which alphabets are asked, in what order, and what can be said in the end."""

from __future__ import annotations

import time

from klpdsl.semantics.axes import differing
from klpdsl.separate.alphabets import Alphabet, alphabets, touching
from klpdsl.separate.finding import Separator, finding
from klpdsl.separate.pairs import Bounds, Search, Searched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NamedTuple

    from klpdsl.semantics.records import Engine
    from klpdsl.separate.view import Level
else:
    from klpdsl._records import NamedTuple

_PASSES = (300, 3_000)
"""How many pairs each alphabet gets in the first rounds."""


class AlphabetAsked(NamedTuple):
    """An alphabet and what the search over it gave."""

    alphabet: str
    actions: int
    searched: Searched


class Separation(NamedTuple):
    """What can be said of two engines at a level.

    `findings` are the shortest scenarios that separate them, empty when there is none; `closed` then says that the
    searches over all alphabets that were asked have closed. `axes` are those in which the engines differ: where none
    do, nothing is searched. `untouched` are those that no alphabet that was asked can touch.
    """

    level: Level
    findings: tuple[Separator, ...]
    asked: tuple[AlphabetAsked, ...]
    axes: tuple[str, ...]
    untouched: tuple[str, ...]

    @property
    def closed(self) -> bool:
        """Whether all searches have closed: then what was not found is not there, over these alphabets."""
        return not self.axes or (bool(self.asked) and all(one.searched.closed for one in self.asked))


def separate(
    left: Engine,
    right: Engine,
    level: Level,
    chosen: Sequence[Alphabet] = (),
    bounds: Bounds = Bounds(),  # noqa: B008 (a value)
    *,
    every: bool = False,
    classes: bool = False,
) -> Separation:
    """Look for the shortest scenario on which two engines differ at a level.

    Without `chosen` the alphabets are those that can touch an axis in which the engines differ, and then all others.
    Each is searched to the length of the shortest difference found so far.
    """
    axes = differing(left.semantics, right.semantics)
    if not axes:
        return Separation(level, (), (), (), ())
    known = {} if chosen else alphabets()
    first = list(chosen) or touching(axes, known)
    rest = [one for one in known.values() if one not in first]
    deadline = None if bounds.seconds is None else time.monotonic() + bounds.seconds
    asked: dict[str, AlphabetAsked] = {}
    best: dict[str, tuple[Alphabet, Searched]] = {}

    def ask(alphabet: Alphabet, pairs: int | None) -> None:
        before = asked.get(alphabet.name)
        if before is not None and (before.searched.closed or before.searched.partings):
            return
        limit = bounds.depth
        shortest = min((len(s.partings[0].path) for _, s in best.values()), default=None)
        if shortest is not None and not classes:
            # Only what is shorter helps, or as short if all are wanted.
            limit = min(shortest - (not every), limit if limit is not None else shortest)
        if (best and limit == 0) or (
            before is not None and limit is not None and before.searched.depth >= limit
        ):
            return
        seconds = None if deadline is None else deadline - time.monotonic()
        if seconds is not None and seconds <= 0 and before is not None:
            return
        search = Search(alphabet.loaded.program, alphabet.actions, left.semantics, right.semantics, level)
        found = search.run(Bounds(limit, pairs, seconds, bounds.nesting), every=every, classes=classes)
        asked[alphabet.name] = AlphabetAsked(alphabet.name, len(alphabet.actions), found)
        if found.partings:
            best[alphabet.name] = (alphabet, found)

    # Many small searches find what is near before one large one takes all the time.
    for pairs in (*(n for n in _PASSES if bounds.pairs is None or n < bounds.pairs), bounds.pairs):
        if best:
            break
        for alphabet in first:
            ask(alphabet, pairs)
        # What they have found may be shorter over an alphabet that says nothing of these axes.
        fewer = min(_PASSES[0], pairs or _PASSES[0]) if best else pairs
        for alphabet in rest:
            ask(alphabet, fewer)
    findings = [
        (len(parting.path), finding(alphabet, parting, left, right, level))
        for alphabet, found in best.values()
        for parting in found.partings
    ]
    if findings and not classes:
        least = min(length for length, _ in findings)
        findings = [one for one in findings if one[0] == least]
    kept = [one for _, one in findings] if every or classes else [one for _, one in findings[:1]]
    touched = {axis for one in asked.values() for axis in _axes_of(one.alphabet, known)}
    untouched = tuple(axis for axis in axes if axis not in touched) if not chosen else ()
    return Separation(level, tuple(kept), tuple(asked.values()), axes, untouched)


def _axes_of(name: str, known: dict[str, Alphabet]) -> tuple[str, ...]:
    return known[name].axes if name in known else ()
