"""The way from one engine to another through the tree of engines: the points on it and what moves between them.

Mainline is a row of changes; a proposal is a point of mainline with axes set by hand. So the way leads back from the
first engine to where both agree, and from there on to the second. Each change and each axis is a step of its own, as
long as the engine between makes sense; steps that only make sense together are one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from klpdsl.semantics.axes import Semantics
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.points import mainline_engine
from klpdsl.semantics.records import Engine, EngineError, Setting
from klpdsl.semantics.spelling import spell
from klpdsl.semantics.table import change, order


class Move(NamedTuple):
    """What one step of the way does: a change of mainline, or an axis that somebody set; `undone`: taken back."""

    change: str
    setting: Setting | None
    undone: bool

    @property
    def title(self) -> str:
        """How a text names it: the change's id, or `axis=value`."""
        if self.setting is None:
            return self.change
        return f"{self.setting.axis}={spell(self.setting.value)}"

    @property
    def commit(self) -> str:
        """The kernel commit; empty for what never became one."""
        return change(self.change).commit if self.change else ""

    @property
    def subject(self) -> str:
        """The commit's subject, or who set the axis."""
        if self.setting is None:
            return change(self.change).subject
        return f"set by {self.setting.by}"

    @property
    def release(self) -> str:
        """The release that has it first; empty for what was never released."""
        return change(self.change).release if self.change else ""

    @property
    def effect(self) -> str:
        """What an observer notices, in a sentence; empty where the data say nothing."""
        return change(self.change).effect if self.change else ""


class Point(NamedTuple):
    """An engine on the way, and the moves that lead to it from the point before (none at the start)."""

    engine: Engine
    moves: tuple[Move, ...]

    @property
    def name(self) -> str:
        """The engine's name."""
        return self.engine.name


class AxisMove(NamedTuple):
    """An axis with its value before and after."""

    axis: str
    before: str
    after: str


def axis_moves(before: Semantics, after: Semantics) -> tuple[AxisMove, ...]:
    """Return the axes in which two semantics differ."""
    pairs = zip(Semantics._fields, before, after, strict=True)
    return tuple(AxisMove(axis, spell(old), spell(new)) for axis, old, new in pairs if old != new)


def mainline() -> tuple[Point, ...]:
    """Return all points of mainline, oldest first."""
    start = Point(mainline_engine(0), ())
    later = (Point(mainline_engine(i + 1), (Move(id_, None, False),)) for i, id_ in enumerate(order()))
    return (start, *later)


def way(first: Engine, last: Engine) -> tuple[Point, ...]:
    """Return the points from one engine to another, both included."""
    return tuple(_Walk(first, last))


def visible(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Return the points that differ from the one before in some axis: the others cannot give another trace."""
    kept: list[Point] = []
    for point in points:
        if not kept or point.engine.semantics != kept[-1].engine.semantics:
            kept.append(point)
    return tuple(kept)


def returning_axes(points: tuple[Point, ...]) -> tuple[tuple[str, str, str], ...]:
    """Return the axes that are equal at both ends and not in between: each with the points where it goes and returns.

    Where only the ends were run, a difference that such an axis makes was not seen.
    """
    found = []
    for axis in Semantics._fields:
        values = [getattr(point.engine.semantics, axis) for point in points]
        if values[0] != values[-1]:
            continue
        away = [index for index, value in enumerate(values) if value != values[0]]
        if away:
            found.append((axis, points[away[0]].name, points[away[-1] + 1].name))
    return tuple(found)


class _Composition(NamedTuple):
    changes: frozenset[str]
    settings: tuple[Setting, ...]


class _Walk:
    """Goes the way step by step, and gathers moves until they make an engine."""

    def __init__(self, first: Engine, last: Engine) -> None:
        self._first = first
        self._last = last
        self._anchors = (*_chain(first), *_chain(last))
        self._state = _Composition(frozenset(first.changes), first.settings)
        self._held: tuple[Move, ...] = ()

    def __iter__(self) -> Iterator[Point]:
        yield Point(self._first, ())
        for block in self._blocks():
            yield from self._block(block)

    def _blocks(self) -> Iterator[list[Move]]:
        """The moves, in groups within which their order is free."""
        first, last = self._first, self._last
        shared = _shared(first.settings, last.settings) if first.changes == last.changes else 0
        for group in reversed(_groups(first.settings[shared:])):
            yield [Move("", setting, True) for setting in reversed(group)]
        for id_ in reversed(order()):
            if id_ in first.changes and id_ not in last.changes:
                yield [Move(id_, None, True)]
        for id_ in order():
            if id_ in last.changes and id_ not in first.changes:
                yield [Move(id_, None, False)]
        for group in _groups(last.settings[shared:]):
            yield [Move("", setting, False) for setting in group]

    def _block(self, pending: list[Move]) -> Iterator[Point]:
        while pending:
            for move in pending:
                engine = self._engine(_moved(self._state, move))
                if engine is not None:
                    break
            else:
                move, engine = pending[0], None
            pending.remove(move)
            self._state = _moved(self._state, move)
            self._held = (*self._held, move)
            if engine is not None:
                yield Point(engine, self._held)
                self._held = ()

    def _engine(self, state: _Composition) -> Engine | None:
        """The engine of a state, under the shortest name it has; None if it makes no sense."""
        if state == (frozenset(self._last.changes), self._last.settings):
            return self._last
        prefix = next((i for i, id_ in enumerate(order()) if id_ not in state.changes), len(state.changes))
        best: tuple[int, Engine, tuple[Setting, ...]] | None = None
        for anchor in (*self._anchors, mainline_engine(prefix)):
            known = len(anchor.settings)
            rest = state.settings
            if not set(anchor.settings) <= set(rest):
                continue
            rest = tuple(setting for setting in rest if setting not in anchor.settings)
            effort = len(state.changes.symmetric_difference(anchor.changes)) + len(rest)
            # An anchor's settings must come first, or it would override what is set after them.
            if known and tuple(s for s in state.settings if s in anchor.settings) != state.settings[:known]:
                continue
            if best is None or effort < best[0]:
                best = effort, anchor, rest
        assert best is not None
        _, anchor, rest = best
        try:
            return resolve(
                anchor.name,
                [f"{setting.axis}={spell(setting.value)}" for setting in rest],
                [id_ for id_ in order() if id_ in state.changes and id_ not in anchor.changes],
                [id_ for id_ in order() if id_ not in state.changes and id_ in anchor.changes],
            )
        except EngineError:
            return None


def _moved(state: _Composition, move: Move) -> _Composition:
    changes, settings = state
    if move.setting is None:
        return _Composition(changes - {move.change} if move.undone else changes | {move.change}, settings)
    if not move.undone:
        return _Composition(changes, (*settings, move.setting))
    place = len(settings) - 1 - settings[::-1].index(move.setting)
    return _Composition(changes, (*settings[:place], *settings[place + 1 :]))


def _chain(engine: Engine) -> Iterator[Engine]:
    """The engine and all that it was made from, down to mainline."""
    while True:
        yield engine
        if not engine.settings and not engine.without and engine.kind != "custom":
            return
        engine = resolve(engine.base)


def _shared(one: tuple[Setting, ...], other: tuple[Setting, ...]) -> int:
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _groups(settings: tuple[Setting, ...]) -> list[tuple[Setting, ...]]:
    """Settings by who set them."""
    groups: list[list[Setting]] = []
    for setting in settings:
        if not groups or groups[-1][-1].by != setting.by:
            groups.append([])
        groups[-1].append(setting)
    return [tuple(group) for group in groups]
