"""A way through a scenario as a scenario of its own, without `interleave` and `choose`; and whether it does as it says.

Nothing is shown that has not been replayed: the text is read and run like any other, and must end as the search says.
"""

from __future__ import annotations

import itertools

from klpdsl.engine import sysfs
from klpdsl.engine.context import Kernel
from klpdsl.explore.exploration import Way
from klpdsl.explore.paths import Paths, StepSeen
from klpdsl.run.flow import Leaf
from klpdsl.run.session import execute, load_text
from klpdsl.semantics.records import Engine
from klpdsl.syntax import tree
from klpdsl.syntax.layout import format_scenario
from klpdsl.syntax.place import NOWHERE
from klpdsl.syntax.wording import engine as wording_engine
from klpdsl.syntax.wording import line_of
from klpdsl.trace.events import Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from klpdsl.explore.progress import HeldTransition
    from klpdsl.run.flow import Plain

REPEAT = "# repeat from here"
"""The remark in a scenario of a run without an end, behind which its loop stands."""


class ReplayError(Exception):
    """A way that the search has found does not go as it says when it is run: a fault of klpdsl."""


def outcome_scenario(paths: Paths, engine: Engine, way: Way, comment: str) -> str:
    """A scenario that takes that way and says how each step ends, and what is there at the end. Replayed."""
    statements: list[Plain] = []
    told = Paths(paths.program, paths.semantics, "results", symmetric=False)
    state = told.first()
    for node in way.nodes:
        state = told.follow(state, node).state
        statement: Plain = told.flow.leaf(node).statement
        if isinstance(statement, tree.Step):
            _, result = state.results[-1]
            assert isinstance(result, StepSeen)
            statement = statement._replace(result=result.value)
        if not isinstance(statement, tree.Expect):
            statements.append(statement)
    k = Kernel(state.world, paths.semantics)
    ends: list[tree.Condition] = [tree.TransitionIs(state.world.transition_patch or None, False, NOWHERE)]
    ends += [
        tree.AttributeIs(name, "enabled", str(sysfs.read(k, name, "enabled")), NOWHERE)
        for name in sorted(state.world.patches)
        if sysfs.read(k, name, "enabled") is not None
    ]
    statements += [tree.Expect(end, NOWHERE) for end in ends]
    text = _text(paths, engine, statements, comment)
    trace = execute(load_text(text, "<witness>"), engine).trace
    if not all(check.ok for step in trace.steps for check in step.checks):
        raise ReplayError(f"on {engine.name} this does not end as the search says:\n{text}")
    return text


def violation_scenario(paths: Paths, engine: Engine, way: Way, name: str, comment: str) -> str:
    """A scenario that takes that way and breaks the property with its last step. Replayed."""
    statements = [paths.flow.leaf(node).statement for node in way.nodes]
    kept: list[Plain] = [statement for statement in statements if not isinstance(statement, tree.Expect)]
    built_in = not any(isinstance(s, (tree.Always, tree.Never)) and line_of(s) == name for s in kept)
    if built_in:
        kept.append(tree.Expect(tree.ViolationSeen(name, False, NOWHERE), NOWHERE))
    text = _text(paths, engine, kept, comment)
    trace = execute(load_text(text, "<counterexample>"), engine).trace
    last = trace.steps[-1].events if trace.steps else ()
    if not any(isinstance(event, Violation) and event.property == name for event in last):
        raise ReplayError(f"on {engine.name} this does not violate {name}:\n{text}")
    return text


def held_scenario(paths: Paths, engine: Engine, way: Way, held: HeldTransition, comment: str) -> str:
    """A scenario that takes that way, and then goes round once in what never completes. Replayed."""
    state = paths.first()
    for node in way.nodes:
        state = paths.follow(state, node).state
    before = paths.key(state)
    for node in held.loop:
        state = paths.follow(state, node).state
    statements: list[Plain] = [paths.flow.leaf(node).statement for node in (*way.nodes, *held.loop)]
    statements.append(tree.Expect(tree.TransitionIs(held.patch, False, NOWHERE), NOWHERE))
    text = _text(paths, engine, statements, comment, repeat_from=len(way.nodes))
    trace = execute(load_text(text, "<progress>"), engine).trace
    if paths.key(state) != before or not trace.steps[-1].checks[-1].ok:
        raise ReplayError(f"on {engine.name} this does not come back to where it began:\n{text}")
    return text


def check_scenario(paths: Paths, engine: Engine, way: Way, comment: str, judged: tuple[int, bool]) -> str:
    """A scenario that takes that way, at the end of which an expectation holds, or fails. Replayed.

    `judged`: the expectation's place among the last leaf's checks (-1: the step's own result), and whether it holds.
    """
    place, holds = judged
    statements: list[Plain] = []
    for number, node in enumerate(way.nodes, 1):
        leaf = paths.flow.leaf(node)
        if number < len(way.nodes):
            bare = (
                leaf.statement._replace(result="")
                if isinstance(leaf.statement, tree.Step)
                else leaf.statement
            )
            statements += [] if isinstance(bare, tree.Expect) else [bare]
            continue
        statements.append(leaf.statement)
        if isinstance(leaf.statement, tree.Step) and place >= 0:
            statements[-1] = leaf.statement._replace(result="")
            statements.append(leaf.checks[place])
    text = _text(paths, engine, statements, comment)
    trace = execute(load_text(text, "<expectation>"), engine).trace
    checks = trace.steps[-1].checks if trace.steps else ()
    if not checks or checks[-1].ok != holds:
        raise ReplayError(f"on {engine.name} the expectation is judged otherwise:\n{text}")
    return text


def _text(
    paths: Paths, engine: Engine, statements: list[Plain], comment: str, *, repeat_from: int | None = None
) -> str:
    program = paths.program
    loads = [s.operation for s in statements if isinstance(s, tree.Step) and _is_load(paths, s.operation)]
    loaded = {load.name for load in loads if isinstance(load, (tree.Load, tree.Apply))}
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    lines += [f"engines {wording_engine(engine.name)}", ""]
    lines += [line_of(item) for item in program.declarations]
    # Who is introduced by what does not happen here, or would be later than it was.
    lines += [
        line_of(item)
        for item in program.introduced()
        if isinstance(item, tree.TaskDecl) or item.name not in loaded
    ]
    steps = [line_of(_in_full(paths, statement)) for statement in statements]
    if repeat_from is not None:
        steps = [*folded(steps[:repeat_from]), REPEAT, *folded(steps[repeat_from:])]
    lines += ["", *steps]
    return format_scenario("\n".join(lines) + "\n", "<witness>")


def folded(steps: Sequence[str]) -> list[str]:
    """The steps with `tick` and `tick` as `tick 2`."""
    found: list[str] = []
    for said, same in itertools.groupby(steps):
        times = len(list(same))
        found += [f"tick {times}"] if said == "tick" and times > 1 else [said] * times
    return found


def _is_load(paths: Paths, operation: tree.Operation) -> bool:
    return isinstance(operation, (tree.Load, tree.Apply)) and operation.name not in paths.program.modules


def _in_full(paths: Paths, statement: Plain) -> Plain:
    """A load of a patch that is not always the same says which one it means: its place no longer does."""
    if not isinstance(statement, tree.Step) or not _is_load(paths, statement.operation):
        return statement
    operation = statement.operation
    assert isinstance(operation, (tree.Load, tree.Apply))
    specs = {
        paths.program.spec(leaf.statement.operation)
        for leaf in paths.flow.nodes
        if isinstance(leaf, Leaf)
        and isinstance(leaf.statement, tree.Step)
        and isinstance(leaf.statement.operation, (tree.Load, tree.Apply))
        and leaf.statement.operation.name == operation.name
    }
    if len(specs) == 1:
        return statement
    return statement._replace(operation=paths.program.in_full(operation))
