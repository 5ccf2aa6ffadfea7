"""A scenario played on an engine step by step, with what a script has to know about each moment."""

from __future__ import annotations

from typing import NamedTuple

from klpdsl.engine.context import Kernel
from klpdsl.engine.systems import operations
from klpdsl.run.interpreter import Interpreter
from klpdsl.run.session import Loaded
from klpdsl.semantics.explain import explain_missing
from klpdsl.semantics.records import Engine
from klpdsl.syntax import tree
from klpdsl.syntax.wording import name as quoted
from klpdsl.trace.events import StepTrace
from klpdsl.world.world import World


class Moment(NamedTuple):
    """What is the case between two steps: the patch in transition, if any, and which are enabled.

    `ends_alone`: the transition would complete within a second, although nobody does anything.
    """

    transition: str
    enabled: frozenset[str]
    ends_alone: bool


class PlayedStep(NamedTuple):
    """A step with its trace, what was before and after it, and the expectations behind it."""

    statement: tree.Step
    trace: StepTrace
    before: Moment
    after: Moment
    checks: tuple[tree.Expect, ...]


class FailedExpectation(NamedTuple):
    """An expectation that did not hold: its line, what was expected, what was found; `check` if it is an `expect`."""

    line: int
    text: str
    got: str
    check: tree.Expect | None


class Play(NamedTuple):
    """A whole run: its steps, the expectations before the first one, those that failed, and the world at the end."""

    steps: tuple[PlayedStep, ...]
    opening: tuple[tree.Expect, ...]
    failed: tuple[FailedExpectation, ...]
    world: World


def play(loaded: Loaded, engine: Engine) -> Play:
    """Run the scenario. Raises `RunTooLongError`."""
    interpreter = Interpreter(
        loaded.program, engine.semantics, lambda axis, wanted: explain_missing(engine, axis, wanted)
    )
    k = interpreter.kernel
    steps: list[PlayedStep] = []
    opening: list[tree.Expect] = []
    before = _moment(k)
    for statement in interpreter.statements():
        interpreter.carry_out(statement)
        if isinstance(statement, tree.Step):
            after = _moment(k)
            steps.append(PlayedStep(statement, interpreter.steps[-1], before, after, ()))
            before = after
        elif isinstance(statement, tree.Expect) and steps:
            steps[-1] = steps[-1]._replace(checks=(*steps[-1].checks, statement))
        elif isinstance(statement, tree.Expect):
            opening.append(statement)
    failed = [
        one for trace, step in zip(_whole(interpreter), steps, strict=True) for one in _failed(trace, step)
    ]
    return Play(tuple(steps), tuple(opening), tuple(failed), k.w)


def _whole(interpreter: Interpreter) -> list[StepTrace]:
    """The steps with all that was expected after them; what is expected before the first step is none of these."""
    return [trace for trace in interpreter.steps if trace.number]


def _failed(trace: StepTrace, step: PlayedStep) -> list[FailedExpectation]:
    # What was expected of the step's result comes first, and is no statement of its own.
    checks = (*(None,) * (len(trace.checks) - len(step.checks)), *step.checks)
    return [
        FailedExpectation(check.span.line if check else trace.line, found.text, found.got, check)
        for found, check in zip(trace.checks, checks, strict=True)
        if not found.ok
    ]


def _moment(k: Kernel) -> Moment:
    w = k.w
    return Moment(
        w.transition_patch,
        frozenset(name for name, patch in w.patches.items() if patch.enabled),
        bool(w.transition_patch) and _ends_alone(k),
    )


def _ends_alone(k: Kernel) -> bool:
    ahead = Kernel(k.w.copy(), k.sem)
    operations(k.sem.system).tick(ahead)
    return not ahead.w.transition_patch


def clean_up(world: World) -> str:
    """Return the statements that leave nothing loaded behind, as far as the kernel lets them.

    Tasks leave first; then patches are disabled, the newest first, and removed; then their targets.
    """
    lines = [f"{quoted(task.name)}: return" for task in world.tasks for _ in task.stack]
    if world.transition_patch or lines:
        lines.append("settle")
    # Whoever was being disabled while tasks held that up is gone by then.
    going = world.transition_patch if world.target_state == 0 else ""
    lines += [
        f"disable {quoted(name)}"
        for name in reversed(world.klp_patches)
        if world.patches[name].enabled and name != going
    ]
    patches = [name for name in reversed(world.patches) if not world.patches[name].forced]
    lines += [f"unload {quoted(name)}" for name in patches]
    lines += [f"unload {quoted(name)}" for name, module in world.modules.items() if not module.livepatch]
    return "".join(f"{line}\n" for line in lines)
