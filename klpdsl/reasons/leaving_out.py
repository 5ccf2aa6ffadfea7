"""Which earlier steps it took: the scenario is run again without each of them."""

from __future__ import annotations

from klpdsl.run.interpreter import RunTooLongError, run
from klpdsl.run.program import Program
from klpdsl.syntax import tree
from klpdsl.syntax.resolve import resolve
from klpdsl.trace.events import Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from klpdsl.semantics.records import Engine

_MOST = 200
"""Steps that are left out in turn: each costs a run."""


def what_it_took(program: Program, engine: Engine, broken: Violation, place: int) -> tuple[int, ...]:
    """The numbers of the steps without any one of which a property would not be broken so, up to a step.

    `place` is the number of the step that breaks it. Nothing where there is more than one order, or a step too many.
    """
    statements = program.statements
    if place > _MOST or any(isinstance(item, (tree.Interleave, tree.Choose)) for item in statements):
        return ()
    steps = [step for item in statements if isinstance(item, tree.Step) for step in _single(item)][:place]
    return tuple(
        number
        for number, left_out in enumerate(steps, 1)
        if not _is_broken(program, engine, broken, [step for step in steps if step is not left_out])
    )


def _single(step: tree.Step) -> Iterator[tree.Step]:
    """A step for each action, as a run counts them. What the author expects of it does not matter here."""
    operation = step.operation
    if isinstance(operation, tree.TaskStep):
        for action in operation.actions:
            yield step._replace(operation=operation._replace(actions=(action,)), result="")
    else:
        yield step._replace(result="")


def _is_broken(program: Program, engine: Engine, broken: Violation, steps: Sequence[tree.Step]) -> bool:
    named = [item for item in program.statements if isinstance(item, (tree.Never, tree.Always))]
    again = Program(resolve((*program.declarations, *named, *steps)))
    try:
        done = run(again, engine.semantics, lambda _axis, _wanted: "")
    except RunTooLongError:
        return True
    return any(broken in step.events for step in done.trace.steps)
