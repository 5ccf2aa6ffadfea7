"""Whether what the statements name is there, and whether each word means something.

Nothing is known of kernels here: a function that a patch replaces may be unknown, since it is the kernel that says so.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from klpdsl.syntax import limits, tree, words
from klpdsl.syntax.declare import World, declare, functions_of, line_reference, statements
from klpdsl.syntax.diagnostics import Diagnostic
from klpdsl.syntax.report import line_of
from klpdsl.syntax.spelling import did_you_mean
from klpdsl.syntax.tree import Item, Span, Statement

_WORD = re.compile(r'"([^"\\\n]*(?:\\[^\n][^"\\\n]*)*)"|#.*|[A-Za-z_0-9][A-Za-z0-9_./-]*')
_CANDIDATES = 500
_RESULTS = ("`0`", "an errno's name", f"`{words.UNSUPPORTED}`", f"`{words.BLOCKED}`")


def check_names(
    items: Sequence[Item], texts: Mapping[str, str] | None = None, doubtful: Collection[str] | None = ()
) -> list[Diagnostic]:
    """Return what is wrong with the names of a scenario: its items, each import replaced by what it brings.

    `texts` are the texts of the sources, to point at the word that is meant; without, the statement is pointed at.
    `doubtful` are words of statements that did not parse: nobody can say that they name nothing. None: a whole
    file is missing, so that nothing at all can be said about unknown names.
    """
    checker = _Checker(texts or {}, doubtful)
    checker.world = declare(items, checker.report)
    steps = 0
    for item in statements(items):
        checker.statement(item)
        if isinstance(item, tree.Step):
            steps += len(item.operation.actions) if isinstance(item.operation, tree.TaskStep) else 1
            if steps > limits.STEPS:
                message = f"the scenario has too many steps: {limits.STEPS} are the most"
                checker.report(item.span, "", message, "")
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
    world: World

    def __init__(self, texts: Mapping[str, str], doubtful: Collection[str] | None) -> None:
        self.problems: list[Diagnostic] = []
        self._texts = texts
        self._doubtful = doubtful

    # --- reporting ---

    def report(self, span: Span, word: str, message: str, hint: str, expected: Iterable[str] = ()) -> None:
        """Note a problem with a word in a statement; with all of it if `word` is empty."""
        if len(self.problems) <= limits.ERRORS:
            place = self._place(span, word) if word else span
            self.problems.append(Diagnostic(place, message, tuple(expected), hint))

    def _place(self, span: Span, word: str) -> Span:
        """Return where a word stands in a statement: not as the verb, if it stands elsewhere too."""
        text = self._texts.get(span.source)
        if text is None:
            return span
        found: list[Span] = []
        for number in range(span.line, span.end_line + 1):
            line = line_of(text, number) or ""
            first = span.column - 1 if number == span.line else 0
            last = span.end_column - 1 if number == span.end_line else len(line)
            found += (
                Span(span.source, number, match.start() + 1, number, match.end() + 1)
                for match in _WORD.finditer(line, first, last)
                if word in (match[0], match[1])
            )
            if len(found) > 1 or (found and found[0][1:3] != span[1:3]):
                break
        verb = len(found) > 1 and found[0][1:3] == span[1:3]
        return found[verb] if found else span

    def _unknown(
        self, span: Span, name: str, message: str, candidates: Iterable[str], otherwise: str = ""
    ) -> None:
        if self._doubtful is None or name in self._doubtful or len(self.problems) > limits.ERRORS:
            return
        self.report(span, name, message, did_you_mean(name, list(candidates)[:_CANDIDATES]) or otherwise)

    # --- statements ---

    def statement(self, item: Item | Statement | tree.Thread) -> None:
        """Check one statement; what it nests comes by itself."""
        for function in functions_of(item):
            self._function(function)
        if isinstance(item, tree.TaskDecl) and len(item.stack) > limits.STACK:
            message = f"the task is too deep in the kernel: {limits.STACK} functions are the most"
            self.report(item.span, item.name, message, "")
        if isinstance(item, tree.Step):
            self._result(item)
            self._operation(item.operation)
        elif isinstance(item, tree.Expect | tree.Always | tree.Never):
            self._condition(item.condition)
        elif isinstance(item, tree.PatchDecl):
            self._patch(item)
        elif isinstance(item, tree.TaskDecl):
            if item.of:
                self._object(item.span, item.of)
        elif isinstance(item, tree.ArchDecl):
            if item.feature not in words.FEATURES:
                hint = did_you_mean(item.feature, words.FEATURES)
                expected = (f"`{feature}`" for feature in words.FEATURES)
                self.report(item.span, item.feature, f"`arch` knows no `{item.feature}`", hint, expected)
        elif isinstance(item, tree.Interleave):
            self._threads(item)

    def _threads(self, item: tree.Interleave) -> None:
        seen: set[str] = set()
        for thread in item.threads:
            if thread.name in seen:
                self.report(
                    thread.span,
                    "",
                    f"`{thread.name}` has two threads here",
                    "a task does one thing at a time",
                )
            seen.add(thread.name)

    def _result(self, step: tree.Step) -> None:
        result = step.result
        if (
            result in {"", "0", words.UNSUPPORTED, words.BLOCKED}
            or result in words.ERRNOS
            or result in words.ERRNO_ALIASES
        ):
            return
        hint = did_you_mean(result, [*words.ERRNOS, *words.ERRNO_ALIASES, words.UNSUPPORTED, words.BLOCKED])
        for name, number in words.ERRNOS.items():
            if result == str(number):
                hint = f"{number} is `{name}`"
        message = f"`{_clipped(result)}` is no result"
        self.report(step.span, result, message, hint, _RESULTS)

    def _operation(self, operation: tree.Operation) -> None:
        if isinstance(operation, tree.Load | tree.Apply):
            self._patch(operation)
            if isinstance(operation, tree.Apply) and operation.name in self.world.modules:
                hint = f"`load {operation.name}` loads it"
                self.report(
                    operation.span, operation.name, f"`{operation.name}` is a module, not a patch", hint
                )
        elif isinstance(operation, tree.Unload):
            self._loadable(operation.span, operation.name)
        elif isinstance(operation, tree.Show):
            if operation.name is not None:
                self._loadable(operation.span, operation.name)
        elif isinstance(operation, tree.TaskStep):
            # Any other name introduces a task.
            if operation.task.startswith(words.IDLE) or operation.task == tree.OPERATOR:
                self._task_named(operation.span, operation.task)
        elif isinstance(operation, tree.Signal | tree.Force):
            if operation.name is not None:
                self._patch_named(operation.span, operation.name)
        elif isinstance(operation, tree.SetCallbacks):
            self._patch_named(operation.span, operation.name)
            self._object(operation.span, operation.object)
            self._callbacks(operation)
        elif isinstance(operation, tree.Shadow):
            if operation.constructor != "0":
                self._errno(operation.span, operation.constructor)
        elif not isinstance(operation, tree.Reverse | tree.Sysctl | tree.Tick | tree.Settle):
            self._patch_named(operation.span, operation.name)

    def _patch(self, patch: tree.PatchDecl | tree.Load | tree.Apply) -> None:
        flags: set[str] = set()
        for flag in patch.flags:
            if flag.name in flags:
                self.report(flag.span, "", f"`{flag.name}` is said twice", "")
            flags.add(flag.name)
        hooked: dict[str, Span] = {}
        for item in patch.body.items if patch.body else ():
            if isinstance(item, tree.PatchObject):
                self._object(item.span, item.name)
            elif isinstance(item, tree.PatchRelocations):
                self._object(item.span, item.object)
                for symbol in item.symbols:
                    if symbol.object:
                        self._object(symbol.span, symbol.object)
            elif isinstance(item, tree.PatchCallbacks):
                self._object(item.span, item.object)
                if item.object in hooked:
                    where = line_reference(hooked[item.object], item.span)
                    message = f"the callbacks of `{item.object}` are given twice"
                    self.report(item.span, "", message, f"first on {where}")
                hooked.setdefault(item.object, item.span)
                self._callbacks(item)

    def _callbacks(self, item: tree.PatchCallbacks | tree.SetCallbacks) -> None:
        seen: set[str] = set()
        for callback in item.callbacks or ():
            if callback.name in seen:
                self.report(callback.span, "", f"`{callback.name}` is given twice", "")
            seen.add(callback.name)
            if callback.reads:
                self._patch_named(callback.span, callback.reads)
            if not callback.errno:
                continue
            if callback.name != "pre_patch":
                message = f"`{callback.name}` can not fail: it returns nothing"
                self.report(callback.span, "", message, "only `pre_patch` can")
            else:
                self._errno(callback.span, callback.errno)

    def _errno(self, span: Span, errno: str) -> None:
        if errno and errno not in words.ERRNOS and errno not in words.ERRNO_ALIASES:
            hint = did_you_mean(errno, words.ERRNOS)
            self.report(span, errno, f"`{_clipped(errno)}` is no errno", hint)

    def _condition(self, condition: tree.Condition) -> None:
        span = condition.span
        if isinstance(condition, tree.AttributeIs):
            self._loadable(span, condition.subject)
        elif isinstance(condition, tree.TaskStateIs):
            self._task_named(span, condition.task)
        elif isinstance(condition, tree.TaskSees):
            self._task_named(span, condition.task)
            if condition.code not in {words.ORIGINAL, words.GONE}:
                self._patch_named(span, condition.code)
        elif isinstance(condition, tree.TransitionIs):
            if condition.patch is not None:
                self._patch_named(span, condition.patch)
        elif isinstance(condition, tree.ViolationSeen):
            if condition.property is not None:
                self._property(span, condition.property)
        elif isinstance(condition, tree.PropertyNamed):
            self._property(span, condition.name)

    # --- names ---

    def _property(self, span: Span, name: str) -> None:
        if name not in words.PROPERTIES:
            hint = did_you_mean(name, words.PROPERTIES)
            expected = () if hint else (f"`{known}`" for known in words.PROPERTIES)
            self.report(span, name, f"there is no property `{_clipped(name)}`", hint, expected)

    def _patch_named(self, span: Span, name: str) -> None:
        world = self.world
        if name in world.modules:
            self.report(span, name, f"`{name}` is a module, not a patch", "")
        elif name not in world.patches:
            otherwise = f"`load {name}` or `patch {name} {{ … }}` would introduce it"
            self._unknown(
                span, name, f"there is no patch `{_clipped(name)}`", world.patches, _clipped(otherwise, 90)
            )

    def _loadable(self, span: Span, name: str) -> None:
        world = self.world
        if name in world.patches or name in world.modules:
            return
        message = f"there is no patch or module `{_clipped(name)}`"
        if name in world.task_names:
            message = f"`{name}` is a task: neither a patch nor a module has that name"
        self._unknown(span, name, message, [*world.patches, *world.modules])

    def _object(self, span: Span, name: str) -> None:
        # A patch may be for a module that is not around: to name it is to introduce it. A name that is nearly that
        # of a declared one is a slip all the same.
        candidates = [words.VMLINUX, *self.world.modules]
        if name not in candidates and did_you_mean(name, candidates[:_CANDIDATES]):
            self._unknown(span, name, f"there is no module `{_clipped(name)}`", candidates)

    def _task_named(self, span: Span, name: str) -> None:
        if name in self.world.task_names:
            return
        if name.startswith(words.IDLE):
            self.report(
                span, name, f"the idle task `{name}` is not visible", "`cpus N` shows those of N CPUs"
            )
        elif name == tree.OPERATOR:
            self.report(
                span, name, f"`{name}` is no task", "what an operator does stands by itself, without a name"
            )
        else:
            self._unknown(span, name, f"there is no task `{_clipped(name)}`", self.world.task_names)

    def _function(self, function: tree.FunctionRef) -> None:
        world, span, name = self.world, function.span, function.name
        if function.object is not None:
            if function.object != words.VMLINUX and function.object not in world.modules:
                self._object(span, function.object)
                return
            objects = [function.object] if name in world.functions[function.object] else []
            candidates: Iterable[str] = world.functions[function.object]
            message = f"`{function.object}` has no function `{_clipped(name)}`"
        else:
            objects = world.owners.get(name, [])
            candidates = (known for functions in world.functions.values() for known in functions)
            message = f"nothing has a function `{_clipped(name)}`"
        if not objects:
            self._unknown(span, name, message, candidates)
        elif len(objects) > 1:
            shown = [f"`{owner}:{name}`" for owner in objects]
            self.report(span, "", f"several objects have a function `{name}`", "", shown)
        elif function.sympos > world.functions[objects[0]][name]:
            number = world.functions[objects[0]][name]
            times = "only once" if number == 1 else f"only {number} times"
            self.report(
                span, "", f"`{objects[0]}` has `{name}` {times}", "a name that is listed twice is there twice"
            )


def _clipped(text: str, width: int = 40) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
