"""Which axes an alphabet reads at all on an engine: a change of any other can make no difference over it."""

from __future__ import annotations

import time

from klpdsl.semantics.axes import Semantics
from klpdsl.semantics.noting import noting
from klpdsl.separate.stepping import start, take

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from klpdsl.separate.alphabets import Alphabet
    from klpdsl.separate.pairs import Bounds
else:
    from klpdsl._records import NamedTuple


class AxesRead(NamedTuple):
    """The axes that rules read anywhere an alphabet leads to, and over how many worlds.

    Only when `closed` all worlds that can be reached were looked at: an engine that differs in other axes alone then
    gives the same, step by step, for every sequence of these actions.
    """

    axes: frozenset[str]
    worlds: int
    closed: bool


def axes_read(alphabet: Alphabet, semantics: Semantics, bounds: Bounds) -> AxesRead:
    """Take the actions of an alphabet in every order and note each axis that is read. Bounds as in `Search.run`."""
    began = time.monotonic()
    read: set[str] = set()
    listening = noting(semantics, read)
    program = alphabet.loaded.program
    first = start(program)
    known = {first.key()}
    frontier = [first]
    depth = 0
    while frontier and (bounds.depth is None or depth < bounds.depth):
        following = []
        for state in frontier:
            if bounds.pairs is not None and len(known) >= bounds.pairs:
                return AxesRead(frozenset(read), len(known), closed=False)
            if bounds.seconds is not None and time.monotonic() - began >= bounds.seconds:
                return AxesRead(frozenset(read), len(known), closed=False)
            for action in alphabet.actions:
                reached = take(program, listening, state, action).state
                if bounds.ends(reached):
                    continue
                key = reached.key()
                if key not in known:
                    known.add(key)
                    following.append(reached)
        frontier = following
        depth += 1
    # Which rules there are at all is asked of every engine.
    return AxesRead(frozenset(read | {"system"}), len(known), closed=not frontier)
