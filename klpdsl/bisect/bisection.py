"""Bisection over the lineage: the change between two engines that makes a scenario's trace another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from klpdsl._errors import KlpdslError
from klpdsl.bisect.predicates import Command, Predicate, PredicateView, unsupported
from klpdsl.bisect.route import AxisMove, Move, Point, axis_moves, returning_axes, visible, way
from klpdsl.bisect.scenario import RunError, Runner
from klpdsl.bisect.search import Probe, SearchResult, Verdict, search, turns
from klpdsl.bisect.trace_text import blocks, signature
from klpdsl.semantics.records import Engine


class BisectError(KlpdslError):
    """There is nothing to bisect: an end cannot be judged (`cannot_judge`), or both ends are alike."""

    def __init__(self, message: str, *, cannot_judge: bool = False) -> None:
        super().__init__(message)
        self.cannot_judge = cannot_judge
        self.exit_code = 125 if cannot_judge else 1


class Culprit(NamedTuple):
    """A place where good turns to bad, or bad to good: the points on both sides, and what moves between them.

    `candidates` are the points one of which makes the difference: one, or more where those before it cannot be judged.
    """

    before: Point
    after: Point
    candidates: tuple[Point, ...]
    axes: tuple[AxisMove, ...]
    trace_before: str
    trace_after: str

    @property
    def moves(self) -> tuple[Move, ...]:
        """What moves at the candidates."""
        return tuple(move for point in self.candidates for move in point.moves)


class Bisection(NamedTuple):
    """A finished bisection.

    `culprits` holds one culprit, or with --all every one. `missed` are axes that moved away and back where no point
    was run. `settled` says whether the culprit alone leads to what the bad end shows.
    """

    points: tuple[Point, ...]
    outcome: SearchResult
    culprits: tuple[Culprit, ...]
    missed: tuple[tuple[str, str, str], ...]
    settled: bool
    runs: int


class Lineage:
    """The points between two engines, and how to judge them."""

    def __init__(self, runner: Runner, predicate: Predicate, good: Engine, bad: Engine) -> None:
        self._runner = runner
        self._predicate = predicate
        self.points = visible(way(good, bad))
        self._views: dict[str, PredicateView] = {}
        self._good = self._end(self.points, "--good")
        self._bad = self._end(self.points[::-1], "--bad")
        if len(self.points) == 1:
            raise BisectError(f"no axis differs between {good.name} and {bad.name}: nothing can be shown")
        self._known_gaps = {
            *unsupported(blocks(self.text(self.points[0]))),
            *unsupported(blocks(self.text(self.points[-1]))),
        }

    def text(self, point: Point) -> str:
        """The trace at a point."""
        return self._runner.text(point.engine)

    @property
    def runs(self) -> int:
        """How many runs it took so far."""
        return self._runner.runs

    def is_whole_commit(self, index: int) -> bool:
        """Whether a point lies between commits: what a commit changes at once, no kernel has by halves."""
        here, beyond = self.points[index].moves, self.points[index + 1].moves
        return not (here and beyond and here[-1].commit and here[-1].commit == beyond[0].commit)

    @property
    def question(self) -> str:
        """The question with both ends' answers; empty where it is traces that are compared."""
        if self._predicate.compares:
            return ""
        ends = (
            f"{self._view(point.engine).seen} on {point.name}" for point in (self.points[0], self.points[-1])
        )
        return f"{self._predicate}: {', '.join(ends)}"

    @property
    def differ(self) -> bool:
        """Whether the ends differ."""
        return self._good != self._bad

    def alike(self) -> str:
        """Say that the ends do not differ."""
        return f"{self.points[0].name} and {self.points[-1].name} are alike in this: {self._predicate}"

    def judge(self, indices: Sequence[int]) -> Iterable[Verdict]:
        """Judge points."""
        for index in indices:
            view = self._view(self.points[index].engine)
            if view.cannot:
                yield Verdict("unknown", view.cannot)
            else:
                yield Verdict("good" if view.seen == self._good else "bad")

    def resembles_bad(self, point: Point) -> bool:
        """Whether a point shows the very thing that the bad end shows."""
        return self._view(point.engine).seen == self._bad

    def same_difference(self, engine: Engine, model: Engine) -> bool:
        """Whether an engine differs from the good end as `model` does: by the answer, or where the traces part."""
        view, wanted = self._view(engine), self._view(model)
        if view.cannot or view.seen == self._good:
            return False
        if not self._predicate.compares:
            return view.seen == wanted.seen
        return signature(self._good, view.seen) == signature(self._good, wanted.seen)

    def _end(self, points: tuple[Point, ...], option: str) -> str:
        """What the first of these points shows. If that cannot be judged, say which is the first that can."""
        view = self._look(points[0].engine)
        if not view.cannot:
            return view.seen
        message = f"{points[0].name} cannot be judged: {view.cannot}"
        # A command of the user's may take its time: it is not run all over the lineage for a hint.
        others = () if isinstance(self._predicate, Command) else points[1:]
        nearest = next((point.name for point in others if not self._look(point.engine).cannot), "")
        if nearest:
            message += f"; the nearest that can is {nearest} ({option} {nearest})"
        raise BisectError(message, cannot_judge=True)

    def _look(self, engine: Engine) -> PredicateView:
        if engine.name not in self._views:
            self._views[engine.name] = self._ask(engine)
        return self._views[engine.name]

    def _ask(self, engine: Engine) -> PredicateView:
        try:
            text = self._runner.text(engine)
        except RunError as error:
            return PredicateView("", str(error))
        return self._predicate.view(text, {"engine": engine.name})

    def _view(self, engine: Engine) -> PredicateView:
        view = self._look(engine)
        if view.cannot or not self._predicate.compares:
            return view
        # What one of the ends cannot do either is part of what is compared. Anything else was not tried here.
        for step, why in unsupported(blocks(self._runner.text(engine))).items():
            if step not in self._known_gaps:
                return PredicateView("", why)
        return view


def bisect(
    lineage: Lineage, *, everything: bool = False, tell: Callable[[Probe], None] = lambda _: None
) -> Bisection:
    """Find what turns good into bad between the ends of a lineage; with `everything`, judge every point.

    Raises `BisectError` where the ends are alike; with `everything`, only where no point differs.
    """
    points = lineage.points
    if everything:
        every = range(len(points))
        verdicts = dict(zip(every, lineage.judge(every), strict=True))
        places = list(turns(verdicts))
        if not places:
            raise BisectError(f"{lineage.alike()}, and so is every point between them")
        outcome = SearchResult(*places[0], verdicts)
    elif not lineage.differ:
        raise BisectError(f"{lineage.alike()} (--all shows what comes and goes between them)")
    else:
        outcome = search(len(points), lineage.judge, prefer=lineage.is_whole_commit, tell=tell)
        places = [(outcome.good, outcome.bad)]
    runs = lineage.runs
    culprits = tuple(_culprit(lineage, *place) for place in places)
    missed = tuple(
        axis
        for first, last in outcome.silent_stretches()
        for axis in returning_axes(points[first : last + 1])
    )
    settled = lineage.resembles_bad(culprits[0].after) if len(culprits) == 1 else False
    return Bisection(points, outcome, culprits, missed, settled, runs)


def _culprit(lineage: Lineage, before: int, after: int) -> Culprit:
    points = lineage.points
    old, new = points[before], points[after]
    axes = axis_moves(old.engine.semantics, new.engine.semantics)
    return Culprit(old, new, points[before + 1 : after + 1], axes, lineage.text(old), lineage.text(new))
