"""Single statements, one after another: what each does to a kernel, and what it breaks.

A plain run and an exploration both step with this, so that they can not disagree about what a statement does. Between
two statements all that has to be remembered is the world, the watch and the standing conditions: values that can be
put aside and taken up again.
"""

from __future__ import annotations

from klpdsl.engine.context import Kernel, Outcome
from klpdsl.engine.properties import JUDGED, Watch
from klpdsl.engine.systems import operations
from klpdsl.run.operations import Machine, carry_out
from klpdsl.run.program import Program
from klpdsl.run.standing import Standing
from klpdsl.semantics.axes import Semantics
from klpdsl.syntax import tree
from klpdsl.trace.events import Call, Event, Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from klpdsl.run.conditions import Finding
    from klpdsl.world.world import World

_SYNONYMS = {"EWOULDBLOCK": "EAGAIN", "ENOTSUP": "EOPNOTSUPP", "EDEADLOCK": "EDEADLK"}


def as_wanted(result: str, outcome: Outcome) -> bool:
    """Whether a step ended as `-> RESULT` says."""
    return _SYNONYMS.get(result, result) == outcome.value


class Stepper:
    """A kernel, and what watches it. `events` are those of the latest step; `ok` is false once anything failed."""

    def __init__(self, program: Program, semantics: Semantics, world: World) -> None:
        self.program = program
        self.events: list[Event] = []
        self.kernel = Kernel(world, semantics, self._record)
        self.watch = Watch()
        self.standing = Standing()
        self.ok = True
        self._machine = Machine(operations(semantics.system), self.kernel, program)

    def step(self, operation: tree.Operation) -> Outcome:
        """Carry out an operation, with all the work that it leaves behind."""
        self.events = []
        k = self.kernel
        k.begin()
        outcome = k.reasoned(carry_out(self._machine, operation))
        self._ended(outcome)
        if not k.w.is_async:
            self._machine.system.drain(k)
        self._tell_blockers()
        for violation in self.watch.at_rest(k):
            self._violate(violation)
        return outcome

    def look(self, condition: tree.Condition, latest: Sequence[Event]) -> Finding:
        """What a condition finds now; `latest` are the events of the step before."""
        # Many a run has nothing to look at.
        from klpdsl.run.conditions import evaluate

        return evaluate(condition, self.kernel, self.program, latest)

    def hold(self, statement: tree.Always | tree.Never) -> None:
        """The condition stands from here on; it is looked at at once."""
        self.standing.add(statement)
        if not isinstance(statement.condition, tree.PropertyNamed):
            self._check_standing()

    def _ended(self, outcome: Outcome) -> None:
        """An operation is over, and the work that it leaves behind is not."""

    def _record(self, event: Event) -> None:
        self.events.append(event)
        if type(event) in JUDGED or self.standing.conditions:
            self._judge(event)

    def _judge(self, event: Event) -> None:
        if found := self.watch.after_event(self.kernel, event):
            for violation in found:
                self._violate(violation)
        if type(event) is Call and "mixed-world" in self.program.named_properties:
            for violation in self.watch.asked_for(self.kernel, event):
                self._violate(violation)
        if self.standing.conditions:
            self._check_standing()

    def _violate(self, violation: Violation) -> None:
        self.events.append(violation)
        self.ok = self.ok and not self.standing.forbids(violation.property)

    def _looks(self, condition: tree.Condition) -> None:
        """A standing condition is about to be looked at."""

    def _check_standing(self) -> None:
        for held in self.standing.conditions:
            if isinstance(held.condition, tree.PropertyNamed):
                continue
            self._looks(held.condition)
            finding = self.look(held.condition, self.events)
            if self.standing.breaks(held, holds=finding.holds):
                self.events.append(Violation(held.text, f"found {finding.got}"))
                self.ok = False

    def _tell_blockers(self) -> None:
        """Say who still holds the transition open, as the step's last attempt to complete it found."""
        k = self.kernel
        if not k.w.transition_patch:
            return
        waiting = {task.name for task in k.w.tasks if task.patch_state != k.w.target_state}
        for blocked in k.blockers:
            if blocked.task in waiting:
                self._record(blocked)
