"""Which threads of a scenario are alike: tasks that do the same and that nobody calls by name."""

from __future__ import annotations

from klpdsl.run.flow import END, Flow, Leaf, Spread
from klpdsl.run.program import Program
from klpdsl.syntax import tree
from klpdsl.syntax.conditions import parts_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple


class AlikeTasks(NamedTuple):
    """Tasks that can be exchanged: their names, and for each `interleave` (its node) the numbers of their threads."""

    names: tuple[str, ...]
    threads: tuple[tuple[int, tuple[int, ...]], ...]


def alike_tasks(program: Program, flow: Flow) -> tuple[AlikeTasks, ...]:
    """The sets of two tasks or more that can be exchanged for one another without a difference but in names."""
    named = set(_named(program.statements))
    bodies: dict[str, list[tuple[int, int, object]]] = {}
    for node, here in enumerate(flow.nodes):
        if isinstance(here, Spread):
            for number, (name, first) in enumerate(zip(here.names, here.threads, strict=True)):
                bodies.setdefault(name, []).append((node, number, _shape(flow, first)))
    groups: dict[object, list[str]] = {}
    for task in program.world.tasks:
        where = bodies.get(task.name, [])
        twice = len({node for node, _, _ in where}) < len(where)
        if where and not twice and task.name not in named and task.kind != "idle":
            shape = tuple((node, body) for node, _, body in where)
            groups.setdefault((task[1:], shape), []).append(task.name)
    return tuple(
        AlikeTasks(tuple(names), _threads(names, bodies)) for names in groups.values() if len(names) > 1
    )


def all_do_the_same(program: Program) -> bool:
    """Whether all tasks there are do the same in the last `interleave`, and none is called by name."""
    last = program.statements[-1]
    assert isinstance(last, tree.Interleave)
    tasks = {task.name for task in program.world.tasks if task.kind != "idle"}
    own = {
        thread.name: tuple(map(_said, thread.body)) for thread in last.threads if thread.name != tree.OPERATOR
    }
    return set(own) == tasks and len(set(own.values())) == 1 and tasks.isdisjoint(_named(program.statements))


def _threads(
    names: list[str], bodies: dict[str, list[tuple[int, int, object]]]
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    found: dict[int, list[int]] = {}
    for name in names:
        for node, number, _ in bodies[name]:
            found.setdefault(node, []).append(number)
    return tuple((node, tuple(numbers)) for node, numbers in found.items())


def _shape(flow: Flow, first: int) -> object:
    """What a thread does, without its task's name: equal for threads that do the same."""
    seen: dict[int, int] = {}
    shape: list[object] = []
    waiting = [first]
    while waiting:
        node = waiting.pop()
        if node == END or node in seen:
            shape.append(-1 if node == END else seen[node])
            continue
        seen[node] = len(seen)
        here = flow.nodes[node]
        if isinstance(here, Leaf):
            shape.append((_said(here.statement), tuple(map(_said, here.checks))))
            waiting.append(here.next)
        else:
            assert not isinstance(here, Spread)
            shape.append(len(here.branches))
            waiting += reversed(here.branches)
    return tuple(shape)


def _said(statement: object) -> object:
    if isinstance(statement, tree.Step) and isinstance(statement.operation, tree.TaskStep):
        return (_bare(statement.operation.actions), statement.result)
    return _bare(statement)


def _bare(node: object) -> object:
    """A node without its spans."""
    if isinstance(node, tree.Span):
        return None
    if isinstance(node, tuple):
        return (type(node).__name__, *map(_bare, node))
    return node


def _named(statements: tuple[tree.Statement, ...]) -> Iterator[str]:
    """The tasks that are called by name: in a condition, from outside their own thread, or as somebody's child."""
    for statement in statements:
        yield from _named_in(statement, "")


def _named_in(statement: tree.Statement, own: str) -> Iterator[str]:
    if isinstance(statement, tree.Interleave):
        for thread in statement.threads:
            for inner in thread.body:
                yield from _named_in(inner, thread.name)
    elif isinstance(statement, tree.Choose):
        for branch in statement.branches:
            for inner in branch:
                yield from _named_in(inner, own)
    elif isinstance(statement, tree.Step):
        operation = statement.operation
        if isinstance(operation, tree.TaskStep):
            forks = [action for action in operation.actions if isinstance(action, tree.Fork)]
            if forks or operation.task != own:
                # Whose child it is stands in the child's name.
                yield operation.task
            yield from (action.child for action in forks)
    else:
        for condition in parts_of(statement.condition):
            task = getattr(condition, "task", None)
            if task is not None:
                yield task
