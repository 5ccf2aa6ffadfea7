"""A run that is watched: what each step found, what it left, and the world at each event that is to be explained."""

from __future__ import annotations

import os
import sys

from klpdsl.engine.context import Kernel, Outcome
from klpdsl.run.session import Loaded, execute
from klpdsl.trace.events import Call, Event, StepTrace, TaskState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import NamedTuple

    from klpdsl.semantics.records import Engine
    from klpdsl.world.world import World
else:
    from klpdsl._records import NamedTuple

_ENGINE = os.sep + os.path.join("klpdsl", "engine") + os.sep
#: Events that are explained by the world in which they happened.
_BY_WORLD = (Call, TaskState)


class WatchedEvent(NamedTuple):
    """An event: the functions of the engine at work when it was given, innermost first, and the world, where needed."""

    event: Event
    at_work: tuple[str, ...]
    world: World | None


class WatchedStep(NamedTuple):
    """A step with the worlds before and after it; `decider` is the function that decided how it ended."""

    step: StepTrace
    before: World
    after: World
    events: tuple[WatchedEvent, ...]
    decider: str


class _Watcher:
    def __init__(self) -> None:
        self.worlds: list[World] = []
        self.deciders: list[str] = []
        self.events: list[tuple[Event, tuple[str, ...], World | None]] = []
        self._kernel: Kernel | None = None
        self._decided: dict[int, tuple[Outcome, str]] = {}

    def begin(self, k: Kernel) -> None:
        self._kernel = k
        self.worlds.append(k.w.copy())

    def event(self, event: Event) -> None:
        world = self._kernel.w.copy() if self._kernel and isinstance(event, _BY_WORLD) else None
        self.events.append((event, _at_work(sys._getframe(2)), world))

    def step(self, outcome: Outcome) -> None:
        self.deciders.append(self._decided.get(id(outcome), (outcome, ""))[1])
        self._decided.clear()

    def end(self) -> None:
        if self._kernel:
            self.worlds.append(self._kernel.w.copy())

    def profile(self, frame: FrameType, what: str, value: object) -> None:
        """For sys.setprofile(): the function of the engine that first returned an outcome has decided it."""
        if what == "return" and isinstance(value, Outcome) and _ENGINE in frame.f_code.co_filename:
            self._decided.setdefault(id(value), (value, frame.f_code.co_name))


def watch(loaded: Loaded, engine: Engine) -> tuple[WatchedStep, ...]:
    """Run a scenario and keep what is needed to explain it. Raises what `execute` raises."""
    watcher = _Watcher()
    before = sys.getprofile()
    sys.setprofile(watcher.profile)
    try:
        trace = execute(loaded, engine, watcher).trace
    finally:
        sys.setprofile(before)
    by_event = {id(event): (at_work, world) for event, at_work, world in watcher.events}
    # What comes before the first step has a step of number 0, without an outcome and a world of its own.
    steps = [step for step in trace.steps if step.number]
    seen = []
    for place, step in enumerate(steps):
        events = tuple(WatchedEvent(event, *by_event.get(id(event), ((), None))) for event in step.events)
        first, then = watcher.worlds[place], watcher.worlds[place + 1]
        seen.append(WatchedStep(step, first, then, events, watcher.deciders[place]))
    return tuple(seen)


def _at_work(frame: FrameType | None) -> tuple[str, ...]:
    names = []
    while frame is not None:
        if _ENGINE in frame.f_code.co_filename:
            names.append(frame.f_code.co_name)
        frame = frame.f_back
    return tuple(names)
