"""From declarations to a world: defaults filled in, names resolved, functions declared by their first use."""

from __future__ import annotations

from klpdsl.run.flow import Flow
from klpdsl.syntax import tree, words
from klpdsl.syntax.place import NOWHERE
from klpdsl.syntax.resolve import Meaning, Names
from klpdsl.syntax.wording import format_statement
from klpdsl.world.values import (
    VMLINUX,
    Code,
    FuncKey,
    FuncSpec,
    Module,
    ObjectSpec,
    PatchSpec,
    RelocationSpec,
    StateSpec,
    Symbol,
    Task,
)
from klpdsl.world.world import World


class Program:
    """A scenario ready to run: its first world, its patches by name, its statements in order."""

    __slots__ = (
        "_flow",
        "_names",
        "_properties",
        "_specs",
        "_texts",
        "declarations",
        "modules",
        "patches",
        "statements",
        "world",
    )

    def __init__(self, names: Names) -> None:
        self._names = names
        self.modules: dict[str, tree.ModuleDecl] = names.modules
        self.patches: dict[str, PatchSpec] = {}
        self._specs: dict[Meaning, PatchSpec] = {}
        self.statements: tuple[tree.Statement, ...] = tuple(
            item for item in names.items if isinstance(item, _STATEMENTS)
        )
        self.declarations: tuple[tree.Declaration, ...] = tuple(
            item for item in names.items if not isinstance(item, (*_STATEMENTS, *_HEADER))
        )
        self._flow: Flow | None = None
        self._properties: frozenset[str] | None = None
        self._texts: dict[int, tuple[tree.Step, str]] = {}
        self.world = World()
        self.world.is_async = names.async_ is not None
        if names.cpus:
            self.world.cpus = names.cpus.number
            self.world.nohz = names.cpus.nohz
        if names.contended:
            self.world.contended = names.contended.number
        for item in names.items:
            if isinstance(item, tree.ArchDecl):
                self.world.arch_reliable = item.feature != "unreliable-stacks"
        self._add_objects()
        for name, statement in names.patches.items():
            self.patches[name] = patch_spec(Meaning(name, statement.flags, statement.body))
        self._add_tasks()

    @property
    def named_properties(self) -> frozenset[str]:
        """The built-in properties that the scenario names."""
        if self._properties is None:
            named = []
            for node in self._names.nodes:
                if isinstance(node, tree.Expect | tree.Always | tree.Never):
                    if isinstance(node.condition, tree.PropertyNamed):
                        named.append(node.condition.name)
                    elif isinstance(node.condition, tree.ViolationSeen) and node.condition.property:
                        named.append(node.condition.property)
            self._properties = frozenset(named)
        return self._properties

    @property
    def alphabet(self) -> tree.Interleave | None:
        """The scenario's last statement, where it is an `interleave forever`: then the scenario is a claim."""
        last = self.statements[-1] if self.statements else None
        return last if isinstance(last, tree.Interleave) and last.forever else None

    @property
    def flow(self) -> Flow:
        """The statements as a graph, the same for every run."""
        if self._flow is None:
            self._flow = Flow(self.statements)
        return self._flow

    def spec(self, statement: tree.Load | tree.Apply) -> PatchSpec:
        """The patch that a `load` or `apply` means."""
        meaning = self._names.meaning(statement)
        if meaning not in self._specs:
            self._specs[meaning] = patch_spec(meaning)
        return self._specs[meaning]

    def module_of(self, name: str) -> str:
        """The name under which a build of a module is in memory."""
        return self._names.module_of(name)

    def come(self, world: World, build: str) -> str:
        """That build of a module is about to be loaded, if none is there; returns the module's name."""
        name = self._names.module_of(build)
        if name not in world.modules and world.builds.get(name, name) != build:
            world.builds = {**world.builds, name: build}
        return name

    def meanings(self) -> dict[str, tree.PatchDecl]:
        """Each patch as it is first declared or loaded."""
        return {
            name: tree.PatchDecl(name, statement.flags, statement.body, statement.span)
            for name, statement in self._names.patches.items()
        }

    def introduced(self) -> list[tree.TaskDecl | tree.PatchDecl]:
        """The tasks and patches that nothing declares but a step that names them, each as a declaration."""
        declared = {
            item.name for item in self.declarations if isinstance(item, (tree.PatchDecl, tree.TaskDecl))
        }
        tasks = [
            tree.TaskDecl(task.name, "user", "", False, (), False, False, (), NOWHERE)
            for task in self.world.tasks
            if task.name not in declared and task.kind == "user"
        ]
        return tasks + [patch for name, patch in self.meanings().items() if name not in declared]

    def in_full(self, statement: tree.Load | tree.Apply) -> tree.Load | tree.Apply:
        """A `load` or `apply` of a patch with all that it means, wherever it stands."""
        meaning = self._names.meaning(statement)
        return statement._replace(flags=meaning.flags, body=meaning.body)

    def text(self, step: tree.Step) -> str:
        """The canonical text of a step, which every run of the program says again."""
        known = self._texts.get(id(step))
        # The step is kept with its text, so that no other can have its place in memory.
        if known is None or known[0] is not step:
            known = self._texts[id(step)] = (step, format_statement(step))
        return known[1]

    def key(self, ref: tree.FunctionRef) -> FuncKey:
        """The function that a statement names; plainly where one object has it."""
        return self._names.key(ref)

    def _add_objects(self) -> None:
        world, names = self.world, self._names
        if names.vmlinux:
            world.vmlinux_closed = True
            world.symbols[VMLINUX] = _symbols(names.vmlinux.functions)
        else:
            world.symbols[VMLINUX] = tuple(Symbol(name) for name in sorted(names.functions[VMLINUX]))
        for module in names.modules.values():
            if module.name != VMLINUX:
                world.symbols[module.name] = _symbols(module.functions)
            if module.srcversion:
                world.srcversions[module.name] = module.srcversion
            if module.loaded:
                name = self.come(world, module.name)
                world.generation += 1
                world.modules[name] = Module(name, world.generation, 0, livepatch=False)
            if module.redirects:
                world.redirects[module.name] = tuple(map(self.key, module.redirects))
            if module.probes:
                world.probes[module.name] = tuple(map(self.key, module.probes))
            if module.fails:
                world.init_errors[module.name] = module.fails

    def _add_tasks(self) -> None:
        world, names = self.world, self._names
        for declared in names.declared_tasks.values():
            self._add_task(declared)
        used = list(names.used_tasks)
        if not used and not names.declared_tasks:
            used = [words.DEFAULT_TASK]
        for name in used:
            self._add_one(Task(name, "user"))
        for name in names.idle_tasks:
            world.tasks.append(Task(name, "idle"))
            world.pids[name] = 0
        world.rank()

    def _add_task(self, decl: tree.TaskDecl) -> None:
        world = self.world
        stack = tuple(self._original(self.key(ref)) for ref in decl.stack)
        self._add_one(
            Task(
                decl.name,
                decl.kind,
                stack,
                running=decl.running,
                uninterruptible=decl.uninterruptible,
                unreliable=decl.unreliable,
                ran=frozenset(stack),
                of=decl.of,
                nohz="nohz" in decl.flags,
                unkillable="unkillable" in decl.flags,
                vcpu="vcpu" in decl.flags,
                io_worker="io_worker" in decl.flags,
            )
        )
        for name in {code.object for code in stack} & set(world.modules) - {decl.of}:
            module = world.modules[name]
            world.modules[name] = module._replace(refs=module.refs + 1)

    def _add_one(self, task: Task) -> None:
        world = self.world
        world.tasks.append(task)
        world.pids[task.name] = world.next_pid
        world.next_pid += 1

    def _original(self, key: FuncKey) -> Code:
        module = self.world.modules.get(key[0])
        return Code(*key, "", module.generation if module else 0)


_HEADER = (tree.Title, tree.Engines, tree.Import)
_STATEMENTS = (tree.Step, tree.Expect, tree.Always, tree.Never, tree.Interleave, tree.Choose)


def patch_spec(meaning: Meaning) -> PatchSpec:
    """A patch as written, as a value of the world; without a body it patches the vmlinux function f."""
    flags = {flag.name for flag in meaning.flags}
    body = meaning.body
    if body is None:
        objects: tuple[ObjectSpec, ...] = (ObjectSpec(VMLINUX, (FuncSpec(words.DEFAULT_FUNCTION),)),)
        states: tuple[StateSpec, ...] = ()
    else:
        objects = _object_specs(body)
        states = tuple(_state_spec(item) for item in body.items if isinstance(item, tree.PatchState))
    return PatchSpec(
        meaning.name,
        objects,
        immediate="immediate" in flags,
        replace="replace" in flags,
        states=states,
        marked="unmarked" not in flags,
        relocations=_relocations(body),
        replace_sets=_numbers(meaning, words.REPLACE_SETS),
        override=_numbers(meaning, (words.OVERRIDE,)),
        replaceable=_replaceable(meaning),
    )


def _numbers(meaning: Meaning, names: tuple[str, ...]) -> tuple[int, ...]:
    # A `load` may say anew what the declaration said: the last word counts.
    return next((flag.numbers for flag in reversed(meaning.flags) if flag.name in names), ())


def _replaceable(meaning: Meaning) -> bool | None:
    said = (flag.name for flag in reversed(meaning.flags) if flag.name in words.REPLACEABLE)
    last = next(said, None)
    return None if last is None else last == words.REPLACEABLE[0]


def _state_spec(state: tree.PatchState) -> StateSpec:
    named = state.callbacks
    callbacks = None if named is None else tuple((one.name, one.errno or "0") for one in named)
    return StateSpec(state.id, state.version, state.block_disable, state.shadow, callbacks)


def _relocations(body: tree.PatchBody | None) -> tuple[RelocationSpec, ...]:
    sections = (i for i in (body.items if body else ()) if isinstance(i, tree.PatchRelocations))
    return tuple(
        (section.object, tuple((s.object or section.object, s.name, s.sympos) for s in section.symbols))
        for section in sections
    )


def _object_specs(body: tree.PatchBody) -> tuple[ObjectSpec, ...]:
    # Objects stand in the order in which the body first names them; callbacks alone make an object as well.
    funcs: dict[str, list[FuncSpec]] = {}
    callbacks: dict[str, dict[str, str]] = {}
    reads: dict[str, list[tuple[str, str]]] = {}
    srcversions: dict[str, str] = {}
    debts: dict[str, list[tuple[str, str, str]]] = {}
    for item in body.items:
        if isinstance(item, tree.PatchFunction):
            funcs.setdefault(VMLINUX, []).append(FuncSpec(item.name, item.sympos, item.immediate))
        elif isinstance(item, tree.PatchObject):
            srcversions.setdefault(item.name, item.srcversion)
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
                owing = debts.setdefault(item.object, [])
                owing.extend((c.name, "takes", c.takes) for c in named if c.takes)
                owing.extend((c.name, "gives", c.gives) for c in named if c.gives)
                reads.setdefault(item.object, []).extend((c.name, c.reads) for c in named if c.reads)
    return tuple(
        ObjectSpec(
            name,
            tuple(listed),
            tuple((c, callbacks[name][c]) for c in tree.CALLBACK_NAMES if c in callbacks.get(name, {})),
            tuple(reads.get(name, ())),
            srcversions.get(name, ""),
            tuple(debts.get(name, ())),
        )
        for name, listed in funcs.items()
    )


def _symbols(functions: tuple[tree.FunctionDecl, ...]) -> tuple[Symbol, ...]:
    return tuple(Symbol(function.name, function.notrace) for function in functions)
