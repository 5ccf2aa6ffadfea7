"""The interpreter: carries out a program's statements in order and records what happens."""

from __future__ import annotations

from klpdsl.engine.context import Kernel, Outcome
from klpdsl.engine.properties import Watch
from klpdsl.engine.systems import operations
from klpdsl.run.conditions import evaluate
from klpdsl.run.flow import Flow
from klpdsl.run.operations import Machine, carry_out, why_not_now
from klpdsl.run.program import Program
from klpdsl.run.standing import Standing
from klpdsl.semantics.axes import Semantics
from klpdsl.syntax import tree
from klpdsl.syntax.wording import format_statement
from klpdsl.trace.events import Event, Expect, Result, StepTrace, Trace, Violation

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

_SYNONYMS = {"EWOULDBLOCK": "EAGAIN", "ENOTSUP": "EOPNOTSUPP", "EDEADLOCK": "EDEADLK"}


class RunTooLongError(Exception):
    """The run goes over a bound: `span` is where, the text says which."""

    def __init__(self, span: tree.Span, message: str) -> None:
        super().__init__(message)
        self.span = span


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


class Interpreter:
    """One run in progress."""

    def __init__(
        self, program: Program, semantics: Semantics, explain: Explain, witness: Witness | None = None
    ) -> None:
        self._program = program
        self._witness = witness
        self._explain = explain
        self._events: list[Event] = []
        self._kernel = Kernel(program.world.copy(), semantics, self._record)
        self._machine = Machine(operations(semantics.system), self._kernel, program)
        self._watch = Watch()
        self._standing = Standing()
        self._steps: list[StepTrace] = []
        self._ticks = 0
        self._effort = 0
        self._span = tree.Span("", 1, 1, 1, 1)
        self._ok = True

    def run(self) -> RunResult:
        """Carry out every statement."""
        if self._witness:
            self._witness.begin(self._kernel)
        for statement in self.statements():
            self.carry_out(statement)
        return RunResult(Trace(tuple(self._steps)), self._ok)

    # --- statements ---

    def statements(self) -> Iterator[Plain]:
        """The statements in the order of a plain run; each is to be carried out before the next is asked for."""
        flow = Flow(self._program.statements)
        return flow.plain(lambda move: why_not_now(self._kernel.w, flow.leaf(move.node)) is None)

    def carry_out(self, statement: Plain) -> None:
        """Carry out one statement."""
        self._span = statement.span
        if isinstance(statement, tree.Step):
            self._step(statement)
        elif isinstance(statement, tree.Expect):
            self._expect(statement)
        else:
            self._standing.add(statement)
            if isinstance(statement.condition, tree.PropertyNamed):
                return
            self._check_standing()
            self._flush()

    def _step(self, step: tree.Step) -> None:
        if len(self._steps) >= MAX_STEPS:
            raise RunTooLongError(step.span, f"a run has at most {MAX_STEPS} steps")
        self._events = []
        k = self._kernel
        self._spend(len(k.w.tasks))
        k.blockers = []
        outcome = self._operation(step.operation)
        if self._witness:
            self._witness.step(outcome)
        self._machine.system.drain(k)
        self._tell_blockers()
        for violation in self._watch.at_rest(k):
            self._violate(violation)
        reason = self._explain(outcome.missing, outcome.wanted) if outcome.missing else outcome.reason
        checks: tuple[Expect, ...] = ()
        if step.result:
            ok = _SYNONYMS.get(step.result, step.result) == outcome.value
            self._ok = self._ok and ok
            checks = (Expect(f"-> {step.result}", ok, outcome.value),)
        text = format_statement(step.operation)
        number = self._next_number()
        result = Result(outcome.value, reason)
        self._steps.append(StepTrace(number, step.span.line, text, tuple(self._events), result, checks))
        if self._witness:
            self._witness.end()

    def _next_number(self) -> int:
        return self._steps[-1].number + 1 if self._steps else 1

    def _expect(self, statement: tree.Expect) -> None:
        latest = self._steps[-1].events if self._steps else ()
        finding = evaluate(statement.condition, self._kernel, self._program, latest)
        self._ok = self._ok and finding.holds
        text = format_statement(statement.condition)
        self._attach(Expect(text, finding.holds, finding.got))

    def _attach(self, check: Expect) -> None:
        if not self._steps:
            self._steps.append(StepTrace(0, 0, "", (), None))
        last = self._steps[-1]
        self._steps[-1] = last._replace(checks=(*last.checks, check))

    def _flush(self) -> None:
        """Put what a standing condition found outside any step where it belongs: to the step before."""
        if self._events and (not self._steps or self._steps[-1].events != tuple(self._events)):
            if not self._steps:
                self._steps.append(StepTrace(0, 0, "", (), None))
            last = self._steps[-1]
            self._steps[-1] = last._replace(events=tuple(self._events))

    # --- operations ---

    def _operation(self, operation: tree.Operation) -> Outcome:
        if isinstance(operation, tree.Tick):
            self._pass(operation)
        elif isinstance(operation, tree.Settle):
            self._spend(_SETTLE_SECONDS * _TASK_SECOND * len(self._kernel.w.tasks))
        return carry_out(self._machine, operation)

    def _pass(self, operation: tree.Tick) -> None:
        self._ticks += operation.seconds
        if self._ticks > MAX_TICKS:
            raise RunTooLongError(operation.span, f"at most {MAX_TICKS} seconds pass in a run")
        self._spend(_TASK_SECOND * len(self._kernel.w.tasks) * operation.seconds)

    # --- what happens ---

    def _record(self, event: Event) -> None:
        if self._witness:
            self._witness.event(event)
        self._spend(_EVENT)
        self._events.append(event)
        for violation in self._watch.after_event(self._kernel, event):
            self._violate(violation)
        if self._standing.conditions:
            self._check_standing()

    def _spend(self, effort: int) -> None:
        self._effort += effort
        if self._effort > MAX_EFFORT:
            message = "the run goes on too long: too many seconds, tasks and standing conditions together"
            raise RunTooLongError(self._span, message)

    def _violate(self, violation: Violation) -> None:
        self._events.append(violation)
        self._ok = self._ok and not self._standing.forbids(violation.property)

    def _check_standing(self) -> None:
        for held in self._standing.conditions:
            condition = held.condition
            if isinstance(condition, tree.PropertyNamed):
                continue
            seeks = isinstance(condition, (tree.LogContains, tree.ViolationSeen))
            self._spend(len(self._events) if seeks else 2)
            finding = evaluate(condition, self._kernel, self._program, self._events)
            if self._standing.breaks(held, holds=finding.holds):
                self._events.append(Violation(held.text, f"found {finding.got}"))
                self._ok = False

    def _tell_blockers(self) -> None:
        """Say who still holds the transition open, as the step's last attempt to complete it found."""
        k = self._kernel
        if not k.w.transition_patch:
            return
        for blocked in k.blockers:
            index = k.w.task_index(blocked.task)
            if index >= 0 and k.w.tasks[index].patch_state != k.w.target_state:
                self._record(blocked)
