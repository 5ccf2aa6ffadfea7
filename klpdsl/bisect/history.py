"""The points of the lineage at which a scenario's trace changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from klpdsl.bisect.route import Move, Point, mainline, way
from klpdsl.bisect.scenario import RunError, Runner, header_engines, read_items
from klpdsl.bisect.trace_text import TextDivergence, first_divergence
from klpdsl.semantics.engines import expand, resolve
from klpdsl.semantics.records import Engine, EngineError
from klpdsl.semantics.table import change, order
from klpdsl.syntax import tree
from klpdsl.syntax.diagnostics import ScenarioError

MAINLINE = "mainline"
_ON_MAINLINE = frozenset({"release", "commit", "root"})


class Stretch(NamedTuple):
    """A part of the lineage to look at: mainline, the way to a proposal, or what --from and --to say."""

    name: str
    points: tuple[Point, ...]


class Turn(NamedTuple):
    """A point at which the trace changes: what moved there, and where the traces before and after first differ.

    Several moves: the points between could not be run, or make no sense one by one.
    """

    point: Point
    since: Point
    moves: tuple[Move, ...]
    divergence: TextDivergence


class Passage(NamedTuple):
    """What a scenario does along a stretch: the turns, and the points that could not be run, with the reason."""

    stretch: Stretch
    turns: tuple[Turn, ...]
    refused: tuple[tuple[Point, str], ...]


def stretches(
    items: Iterable[tree.Item], engines: Iterable[str], first: str | None, last: str | None
) -> tuple[Stretch, ...]:
    """Return where to look: between `first` and `last` if either is given, else mainline and the branches.

    The branches are those of `engines` and those that the scenario names itself. Raises EngineError.
    """
    if first or last:
        start = resolve(first) if first else mainline()[0].engine
        end = resolve(last) if last else resolve(MAINLINE)
        return (Stretch(f"{start.name} to {end.name}", way(start, end)),)
    found = [Stretch(MAINLINE, mainline())]
    for name in dict.fromkeys((*_beside(items), *_expanded(engines))):
        engine = resolve(name)
        found.append(Stretch(name, way(_fork(engine), engine)))
    return tuple(found)


def _beside(items: Iterable[tree.Item]) -> list[str]:
    """The engines beside mainline that the scenario is meant for."""
    names = []
    for span in header_engines(items):
        if span.first == span.last:
            names += [name for name in expand(span.first) if resolve(name).kind not in _ON_MAINLINE]
    return names


def _expanded(engines: Iterable[str]) -> list[str]:
    names = []
    for spec in engines:
        for name in expand(spec):
            if resolve(name).kind in _ON_MAINLINE:
                raise EngineError(
                    f"{name} is a point of mainline, which is always looked at; --from and --to choose a part"
                )
            names.append(name)
    return names


def _fork(engine: Engine) -> Engine:
    """The point of mainline at which an engine branches off."""
    while engine.kind not in _ON_MAINLINE:
        engine = resolve(engine.base)
    return engine


def passage(runner: Runner, stretch: Stretch) -> Passage:
    """Run a scenario on every point of a stretch and return where its trace changes."""
    turns: list[Turn] = []
    refused: list[tuple[Point, str]] = []
    moves: tuple[Move, ...] = ()
    last: tuple[Point, str] | None = None
    for point in stretch.points:
        moves += point.moves
        try:
            text = runner.text(point.engine)
        except RunError as error:
            refused.append((point, str(error)))
            continue
        if last is not None:
            divergence = first_divergence(last[1], text)
            if divergence is not None:
                turns.append(Turn(point, last[0], moves, divergence))
        last = point, text
        moves = ()
    return Passage(stretch, tuple(turns), tuple(refused))


class Asked(NamedTuple):
    """Where to look: engines beside mainline, or the ends of a stretch. See `stretches`."""

    engines: tuple[str, ...] = ()
    first: str | None = None
    last: str | None = None


def passages_of(items: tuple[tree.Item, ...], asked: Asked) -> tuple[Passage, ...]:
    """Run a scenario wherever was asked. Raises ScenarioError and EngineError."""
    runner = Runner(items)
    return tuple(passage(runner, stretch) for stretch in stretches(items, *asked))


def row_or_error(path: str, asked: Asked) -> tuple[tuple[str, ...], str]:
    """Return a scenario's row in a matrix, or the report of what is wrong with it: one must not hide the others."""
    try:
        return row(passages_of(read_items(path), asked)), ""
    except ScenarioError as error:
        return (), error.render()


class Matrix(NamedTuple):
    """Which scenario shows which change: for each scenario the titles of the moves at which its trace changes."""

    shown: dict[str, tuple[str, ...]]
    errors: dict[str, str]

    def columns(self) -> tuple[str, ...]:
        """The moves that some scenario shows: mainline's in their order, then those of branches."""
        titles = {title for row in self.shown.values() for title in row}
        on_mainline = [id_ for id_ in order() if id_ in titles]
        return (*on_mainline, *sorted(titles.difference(on_mainline)))

    def silent(self) -> tuple[str, ...]:
        """The changes of mainline that could be shown and are not."""
        titles = {title for row in self.shown.values() for title in row}
        return tuple(id_ for id_ in order() if id_ not in titles and change(id_).shown)


def row(passages: Iterable[Passage]) -> tuple[str, ...]:
    """Return the titles of all moves at which a scenario's trace changes."""
    titles = [move.title for found in passages for turn in found.turns for move in turn.moves]
    return tuple(dict.fromkeys(titles))


def unshowable() -> tuple[str, ...]:
    """Return the changes that no scenario can show."""
    return tuple(id_ for id_ in order() if not change(id_).shown)
