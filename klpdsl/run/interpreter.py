"""The interpreter: carries out a program's statements in order and records what happens."""

from __future__ import annotations

from klpdsl.engine.context import Kernel, Outcome
from klpdsl.engine.properties import JUDGED
from klpdsl.run.operations import why_not_now
from klpdsl.run.program import Program
from klpdsl.run.stepper import Stepper, as_wanted
from klpdsl.semantics.axes import Semantics
from klpdsl.syntax import tree
from klpdsl.syntax.place import NOWHERE
from klpdsl.syntax.wording import format_statement
from klpdsl.trace.events import Event, Expect, Result, StepTrace, Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NamedTuple, Protocol, TypeAlias

    from klpdsl.run.flow import Plain

    #: Why a statement is `unsupported`: the axis that is missing, and the values that would do (any, if none).
    Explain: TypeAlias = Callable[[str, tuple[str, ...]], str]

    class Witness(Protocol):
        """Somebody who watches a run from inside, to say later which rule gave an event. Nobody need be there."""

        def begin(self, k: Kernel) -> None:
            """The run begins, on this kernel; its world changes from now on."""

        def event(self, event: Event) -> None:
            """The event is being emitted: the caller's frames are those of the rule."""

        def step(self, outcome: Outcome) -> None:
            """A step's operation has ended."""

        def end(self) -> None:
            """The step is over, with all the work that it has left to be done."""

else:
    from klpdsl._records import NamedTuple

MAX_STEPS = 20_000
MAX_TICKS = 100_000
"""Bounds on one run: its steps, and the seconds that pass in it."""

MAX_EFFORT = 10_000_000
"""What a run may cost in all, about a microsecond each.

Seconds, tasks and conditions multiply: each within its own bound, they could keep a machine busy for days."""
_EVENT = 20
_TASK_SECOND = 20
_SETTLE_SECONDS = 16


class RunTooLongError(Exception):
    """The run goes over a bound: `span` is where, the text says which."""

    def __init__(self, span: tree.Span, message: str) -> None:
        super().__init__(message)
        self.span = span


def check_seconds(operation: tree.Operation, tasks: int) -> None:
    """Raise `RunTooLongError` for a step that with so many tasks costs more than a run may cost in all."""
    if isinstance(operation, tree.Tick) and _TASK_SECOND * tasks * operation.seconds > MAX_EFFORT:
        raise RunTooLongError(operation.span, "this goes on too long: too many seconds and tasks together")


class RunResult(NamedTuple):
    """A finished run: its trace, and whether every expectation in it held."""

    trace: Trace
    ok: bool


def run(
    program: Program, semantics: Semantics, explain: Explain, witness: Witness | None = None
) -> RunResult:
    """Run a program under the given semantics; `witness` may watch.

    Raises `RunTooLongError` when the run goes over one of its bounds.
    """
    return Interpreter(program, semantics, explain, witness).run()


class Interpreter(Stepper):
    """One run in progress: steps in order, within bounds, written down as a trace."""

    def __init__(
        self, program: Program, semantics: Semantics, explain: Explain, witness: Witness | None = None
    ) -> None:
        super().__init__(program, semantics, program.world.copy())
        self._witness = witness
        self._explain = explain
        self.steps: list[StepTrace] = []
        self._ticks = 0
        self._effort = 0
        self._span = NOWHERE

    def run(self) -> RunResult:
        """Carry out every statement."""
        if self._witness:
            self._witness.begin(self.kernel)
        for statement in self.statements():
            self.carry_out(statement)
        return RunResult(Trace(tuple(self.steps)), self.ok)

    # --- statements ---

    def statements(self) -> Iterator[Plain]:
        """The statements in the order of a plain run; each is to be carried out before the next is asked for."""
        flow = self.program.flow
        return flow.plain(lambda move: why_not_now(self.kernel.w, flow.leaf(move.node)) is None)

    def carry_out(self, statement: Plain) -> None:
        """Carry out one statement."""
        self._span = statement.span
        if isinstance(statement, tree.Step):
            self._carry_out_step(statement)
        elif isinstance(statement, tree.Expect):
            self._expect(statement)
        else:
            self.hold(statement)
            if not isinstance(statement.condition, tree.PropertyNamed):
                self._flush()

    def _carry_out_step(self, step: tree.Step) -> None:
        if len(self.steps) >= MAX_STEPS:
            raise RunTooLongError(step.span, f"a run has at most {MAX_STEPS} steps")
        # After each step, what must never happen is looked for at every task, every patch and every function of one.
        w = self.kernel.w
        effort = len(w.tasks) + len(w.patches)
        for patch in w.patches.values():
            for obj in patch.objects:
                effort += 1 + len(obj.funcs)
        self._spend(effort)
        self._count_seconds(step.operation)
        outcome = self.step(step.operation)
        reason = self._explain(outcome.missing, outcome.wanted) if outcome.missing else outcome.reason
        checks: tuple[Expect, ...] = ()
        if step.result:
            ok = as_wanted(step.result, outcome)
            self.ok = self.ok and ok
            checks = (Expect(f"-> {step.result}", ok, outcome.value),)
        text = self.program.text(step)
        number = self._next_number()
        result = Result(outcome.value, reason)
        self.steps.append(StepTrace(number, step.span.line, text, tuple(self.events), result, checks))
        if self._witness:
            self._witness.end()

    def _ended(self, outcome: Outcome) -> None:
        if self._witness:
            self._witness.step(outcome)

    def _next_number(self) -> int:
        return self.steps[-1].number + 1 if self.steps else 1

    def _expect(self, statement: tree.Expect) -> None:
        finding = self.look(statement.condition, self.steps[-1].events if self.steps else ())
        self.ok = self.ok and finding.holds
        text = format_statement(statement.condition)
        self._attach(Expect(text, finding.holds, finding.got))

    def _attach(self, check: Expect) -> None:
        if not self.steps:
            self.steps.append(StepTrace(0, 0, "", (), None))
        last = self.steps[-1]
        self.steps[-1] = last._replace(checks=(*last.checks, check))

    def _flush(self) -> None:
        """Put what a standing condition found outside any step where it belongs: to the step before."""
        if self.events and (not self.steps or self.steps[-1].events != tuple(self.events)):
            if not self.steps:
                self.steps.append(StepTrace(0, 0, "", (), None))
            last = self.steps[-1]
            self.steps[-1] = last._replace(events=tuple(self.events))

    # --- bounds ---

    def _count_seconds(self, operation: tree.Operation) -> None:
        tasks = len(self.kernel.w.tasks)
        if isinstance(operation, tree.Settle):
            self._spend(_SETTLE_SECONDS * _TASK_SECOND * tasks)
        elif isinstance(operation, tree.Tick):
            self._ticks += operation.seconds
            if self._ticks > MAX_TICKS:
                raise RunTooLongError(operation.span, f"at most {MAX_TICKS} seconds pass in a run")
            self._spend(_TASK_SECOND * tasks * operation.seconds)

    def _spend(self, effort: int) -> None:
        self._effort += effort
        if self._effort > MAX_EFFORT:
            message = "the run goes on too long: too many seconds, tasks and standing conditions together"
            raise RunTooLongError(self._span, message)

    def _looks(self, condition: tree.Condition) -> None:
        seeks = isinstance(condition, (tree.LogContains, tree.ViolationSeen))
        self._spend(len(self.events) if seeks else 2)

    def _record(self, event: Event) -> None:
        if self._witness:
            self._witness.event(event)
        self._effort += _EVENT
        if self._effort > MAX_EFFORT:
            self._spend(0)
        # What `Stepper._record` does: a call of it would be a tenth of what an event costs.
        self.events.append(event)
        if type(event) in JUDGED or self.standing.conditions:
            self._judge(event)
