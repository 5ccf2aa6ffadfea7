"""What the statements of a scenario introduce: modules, patches, tasks, functions. And what they introduce twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from klpdsl.syntax import tree, words
from klpdsl.syntax.tree import Item, Span, Statement

#: Tells of a problem: the node, the word in it that is meant (or nothing), the message, the hint.
Report: TypeAlias = "Callable[[Span, str, str, str], None]"
PatchStatement: TypeAlias = tree.PatchDecl | tree.Load | tree.Apply


class World:
    """What a scenario introduces, by name, each with the place where it is introduced first."""

    def __init__(self) -> None:
        self.modules: dict[str, tree.ModuleDecl] = {}
        self.patches: dict[str, PatchStatement] = {}
        self.tasks: dict[str, Span] = {}
        self.forked: dict[str, Span] = {}
        self.cpus: tree.CpusDecl | None = None
        self.vmlinux: tree.VmlinuxDecl | None = None
        #: How many functions of a name an object has. For vmlinux, if it is not closed, what is named as its own.
        self.functions: dict[str, dict[str, int]] = {words.VMLINUX: {}}

        #: The objects that have a function of a name.
        self.owners: dict[str, list[str]] = {}
        #: All tasks: the declared, the forked, the idle ones; the default one where nothing else is said.
        self.task_names: dict[str, None] = {}


def statements(items: Sequence[Item | Statement]) -> Iterator[Item | Statement | tree.Thread]:
    """Yield items, and behind each what it nests: threads, and statements in branches and threads."""
    for item in items:
        yield item
        if isinstance(item, tree.Choose):
            for branch in item.branches:
                yield from statements(branch)
        elif isinstance(item, tree.Interleave):
            for thread in item.threads:
                yield thread
                yield from statements(thread.body)


def line_reference(span: Span, other: Span) -> str:
    """Return how to speak, at one place, of another."""
    return f"line {span.line}" if span.source == other.source else f"{span.source}:{span.line}"


def declare(items: Sequence[Item], report: Report) -> World:
    """Return what the items introduce, and report what is introduced in two ways."""
    declarer = _Declarer(report)
    every = list(statements(items))
    for item in every:
        if isinstance(item, tree.ModuleDecl):
            declarer.module(item)
    for item in every:
        declarer.take(item)
    declarer.finish(every)
    return declarer.world


class _Declarer:
    def __init__(self, report: Report) -> None:
        self.world = World()
        self._report = report
        self._features: dict[str, Span] = {}
        self._used_tasks: dict[str, Span] = {}

    def _twice(self, span: Span, name: str, what: str, first: Span) -> None:
        self._report(span, name, f"{what} is declared twice", f"first on {line_reference(first, span)}")

    def module(self, item: tree.ModuleDecl) -> None:
        """Take in a module and its functions."""
        world = self.world
        if item.name == words.VMLINUX and item.functions:
            # A module of that name may be tried (v5.8 refuses it), but no statement could tell its functions apart.
            message = f"`{words.VMLINUX}` is the core kernel, not a module"
            self._report(
                item.span, item.name, message, f"its functions are given by `{words.VMLINUX} {{ … }}`"
            )
        elif item.name in world.modules:
            self._twice(item.span, item.name, f"the module `{item.name}`", world.modules[item.name].span)
        else:
            world.modules[item.name] = item
            counts = {} if item.name == words.VMLINUX else world.functions.setdefault(item.name, {})
            for function in item.functions:
                counts[function.name] = counts.get(function.name, 0) + 1

    def take(self, item: Item | Statement | tree.Thread) -> None:
        """Take in anything else."""
        if isinstance(item, tree.Step):
            self._operation(item.operation)
        elif isinstance(item, tree.TaskDecl):
            self._task(item)
        elif isinstance(item, tree.PatchDecl):
            self._patch(item)
        elif isinstance(item, tree.Thread) and item.name != tree.OPERATOR:
            self._used_tasks.setdefault(item.name, item.span)
        elif isinstance(item, tree.VmlinuxDecl):
            if self.world.vmlinux:
                self._twice(item.span, "", "`vmlinux`", self.world.vmlinux.span)
            else:
                self.world.vmlinux = item
        elif isinstance(item, tree.CpusDecl):
            if self.world.cpus:
                self._twice(item.span, "", "`cpus`", self.world.cpus.span)
            else:
                self.world.cpus = item
        elif isinstance(item, tree.ArchDecl):
            if item.feature in self._features:
                self._twice(item.span, item.feature, f"`{item.feature}`", self._features[item.feature])
            self._features.setdefault(item.feature, item.span)

    def _task(self, item: tree.TaskDecl) -> None:
        name, tasks = item.name, self.world.tasks
        if name == tree.OPERATOR:
            message = f"a task can not be called `{name}`, which is whoever works at the machine"
            self._report(item.span, name, message, "")
        elif name.startswith(words.IDLE):
            self._report(
                item.span, name, f"`{name}` is an idle task", "`cpus N` makes the idle tasks visible"
            )
        elif name in tasks:
            self._twice(item.span, name, f"the task `{name}`", tasks[name])
        else:
            tasks[name] = item.span

    def _operation(self, operation: tree.Operation) -> None:
        if isinstance(operation, tree.Load | tree.Apply):
            self._patch(operation)
        elif isinstance(operation, tree.TaskStep):
            self._used_tasks.setdefault(operation.task, operation.span)
            for action in operation.actions:
                if isinstance(action, tree.Fork):
                    self.world.forked.setdefault(action.child, action.span)

    def _patch(self, item: PatchStatement) -> None:
        name, patches = item.name, self.world.patches
        bare = not isinstance(item, tree.PatchDecl) and not item.flags and item.body is None
        first = patches.get(name)
        if name in self.world.modules:
            if not bare:
                where = line_reference(self.world.modules[name].span, item.span)
                self._report(
                    item.span, name, f"`{name}` is a module and can not be a patch", f"it is so by {where}"
                )
        elif name in {words.VMLINUX, words.ORIGINAL}:
            self._report(
                item.span, name, f"a patch can not be called `{name}`", "that name has a meaning of its own"
            )
        elif first is None:
            patches[name] = item
        elif isinstance(item, tree.PatchDecl) and isinstance(first, tree.PatchDecl):
            self._twice(item.span, name, f"the patch `{name}`", first.span)
        elif isinstance(item, tree.PatchDecl):
            message = f"the patch `{name}` is loaded before it is declared"
            if first.flags or first.body is not None:
                message = f"the patch `{name}` is declared by the statement that loads it"
            self._report(item.span, name, message, f"that is {line_reference(first.span, item.span)}")

    def finish(self, every: Sequence[Item | Statement | tree.Thread]) -> None:
        """Settle what depends on all statements: tasks by first use, the functions of vmlinux."""
        world = self.world
        for name, span in world.forked.items():
            if name in world.tasks:
                message = f"`{name}` can not be forked: a task of that name is declared"
                self._report(span, name, message, f"that is {line_reference(world.tasks[name], span)}")
        for name, span in self._used_tasks.items():
            if not name.startswith(words.IDLE) and name != tree.OPERATOR and name not in world.forked:
                world.tasks.setdefault(name, span)
        idle = [f"{words.IDLE}{cpu}" for cpu in range(world.cpus.number if world.cpus else 0)]
        named = [*world.tasks, *world.forked] or [words.DEFAULT_TASK]
        world.task_names = dict.fromkeys([*named, *idle])
        for owner, functions in world.functions.items():
            for name in functions:
                world.owners.setdefault(name, []).append(owner)
        for name, number in self._vmlinux(every):
            if name not in world.functions[words.VMLINUX]:
                world.owners.setdefault(name, []).insert(0, words.VMLINUX)
            world.functions[words.VMLINUX][name] = number

    def _vmlinux(self, every: Sequence[Item | Statement | tree.Thread]) -> Iterator[tuple[str, int]]:
        """Yield the functions of vmlinux, and how many there are so far of that name."""
        world = self.world
        if world.vmlinux:
            for function in world.vmlinux.functions:
                yield function.name, world.functions[words.VMLINUX].get(function.name, 0) + 1
            return
        for patch in world.patches.values():
            for name in _vmlinux_functions(patch):
                yield name, 1
        for item in every:
            for reference in functions_of(item):
                if reference.object == words.VMLINUX or not (
                    reference.object or reference.name in world.owners
                ):
                    yield reference.name, 1


def functions_of(item: Item | Statement | tree.Thread) -> list[tree.FunctionRef]:
    """Return the functions that a statement names, those of patches apart."""
    if isinstance(item, tree.TaskDecl):
        return list(item.stack)
    if isinstance(item, tree.ModuleDecl):
        return list(item.redirects)
    if isinstance(item, tree.Step) and isinstance(item.operation, tree.TaskStep):
        actions = item.operation.actions
        called = [
            action.function for action in actions if isinstance(action, tree.Call | tree.Syscall | tree.Enter)
        ]
        return [function for function in called if function]
    if isinstance(item, tree.Expect | tree.Always | tree.Never) and isinstance(item.condition, tree.TaskSees):
        return [item.condition.function]
    return []


def _vmlinux_functions(patch: PatchStatement) -> Iterator[str]:
    if patch.body is None:
        yield words.DEFAULT_FUNCTION
        return
    for item in patch.body.items:
        if isinstance(item, tree.PatchFunction):
            yield item.name
        elif isinstance(item, tree.PatchObject) and item.name == words.VMLINUX:
            yield from (function.name for function in item.functions)
        elif isinstance(item, tree.PatchRelocations):
            yield from (s.name for s in item.symbols if (s.object or item.object) == words.VMLINUX)
