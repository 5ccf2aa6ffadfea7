"""Whether what the statements name is there, and whether each word means something.

Nothing is known of kernels here: a function that a patch replaces may be unknown, since it is the kernel that says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from klpdsl import _errnos
from klpdsl._attributes import ATTRIBUTES, BELOW
from klpdsl.syntax import habits, limits, tree, words
from klpdsl.syntax.conditions import parts_of
from klpdsl.syntax.diagnostics import Diagnostic
from klpdsl.syntax.operands import LOADABLE, NEW_TASK, OBJECT, PATCH, PROPERTY, TASK
from klpdsl.syntax.place import Span, place_of
from klpdsl.syntax.resolve import REFERS, Names, Occurrence, functions_of
from klpdsl.syntax.spelling import did_you_mean
from klpdsl.syntax.tree import Item

if TYPE_CHECKING:
    from klpdsl.syntax.resolve import PatchStatement

_CANDIDATES = 500
#: What flags of which only one can stand say.
_ABOUT = {
    **dict.fromkeys(("replace", *words.REPLACE_SETS), "whom the patch replaces"),
    **dict.fromkeys(words.REPLACEABLE, "whether the patch can be replaced"),
}
_STATEMENTS = (tree.Step, tree.Expect, tree.Always, tree.Never, tree.Interleave, tree.Choose)
_RESULTS = ("`0`", "an errno's name", f"`{words.UNSUPPORTED}`", f"`{words.BLOCKED}`")


def check_names(names: Names, doubtful: Collection[str] | None = ()) -> list[Diagnostic]:
    """Return what is wrong with the names of a scenario.

    `doubtful` are words of statements that did not parse: nobody can say that they name nothing. None: a whole
    file is missing, so that nothing at all can be said about unknown names.
    """
    checker = _Checker(names, doubtful)
    checker.declarations()
    for occurrence in names.occurrences:
        if occurrence.role == REFERS:
            checker.named(occurrence)
    checker.tasks_by_use()
    steps = 0
    for node in names.nodes:
        checker.statement(node)
        if isinstance(node, tree.Step):
            steps += len(node.operation.actions) if isinstance(node.operation, tree.TaskStep) else 1
            if steps > limits.STEPS:
                message = f"the scenario has too many steps: {limits.STEPS} are the most"
                checker.report(node.span, message)
                break
    return checker.problems


def check_header(items: Sequence[Item]) -> list[Diagnostic]:
    """Return what is wrong with the header of a file, given all its items."""
    problems = []
    verbs: dict[type, str] = {tree.Title: "scenario", tree.Engines: "engines", tree.Import: "import"}
    first: dict[type, Span] = {}
    begun = False
    for item in items:
        verb = verbs.get(type(item))
        if verb is None:
            begun = True
        elif begun:
            hint = "the header is the first thing in a file"
            problems.append(Diagnostic(item.span, f"`{verb}` stands behind another statement", (), hint))
        elif verb != "import" and type(item) in first:
            hint = f"first on {line_reference(first[type(item)], item.span)}"
            problems.append(Diagnostic(item.span, f"`{verb}` is said twice", (), hint))
        first.setdefault(type(item), item.span)
    return problems


class _Checker:
    """What is wrong so far."""

    def __init__(self, names: Names, doubtful: Collection[str] | None) -> None:
        self.problems: list[Diagnostic] = []
        self._names = names
        self._doubtful = doubtful
        self._seen: set[Span] = set()

    # --- reporting ---

    def report(self, place: Span, message: str, hint: str = "", expected: Iterable[str] = ()) -> None:
        """Note a problem at a place."""
        if len(self.problems) <= limits.ERRORS:
            self.problems.append(Diagnostic(place, message, tuple(expected), hint))

    def _unknown(
        self, place: Span, name: str, message: str, candidates: Iterable[str], otherwise: str = ""
    ) -> None:
        if self._doubtful is None or name in self._doubtful or len(self.problems) > limits.ERRORS:
            return
        self.report(place, message, did_you_mean(name, list(candidates)[:_CANDIDATES]) or otherwise)

    def _twice(self, name: str, what: str, span: Span, first: Span) -> None:
        self.report(
            place_of(name, span), f"{what} is declared twice", f"first on {line_reference(first, span)}"
        )

    # --- what is declared ---

    def declarations(self) -> None:
        """Check what the statements introduce: each thing once, under a name that it may have."""
        names = self._names
        features: dict[str, Span] = {}
        for node in names.nodes:
            if isinstance(node, tree.ModuleDecl):
                self._module(node)
            elif isinstance(node, tree.TaskDecl):
                self._task(node)
            elif isinstance(node, tree.PatchDecl):
                self._patch_name(node)
            elif isinstance(node, tree.Step) and isinstance(node.operation, tree.Load | tree.Apply):
                self._patch_name(node.operation)
            elif isinstance(node, tree.VmlinuxDecl) and names.vmlinux and node is not names.vmlinux:
                self._twice("", "`vmlinux`", node.span, names.vmlinux.span)
            elif isinstance(node, tree.CpusDecl) and names.cpus and node is not names.cpus:
                self._twice("", "`cpus`", node.span, names.cpus.span)
            elif isinstance(node, tree.ContendedDecl) and names.contended and node is not names.contended:
                self._twice("", "`contended`", node.span, names.contended.span)
            elif isinstance(node, tree.AsyncDecl) and names.async_ and node is not names.async_:
                self._twice("", "`async`", node.span, names.async_.span)
            elif isinstance(node, tree.ArchDecl):
                first = features.setdefault(node.feature, node.span)
                if first is not node.span:
                    self._twice(node.feature, f"`{node.feature}`", node.span, first)
        for name, span in names.forked.items():
            if name in names.declared_tasks:
                message = f"`{name}` can not be forked: a task of that name is declared"
                where = line_reference(names.declared_tasks[name].span, span)
                self.report(self._forked_at(name, span), message, f"that is {where}")

    def _forked_at(self, name: str, span: Span) -> Span:
        forks = (o.place for o in self._names.occurrences if o.wanted == NEW_TASK and o.name == name)
        return next(forks, span)

    def _module(self, node: tree.ModuleDecl) -> None:
        if node.name == words.VMLINUX and node.functions:
            # A module of that name may be tried (v5.8 refuses it), but no statement could tell its functions apart.
            message = f"`{words.VMLINUX}` is the core kernel, not a module"
            hint = f"its functions are given by `{words.VMLINUX} {{ … }}`"
            self.report(place_of(node.name, node.span), message, hint)
        elif node.build_of:
            self._build(node)
        elif node.fails and not _is_errno(node.fails):
            self._errno(node.fails, node.span)
        elif self._names.modules[node.name] is not node:
            first = self._names.modules[node.name].span
            self._twice(node.name, f"the module `{node.name}`", node.span, first)

    def _build(self, node: tree.ModuleDecl) -> None:
        """Check another build of a module: of one that there is, and no more than another build of it."""
        names, place = self._names, place_of(node.name, node.span)
        original = names.modules.get(node.build_of)
        if names.modules[node.name] is not node:
            self._twice(node.name, f"the module `{node.name}`", node.span, names.modules[node.name].span)
        elif node.build_of == words.VMLINUX:
            self.report(
                place_of(node.build_of, node.span), f"`{words.VMLINUX}` is the core kernel, not a module"
            )
        elif original is not None and original.build_of:
            message = f"`{node.build_of}` is a build itself"
            self.report(place_of(node.build_of, node.span), message, f"it is one of `{original.build_of}`")
        elif node.probes or node.redirects or node.fails:
            self.report(
                place,
                f"`{node.name}` is another build of `{node.build_of}`, and differs in its functions alone",
            )
        loaded = [m for m in names.modules.values() if m.loaded and names.module_of(m.name) == node.build_of]
        if node.loaded and loaded[0] is not node:
            where = line_reference(loaded[0].span, node.span)
            self.report(place, f"a module `{node.build_of}` is loaded already", f"that is by {where}")

    def _build_elsewhere(self, name: str, span: Span) -> None:
        """Check that a build is not named where its module has to be: in memory it has that name alone."""
        module = self._names.module_of(name)
        if module != name:
            self.report(
                place_of(name, span),
                f"`{name}` is a build of `{module}`",
                f"in memory it is called `{module}`",
            )

    def _task(self, node: tree.TaskDecl) -> None:
        name, place = node.name, place_of(node.name, node.span)
        if name == tree.OPERATOR:
            self.report(place, f"a task can not be called `{name}`, which is whoever works at the machine")
        elif name.startswith(words.IDLE):
            self.report(place, f"`{name}` is an idle task", "`cpus N` makes the idle tasks visible")
        elif self._names.declared_tasks[name] is not node:
            self._twice(name, f"the task `{name}`", node.span, self._names.declared_tasks[name].span)

    def _patch_name(self, patch: PatchStatement) -> None:
        name, place, names = patch.name, place_of(patch.name, patch.span), self._names
        bare = not isinstance(patch, tree.PatchDecl) and not patch.flags and patch.body is None
        first = names.patches.get(name)
        if name in names.modules:
            if not bare:
                where = line_reference(names.modules[name].span, patch.span)
                self.report(place, f"`{name}` is a module and can not be a patch", f"it is so by {where}")
            elif isinstance(patch, tree.Apply):
                self.report(place, f"`{name}` is a module, not a patch", f"`load {name}` loads it")
        elif first is None:
            self.report(place, f"a patch can not be called `{name}`", "that name has a meaning of its own")
        elif first is patch or not isinstance(patch, tree.PatchDecl):
            pass
        elif isinstance(first, tree.PatchDecl):
            self._twice(name, f"the patch `{name}`", patch.span, first.span)
        else:
            message = f"the patch `{name}` is loaded before it is declared"
            if first.flags or first.body is not None:
                message = f"the patch `{name}` is declared by the statement that loads it"
            self.report(place, message, f"that is {line_reference(first.span, patch.span)}")

    def tasks_by_use(self) -> None:
        """Check that a task which only one action names is not another task, mistyped."""
        names = self._names
        if self._doubtful is None or not names.used_tasks:
            return
        times: dict[str, int] = {}
        for occurrence in names.occurrences:
            if occurrence.wanted == TASK:
                times[occurrence.name] = times.get(occurrence.name, 0) + 1
        tasks = names.tasks()[:_CANDIDATES]
        for name, span in names.used_tasks.items():
            if times.get(name) == 1:
                meant = next((task for task in tasks if task != name and _looks_like(name, task)), "")
                if meant and (meant in names.declared_tasks or times.get(meant, 0) > 1):
                    hint = f"did you mean `{meant}`? `task {name}` declares another"
                    self.report(self._task_at(name, span), f"`{name}` is named only here", hint)

    def _task_at(self, name: str, span: Span) -> Span:
        places = (o.place for o in self._names.occurrences if o.wanted == TASK and o.name == name)
        return next(places, span)

    # --- statements ---

    def statement(self, node: Item | tree.Thread) -> None:
        """Check what a statement says beyond names; what it nests comes by itself."""
        for _, function in functions_of(node):
            self._function(function)
        if isinstance(node, tree.TaskDecl):
            if len(node.stack) > limits.STACK:
                message = f"the task is too deep in the kernel: {limits.STACK} functions are the most"
                self.report(place_of(node.name, node.span), message)
            if node.kind == "kthread" and node.flags:
                message = f"a kernel thread is never `{node.flags[0]}`: only a user task is"
                self.report(place_of(node.name, node.span), message)
        elif isinstance(node, tree.Step):
            self._result(node)
            self._operation(node.operation)
        elif isinstance(node, tree.PatchDecl):
            self._patch(node)
        elif isinstance(node, tree.ArchDecl):
            if node.feature not in words.FEATURES:
                hint = did_you_mean(node.feature, words.FEATURES)
                expected = (f"`{feature}`" for feature in words.FEATURES)
                place = place_of(node.feature, node.span)
                self.report(place, f"`arch` knows no `{node.feature}`", hint, expected)
        elif isinstance(node, tree.Interleave):
            self._threads(node)
        elif isinstance(node, tree.Expect | tree.Always | tree.Never):
            for condition in parts_of(node.condition):
                if isinstance(condition, tree.AttributeIs):
                    self._attribute(condition)

    def _attribute(self, condition: tree.AttributeIs) -> None:
        self._build_elsewhere(condition.subject, condition.span)
        self._known_attribute(condition)

    def _known_attribute(self, condition: tree.AttributeIs) -> None:
        """Check that what is asked of a patch is not nearly something that can be asked.

        A name that is like none is let through: that a file is not there is worth an `expect`, too.
        """
        path, _, last = condition.attribute.rpartition("/")
        known = (BELOW if path else ATTRIBUTES).union(self._names.owners, self._names.known(OBJECT))
        name = last.partition(",")[0]
        if name in known:
            return
        hint = did_you_mean(name, BELOW if path else ATTRIBUTES)
        if hint:
            place = place_of(condition.attribute, condition.span)
            self.report(place, f"nothing has an attribute `{_clipped(condition.attribute)}`", hint)

    def _threads(self, node: tree.Interleave) -> None:
        seen: set[str] = set()
        for thread in node.threads:
            if thread.name in seen and thread.name != tree.OPERATOR:
                message = f"`{thread.name}` has two threads here"
                self.report(thread.span, message, "a task does one thing at a time")
            seen.add(thread.name)
        if node.forever:
            self._forever(node)

    def _forever(self, node: tree.Interleave) -> None:
        for thread in node.threads:
            for statement in thread.body:
                if not isinstance(statement, tree.Step):
                    self.report(
                        statement.span, "in an `interleave forever` stand steps alone", "it is an alphabet"
                    )
        after = [item for item in self._names.items if isinstance(item, _STATEMENTS)][-1]
        if after is not node:
            self.report(node.span, "an `interleave forever` has no end: nothing can come after it")

    def _result(self, step: tree.Step) -> None:
        result = step.result
        if result in {"", "0", words.UNSUPPORTED, words.BLOCKED} or _is_errno(result):
            return
        hint = did_you_mean(
            result, [*_errnos.ERRNOS, *_errnos.ERRNO_ALIASES, words.UNSUPPORTED, words.BLOCKED]
        )
        for name, number in _errnos.ERRNOS.items():
            if result == str(number):
                hint = f"{number} is `{name}`"
        hint = habits.result(result) or hint
        message = f"`{_clipped(result)}` is no result"
        self.report(place_of(result, step.span), message, hint, _RESULTS)

    def _operation(self, operation: tree.Operation) -> None:
        if isinstance(operation, tree.Load | tree.Apply):
            self._patch(operation)
        elif isinstance(operation, tree.SetCallbacks):
            self._callbacks(operation.callbacks)
        elif isinstance(operation, tree.Work) and self._names.async_ is None:
            self.report(
                operation.span,
                "what is queued has been done when a step ends, so there is nothing to do here",
                "`async` above makes it a step of its own",
            )
        elif isinstance(operation, tree.Shadow) and operation.constructor != "0":
            self._errno(operation.constructor, operation.span)

    def _flags(self, flags: tuple[tree.PatchFlag, ...]) -> None:
        said: dict[str, str] = {}
        for flag in flags:
            about = _ABOUT.get(flag.name, flag.name)
            if said.get(about) == flag.name:
                self.report(flag.span, f"`{flag.name}` is said twice")
            elif about in said:
                self.report(flag.span, f"`{flag.name}` and `{said[about]}` both say {about}")
            said.setdefault(about, flag.name)

    def _patch(self, patch: PatchStatement) -> None:
        self._flags(patch.flags)
        hooked: dict[str, Span] = {}
        for item in patch.body.items if patch.body else ():
            if isinstance(item, tree.PatchObject | tree.PatchCallbacks | tree.PatchRelocations):
                named = item.name if isinstance(item, tree.PatchObject) else item.object
                self._build_elsewhere(named, item.span)
            if isinstance(item, tree.PatchCallbacks):
                if item.object in hooked:
                    where = line_reference(hooked[item.object], item.span)
                    message = f"the callbacks of `{item.object}` are given twice"
                    self.report(item.span, message, f"first on {where}")
                hooked.setdefault(item.object, item.span)
            if isinstance(item, tree.PatchCallbacks | tree.PatchState):
                self._callbacks(item.callbacks or ())

    def _callbacks(self, callbacks: Iterable[tree.Callback]) -> None:
        seen: set[str] = set()
        for callback in callbacks:
            if callback.name in seen:
                self.report(callback.span, f"`{callback.name}` is given twice")
            seen.add(callback.name)
            if callback.errno and callback.name != "pre_patch":
                message = f"`{callback.name}` can not fail: it returns nothing"
                self.report(callback.span, message, "only `pre_patch` can")
            elif callback.errno:
                self._errno(callback.errno, callback.span)

    def _errno(self, errno: str, span: Span) -> None:
        if errno and not _is_errno(errno):
            hint = did_you_mean(errno, _errnos.ERRNOS)
            self.report(place_of(errno, span), f"`{_clipped(errno)}` is no errno", hint)

    # --- names ---

    def named(self, occurrence: Occurrence) -> None:
        """Check that what is named is there."""
        if occurrence.entity is None and occurrence.place not in self._seen:
            self._seen.add(occurrence.place)
            check = _MISSING.get(occurrence.wanted)
            if check is not None:
                check(self, occurrence.place, str(occurrence.name))

    def _property(self, place: Span, name: str) -> None:
        hint = did_you_mean(name, words.PROPERTIES)
        expected = () if hint else (f"`{known}`" for known in words.PROPERTIES)
        self.report(place, f"there is no property `{_clipped(name)}`", hint, expected)

    def _patch_named(self, place: Span, name: str) -> None:
        names = self._names
        if name in names.modules:
            self.report(place, f"`{name}` is a module, not a patch")
        else:
            otherwise = _clipped(f"`load {name}` or `patch {name} {{ … }}` would introduce it", 90)
            self._unknown(place, name, f"there is no patch `{_clipped(name)}`", names.patches, otherwise)

    def _loadable(self, place: Span, name: str) -> None:
        message = f"there is no patch or module `{_clipped(name)}`"
        if name in self._names.tasks():
            message = f"`{name}` is a task: neither a patch nor a module has that name"
        self._unknown(place, name, message, self._names.known(LOADABLE))

    def _object(self, place: Span, name: str) -> None:
        # A patch may be for a module that is not around: to name it is to introduce it. A name that is nearly that
        # of a declared one is a slip all the same.
        candidates = self._names.known(OBJECT)
        if did_you_mean(name, candidates[:_CANDIDATES]):
            self._unknown(place, name, f"there is no module `{_clipped(name)}`", candidates)

    def _task_named(self, place: Span, name: str) -> None:
        if name.startswith(words.IDLE):
            message = f"the idle task `{name}` is not visible"
            self.report(place, message, "`cpus N` shows those of N CPUs")
        elif name == tree.OPERATOR:
            hint = "what an operator does stands by itself, without a name"
            self.report(place, f"`{name}` is no task", hint)
        else:
            self._unknown(place, name, f"there is no task `{_clipped(name)}`", self._names.tasks())

    def _function(self, function: tree.FunctionRef) -> None:
        names, name = self._names, function.name
        place = place_of(name, function.span)
        if function.object is not None:
            if function.object != words.VMLINUX and function.object not in names.modules:
                return
            objects = [function.object] if name in names.functions[function.object] else []
            candidates: Iterable[str] = names.functions[function.object]
            message = f"`{function.object}` has no function `{_clipped(name)}`"
        else:
            objects = names.owners.get(name, [])
            candidates = (known for functions in names.functions.values() for known in functions)
            message = f"nothing has a function `{_clipped(name)}`"
        if not objects:
            self._unknown(place, name, message, candidates)
        elif len(objects) > 1:
            shown = [f"`{owner}:{name}`" for owner in objects]
            self.report(function.span, f"several objects have a function `{name}`", "", shown)
        elif function.sympos > names.functions[objects[0]][name]:
            number = names.functions[objects[0]][name]
            times = "only once" if number == 1 else f"only {number} times"
            hint = "a name that is listed twice is there twice"
            self.report(function.span, f"`{objects[0]}` has `{name}` {times}", hint)


_MISSING = {
    PATCH: _Checker._patch_named,
    LOADABLE: _Checker._loadable,
    OBJECT: _Checker._object,
    TASK: _Checker._task_named,
    PROPERTY: _Checker._property,
}


_ALIKE = str.maketrans({"l": "1", "I": "1", "i": "1", "O": "0", "o": "0"})


def _looks_like(name: str, other: str) -> bool:
    """Tell whether two names are one to the eye: tl and t1, T1 and t1, readre and reader."""
    if name.casefold().translate(_ALIKE) == other.casefold().translate(_ALIKE):
        return True
    return len(name) == len(other) > 3 and sorted(name) == sorted(other)


def _is_errno(word: str) -> bool:
    return word in _errnos.ERRNOS or word in _errnos.ERRNO_ALIASES


def line_reference(span: Span, other: Span) -> str:
    """Return how to speak, at one place, of another."""
    return f"line {span.line}" if span.source == other.source else f"{span.source}:{span.line}"


def _clipped(text: str, width: int = 40) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
