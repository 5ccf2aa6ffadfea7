"""What a reduction must not lose: a difference between two engines, a violation, a condition, a line, a verdict."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from klpdsl.bisect.predicates import (
    PlacedResult,
    Predicate,
    PredicateError,
    StepResult,
    WholeTrace,
    known_property,
)
from klpdsl.bisect.route import Move, visible, way
from klpdsl.bisect.scenario import RunError, Runner, text_of
from klpdsl.bisect.search import Kind, Verdict, search
from klpdsl.bisect.trace_text import (
    TextDivergence,
    blocks,
    first_divergence,
    shorten,
    sides,
    signature,
    who,
    without_pids,
)
from klpdsl.semantics.records import Engine
from klpdsl.syntax import tree

Items = tuple[tree.Item, ...]


class Keep(Protocol):
    """What must stay true of a scenario."""

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that the reduced scenario is meant for."""

    def holds(self, items: Items) -> bool:
        """Whether it is true of these items."""

    def prose(self, items: Items) -> list[str]:
        """Sentences that say what the reduced scenario shows."""


class Boundary(NamedTuple):
    """The points on both sides of what makes a difference, and what moves between them."""

    before: Engine
    after: Engine
    moves: tuple[Move, ...]


class KeepDifference:
    """Two engines differ in the same way, and by the same change.

    The same way means: what the predicate sees parts at the same kind of step and in the same words, or, where it asks
    a question, both engines give the same answers as before.
    """

    def __init__(self, items: Items, one: Engine, other: Engine, predicate: Predicate | None = None) -> None:
        self._one, self._other = one, other
        self._predicate: Predicate = predicate or WholeTrace()
        self._cause: Boundary | None = None
        runner = Runner(items)
        try:
            if isinstance(self._predicate, StepResult):
                # Steps get other numbers as statements go.
                self._predicate = self._predicate.placed(runner.text(one, lines=True))
            seen, otherwise = self._see(runner, one), self._see(runner, other)
        except RunError as error:
            raise PredicateError(f"the scenario cannot be judged: {error}") from None
        if seen == otherwise:
            raise PredicateError(f"{one.name} and {other.name} are alike in this: {self._predicate}")
        self._wanted = self._difference(seen, otherwise)
        self._cause = self._find_cause(runner, Judgement(seen, otherwise))

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that the reduced scenario is meant for."""
        return self._one.name, self._other.name

    def _see(self, runner: Runner, engine: Engine) -> str:
        text = runner.text(engine, lines=isinstance(self._predicate, PlacedResult))
        view = self._predicate.view(text, {"engine": engine.name})
        if view.cannot:
            raise RunError(view.cannot)
        return view.seen

    def _difference(self, one: str, other: str) -> object:
        return signature(one, other) if self._predicate.compares else (one, other)

    def holds(self, items: Items) -> bool:
        """Whether it is true of these items."""
        runner = Runner(items)
        try:
            one, other = self._see(runner, self._one), self._see(runner, self._other)
            if one == other or self._difference(one, other) != self._wanted:
                return False
            if self._cause is None:
                return True
            judgement = Judgement(one, other)
            return judgement.of(self._see(runner, self._cause.after)) == "bad" and (
                judgement.of(self._see(runner, self._cause.before)) == "good"
            )
        except (RunError, PredicateError):
            return False

    def prose(self, items: Items) -> list[str]:
        """Sentences that say what the reduced scenario shows."""
        runner = Runner(items)
        one, other = self._see(runner, self._one), self._see(runner, self._other)
        if self._predicate.compares:
            found = first_divergence(one, other)
            assert found is not None
            sentences = [_tell(found, self._one.name, self._other.name)]
        else:
            asked = str(self._predicate)
            sentences = [
                f"{asked[:1].upper()}{asked[1:]}: {one} on {self._one.name}, {other} on {self._other.name}."
            ]
        sentences += [_tell_move(move) for move in (self._cause.moves if self._cause else ())]
        return sentences

    def _find_cause(self, runner: Runner, judgement: Judgement) -> Boundary | None:
        """What turns one side into the other; None where that is not a single place."""
        points = visible(way(self._one, self._other))
        if len(points) < 2:
            return None

        def judge(indices: Sequence[int]) -> list[Verdict]:
            verdicts = []
            for index in indices:
                try:
                    verdicts.append(Verdict(judgement.of(self._see(runner, points[index].engine))))
                except (RunError, PredicateError) as error:
                    verdicts.append(Verdict("unknown", str(error)))
            return verdicts

        outcome = search(len(points), judge)
        sides = judge([outcome.good, outcome.bad])
        if [verdict.kind for verdict in sides] != ["good", "bad"]:
            return None
        moves = tuple(move for point in points[outcome.good + 1 : outcome.bad + 1] for move in point.moves)
        return Boundary(points[outcome.good].engine, points[outcome.bad].engine, moves)


class Judgement:
    """Tells for other traces on which side of the first divergence of two traces they are.

    Traces of engines far apart differ in more than that; so what counts are the lines that part, in their step. Where
    these are only in another order, it is the way in which a trace parts from the first.
    """

    def __init__(self, one: str, other: str) -> None:
        self._one, self._other = one, other
        self._found = first_divergence(one, other)
        self._wanted = signature(one, other)
        self._by_lines = self._look(one) == "good" and self._look(other) == "bad"

    def of(self, seen: str) -> Kind:
        """Return `good` for the first trace's side, `bad` for the other's, `unknown` for neither."""
        if self._found is None or seen in (self._one, self._other):
            return "good" if seen == self._one else "bad" if seen == self._other else "unknown"
        if self._by_lines:
            return self._look(seen)
        return "bad" if signature(self._one, seen) == self._wanted else "good"

    def _look(self, seen: str) -> Kind:
        found = self._found
        block = next((block for block in blocks(seen) if found and block.number == found.step.number), None)
        if found is None or block is None:
            return "unknown"
        lines = {without_pids(line) for line in block.lines}
        gone, come = sides(found)
        has_old = bool(gone) and without_pids(gone[0]) in lines
        has_new = bool(come) and without_pids(come[0]) in lines
        if (has_new or not come) and not has_old:
            return "bad"
        if (has_old or not gone) and not has_new:
            return "good"
        return "unknown"


def _tell(found: TextDivergence, one: str, other: str) -> str:
    step = f"`{shorten(found.step.statement)}`"
    gone, come = sides(found)
    before = f"`{gone[0]}`" if gone else ""
    after = f"`{come[0]}`" if come else ""
    if found.moved:
        line, first = (before, one) if before else (after, other)
        return (
            f"In the step {step}, {line} comes earlier on {first} than on {other if first == one else one}."
        )
    if before and after:
        return f"In the step {step}, {one} gives {before} where {other} gives {after}."
    if after:
        return f"In the step {step}, {other} gives {after}; {one} does not."
    return f"In the step {step}, {one} gives {before}; {other} does not."


def _tell_move(move: Move) -> str:
    if move.setting is not None:
        return f"What makes the difference is {move.title}, {move.subject}."
    without = "being without " if move.undone else ""
    commit = f", commit {move.commit[:12]}" if move.commit else ""
    effect = f" {move.effect[:1].upper()}{move.effect[1:].rstrip('.')}." if move.effect else ""
    return (
        f'What makes the difference is {without}{move.title}{commit} ("{move.subject}"), '
        f"first in {move.release}.{effect}"
    )


class KeepViolation:
    """On one engine a property is violated, in a step of the same kind."""

    def __init__(self, items: Items, engine: Engine, name: str) -> None:
        known_property(name)
        self._engine, self._name = engine, name
        self._wanted = self._find(items)
        if self._wanted is None:
            raise PredicateError(f"{name} is not violated on {engine.name}")

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that the reduced scenario is meant for."""
        return (self._engine.name,)

    def _find(self, items: Items) -> tuple[str, str] | None:
        """The kind of step that first violates it, and the line."""
        for block in blocks(Runner(items).text(self._engine)):
            for line in block.lines:
                if line.startswith(f"violation {self._name}:"):
                    return who(block.statement), line
        return None

    def holds(self, items: Items) -> bool:
        """Whether it is true of these items."""
        try:
            found = self._find(items)
        except RunError:
            return False
        return found is not None and self._wanted is not None and found[0] == self._wanted[0]

    def prose(self, items: Items) -> list[str]:
        """Sentences that say what the reduced scenario shows."""
        found = self._find(items)
        assert found is not None
        return [f"On {self._engine.name}, `{found[0]}` violates a property: {found[1].partition(' ')[2]}."]


class KeepCondition:
    """On one engine a condition holds at the end. It becomes the scenario's last statement."""

    def __init__(self, items: Items, engine: Engine, expectation: tree.Expect) -> None:
        self._engine, self._expectation = engine, expectation
        if not self.holds(items):
            raise PredicateError(f"the condition does not hold at the end on {engine.name}")

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that the reduced scenario is meant for."""
        return (self._engine.name,)

    @property
    def expectation(self) -> tree.Expect:
        """The statement that states it."""
        return self._expectation

    def holds(self, items: Items) -> bool:
        """Whether it is true of these items."""
        try:
            found = blocks(Runner((*items, self._expectation)).text(self._engine))
        except RunError:
            return False
        return bool(found) and bool(found[-1].lines) and found[-1].lines[-1].startswith("expect ok: ")

    def prose(self, items: Items) -> list[str]:  # noqa: ARG002 (the protocol's)
        """Sentences that say what the reduced scenario shows."""
        return [f"What the last line expects is so on {self._engine.name}."]


class KeepLine:
    """On one engine the trace has a line with these words."""

    def __init__(self, items: Items, engine: Engine, line: str) -> None:
        self._engine, self._line = engine, " ".join(line.split())
        if not self.holds(items):
            raise PredicateError(f"the trace on {engine.name} has no line `{self._line}`")

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that the reduced scenario is meant for."""
        return (self._engine.name,)

    def holds(self, items: Items) -> bool:
        """Whether it is true of these items."""
        try:
            text = Runner(items).text(self._engine)
        except RunError:
            return False
        wanted = f" {self._line} "
        return any(wanted in f" {line} " for block in blocks(text) for line in block.lines)

    def prose(self, items: Items) -> list[str]:  # noqa: ARG002 (the protocol's)
        """Sentences that say what the reduced scenario shows."""
        return [f"On {self._engine.name} the trace has the line `{self._line}`."]


class KeepRun:
    """A command of the user's says so (exit code 0) when it is given the scenario as a file."""

    def __init__(self, items: Items, command: str, engines: tuple[str, ...]) -> None:
        self._command, self._engines = command, engines
        if not self.holds(items):
            raise PredicateError(f"`{command}` does not exit with 0 for the scenario as it is")

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that the reduced scenario is meant for."""
        return self._engines

    def holds(self, items: Items) -> bool:
        """Whether it is true of these items."""
        with tempfile.TemporaryDirectory(prefix="klpdsl-") as folder:
            path = os.path.join(folder, "scenario.klp")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text_of(items))
            done = subprocess.run(
                self._command,
                shell=True,
                env={**os.environ, "KLPDSL_SCENARIO": path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        return done.returncode == 0

    def prose(self, items: Items) -> list[str]:  # noqa: ARG002 (the protocol's)
        """Sentences that say what the reduced scenario shows."""
        return [f"`{self._command}` exits with 0 for this scenario."]
