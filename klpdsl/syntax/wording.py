"""Every node as the one line of canonical text that it is.

This is on the way of every run, which prints the step it takes; so no module is imported here but the tree.
"""

from __future__ import annotations

from klpdsl.syntax import actions, tree, words
from klpdsl.syntax.operands import (
    FLAG,
    FUNCTION,
    LOADABLE,
    MODULE,
    NEW_TASK,
    OBJECT,
    PATCH,
    REQUIRED,
    TASK,
    VALUE,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from klpdsl.syntax.operands import Verb

    Part = tree.PatchItem | tree.FunctionDecl | tree.FunctionRef | tree.Callback | tree.Thread
    Node = tree.Item | tree.Operation | tree.Action | tree.Condition | Part

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
_WORD = f"{_LETTERS}0123456789"
_NAME = f"{_WORD}.-"
_ENGINE = f"{_NAME}~@^+="


def quoted(text: str) -> str:
    """Return a text in double quotes."""
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    if "\n" in text or "\t" in text:
        text = text.replace("\n", "\\n").replace("\t", "\\t")
    return f'"{text}"'


def name(text: str, *reserved: str) -> str:
    """Return a name, in quotes if it needs them: by its characters, or because it is a keyword where it stands."""
    bare = (
        text[:1] in _LETTERS and text and not text.strip(_NAME) and "->" not in text and text not in reserved
    )
    return text if bare else quoted(text)


def engine(text: str) -> str:
    """Return an engine's name, in quotes if it needs them."""
    bare = text[:1] in _LETTERS and text and not text.strip(_ENGINE) and ".." not in text
    return text if bare else quoted(text)


def value(text: str) -> str:
    """Return the value of an attribute: bare if it is a word or a number."""
    bare = text[:1] in _WORD and text and not text.strip(_NAME) and "->" not in text
    return text if bare else quoted(text)


def format_statement(node: Node) -> str:
    """Return the canonical text of a statement, a part of one or a condition, on one line.

    The result that a step must have (`-> EBUSY`) is left out: it is no part of what happens. `line_of` has it.
    """
    if isinstance(node, tree.Step):
        node = node.operation
    return _WORDING[type(node)](node)


def line_of(node: Node, task: str | None = None) -> str:
    """Return the canonical text of a statement as it stands in a file, on one line.

    In the thread of a task, whose name `task` is, its actions stand without the name.
    """
    if isinstance(node, tree.Step):
        operation = node.operation
        if task is not None and isinstance(operation, tree.TaskStep):
            text = ", ".join(map(format_statement, operation.actions))
        else:
            text = _WORDING[type(operation)](operation)
        return f"{text} -> {node.result}" if node.result else text
    if isinstance(node, tree.Choose):
        return "choose " + " or ".join(
            _braces("; ", (line_of(s, task) for s in branch)) for branch in node.branches
        )
    return _WORDING[type(node)](node)


def task_of(thread: tree.Thread) -> str | None:
    """Return the task whose actions a thread holds; None for the operator's."""
    return None if thread.name == tree.OPERATOR else thread.name


def _regular(verb: Verb) -> Callable[..., str]:
    """Return what makes the text of a verb that is just its word and what it takes."""
    word = verb.word
    if not verb.operands:
        return lambda _node: word
    if len(verb.operands) == 1 and verb.operands[0].default is REQUIRED:
        field, text = verb.operands[0].field, _OPERANDS.get(verb.operands[0].kind, str)
        return lambda node: f"{word} {text(getattr(node, field))}"
    return lambda node: " ".join([word, *_operands(verb, node)])


def _operands(verb: Verb, node: object) -> Iterator[str]:
    for operand in verb.operands:
        given = getattr(node, operand.field)
        if operand.kind == FLAG:
            if given:
                yield operand.field
        elif operand.default is REQUIRED or given != operand.default:
            yield _OPERANDS.get(operand.kind, str)(given)


def body_separator(items: Sequence[object]) -> str:
    """Return what separates the items of a list that stands on one line."""
    return (
        ", "
        if all(isinstance(item, tree.PatchFunction | tree.FunctionDecl | tree.FunctionRef) for item in items)
        else "; "
    )


def _braces(separator: str, pieces: Iterable[str]) -> str:
    inner = separator.join(pieces)
    return f"{{ {inner} }}" if inner else "{}"


def _list(items: Sequence[Node]) -> str:
    return _braces(body_separator(items), (_WORDING[type(item)](item) for item in items))


def _body(body: tree.PatchBody | None) -> str:
    return "" if body is None else f" {_list(body.items)}"


def _engine_range(node: tree.EngineRange) -> str:
    if node.first == node.last:
        return engine(node.first)
    return " ".join(
        part for part in (node.first and engine(node.first), "..", node.last and engine(node.last)) if part
    )


def _module(node: tree.ModuleDecl) -> str:
    return module_head(node) + (f" {_list(node.functions)}" if node.functions else "") + module_tail(node)


def module_head(node: tree.ModuleDecl) -> str:
    """Return what stands before a module's functions."""
    return (
        f"module {name(node.name)} as {name(node.build_of)}" if node.build_of else f"module {name(node.name)}"
    )


def object_head(node: tree.PatchObject) -> str:
    """Return what stands before the functions of a patch's object."""
    return f"{name(node.name)} srcversion {quoted(node.srcversion)}" if node.srcversion else name(node.name)


def module_tail(node: tree.ModuleDecl) -> str:
    """Return what stands after a module's functions."""
    text = f" srcversion {quoted(node.srcversion)}" if node.srcversion else ""
    text += f" probes {', '.join(map(function, node.probes))}" if node.probes else ""
    if node.redirects:
        text += f" redirects {', '.join(map(function, node.redirects))}"
    if node.loaded:
        text += " loaded"
    return f"{text} fails {node.fails}" if node.fails else text


def _task(node: tree.TaskDecl) -> str:
    words = ["task" if node.kind == "user" else "kthread", name(node.name)]
    if node.of:
        words += ["of", name(node.of)]
    if node.running:
        words.append("running")
    if node.stack:
        words += ["in", " > ".join(map(function, node.stack))]
    if node.uninterruptible:
        words.append("uninterruptible")
    if node.unreliable:
        words.append("unreliable")
    words += node.flags
    return " ".join(words)


def patch_head(verb: str, node: tree.PatchDecl | tree.Load | tree.Apply) -> str:
    """Return what stands before a patch's braces."""
    return " ".join([verb, name(node.name), *(_flag(flag) for flag in node.flags)])


def _flag(node: tree.PatchFlag) -> str:
    return " ".join([node.name, *map(str, node.numbers)])


def function(node: tree.FunctionRef) -> str:
    """Return a function as a statement names it."""
    text = name(node.name) if node.object is None else f"{name(node.object)}:{name(node.name)}"
    return f"{text} sympos {node.sympos}" if node.sympos else text


def _patch_function(node: tree.PatchFunction) -> str:
    text = name(node.name)
    if node.sympos:
        text += f" sympos {node.sympos}"
    return f"{text} immediate" if node.immediate else text


def callbacks_head(node: tree.PatchCallbacks) -> str:
    """Return what stands before the braces of callbacks."""
    # `callbacks immediate` is a function of that name.
    return f"callbacks {name(node.object, 'immediate', 'sympos', 'srcversion')}"


def set_callbacks_head(node: tree.SetCallbacks) -> str:
    """Return what stands before the braces of callbacks that are set while the patch is loaded."""
    return f"callbacks {name(node.name)} {name(node.object)}"


def _callbacks(node: tree.PatchCallbacks) -> str:
    return callbacks_head(node) + ("" if node.callbacks is None else f" {_list(node.callbacks)}")


def _callback(node: tree.Callback) -> str:
    text = f"{node.name} fails {node.errno}" if node.errno else node.name
    for word, thing in (("reads", node.reads), ("takes", node.takes), ("gives", node.gives)):
        text += f" {word} {name(thing)}" if thing else ""
    return text


def relocations_head(node: tree.PatchRelocations) -> str:
    """Return what stands before the braces of relocations."""
    return f"relocations {name(node.object, 'immediate', 'sympos', 'srcversion')}"


def _shadow(node: tree.Shadow) -> str:
    words = ["shadow", node.verb, *([name(node.object)] if node.object else []), str(node.id)]
    if node.data is not None:
        words.append(quoted(node.data))
    if node.constructor:
        words.append("ctor" if node.constructor == "0" else f"ctor fails {node.constructor}")
    if node.destructor:
        words.append("dtor")
    if node.owner:
        words += ["of", name(node.owner)]
    return " ".join(words)


def state_head(node: tree.PatchState) -> str:
    """Return what stands before the braces of a state."""
    text = f"state {node.id} version {node.version}" if node.version else f"state {node.id}"
    text += " block_disable" if node.block_disable else ""
    return f"{text} shadow" if node.shadow else text


def _state(node: tree.PatchState) -> str:
    return state_head(node) + ("" if node.callbacks is None else f" {_list(node.callbacks)}")


def _relation(negated: bool) -> str:
    return "!=" if negated else "="


def _sees(node: tree.TaskSees) -> str:
    code = name(node.code)
    return f"{_subject(node.task)} sees {function(node.function)} {_relation(node.negated)} {code}"


_OF_TASKS = {"any": "any task", "all": "all tasks"}


def _tasks_are(node: tree.TasksAre) -> str:
    return f"{_OF_TASKS[node.quantifier]} patch_state {_relation(node.negated)} {node.state}"


def _tasks_see(node: tree.TasksSee) -> str:
    what = f"{function(node.function)} {_relation(node.negated)} {name(node.code)}"
    return f"any task sees {what}" if node.quantifier == "any" else f"all tasks see {what}"


def _both(node: tree.Both) -> str:
    return " and ".join(map(format_statement, node.conditions))


def _transition(node: tree.TransitionIs) -> str:
    patch = "none" if node.patch is None else name(node.patch, "none")
    return f"transition {_relation(node.negated)} {patch}"


def _violation(node: tree.ViolationSeen) -> str:
    words = "no violation" if node.negated else "violation"
    return words if node.property is None else f"{words} {name(node.property)}"


def _subject(text: str) -> str:
    return name(text, "no", "violation")


def thread_head(node: tree.Thread) -> str:
    """Return what stands before a thread's braces."""
    return node.name if node.name == tree.OPERATOR else name(node.name)


def interleave_head(node: tree.Interleave) -> str:
    """Return what stands before the braces of an interleave."""
    if not node.forever:
        return "interleave"
    return (
        "interleave forever" if node.forever == words.FOREVER_DEPTH else f"interleave forever {node.forever}"
    )


def _thread(node: tree.Thread) -> str:
    return f"{thread_head(node)} {_braces('; ', (line_of(step, task_of(node)) for step in node.body))}"


_WORDING: dict[type, Callable[..., str]] = {
    tree.Title: lambda node: f"scenario {quoted(node.text)}",
    tree.Engines: lambda node: f"engines {', '.join(map(_engine_range, node.ranges))}",
    tree.Import: lambda node: f"import {quoted(node.path)}",
    tree.FunctionDecl: lambda node: f"{name(node.name)} notrace" if node.notrace else name(node.name),
    tree.VmlinuxDecl: lambda node: f"vmlinux {_list(node.functions)}",
    tree.ModuleDecl: _module,
    tree.TaskDecl: _task,
    tree.CpusDecl: lambda node: f"cpus {node.number} nohz" if node.nohz else f"cpus {node.number}",
    tree.ContendedDecl: lambda node: f"contended {node.number}",
    tree.AsyncDecl: lambda _node: "async",
    tree.ArchDecl: lambda node: f"arch {name(node.feature)}",
    tree.PatchDecl: lambda node: patch_head("patch", node) + _body(node.body),
    tree.PatchFunction: _patch_function,
    tree.PatchObject: lambda node: f"{object_head(node)} {_list(node.functions)}",
    tree.PatchCallbacks: _callbacks,
    tree.Callback: _callback,
    tree.PatchState: _state,
    tree.PatchRelocations: lambda node: f"{relocations_head(node)} {_list(node.symbols)}",
    tree.FunctionRef: function,
    tree.Load: lambda node: patch_head("load", node) + _body(node.body),
    tree.Apply: lambda node: patch_head("apply", node) + _body(node.body),
    tree.Sysctl: lambda node: f"sysctl {node.key} {node.value}",
    tree.Open: lambda node: f"open {node.name}/{node.path}",
    tree.Close: lambda node: f"close {node.name}/{node.path}",
    tree.Hold: lambda node: f"hold {node.name}/{node.path}",
    tree.Drop: lambda node: f"drop {node.name}/{node.path}",
    tree.SetCallbacks: lambda node: f"{set_callbacks_head(node)} {_list(node.callbacks)}",
    tree.Shadow: _shadow,
    tree.TaskStep: lambda node: f"{name(node.task)}: {', '.join(map(format_statement, node.actions))}",
    tree.Simple: lambda node: node.verb,
    tree.AttributeIs: lambda node: f"{_subject(node.subject)} {node.attribute} = {value(node.value)}",
    tree.TaskStateIs: lambda node: (
        f"{_subject(node.task)} patch_state {_relation(node.negated)} {node.state}"
    ),
    tree.TaskSees: _sees,
    tree.TasksAre: _tasks_are,
    tree.TasksSee: _tasks_see,
    tree.Both: _both,
    tree.TransitionIs: _transition,
    tree.LogContains: lambda node: f"log {quoted(node.text)}",
    tree.ViolationSeen: _violation,
    tree.PropertyNamed: lambda node: name(node.name, "transition", "log"),
    tree.Expect: lambda node: f"expect {format_statement(node.condition)}",
    tree.Always: lambda node: f"always {format_statement(node.condition)}",
    tree.Never: lambda node: f"never {format_statement(node.condition)}",
    tree.Thread: _thread,
    tree.Interleave: lambda node: f"{interleave_head(node)} {_braces('; ', map(_thread, node.threads))}",
    tree.Choose: line_of,
}

#: How what a verb takes is written; numbers and attributes as they are.
_OPERANDS: dict[str, Callable[..., str]] = {
    **dict.fromkeys((PATCH, MODULE, LOADABLE, OBJECT, TASK, NEW_TASK), name),
    FUNCTION: function,
    VALUE: value,
}
_WORDING.update({verb.node: _regular(verb) for verb in actions.VERBS if not verb.irregular})
