"""What an exploration remembers of the way to where it stands, and how it goes on from there."""

from __future__ import annotations

from klpdsl.explore.numbering import TaskRecords
from klpdsl.explore.threads import alike_tasks, all_do_the_same
from klpdsl.run.flow import END, MAIN, Branching, Flow, Leaf, NextStep, Position, Spread
from klpdsl.run.operations import why_not_now
from klpdsl.run.program import Program
from klpdsl.run.standing import Standing
from klpdsl.run.stepper import Stepper, as_wanted
from klpdsl.semantics.axes import Semantics
from klpdsl.syntax import tree
from klpdsl.syntax.conditions import FORM_OF, parts_of
from klpdsl.syntax.wording import format_statement
from klpdsl.trace.events import Call, Enter, Event, Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import NamedTuple

    from klpdsl.engine.properties import Watch
    from klpdsl.world.world import World
else:
    from klpdsl._records import NamedTuple

FATAL = ("stale-code", "dangling-hook")
"""Violations after which the machine has crashed, or does at the next call: nothing follows them."""


class StepSeen(NamedTuple):
    """What an observer of one step keeps of it: how it ended, and the code that the acting task ran."""

    value: str
    ran: tuple[str, ...] = ()


class CheckSeen(NamedTuple):
    """How an expectation was judged once: the node of its leaf, its place among the leaf's checks, and what was found.

    Place -1 is the result that the step itself must have.
    """

    node: int
    place: int
    holds: bool
    got: str


class PathState(NamedTuple):
    """A state: the world, what has to be remembered of the way to it, and where each thread stands. Never changed."""

    world: World
    watch: Watch
    standing: Standing
    position: Position
    # (node, result) of each step on the way; in their order only where that is observed.
    results: tuple[tuple[int, object], ...]
    violated: frozenset[str]
    # The events of the step before, where an expectation may still ask for them.
    latest: tuple[Event, ...]


def is_crashed(state: PathState) -> bool:
    """Whether nothing can follow."""
    return not state.violated.isdisjoint(FATAL)


class StepTaken(NamedTuple):
    """A step that was taken: where it leads, what it broke, and how the expectations behind it were judged."""

    state: PathState
    violations: tuple[Violation, ...]
    verdicts: tuple[CheckSeen, ...]


class _Local(NamedTuple):
    """A task's step in an alphabet: whose it is, whether it goes into a function, and what it is."""

    task: str
    calls: bool
    said: str


class Paths:
    """A program on an engine as a graph of states.

    `observe` says what is kept of the way: `results` of steps, nothing (`final`), or the whole `trace`. `symmetric`:
    whether tasks that are alike are exchanged for one another. With a `depth`, the last `interleave` is an alphabet:
    each of its steps may be taken as often as one likes, and tasks go so many functions deep.
    """

    def __init__(
        self,
        program: Program,
        semantics: Semantics,
        observe: str = "results",
        *,
        symmetric: bool = True,
        depth: int = 0,
    ) -> None:
        self.program = program
        self.semantics = semantics
        self.observe = observe
        self.flow = Flow(program.statements, forever=depth > 0)
        self.depth = depth
        self._exchanges = symmetric and depth > 0 and all_do_the_same(program)
        self.alike = alike_tasks(program, self.flow)
        self._symmetric = symmetric and observe != "trace" and bool(self.alike)
        self._members = frozenset(name for group in self.alike for name in group.names)
        self._offsets = _offsets(self.flow)
        self._firsts = self._first_of_each()
        self._looks_back = any(
            isinstance(node, Leaf) and isinstance(node.statement, tree.Expect) and _looks_back(node.statement)
            for node in self.flow.nodes
        )
        self._stepper = Stepper(program, semantics, program.world)
        self._records = TaskRecords()
        self._locals = {node: found for node in self.flow.endless if (found := self._local(node)) is not None}

    def _local(self, node: int) -> _Local | None:
        step = self._task_step(node)
        if step is None:
            return None
        calls = isinstance(step.actions[0], (tree.Call, tree.Enter, tree.Syscall))
        return _Local(step.task, calls, ", ".join(map(format_statement, step.actions)))

    def _first_of_each(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for group in self.alike:
            for at, numbers in group.threads:
                spread = self.flow.nodes[at]
                assert isinstance(spread, Spread)
                first, *others = (_nodes_from(self.flow, spread.threads[number]) for number in numbers)
                for other in others:
                    found.update(zip(other, first, strict=True))
        return found

    # --- states ---

    def first(self) -> PathState:
        """The state in which the scenario begins."""
        fresh = Stepper(self.program, self.semantics, self.program.world)
        world = self.program.world.copy().rank()
        self._records.share(world, None)
        return PathState(world, fresh.watch, fresh.standing, self.flow.start, (), frozenset(), ())

    def key(self, state: PathState) -> object:
        """A hashable value, equal for states from which the same can follow and be observed."""
        world = state.world
        if self.flow.endless:
            found = (state.standing.key(), state.watch.key(), is_crashed(state), state.latest)
            tasks = self._records.key(world) if self._exchanges else world.task_key()
            return (tasks, world.shared_key(), state.position, found)
        rest = (state.standing.key(), state.watch.key(), state.violated, state.latest)
        if not self._symmetric:
            results = state.results if self.observe == "trace" else frozenset(state.results)
            return (world.key(), state.position, results, rest)
        at, threads = state.position
        own, ours = self._split(state.results)
        records = {task.name: task[1:] for task in world.tasks}
        others = tuple(sorted(task for task in world.tasks if task.name not in self._members))
        groups = []
        left = dict(enumerate(threads))
        for group in self.alike:
            numbers = dict(group.threads).get(at, ()) if threads else ()
            counted: dict[object, int] = {}
            for place, name in enumerate(group.names):
                stands = self._offsets.get(left.pop(numbers[place]), -1) if numbers else -1
                member = (records.get(name), stands, frozenset(ours.get(name, ())))
                counted[member] = counted.get(member, 0) + 1
            groups.append(frozenset(counted.items()))
        return (world.shared_key(), others, at, tuple(left.items()), frozenset(own), tuple(groups), rest)

    def _split(
        self, results: tuple[tuple[int, object], ...]
    ) -> tuple[list[tuple[int, object]], dict[str, list[tuple[int, object]]]]:
        """The results of the tasks that are alike, each by its place in its thread, and those of everybody else."""
        own: list[tuple[int, object]] = []
        ours: dict[str, list[tuple[int, object]]] = {}
        for node, result in results:
            name = self.task_of(node)
            if name in self._members:
                ours.setdefault(name, []).append((self._offsets[node], result))
            else:
                own.append((node, result))
        return own, ours

    def canonical_check(self, node: int, place: int) -> tuple[int, int]:
        """An expectation, by the first of the tasks that are alike and have it."""
        return (self._firsts.get(node, node), place)

    def steps(self, nodes: Iterable[int]) -> tuple[str, ...]:
        """The steps of a way as a scenario has them, without what only watches and expects."""
        statements = (self.flow.leaf(node).statement for node in nodes)
        return tuple(format_statement(one) for one in statements if isinstance(one, tree.Step))

    def place_in_text(self, node: int) -> tuple[int, int]:
        """Where a leaf stands in the text: line and column."""
        statement = self.flow.leaf(node).statement
        span = statement.span
        if isinstance(statement, tree.Step) and isinstance(statement.operation, tree.TaskStep):
            span = statement.operation.actions[0].span
        return (span.line, span.column)

    def task_of(self, node: int) -> str:
        """The task that acts in a leaf; empty where none does."""
        step = self._task_step(node)
        return step.task if step is not None else ""

    def _task_step(self, node: int) -> tree.TaskStep | None:
        """What the task does that acts in a leaf, if one does."""
        statement = self.flow.leaf(node).statement
        if isinstance(statement, tree.Step) and isinstance(statement.operation, tree.TaskStep):
            return statement.operation
        return None

    # --- going on ---

    def may_end(self, state: PathState) -> bool:
        """Whether the scenario may be over here."""
        return self.flow.may_end(state.position)

    def moves(self, state: PathState) -> Iterator[NextStep]:
        """What can be taken now: a thread of an `interleave` waits while its next step can not be taken.

        Of tasks that are exchanged for one another and are in the same state only the first one's steps are taken: the
        others' lead to where theirs do, under other names.
        """
        world = state.world
        taken: set[object] = set()
        for move in self.flow.moves(state.position):
            local = self._locals.get(move.node)
            if local is not None:
                index = world.task_index(local.task)
                if index >= 0:
                    task = world.tasks[index]
                    if local.calls and len(task.stack) >= self.depth:
                        continue
                    if self._exchanges:
                        same = (local.said, self._records.number(task))
                        if same in taken:
                            continue
                        taken.add(same)
            elif move.thread == MAIN and move.node not in self.flow.endless:
                yield move
                continue
            if why_not_now(world, self.flow.leaf(move.node)) is None:
                yield move

    def waiting(self, state: PathState) -> list[tuple[int, str]]:
        """Where nothing can be taken: the leaves that wait, and for each why."""
        found = []
        for move in self.flow.moves(state.position):
            refused = why_not_now(state.world, self.flow.leaf(move.node))
            if refused:
                found.append((move.node, refused.reason))
        return found

    def follow(self, state: PathState, node: int) -> StepTaken:
        """Take the step of that leaf, which must be among those that can come next."""
        return self.take(state, next(move for move in self.flow.moves(state.position) if move.node == node))

    def take(self, state: PathState, move: NextStep) -> StepTaken:
        """Take a step, and judge what is expected behind it."""
        stepper = self._stepper
        stepper.kernel.w = state.world.copy()
        stepper.watch = state.watch.copy()
        stepper.watch.told = frozenset()
        stepper.standing = state.standing.copy()
        stepper.events = []
        leaf = self.flow.leaf(move.node)
        statement = leaf.statement
        verdicts: list[CheckSeen] = []
        results = state.results
        if isinstance(statement, tree.Step):
            outcome = stepper.step(statement.operation)
            if statement.result:
                held = as_wanted(statement.result, outcome)
                verdicts.append(CheckSeen(move.node, -1, held, outcome.value))
            result = StepSeen(outcome.value, _ran(statement.operation, stepper.events))
            if self.observe == "results":
                results = (*results, (move.node, result))
            elif self.observe == "trace":
                results = (*results, (move.node, (result, tuple(stepper.events))))
        elif isinstance(statement, tree.Expect):
            finding = stepper.look(statement.condition, state.latest)
            verdicts.append(CheckSeen(move.node, 0, finding.holds, finding.got))
        else:
            stepper.hold(statement)
        latest = tuple(stepper.events) if isinstance(statement, tree.Step) else state.latest
        for place, check in enumerate(leaf.checks):
            finding = stepper.look(check.condition, latest)
            verdicts.append(CheckSeen(move.node, place, finding.holds, finding.got))
        violations = tuple(event for event in stepper.events if isinstance(event, Violation))
        violated = state.violated.union(violation.property for violation in violations)
        world = stepper.kernel.w
        if not world.is_ranked:
            world.rank()
        self._records.share(world, state.world)
        after = PathState(
            world,
            stepper.watch,
            stepper.standing,
            move.after,
            results,
            violated,
            latest if self._looks_back else (),
        )
        return StepTaken(after, violations, tuple(verdicts))


def _ran(operation: tree.Operation, events: list[Event]) -> tuple[str, ...]:
    if not isinstance(operation, tree.TaskStep):
        return ()
    return tuple(e.code for e in events if isinstance(e, (Call, Enter)) and e.task == operation.task)


def _looks_back(statement: tree.Expect) -> bool:
    return any(FORM_OF[type(condition)].latest for condition in parts_of(statement.condition))


def _offsets(flow: Flow) -> dict[int, int]:
    """The place of each node within its thread, the same for threads of the same shape."""
    found: dict[int, int] = {}
    for node in flow.nodes:
        for first in node.threads if isinstance(node, Spread) else ():
            found.update({at: place for place, at in enumerate(_nodes_from(flow, first))})
    return found


def _nodes_from(flow: Flow, first: int) -> list[int]:
    """The nodes of a thread, the same places for threads of the same shape."""
    waiting = [first]
    seen: dict[int, None] = {}
    while waiting:
        at = waiting.pop()
        if at == END or at in seen:
            continue
        seen[at] = None
        here = flow.nodes[at]
        waiting += reversed(here.branches) if isinstance(here, Branching) else [here.next]
    return list(seen)
