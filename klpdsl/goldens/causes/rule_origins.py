"""Which rule gave an event: noted beside a run while it happens, never in a trace.

Only an explanation runs scenarios like this; it costs several times a plain run.
"""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType
from typing import NamedTuple

from klpdsl.engine.context import Kernel, Outcome
from klpdsl.run.session import Loaded, execute
from klpdsl.trace.events import Event, Trace

#: The modules of the rules, and the one whose functions only pass on what a rule says.
_ENGINE = os.sep + os.path.join("klpdsl", "engine") + os.sep
_HELPERS = "context.py"


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
        self._returned: dict[int, Place] = {}
        self._kept: list[Outcome] = []

    def begin(self, k: Kernel) -> None:
        """Where the run begins is of no matter here."""

    def event(self, event: Event) -> None:
        self.events.append(event)
        self.by_event[id(event)] = _rule_frames(sys._getframe(2))

    def step(self, outcome: Outcome) -> None:
        self.deciders.append(self._returned.get(id(outcome)))
        self._returned.clear()
        self._kept.clear()

    def end(self) -> None:
        self.called.append({})

    def profile(self, frame: FrameType, what: str, value: object) -> None:
        """For sys.setprofile(): remembers which function of the engine first returned an outcome."""
        if _ENGINE not in frame.f_code.co_filename:
            return
        if what == "call":
            self.called[-1][_name(frame.f_code)] = None
        elif what == "return" and isinstance(value, Outcome) and id(value) not in self._returned:
            self._returned[id(value)] = _place(frame)
            self._kept.append(value)


def watched(loaded: Loaded, engine: str) -> Origins:
    """Run a scenario and note where everything in its trace comes from."""
    witness = _Witness()
    before = sys.getprofile()
    sys.setprofile(witness.profile)
    try:
        trace = execute(loaded, engine, witness).trace
    finally:
        sys.setprofile(before)
    emitters = tuple(
        tuple(witness.by_event.get(id(event), ()) for event in step.events) for step in trace.steps
    )
    # A step of number 0 holds what comes before the first operation: it has no outcome of its own.
    offset = 1 if trace.steps and trace.steps[0].number == 0 else 0
    deciders = (*([None] * offset), *witness.deciders)
    called = (*([()] * offset), *(tuple(names) for names in witness.called))
    return Origins(trace, emitters, deciders, called)


def _rule_frames(frame: FrameType | None) -> tuple[Place, ...]:
    """The rules at work, innermost first; what merely passes an event on is left out."""
    places = []
    while frame is not None:
        path = frame.f_code.co_filename
        if _ENGINE in path and not path.endswith(_HELPERS):
            places.append(_place(frame))
        frame = frame.f_back
    return tuple(places)


def _name(code: CodeType) -> str:
    module = os.path.basename(code.co_filename).removesuffix(".py")
    # `<locals>` and comprehensions belong to the function around them.
    function = code.co_qualname.partition(".<locals>")[0].partition(".<")[0]
    return f"klpdsl.engine.{module}:{function}"


def _place(frame: FrameType) -> Place:
    code = frame.f_code
    return Place(_name(code), "engine/" + os.path.basename(code.co_filename), frame.f_lineno)
