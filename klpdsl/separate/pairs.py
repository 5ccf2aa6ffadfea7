"""Breadth first over pairs of worlds: the same action on both sides, until an observer sees something else."""

from __future__ import annotations

import time

from klpdsl.semantics.axes import differing
from klpdsl.separate.poison import AxisReadError, poisoned
from klpdsl.separate.stepping import start, take
from klpdsl.separate.view import kind_of_difference, seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NamedTuple

    from klpdsl.run.program import Program
    from klpdsl.semantics.axes import Semantics
    from klpdsl.separate.stepping import State
    from klpdsl.separate.view import Level, Seen
    from klpdsl.syntax import tree
else:
    from klpdsl._records import NamedTuple


class Bounds(NamedTuple):
    """Where a search ends: after so many actions, pairs and seconds; None for no bound.

    `nesting` is an assumption rather than a bound: what a task does that is inside more functions is not followed.
    """

    depth: int | None = None
    pairs: int | None = None
    seconds: float | None = None
    nesting: int = 2

    def ends(self, state: State) -> bool:
        """Whether nothing is asked of a state any more: the machine has crashed, or a task is too deep in functions."""
        return state.crashed or any(len(task.stack) > self.nesting for task in state.world.tasks)


class Parting(NamedTuple):
    """A way that leads to a difference: the places of the actions in the alphabet, and what each side shows last."""

    path: tuple[int, ...]
    left: Seen
    right: Seen

    @property
    def kind(self) -> str:
        """The class of the difference."""
        return kind_of_difference(self.left, self.right)


class Searched(NamedTuple):
    """What a search found, and over what.

    `partings` is empty when no difference was found; then `closed` says that every pair that can be reached was
    looked at, `stopped` else names the bound that ended the search. `depth` is how many actions every sequence was
    followed for. `pairs` were visited, `steps` taken. `read`: the differing axes that were read while both worlds were
    equal; empty for a closed search is a proof by itself.
    """

    partings: tuple[Parting, ...]
    closed: bool
    stopped: str
    depth: int
    pairs: int
    steps: int
    read: tuple[str, ...]


class _Side(NamedTuple):
    """Both states of a pair; `other` is None while they are the same."""

    one: State
    other: State | None


class Search:
    """A search over pairs of worlds, those of one program under two semantics, with actions to choose from."""

    def __init__(
        self,
        program: Program,
        actions: Sequence[tree.Operation],
        left: Semantics,
        right: Semantics,
        level: Level,
    ) -> None:
        self._program = program
        self._actions = actions
        self._left, self._right = left, right
        self._level = level
        axes = differing(left, right)
        # Which rules there are at all is asked before any axis is read.
        self._bait = None if "system" in axes else poisoned(left, axes)
        self._read: dict[str, None] = {}
        self._steps = 0
        self._parents: list[tuple[int, int]] = [(-1, -1)]

    def run(self, bounds: Bounds, *, every: bool = False, classes: bool = False) -> Searched:
        """Search until a difference is found (`every`: all of that length; `classes`: go on, one for each class)."""
        began = time.monotonic()
        start_ = start(self._program)
        frontier: list[tuple[int, _Side]] = [(0, _Side(start_, None))]
        known: set[tuple[object, object]] = {(start_.key(), None)}
        partings: list[Parting] = []
        kinds: set[str] = set()
        depth = 0
        stopped = ""
        while frontier and not stopped:
            if bounds.depth is not None and depth >= bounds.depth:
                stopped = f"after {depth} actions"
                break
            following: list[tuple[int, _Side]] = []
            for number, pair in frontier:
                stopped = self._over(bounds, len(known), began)
                if stopped:
                    break
                for place, action in enumerate(self._actions):
                    found = self._step(pair, action)
                    if not isinstance(found, _Side):
                        parting = Parting((*self._path(number), place), *found)
                        if not classes or parting.kind not in kinds:
                            kinds.add(parting.kind)
                            partings.append(parting)
                        if not every and not classes:
                            return self._result(partings, "", depth, len(known), closed=False)
                        continue
                    if bounds.ends(found.one) or (found.other is not None and bounds.ends(found.other)):
                        continue
                    key = (found.one.key(), None if found.other is None else found.other.key())
                    if key not in known:
                        known.add(key)
                        self._parents.append((number, place))
                        following.append((len(self._parents) - 1, found))
            else:
                depth += 1
                frontier = following
                if partings and not classes:
                    break
        return self._result(partings, stopped, depth, len(known), closed=not stopped and not frontier)

    def _result(
        self, partings: list[Parting], stopped: str, depth: int, pairs: int, *, closed: bool
    ) -> Searched:
        return Searched(tuple(partings), closed, stopped, depth, pairs, self._steps, tuple(self._read))

    def _over(self, bounds: Bounds, pairs: int, began: float) -> str:
        if bounds.pairs is not None and pairs >= bounds.pairs:
            return f"after {pairs} pairs"
        if bounds.seconds is not None and time.monotonic() - began >= bounds.seconds:
            return f"after {bounds.seconds:g} seconds"
        return ""

    def _path(self, number: int) -> tuple[int, ...]:
        places = []
        while number > 0:
            number, place = self._parents[number]
            places.append(place)
        return tuple(reversed(places))

    def _step(self, pair: _Side, action: tree.Operation) -> _Side | tuple[Seen, Seen]:
        """The pair behind the action, or what each side shows of it where that is not the same."""
        self._steps += 1
        if pair.other is None and self._bait is not None:
            try:
                return _Side(take(self._program, self._bait, pair.one, action).state, None)
            except AxisReadError as read:
                self._read[str(read)] = None
        one = take(self._program, self._left, pair.one, action)
        other = take(self._program, self._right, pair.other or pair.one, action)
        a = seen(self._level, one.events, one.outcome.value, one.outcome.reason)
        b = seen(self._level, other.events, other.outcome.value, other.outcome.reason)
        if a != b:
            return a, b
        same = one.state.key() == other.state.key()
        return _Side(one.state, None if same else other.state)
