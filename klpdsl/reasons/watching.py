"""A run that is watched: what each step found, what it left, and the world at each event that is to be explained."""

from __future__ import annotations

import sys

from klpdsl.engine.context import Kernel, Outcome
from klpdsl.run.rule_frames import Returned, in_engine, rule_frames, run_profiled
from klpdsl.run.session import Loaded
from klpdsl.trace.events import Call, Event, StepTrace, TaskState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import NamedTuple

    from klpdsl.semantics.records import Engine
    from klpdsl.world.world import World
else:
    from klpdsl._records import NamedTuple

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
        self._returned = Returned()

    def begin(self, k: Kernel) -> None:
        self._kernel = k
        self.worlds.append(k.w.copy())

    def event(self, event: Event) -> None:
        world = self._kernel.w.copy() if self._kernel and isinstance(event, _BY_WORLD) else None
        at_work = tuple(frame.f_code.co_name for frame in rule_frames(sys._getframe(2)))
        self.events.append((event, at_work, world))

    def step(self, outcome: Outcome) -> None:
        decided = self._returned.take(outcome)
        self.deciders.append(decided[0].co_name if decided else "")

    def end(self) -> None:
        if self._kernel:
            self.worlds.append(self._kernel.w.copy())

    def profile(self, frame: FrameType, what: str, value: object) -> None:
        """For sys.setprofile()."""
        if what == "return" and in_engine(frame):
            self._returned.note(frame, value)


def watch(loaded: Loaded, engine: Engine) -> tuple[WatchedStep, ...]:
    """Run a scenario and keep what is needed to explain it. Raises what `execute` raises."""
    watcher = _Watcher()
    trace = run_profiled(loaded, engine, watcher, watcher.profile)
    by_event = {id(event): (at_work, world) for event, at_work, world in watcher.events}
    # What comes before the first step has a step of number 0, without an outcome and a world of its own.
    steps = [step for step in trace.steps if step.number]
    seen = []
    for place, step in enumerate(steps):
        events = tuple(WatchedEvent(event, *by_event.get(id(event), ((), None))) for event in step.events)
        first, then = watcher.worlds[place], watcher.worlds[place + 1]
        seen.append(WatchedStep(step, first, then, events, watcher.deciders[place]))
    return tuple(seen)
