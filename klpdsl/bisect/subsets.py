"""Changes that make a difference only together: delta debugging over the set of changes between two engines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from klpdsl.bisect.route import Move, Point
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.records import Engine, EngineError
from klpdsl.semantics.spelling import spell
from klpdsl.semantics.table import change


class MinimalSet(NamedTuple):
    """A set of moves none of which can be left out.

    `engine` is the good end with exactly these. `needed` are those of them without which another one makes no sense:
    they are there for its sake, whether or not they matter by themselves.
    """

    moves: tuple[Move, ...]
    engine: Engine
    needed: tuple[Move, ...]


def combine(start: Engine, last: Engine, moves: Iterable[Move]) -> Engine:
    """Return an engine with some of the moves that lead on to another. Raises EngineError where that has no sense."""
    added, removed, sets = [], [], []
    for move in moves:
        if move.setting is not None:
            # Taking a setting back means the value that the other end has.
            value = getattr(last.semantics, move.setting.axis) if move.undone else move.setting.value
            sets.append(f"{move.setting.axis}={spell(value)}")
        elif move.undone:
            removed.append(move.change)
        else:
            added.append(move.change)
    return resolve(start.name, sets, added, removed)


def minimal_set(points: tuple[Point, ...], is_bad: Callable[[Engine], bool]) -> MinimalSet:
    """Return a smallest set of moves that, done to the first point, makes `is_bad` true as it is at the last.

    `is_bad` must be true of the last point and false of the first. Moves are left out one after the other, the last
    ones first, each with those that make no sense without it, until none can go.
    """
    start, last = points[0].engine, points[-1].engine
    kept = tuple(move for point in points for move in point.moves)
    tried: dict[str, bool] = {}

    def holds(chosen: tuple[Move, ...]) -> bool:
        try:
            engine = combine(start, last, chosen)
        except EngineError:
            return False
        if engine.name not in tried:
            tried[engine.name] = is_bad(engine)
        return tried[engine.name]

    shrunk = True
    while shrunk:
        shrunk = False
        for move in reversed(kept):
            fewer = _sensible(start, tuple(other for other in kept if other != move))
            if move in kept and len(fewer) < len(kept) and holds(fewer):
                kept = fewer
                shrunk = True
    return MinimalSet(kept, combine(start, last, kept), _needed(start, kept))


def _sensible(start: Engine, moves: tuple[Move, ...]) -> tuple[Move, ...]:
    """The moves without those that lack another which is not among them."""
    while True:
        present = _present(start, moves)
        lacking = {id_ for id_ in present if not _satisfied(id_, present)}
        wanting = {name for id_ in lacking for group in change(id_).requires for name in group.split("|")}
        kept = tuple(move for move in moves if move.change not in (wanting if move.undone else lacking))
        if kept == moves:
            return moves
        moves = kept


def _needed(start: Engine, moves: tuple[Move, ...]) -> tuple[Move, ...]:
    """Those without which another one would make no sense."""
    return tuple(
        move
        for move in moves
        if len(_sensible(start, tuple(other for other in moves if other != move))) < len(moves) - 1
    )


def _present(start: Engine, moves: tuple[Move, ...]) -> set[str]:
    undone = {move.change for move in moves if move.undone}
    added = {move.change for move in moves if move.change and not move.undone}
    return (set(start.changes) - undone) | added


def _satisfied(id_: str, present: set[str]) -> bool:
    return all(present.intersection(group.split("|")) for group in change(id_).requires)
