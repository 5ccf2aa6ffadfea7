"""What the names of a scenario mean: what introduces each thing, and where it is named. Found once, and kept.

The checks, the program that runs and editors all stand on this. Nothing is refused here: a tree is resolved as far as
it can be, whatever is wrong with it.
"""

from __future__ import annotations

from klpdsl.syntax import actions, conditions, tree, words
from klpdsl.syntax.operands import (
    FUNCTION,
    LOADABLE,
    MODULE,
    NEW_TASK,
    OBJECT,
    PATCH,
    PROPERTY,
    TASK,
    Operand,
)
from klpdsl.syntax.place import Name, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import NamedTuple, TypeAlias

    from klpdsl.syntax.tree import Item, Statement

    PatchStatement: TypeAlias = tree.PatchDecl | tree.Load | tree.Apply
    Node: TypeAlias = Item | Statement | tree.Thread
else:
    from klpdsl._records import NamedTuple

#: What an occurrence does: it says what a thing is, brings it in by naming it, or names what must be there.
DECLARES, INTRODUCES, REFERS = "declares", "introduces", "refers"

_NAMES = {PATCH, MODULE, LOADABLE, OBJECT, TASK, NEW_TASK, FUNCTION, PROPERTY}
EVERYWHERE = {words.ORIGINAL, words.GONE}


class Entity(NamedTuple):
    """A thing with a name: `kind` is patch, module, task, function or property; `object` is a function's."""

    kind: str
    name: str
    object: str = ""


class Occurrence(NamedTuple):
    """A place where something is named.

    `name` is the word that names it (a `Name`, where there is a text), `wanted` what kind of thing it may name, `span`
    the node it stands in, `role` what the place does. `entity` is None where nothing of that name is there.
    """

    name: str
    wanted: str
    span: Span
    role: str
    entity: Entity | None

    @property
    def place(self) -> Span:
        """Where the word stands."""
        return self.name.span if isinstance(self.name, Name) else self.span


class Meaning(NamedTuple):
    """Which patch a `load` or `apply` means: what was written last of it, and the flags that came on top."""

    name: str
    flags: tuple[tree.PatchFlag, ...]
    body: tree.PatchBody | None


class Names:
    """What a scenario's items introduce and name."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = tuple(items)
        #: Every item, and behind each what it nests: threads, and statements in branches and threads.
        self.nodes: tuple[Node, ...] = tuple(walk(items))
        self.modules: dict[str, tree.ModuleDecl] = {}
        #: The statement that introduces each patch first.
        self.patches: dict[str, PatchStatement] = {}
        self.declared_tasks: dict[str, tree.TaskDecl] = {}
        #: The tasks that only an action or a thread introduces, in the order in which they are first named.
        self.used_tasks: dict[str, Span] = {}
        self.forked: dict[str, Span] = {}
        self.idle_tasks: tuple[str, ...] = ()
        self.cpus: tree.CpusDecl | None = None
        self.contended: tree.ContendedDecl | None = None
        self.async_: tree.AsyncDecl | None = None
        self.vmlinux: tree.VmlinuxDecl | None = None
        #: How many functions of a name an object has. For vmlinux, if it is not closed, what is named as its own.
        self.functions: dict[str, dict[str, int]] = {words.VMLINUX: {}}
        #: The objects that have a function of a name, vmlinux first.
        self.owners: dict[str, list[str]] = {}
        self._meanings: dict[Span, Meaning] = {}
        self._occurrences: tuple[Occurrence, ...] | None = None
        _declare(self)

    def __eq__(self, other: object) -> bool:
        """Return whether the same items are resolved: all else follows from them."""
        return isinstance(other, Names) and self.items == other.items

    def __hash__(self) -> int:
        """Return what equal ones have in common."""
        return hash(self.items)

    # --- for those who run it ---

    def module_of(self, name: str) -> str:
        """Return the module that a build is of; any other name is its own."""
        declared = self.modules.get(name)
        return str(declared.build_of) if declared is not None and declared.build_of else name

    def tasks(self) -> list[str]:
        """Return all tasks: the declared ones, those by first use, the forked, the idle; the default one if need be."""
        named = [*self.declared_tasks, *self.used_tasks] or ([] if self.forked else [words.DEFAULT_TASK])
        return list(dict.fromkeys([*named, *self.forked, *self.idle_tasks]))

    def meaning(self, statement: tree.Load | tree.Apply) -> Meaning:
        """Return which patch a `load` or `apply` means."""
        return self._meanings[statement.span]

    def key(self, function: tree.FunctionRef) -> tuple[str, str, int]:
        """Return the function that a statement names: object, name, position; plainly where one object has it."""
        owner = function.object
        if owner is None:
            owner = self.owners.get(function.name, [words.VMLINUX])[0]
        return (owner, function.name, function.sympos or 1)

    # --- for those who look at the text ---

    @property
    def occurrences(self) -> tuple[Occurrence, ...]:
        """Every place where something is named, in the order of the text."""
        if self._occurrences is None:
            self._occurrences = tuple(_occurrences(self))
        return self._occurrences

    def at(self, source: str, line: int, column: int) -> Occurrence | None:
        """Return what is named at a place, which may be just behind the name."""
        for occurrence in self.occurrences:
            place = occurrence.place
            if place.source == source and place.holds(line, column) and isinstance(occurrence.name, Name):
                return occurrence
        return None

    def definition(self, entity: Entity) -> Occurrence | None:
        """Return the place that says what a thing is; where none does, the one that names it first."""
        named = self.references(entity)
        for role in (DECLARES, INTRODUCES, REFERS):
            for occurrence in named:
                if occurrence.role == role:
                    return occurrence
        return None

    def references(self, entity: Entity) -> list[Occurrence]:
        """Return every place that names a thing, what declares it included."""
        named = (occurrence for occurrence in self.occurrences if occurrence.entity == entity)
        # The name of a task's thread is the name in each of its steps.
        return list({occurrence.place: occurrence for occurrence in named}.values())

    def known(self, wanted: str) -> list[str]:
        """Return the names that could stand where something of a kind is wanted: for completion, and for hints."""
        if wanted == PATCH:
            return list(self.patches)
        if wanted == MODULE:
            return list(self.modules)
        if wanted == LOADABLE:
            return [*self.patches, *self.modules]
        if wanted == OBJECT:
            return [words.VMLINUX, *self.modules]
        if wanted == TASK:
            return self.tasks()
        if wanted == FUNCTION:
            return [
                name if len(self.owners[name]) == 1 else f"{owner}:{name}"
                for owner, functions in self.functions.items()
                for name in functions
            ]
        return list(words.PROPERTIES) if wanted == PROPERTY else []

    def rename(self, entity: Entity, new: str) -> list[tuple[Span, str]]:
        """Return the edits that give a thing another name, each a place and what is to stand there.

        The name of a property can not be changed. Raises ValueError where it is taken or can not be a name.
        """
        from klpdsl.syntax.wording import name as written

        if entity.kind == PROPERTY:
            raise ValueError("a built-in property has the name it has")
        if not new or not new.isprintable():
            raise ValueError("that can not be a name")
        kind = LOADABLE if entity.kind in {PATCH, MODULE} else entity.kind
        taken = self.functions.get(entity.object, {}) if kind == FUNCTION else self.known(kind)
        if new in taken:
            raise ValueError(f"there is a {kind} `{new}` already")
        return [(occurrence.place, written(new)) for occurrence in self.references(entity)]


def resolve(items: Sequence[Item]) -> Names:
    """Return what the names of a scenario mean: of its items, each import replaced by what it brings."""
    return Names(items)


def walk(items: Iterable[Item | Statement]) -> Iterator[Node]:
    """Yield items, and behind each what it nests: threads, and statements in branches and threads."""
    for item in items:
        yield item
        if isinstance(item, tree.Choose):
            for branch in item.branches:
                yield from walk(branch)
        elif isinstance(item, tree.Interleave):
            for thread in item.threads:
                yield thread
                yield from walk(thread.body)


# --- what is there ------------------------------------------------------------------------------------------------


def _declare(names: Names) -> None:
    """Find out what there is. Of what is declared twice, the first counts."""
    named: dict[str, Span] = {}
    introduced: set[str] = set()
    bodies: list[PatchStatement] = []
    for node in names.nodes:
        if isinstance(node, tree.Step):
            operation = node.operation
            if isinstance(operation, tree.Load | tree.Apply):
                bodies.append(operation)
            elif isinstance(operation, tree.TaskStep):
                named.setdefault(operation.task, operation.span)
                introduced.add(operation.task)
                for action in operation.actions:
                    if isinstance(action, tree.Fork):
                        names.forked.setdefault(action.child, action.span)
        elif isinstance(node, tree.Expect | tree.Always | tree.Never):
            for condition in conditions.parts_of(node.condition):
                for operand in conditions.FORM_OF[type(condition)].operands:
                    if operand.kind == TASK:
                        named.setdefault(getattr(condition, operand.field), node.span)
        elif isinstance(node, tree.Thread):
            named.setdefault(node.name, node.span)
            introduced.add(node.name)
        elif isinstance(node, tree.PatchDecl):
            bodies.append(node)
        else:
            _declare_world(names, node)
    names.idle_tasks = tuple(f"{words.IDLE}{cpu}" for cpu in range(names.cpus.number if names.cpus else 0))
    for name, span in named.items():
        known = name in names.declared_tasks or name in names.forked or name == tree.OPERATOR
        if name in introduced and not known and not name.startswith(words.IDLE):
            names.used_tasks[name] = span
    _declare_patches(names, bodies)
    _declare_functions(names, bodies)


def _declare_world(names: Names, node: Node) -> None:
    """Take in a declaration, patches apart."""
    if isinstance(node, tree.ModuleDecl):
        if node.name not in names.modules and not (node.name == words.VMLINUX and node.functions):
            names.modules[node.name] = node
            _declare_module(names, node)
    elif isinstance(node, tree.TaskDecl):
        if node.name != tree.OPERATOR and not node.name.startswith(words.IDLE):
            names.declared_tasks.setdefault(node.name, node)
    elif isinstance(node, tree.VmlinuxDecl):
        names.vmlinux = names.vmlinux or node
    elif isinstance(node, tree.CpusDecl):
        names.cpus = names.cpus or node
    elif isinstance(node, tree.ContendedDecl):
        names.contended = names.contended or node
    elif isinstance(node, tree.AsyncDecl):
        names.async_ = names.async_ or node


def _declare_module(names: Names, node: tree.ModuleDecl) -> None:
    """Find out which functions a module has: those of any of its builds."""
    counts: dict[str, int] = {}
    for function in node.functions:
        counts[function.name] = counts.get(function.name, 0) + 1
    if node.name != words.VMLINUX:
        known = names.functions.setdefault(node.build_of or node.name, {})
        known.update({name: max(count, known.get(name, 0)) for name, count in counts.items()})


def _declare_patches(names: Names, bodies: list[PatchStatement]) -> None:
    """Find out which patches there are, and what each `load` and `apply` means.

    A body says all there is to say, as a module that has been built anew; flags alone come on top.
    """
    latest: dict[str, Meaning] = {}
    for statement in bodies:
        if statement.name in names.modules or statement.name in {words.VMLINUX, words.ORIGINAL}:
            continue
        names.patches.setdefault(statement.name, statement)
        if isinstance(statement, tree.PatchDecl):
            latest[statement.name] = Meaning(statement.name, statement.flags, statement.body)
    for statement in bodies:
        if isinstance(statement, tree.PatchDecl):
            continue
        known = latest.get(statement.name)
        if known is None or statement.body is not None:
            meaning = Meaning(statement.name, statement.flags, statement.body)
        else:
            meaning = known._replace(flags=known.flags + statement.flags)
        latest[statement.name] = names._meanings[statement.span] = meaning


def _declare_functions(names: Names, bodies: list[PatchStatement]) -> None:
    """Find out which object has which functions; those of an open vmlinux are declared by their first use."""
    for owner, functions in names.functions.items():
        for name in functions:
            names.owners.setdefault(name, []).append(owner)
    vmlinux = names.functions[words.VMLINUX]
    if names.vmlinux:
        for function in names.vmlinux.functions:
            vmlinux[function.name] = vmlinux.get(function.name, 0) + 1
    else:
        for statement in bodies:
            vmlinux.update(dict.fromkeys(_patched_in_vmlinux(names, statement), 1))
        for node in names.nodes:
            for _, reference in functions_of(node):
                plain = reference.object is None and reference.name not in names.owners
                if plain or reference.object == words.VMLINUX:
                    vmlinux[reference.name] = 1
    for name in vmlinux:
        names.owners.setdefault(name, []).insert(0, words.VMLINUX)


def _patched_in_vmlinux(names: Names, patch: PatchStatement) -> Iterator[str]:
    if patch.body is None:
        if names.patches.get(patch.name) is patch:
            yield words.DEFAULT_FUNCTION
        return
    for item in patch.body.items:
        if isinstance(item, tree.PatchFunction):
            yield item.name
        elif isinstance(item, tree.PatchObject) and item.name == words.VMLINUX:
            yield from (function.name for function in item.functions)
        elif isinstance(item, tree.PatchRelocations):
            yield from (s.name for s in item.symbols if (s.object or item.object) == words.VMLINUX)


# --- what is named ------------------------------------------------------------------------------------------------


def _operands(node: Node) -> Iterator[tuple[Operand, object, Span]]:
    """Yield what the verbs and the condition of a statement take: the declaration, the value, the node's place."""
    if isinstance(node, tree.Step):
        operation = node.operation
        parts = operation.actions if isinstance(operation, tree.TaskStep) else (operation,)
        for part in parts:
            for operand in actions.BY_NODE[type(part)].operands:
                yield operand, getattr(part, operand.field), part.span
    elif isinstance(node, tree.Expect | tree.Always | tree.Never):
        for condition in conditions.parts_of(node.condition):
            for operand in conditions.FORM_OF[type(condition)].operands:
                yield operand, getattr(condition, operand.field), condition.span


def functions_of(node: Node) -> Iterator[tuple[Span, tree.FunctionRef]]:
    """Yield the functions that a statement names, those of patches apart, each with the place of its node."""
    if isinstance(node, tree.TaskDecl):
        yield from ((node.span, reference) for reference in node.stack)
    elif isinstance(node, tree.ModuleDecl):
        yield from ((node.span, reference) for reference in (*node.probes, *node.redirects))
    else:
        for operand, value, span in _operands(node):
            if operand.kind == FUNCTION and isinstance(value, tree.FunctionRef):
                yield span, value


class _Finder:
    """Finds the occurrences."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._tasks = set(names.tasks())

    def named(self, name: str, wanted: str, span: Span, role: str = REFERS, owner: str = "") -> Occurrence:
        """Return the occurrence of a name."""
        return Occurrence(name, wanted, span, role, self._entity(str(name), wanted, owner))

    def _entity(self, name: str, wanted: str, owner: str) -> Entity | None:
        names = self._names
        if wanted == FUNCTION:
            return Entity(FUNCTION, name, owner) if name in names.functions.get(owner, ()) else None
        if wanted in {TASK, NEW_TASK}:
            return Entity(TASK, name) if name in self._tasks else None
        if wanted == PROPERTY:
            return Entity(PROPERTY, name) if name in words.PROPERTIES else None
        if wanted in {PATCH, LOADABLE} and name in names.patches:
            return Entity(PATCH, name)
        if wanted in {MODULE, LOADABLE, OBJECT} and name in names.modules:
            return Entity(MODULE, name)
        if wanted == OBJECT and name == words.VMLINUX:
            return Entity(MODULE, name)
        return None

    def function(self, reference: tree.FunctionRef) -> Iterator[Occurrence]:
        """Yield what a function's name names: the object, if it is said, and the function."""
        if reference.object is not None:
            yield self.named(reference.object, OBJECT, reference.span)
        owner = self._names.key(reference)[0]
        yield self.named(reference.name, FUNCTION, reference.span, owner=owner)

    def patch(self, patch: PatchStatement) -> Iterator[Occurrence]:
        """Yield what a patch's statement names."""
        first = self._names.patches.get(patch.name) is patch
        says = isinstance(patch, tree.PatchDecl) or patch.flags or patch.body is not None
        role = DECLARES if first and says else INTRODUCES
        yield self.named(patch.name, LOADABLE if isinstance(patch, tree.Load) else PATCH, patch.span, role)
        for item in patch.body.items if patch.body else ():
            if isinstance(item, tree.PatchFunction):
                yield self.named(item.name, FUNCTION, item.span, INTRODUCES, words.VMLINUX)
            elif isinstance(item, tree.PatchObject):
                yield self.named(item.name, OBJECT, item.span)
                for function in item.functions:
                    yield self.named(function.name, FUNCTION, function.span, INTRODUCES, str(item.name))
            elif isinstance(item, tree.PatchRelocations):
                yield self.named(item.object, OBJECT, item.span)
                for symbol in item.symbols:
                    if symbol.object:
                        yield self.named(symbol.object, OBJECT, symbol.span)
                    owner = str(symbol.object or item.object)
                    yield self.named(symbol.name, FUNCTION, symbol.span, INTRODUCES, owner)
            elif isinstance(item, tree.PatchCallbacks):
                yield self.named(item.object, OBJECT, item.span)
                yield from self.callbacks(item.callbacks or ())

    def callbacks(self, callbacks: tuple[tree.Callback, ...]) -> Iterator[Occurrence]:
        """Yield what callbacks name."""
        for callback in callbacks:
            if callback.reads:
                yield self.named(callback.reads, PATCH, callback.span)

    def statement(self, node: Node) -> Iterator[Occurrence]:
        """Yield what a statement names with its verbs and its condition."""
        if isinstance(node, tree.Step) and isinstance(node.operation, tree.TaskStep):
            yield self._task(node.operation.task, node.operation.span)
        for operand, value, span in _operands(node):
            if isinstance(value, tree.FunctionRef):
                yield from self.function(value)
            elif isinstance(value, str) and operand.kind in _NAMES:
                role = DECLARES if operand.kind == NEW_TASK else REFERS
                if operand.kind != PATCH or value not in EVERYWHERE:
                    yield self.named(value, operand.kind, span, role)
        if isinstance(node, tree.Step) and isinstance(node.operation, tree.SetCallbacks):
            yield from self.callbacks(node.operation.callbacks)

    def _task(self, name: str, span: Span) -> Occurrence:
        by_use = self._names.used_tasks.get(name) == span
        return self.named(name, TASK, span, INTRODUCES if by_use else REFERS)

    def node(self, node: Node) -> Iterator[Occurrence]:
        """Yield what one node names; what it nests comes by itself."""
        if isinstance(node, tree.PatchDecl):
            yield from self.patch(node)
        elif isinstance(node, tree.Step) and isinstance(node.operation, tree.Load | tree.Apply):
            yield from self.patch(node.operation)
        elif isinstance(node, tree.ModuleDecl):
            yield self.named(node.name, MODULE, node.span, DECLARES)
            if node.build_of:
                yield self.named(node.build_of, OBJECT, node.span)
            for function in node.functions:
                owner = str(node.build_of or node.name)
                yield self.named(function.name, FUNCTION, function.span, DECLARES, owner)
            for reference in (*node.probes, *node.redirects):
                yield from self.function(reference)
        elif isinstance(node, tree.VmlinuxDecl):
            for function in node.functions:
                yield self.named(function.name, FUNCTION, function.span, DECLARES, words.VMLINUX)
        elif isinstance(node, tree.TaskDecl):
            yield self.named(node.name, TASK, node.span, DECLARES)
            if node.of:
                yield self.named(node.of, OBJECT, node.span)
            for reference in node.stack:
                yield from self.function(reference)
        elif isinstance(node, tree.Thread):
            if node.name != tree.OPERATOR:
                yield self._task(node.name, node.span)
        else:
            yield from self.statement(node)


def _occurrences(names: Names) -> Iterator[Occurrence]:
    finder = _Finder(names)
    for node in names.nodes:
        yield from finder.node(node)
