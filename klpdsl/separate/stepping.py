"""A step of a pair: an action on a world under given semantics, and all that is to be kept of where it led."""

from __future__ import annotations

from klpdsl.engine.properties import Watch
from klpdsl.run.stepper import Stepper
from klpdsl.trace.events import Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from klpdsl.engine.context import Outcome
    from klpdsl.run.program import Program
    from klpdsl.semantics.axes import Semantics
    from klpdsl.syntax import tree
    from klpdsl.trace.events import Event
    from klpdsl.world.world import World
else:
    from klpdsl._records import NamedTuple

CRASH = "stale-code"
"""The property whose violation is a machine that has crashed: nothing is to be asked of it any more."""


class State(NamedTuple):
    """Where one side stands: its world, what the properties remember, and whether the machine has crashed."""

    world: World
    watch: Watch
    crashed: bool = False

    def key(self) -> tuple[object, ...]:
        """A hashable value, equal for states that behave alike from here on."""
        return (self.world.key(), self.watch.key(), self.crashed)


class Taken(NamedTuple):
    """What a step gave: its events and outcome, and the state behind it."""

    events: tuple[Event, ...]
    outcome: Outcome
    state: State


def start(program: Program) -> State:
    """The state before the first step."""
    return State(program.world, Watch())


def take(program: Program, semantics: Semantics, state: State, action: tree.Operation) -> Taken:
    """Carry out an action with all the work that it leaves to be done, as the interpreter does it."""
    stepper = Stepper(program, semantics, state.world.copy())
    stepper.watch = state.watch.copy()
    outcome = stepper.step(action)
    events = tuple(stepper.events)
    crashed = any(type(event) is Violation and event.property == CRASH for event in events)
    return Taken(events, outcome, State(stepper.kernel.w, stepper.watch, state.crashed or crashed))
