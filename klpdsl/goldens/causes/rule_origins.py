"""Which rule gave an event: noted beside a run while it happens, never in a trace.

Only an explanation runs scenarios like this; it costs several times a plain run.
"""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType
from typing import NamedTuple

from klpdsl.engine.context import Kernel, Outcome
from klpdsl.run.rule_frames import Returned, in_engine, rule_frames, run_profiled
from klpdsl.run.session import Loaded
from klpdsl.trace.events import Event, Trace


class Place(NamedTuple):
    """A function of klpdsl: `klpdsl.engine.core:disable_patch`, and the line of it at which it was."""

    function: str
    path: str
    line: int

    @property
    def where(self) -> str:
        """The place as one writes it down: module and line."""
        return f"klpdsl/{self.path}:{self.line}"


class Origins(NamedTuple):
    """A run that was watched.

    `emitters` holds for each step the functions that were at work when an event was given, innermost first, in the
    order of the events; `deciders` the function that decided a step's result; `called` the functions that ran in it.
    """

    trace: Trace
    emitters: tuple[tuple[tuple[Place, ...], ...], ...]
    deciders: tuple[Place | None, ...]
    called: tuple[tuple[str, ...], ...]


class _Witness:
    """Notes what the interpreter tells, and what the interpreter's rules call."""

    def __init__(self) -> None:
        self.by_event: dict[int, tuple[Place, ...]] = {}
        self.events: list[Event] = []  # kept alive, so that the identities above stay theirs
        self.deciders: list[Place | None] = []
        self.called: list[dict[str, None]] = [{}]
        self._returned = Returned()

    def begin(self, k: Kernel) -> None:
        """Where the run begins is of no matter here."""

    def event(self, event: Event) -> None:
        self.events.append(event)
        frames = rule_frames(sys._getframe(2))
        self.by_event[id(event)] = tuple(_place(frame.f_code, frame.f_lineno) for frame in frames)

    def step(self, outcome: Outcome) -> None:
        decided = self._returned.take(outcome)
        self.deciders.append(_place(*decided) if decided else None)

    def end(self) -> None:
        self.called.append({})

    def profile(self, frame: FrameType, what: str, value: object) -> None:
        """For sys.setprofile(): remembers which function of the engine first returned an outcome."""
        if not in_engine(frame):
            return
        if what == "call":
            self.called[-1][_name(frame.f_code)] = None
        elif what == "return":
            self._returned.note(frame, value)


def watched(loaded: Loaded, engine: str) -> Origins:
    """Run a scenario and note where everything in its trace comes from."""
    witness = _Witness()
    trace = run_profiled(loaded, engine, witness, witness.profile)
    emitters = tuple(
        tuple(witness.by_event.get(id(event), ()) for event in step.events) for step in trace.steps
    )
    # A step of number 0 holds what comes before the first operation: it has no outcome of its own.
    offset = 1 if trace.steps and trace.steps[0].number == 0 else 0
    deciders = (*([None] * offset), *witness.deciders)
    called = (*([()] * offset), *(tuple(names) for names in witness.called))
    return Origins(trace, emitters, deciders, called)


def _name(code: CodeType) -> str:
    module = os.path.basename(code.co_filename).removesuffix(".py")
    # `<locals>` and comprehensions belong to the function around them.
    function = code.co_qualname.partition(".<locals>")[0].partition(".<")[0]
    return f"klpdsl.engine.{module}:{function}"


def _place(code: CodeType, line: int) -> Place:
    return Place(_name(code), "engine/" + os.path.basename(code.co_filename), line)
