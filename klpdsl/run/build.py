"""From declarations to a world: defaults filled in, names resolved, functions declared by their first use."""

from __future__ import annotations

from klpdsl.syntax import tree
from klpdsl.world.values import (
    VMLINUX,
    Code,
    FuncKey,
    FuncSpec,
    Module,
    ObjectSpec,
    PatchSpec,
    RelocationSpec,
    Symbol,
    Task,
)
from klpdsl.world.world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DEFAULT_FUNCTION = "f"
DEFAULT_TASK = "t1"


class Program:
    """A scenario ready to run: its first world, its patches by name, its statements in order."""

    __slots__ = ("_specs", "modules", "patches", "statements", "world")

    def __init__(self, items: Iterable[tree.Item]) -> None:
        items = tuple(items)
        self.modules: dict[str, tree.ModuleDecl] = {}
        self.patches: dict[str, PatchSpec] = {}
        self._specs: dict[tree.Span, PatchSpec] = {}
        self.statements: tuple[tree.Statement, ...] = tuple(i for i in items if isinstance(i, _STATEMENTS))
        self.world = World()
        self._declare_objects(items)
        for item in items:
            if isinstance(item, tree.CpusDecl):
                self.world.cpus = item.number
                self.world.nohz = item.nohz
            elif isinstance(item, tree.ArchDecl):
                self.world.arch_reliable = item.feature != "unreliable-stacks"
        self._declare_patches(items)
        self._declare_tasks(items)

    def spec(self, statement: tree.Load | tree.Apply) -> PatchSpec:
        """The patch that a `load` or `apply` means."""
        return self._specs[statement.span]

    def _declare_patches(self, items: tuple[tree.Item, ...]) -> None:
        """Find out what each `load` and `apply` means: what was written last of that patch, and what it adds itself.

        A body says all there is to say, as a module that has been built anew; flags alone come on top.
        """
        for item in items:
            if isinstance(item, tree.PatchDecl):
                self.patches[item.name] = patch_spec(item.name, item.flags, item.body)
        latest = dict(self.patches)
        for statement in statements_within(self.statements):
            if not isinstance(statement, tree.Step):
                continue
            operation = statement.operation
            if isinstance(operation, (tree.Load, tree.Apply)) and operation.name not in self.modules:
                known = latest.get(operation.name)
                if known is None or operation.body is not None:
                    latest[operation.name] = patch_spec(operation.name, operation.flags, operation.body)
                else:
                    latest[operation.name] = _with_flags(known, operation.flags)
                self._specs[operation.span] = latest[operation.name]
                self.patches.setdefault(operation.name, latest[operation.name])

    def key(self, ref: tree.FunctionRef) -> FuncKey:
        """The function that a statement names; plainly where one object has it."""
        if ref.object is not None:
            return (ref.object, ref.name, ref.sympos or 1)
        symbols = self.world.symbols
        for name in symbols:
            if any(symbol.name == ref.name for symbol in symbols[name]):
                return (name, ref.name, ref.sympos or 1)
        return (VMLINUX, ref.name, ref.sympos or 1)

    def _declare_objects(self, items: tuple[tree.Item, ...]) -> None:
        world = self.world
        for item in items:
            if isinstance(item, tree.VmlinuxDecl):
                world.vmlinux_closed = True
                world.symbols[VMLINUX] += _symbols(item.functions)
            elif isinstance(item, tree.ModuleDecl):
                self.modules[item.name] = item
                if item.name != VMLINUX:
                    world.symbols[item.name] = _symbols(item.functions)
                if item.loaded:
                    world.generation += 1
                    world.modules[item.name] = Module(item.name, world.generation, 0, livepatch=False)
        if not world.vmlinux_closed:
            in_modules = {f.name for module in self.modules.values() for f in module.functions}
            names = dict.fromkeys(_vmlinux_names(items, in_modules))
            world.symbols[VMLINUX] = tuple(Symbol(name) for name in sorted(names))
        for module in self.modules.values():
            if module.redirects:
                world.redirects[module.name] = tuple(map(self.key, module.redirects))

    def _declare_tasks(self, items: tuple[tree.Item, ...]) -> None:
        world = self.world
        declared = [item for item in items if isinstance(item, tree.TaskDecl)]
        idle = [f"swapper/{cpu}" for cpu in range(world.cpus)]
        for task in declared:
            self._add_task(task)
        known = {task.name for task in declared} | set(idle)
        children = {
            action.child
            for step in _task_steps(self.statements)
            for action in step.actions
            if isinstance(action, tree.Fork)
        }
        for name in dict.fromkeys(_task_names(self.statements)):
            if name not in known and name not in children:
                world.tasks.append(Task(name, world.next_pid, "user"))
                world.next_pid += 1
        if not world.tasks:
            world.tasks.append(Task(DEFAULT_TASK, world.next_pid, "user"))
            world.next_pid += 1
        world.tasks += [Task(name, 0, "idle") for name in idle]

    def _add_task(self, decl: tree.TaskDecl) -> None:
        world = self.world
        stack = tuple(self._original(self.key(ref)) for ref in decl.stack)
        world.tasks.append(
            Task(
                decl.name,
                world.next_pid,
                decl.kind,
                stack,
                running=decl.running,
                uninterruptible=decl.uninterruptible,
                unreliable=decl.unreliable,
                ran=frozenset(stack),
                of=decl.of,
            )
        )
        world.next_pid += 1
        for name in {code.object for code in stack} & set(world.modules) - {decl.of}:
            module = world.modules[name]
            world.modules[name] = module._replace(refs=module.refs + 1)

    def _original(self, key: FuncKey) -> Code:
        module = self.world.modules.get(key[0])
        return Code(*key, "", module.generation if module else 0)


_STATEMENTS = (tree.Step, tree.Expect, tree.Always, tree.Never, tree.Interleave, tree.Choose)


def patch_spec(name: str, flags: tuple[tree.PatchFlag, ...], body: tree.PatchBody | None) -> PatchSpec:
    """A patch as written, as a value of the world; without a body it patches the vmlinux function f."""
    names = {flag.name for flag in flags}
    if body is None:
        objects: tuple[ObjectSpec, ...] = (ObjectSpec(VMLINUX, (FuncSpec(DEFAULT_FUNCTION),)),)
        states: tuple[tuple[int, int], ...] = ()
    else:
        objects = _object_specs(body)
        states = tuple((item.id, item.version) for item in body.items if isinstance(item, tree.PatchState))
    return PatchSpec(
        name,
        objects,
        immediate="immediate" in names,
        replace="replace" in names,
        states=states,
        marked="unmarked" not in names,
        relocations=_relocations(body),
    )


def _relocations(body: tree.PatchBody | None) -> tuple[RelocationSpec, ...]:
    sections = (i for i in (body.items if body else ()) if isinstance(i, tree.PatchRelocations))
    return tuple(
        (section.object, tuple((s.object or section.object, s.name, s.sympos) for s in section.symbols))
        for section in sections
    )


def _with_flags(spec: PatchSpec, flags: tuple[tree.PatchFlag, ...]) -> PatchSpec:
    names = {flag.name for flag in flags}
    return spec._replace(
        immediate=spec.immediate or "immediate" in names,
        replace=spec.replace or "replace" in names,
        marked=spec.marked and "unmarked" not in names,
    )


def _object_specs(body: tree.PatchBody) -> tuple[ObjectSpec, ...]:
    # Objects stand in the order in which the body first names them; callbacks alone make an object as well.
    funcs: dict[str, list[FuncSpec]] = {}
    callbacks: dict[str, dict[str, str]] = {}
    reads: dict[str, list[tuple[str, str]]] = {}
    for item in body.items:
        if isinstance(item, tree.PatchFunction):
            funcs.setdefault(VMLINUX, []).append(FuncSpec(item.name, item.sympos, item.immediate))
        elif isinstance(item, tree.PatchObject):
            funcs.setdefault(item.name, []).extend(
                FuncSpec(f.name, f.sympos, f.immediate) for f in item.functions
            )
        elif isinstance(item, tree.PatchCallbacks):
            funcs.setdefault(item.object, [])
            named = item.callbacks
            if named is None:
                callbacks.setdefault(item.object, {}).update(dict.fromkeys(tree.CALLBACK_NAMES, "0"))
            else:
                callbacks.setdefault(item.object, {}).update({c.name: c.errno or "0" for c in named})
                reads.setdefault(item.object, []).extend((c.name, c.reads) for c in named if c.reads)
    return tuple(
        ObjectSpec(
            name,
            tuple(listed),
            tuple((c, callbacks[name][c]) for c in tree.CALLBACK_NAMES if c in callbacks.get(name, {})),
            tuple(reads.get(name, ())),
        )
        for name, listed in funcs.items()
    )


def _symbols(functions: tuple[tree.FunctionDecl, ...]) -> tuple[Symbol, ...]:
    return tuple(Symbol(function.name, function.notrace) for function in functions)


def statements_within(statements: Iterable[tree.Statement]) -> Iterator[tree.Statement]:
    """Every statement, those inside `interleave` and `choose` too, in the order written."""
    for statement in statements:
        yield statement
        if isinstance(statement, tree.Interleave):
            for thread in statement.threads:
                yield from statements_within(thread.body)
        elif isinstance(statement, tree.Choose):
            for branch in statement.branches:
                yield from statements_within(branch)


def _task_steps(statements: Iterable[tree.Statement]) -> Iterator[tree.TaskStep]:
    for statement in statements_within(statements):
        if isinstance(statement, tree.Step) and isinstance(statement.operation, tree.TaskStep):
            yield statement.operation


def _task_names(statements: Iterable[tree.Statement]) -> Iterator[str]:
    for statement in statements_within(statements):
        if isinstance(statement, tree.Step) and isinstance(statement.operation, tree.TaskStep):
            yield statement.operation.task
        elif isinstance(statement, (tree.Expect, tree.Always, tree.Never)) and isinstance(
            statement.condition, (tree.TaskStateIs, tree.TaskSees)
        ):
            yield statement.condition.task


def _vmlinux_names(items: tuple[tree.Item, ...], in_modules: set[str]) -> Iterator[str]:
    """The functions of vmlinux that an open world declares by their first use."""
    for item in items:
        if isinstance(item, tree.PatchDecl):
            yield from _patched_names(item.body)
        elif isinstance(item, tree.TaskDecl):
            yield from _named(item.stack, in_modules)
        elif isinstance(item, tree.ModuleDecl):
            yield from _named(item.redirects, in_modules)
    for statement in statements_within(i for i in items if isinstance(i, _STATEMENTS)):
        if isinstance(statement, tree.Step):
            operation = statement.operation
            if isinstance(operation, (tree.Load, tree.Apply)):
                yield from _patched_names(operation.body)
            elif isinstance(operation, tree.TaskStep):
                for action in operation.actions:
                    if (
                        isinstance(action, (tree.Call, tree.Syscall, tree.Enter))
                        and action.function is not None
                    ):
                        yield from _named((action.function,), in_modules)
        elif isinstance(statement, (tree.Expect, tree.Always, tree.Never)) and isinstance(
            statement.condition, tree.TaskSees
        ):
            yield from _named((statement.condition.function,), in_modules)


def _patched_names(body: tree.PatchBody | None) -> Iterator[str]:
    if body is None:
        yield DEFAULT_FUNCTION
        return
    for item in body.items:
        if isinstance(item, tree.PatchFunction):
            yield item.name
        elif isinstance(item, tree.PatchObject) and item.name == VMLINUX:
            yield from (function.name for function in item.functions)
        elif isinstance(item, tree.PatchRelocations):
            yield from (s.name for s in item.symbols if (s.object or item.object) == VMLINUX)


def _named(refs: tuple[tree.FunctionRef, ...], in_modules: set[str]) -> Iterator[str]:
    for ref in refs:
        if ref.object == VMLINUX or (ref.object is None and ref.name not in in_modules):
            yield ref.name
