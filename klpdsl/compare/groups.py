"""Runs of one scenario on many engines, grouped by what can be seen of them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from klpdsl.run.session import Loaded, execute
from klpdsl.semantics.engines import called
from klpdsl.syntax import tree
from klpdsl.trace.events import Event, Hook, ModuleRefs, StepTrace, Sysfs, TaskShown, Trace, Violation
from klpdsl.trace.text import event_text, to_text

ABSENT = "-"
"""What a cell says where there is nothing."""


class ObservedRun(NamedTuple):
    """One engine's run: its trace, and what an observer finds when it is over (`show`, at the end)."""

    engine: str
    trace: Trace
    final: tuple[Event, ...]


class Group(NamedTuple):
    """Engines with one and the same trace, and one of their runs for all."""

    letter: str
    engines: tuple[str, ...]
    run: ObservedRun


class Row(NamedTuple):
    """One line of the comparison: what it is about, and what each group has there, in the order of the groups."""

    kind: str
    label: str
    cells: tuple[str, ...]


class Comparison(NamedTuple):
    """Groups, the rows in which they are not all the same, and the steps that end alike after other events.

    `asked` says by which other names engines were asked for; what has only its own is not in it.
    """

    groups: tuple[Group, ...]
    rows: tuple[Row, ...]
    other_events: tuple[int, ...] = ()
    asked: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def called(self, engine: str) -> str:
        """Return how to speak of an engine to who asked for it: `v6.12 (= v6.11)`."""
        return called(engine, dict(self.asked).get(engine, ()))


def observe(loaded: Loaded, engine: str) -> ObservedRun:
    """Run the scenario, and look at everything once it is over."""
    watched = copy.copy(loaded)
    watched.program = copy.copy(loaded.program)
    place = tree.Span(loaded.source, 0, 0, 0, 0)
    watched.program.statements += (tree.Step(tree.Show(None, place), "", place),)
    steps = execute(watched, engine).trace.steps
    return ObservedRun(engine, Trace(steps[:-1]), steps[-1].events)


def compare(
    loaded: Loaded, engines: Iterable[str], asked: Mapping[str, tuple[str, ...]] | None = None
) -> Comparison:
    """Run the scenario on all the engines, and say what sets them apart; `asked`: the names that were used for them."""
    by_trace: dict[tuple[str, str], list[ObservedRun]] = {}
    for engine in engines:
        run = observe(loaded, engine)
        key = (to_text(run.trace), "\n".join(map(event_text, run.final)))
        by_trace.setdefault(key, []).append(run)
    groups = tuple(
        Group(_letter(index), tuple(run.engine for run in runs), runs[0])
        for index, runs in enumerate(by_trace.values())
    )
    runs = [group.run for group in groups]
    renamed = tuple((name, names) for name, names in (asked or {}).items() if names != (name,))
    return Comparison(groups, tuple(_rows(runs)), tuple(_other_events(runs)), renamed)


def _letter(index: int) -> str:
    """Return A, B, … Z, AA, AB and so on."""
    high, low = divmod(index, 26)
    return (_letter(high - 1) if high else "") + chr(ord("A") + low)


def _rows(runs: list[ObservedRun]) -> Iterable[Row]:
    if len(runs) < 2:
        return
    yield from _results(runs)
    yield from _violations(runs)
    finals = [final_state(run.final) for run in runs]
    for label in sorted({label for final in finals for label in final}):
        cells = tuple(final.get(label, ABSENT) for final in finals)
        if len(set(cells)) > 1:
            yield Row("final", label, cells)


def _results(runs: list[ObservedRun]) -> Iterable[Row]:
    """The steps that do not end alike."""
    for steps in zip(*(run.trace.steps for run in runs), strict=True):
        cells = tuple(map(_result, steps))
        if len(set(cells)) > 1:
            yield Row("result", f"{steps[0].number} {steps[0].text}", cells)


def _other_events(runs: list[ObservedRun]) -> Iterable[int]:
    """The steps that end alike, but after other events."""
    for steps in zip(*(run.trace.steps for run in runs), strict=True):
        if len(set(map(_result, steps))) == 1 and len({step.events for step in steps}) > 1:
            yield steps[0].number


def _result(step: StepTrace) -> str:
    if step.result is None:
        return ABSENT
    # That a `settle` came to no end is no errno, and yet how it ended.
    return step.result.value + (" (stalled)" if step.result.reason.startswith("stalled") else "")


def _violations(runs: list[ObservedRun]) -> Iterable[Row]:
    names = sorted({name for run in runs for name, _ in violated(run)})
    for name in names:
        cells = tuple(
            ", ".join(f"step {number}" for found, number in violated(run) if found == name) or ABSENT
            for run in runs
        )
        if len(set(cells)) > 1:
            yield Row("violation", name, cells)


def violated(run: ObservedRun) -> list[tuple[str, int]]:
    """The properties that do not hold, each with the step in which they were violated."""
    found: dict[tuple[str, int], None] = {}
    for step in run.trace.steps:
        for event in step.events:
            if isinstance(event, Violation):
                found[(event.property, step.number)] = None
    return list(found)


def final_state(final: tuple[Event, ...]) -> dict[str, str]:
    """What an observer finds in the end, by what it is about."""
    state: dict[str, str] = {}
    for event in final:
        if isinstance(event, Sysfs):
            state[event.path] = event.value or "there"
        elif isinstance(event, ModuleRefs):
            state[f"{event.module} refs"] = str(event.refs)
        elif isinstance(event, TaskShown):
            state[f"{event.task} patch_state"] = event.state
        elif isinstance(event, Hook):
            state[f"{event.object} {event.function}"] = " ".join(event.stack)
    return state
