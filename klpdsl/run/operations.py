"""What a statement asks of the system: each operation and each action of the tree, and the function that it means.

One row for each class of node. What an operation costs, and what is written down about it, is the interpreter's.
"""

from __future__ import annotations

from klpdsl.engine import callbacks, modules, tasks
from klpdsl.engine.context import SUCCESS
from klpdsl.engine.preconditions import mutex_taken, precondition
from klpdsl.run.flow import acting_task
from klpdsl.syntax import tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NamedTuple

    from klpdsl.engine.context import Kernel, Outcome
    from klpdsl.engine.systems import System
    from klpdsl.run.flow import Leaf
    from klpdsl.run.program import Program
    from klpdsl.world.world import World
else:
    from klpdsl._records import NamedTuple


class Machine(NamedTuple):
    """Where an operation is carried out: a system, on its kernel, with the names that the scenario declares."""

    system: System
    k: Kernel
    program: Program


def carry_out(on: Machine, operation: tree.Operation) -> Outcome:
    """Do what the operation says."""
    return OPERATIONS[type(operation)](on, operation)


_WITH_MUTEX = (
    tree.Load,
    tree.BeginLoad,
    tree.Apply,
    tree.Unload,
    tree.BeginUnload,
    tree.Proceed,
    tree.Enable,
    tree.Disable,
    tree.Reverse,
    tree.Signal,
    tree.Force,
    tree.Write,
)
"""What an operator waits with while a paused completion has klp_mutex."""


def why_not_now(w: World, leaf: Leaf) -> Outcome | None:
    """Why a thread has to wait with its next step; None when it can be taken now."""
    task, action = acting_task(leaf)
    if task:
        return precondition(w, task, action)
    statement = leaf.statement
    if isinstance(statement, tree.Step) and isinstance(statement.operation, (tree.Load, tree.BeginLoad)):
        module = w.modules.get(statement.operation.name)
        if module is not None and module.window:
            return modules.IN_THE_MIDDLE
    if w.paused and isinstance(statement, tree.Step) and isinstance(statement.operation, _WITH_MUTEX):
        return mutex_taken(w)
    return None


def _load(on: Machine, operation: tree.Load) -> Outcome:
    if operation.name in on.program.modules:
        return on.system.load_target(on.k, on.program.come(on.k.w, operation.name))
    return on.system.load_patch(on.k, on.program.spec(operation))


def _begin_load(on: Machine, operation: tree.BeginLoad) -> Outcome:
    if operation.name in on.program.modules:
        return on.system.load_target(on.k, on.program.come(on.k.w, operation.name), operation.window)
    return on.system.load_patch(on.k, on.program.patches[operation.name], operation.window)


def _unload(on: Machine, operation: tree.Unload) -> Outcome:
    if operation.name in on.program.modules:
        return on.system.unload_target(on.k, on.program.module_of(operation.name))
    return on.system.unload_patch(on.k, operation.name)


def _begin_unload(on: Machine, operation: tree.BeginUnload) -> Outcome:
    if operation.name in on.program.modules:
        return on.system.unload_target(on.k, on.program.module_of(operation.name), operation.window)
    return on.system.unload_patch(on.k, operation.name, operation.window)


def _tick(on: Machine, operation: tree.Tick) -> Outcome:
    for _ in range(operation.seconds):
        on.system.tick(on.k)
    return SUCCESS


def _set_callbacks(on: Machine, operation: tree.SetCallbacks) -> Outcome:
    results: dict[str, str] = {callback.name: callback.errno or "0" for callback in operation.callbacks}
    return callbacks.set_results(on.k, operation.name, operation.object, results)


def _shadow(on: Machine, operation: tree.Shadow) -> Outcome:
    from klpdsl.engine import shadow

    obj, id_ = operation.object, operation.id
    if operation.verb == "get":
        return shadow.get(on.k, obj, id_)
    if operation.verb == "free":
        return shadow.free(on.k, obj, id_, destructor=operation.destructor)
    if operation.verb == "free_all":
        return shadow.free_all(on.k, id_, destructor=operation.destructor)
    or_get = operation.verb == "get_or_alloc"
    outcome = shadow.alloc(on.k, obj, id_, operation.data, operation.constructor, or_get=or_get)
    if operation.owner and (obj, id_) in on.k.w.shadow:
        on.k.w.shadow_owners.setdefault((obj, id_), operation.owner)
    return outcome


def _action(on: Machine, operation: tree.TaskStep) -> Outcome:
    (action,) = operation.actions
    return ACTIONS[type(action)](on, operation.task, action)


def _syscall(on: Machine, task: str, action: tree.Syscall) -> Outcome:
    key = None if action.function is None else on.program.key(action.function)
    return on.system.syscall(on.k, task, key)


ACTIONS: dict[type[tree.Action], Callable[[Machine, str, Any], Outcome]] = {
    tree.Call: lambda on, task, action: on.system.call(on.k, task, on.program.key(action.function)),
    tree.Enter: lambda on, task, action: on.system.enter(on.k, task, on.program.key(action.function)),
    tree.Return: lambda on, task, _: on.system.return_(on.k, task),
    tree.Syscall: _syscall,
    tree.Fork: lambda on, task, action: on.system.fork(on.k, task, action.child, action.slowly),
    tree.Exit: lambda on, task, action: on.system.exit_(on.k, task, action.slowly),
    tree.Simple: lambda on, task, action: SIMPLE[action.verb](on, task),
}
"""What each action of a task means."""

SIMPLE: dict[str, Callable[[Machine, str], Outcome]] = {
    "run": lambda on, task: on.system.run(on.k, task),
    "sleep": lambda on, task: on.system.sleep(on.k, task),
    "continue": lambda on, task: on.system.continue_(on.k, task),
    "resched": lambda on, task: on.system.resched(on.k, task),
    "freeze": lambda on, task: on.system.freeze(on.k, task),
    "switchpoint": lambda on, task: on.system.switch_point(on.k, task),
    "unreliable": lambda on, task: tasks.set_reliable(on.k, task, False),
    "reliable": lambda on, task: tasks.set_reliable(on.k, task, True),
}
"""What each action that is a single word means."""

OPERATIONS: dict[type[tree.Operation], Callable[[Machine, Any], Outcome]] = {
    tree.Load: _load,
    tree.Apply: lambda on, op: on.system.apply_patch(on.k, on.program.spec(op)),
    tree.Unload: _unload,
    tree.BeginLoad: _begin_load,
    tree.BeginUnload: _begin_unload,
    tree.Proceed: lambda on, op: on.system.proceed(
        on.k, on.program.module_of(op.name), on.program.patches.get(op.name)
    ),
    tree.Enable: lambda on, op: on.system.write(on.k, op.name, "enabled", "1"),
    tree.Disable: lambda on, op: on.system.write(on.k, op.name, "enabled", "0"),
    tree.Reverse: lambda on, _: on.system.reverse(on.k),
    tree.Signal: lambda on, op: on.system.signal(on.k, op.name),
    tree.Force: lambda on, op: on.system.force(on.k, op.name),
    tree.Write: lambda on, op: on.system.write(on.k, op.name, op.attribute, op.value),
    tree.Sysctl: lambda on, op: on.system.sysctl(on.k, op.key, op.value),
    tree.Tick: _tick,
    tree.Settle: lambda on, _: on.system.settle(on.k),
    tree.Work: lambda on, _: on.system.work(on.k),
    tree.Kill: lambda on, op: on.system.kill(on.k, op.signal, op.task),
    tree.Show: lambda on, op: on.system.show(on.k, op.name),
    tree.Open: lambda on, op: on.system.open_file(on.k, op.name, op.path),
    tree.Close: lambda on, op: on.system.close_file(on.k, op.name, op.path),
    tree.Hold: lambda on, op: on.system.hold(on.k, op.name, op.path),
    tree.Drop: lambda on, op: on.system.drop(on.k, op.name, op.path),
    tree.Attach: lambda on, op: on.system.attach(on.k, op.tracer, on.program.key(op.function)),
    tree.Detach: lambda on, op: on.system.detach(on.k, op.tracer, on.program.key(op.function)),
    tree.SetCallbacks: _set_callbacks,
    tree.Shadow: _shadow,
    tree.TaskStep: _action,
}
"""What each operation means."""
