"""Simpler forms of a scenario's parts: the single steps that reduction tries.

Every form is smaller by some measure (fewer parts, fewer words, a smaller number), so that trying them comes to an end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from klpdsl.syntax import actions, tree
from klpdsl.syntax.operands import NUMBER, REQUIRED


def simpler(item: tree.Item) -> Iterator[tuple[tree.Item, ...]]:
    """Yield what may stand in place of an item, the biggest step first: nothing at all, its parts, a simpler one."""
    yield ()
    if isinstance(item, tree.Choose):
        yield from item.branches
    elif isinstance(item, tree.Interleave):
        yield tuple(statement for thread in item.threads for statement in thread.body)
    for other in _forms(item):
        yield (other,)


def _forms(node: Any) -> Iterator[Any]:
    """Yield simpler nodes of the same class."""
    form = _FORMS.get(type(node))
    if form is not None:
        yield from form(node)
    elif type(node) in actions.BY_NODE:
        yield from _operands(node)


def _step(node: tree.Step) -> Iterator[tree.Step]:
    if node.result:
        yield node._replace(result="")
    for operation in _forms(node.operation):
        yield node._replace(operation=operation)


def _task_step(node: tree.TaskStep) -> Iterator[tree.TaskStep]:
    if len(node.actions) > 1:
        yield from _fewer(node, "actions", least=1)
    for index, action in enumerate(node.actions):
        for form in _forms(action):
            yield _with(node, "actions", index, form)


def _patch(node: tree.PatchDecl | tree.Load | tree.Apply) -> Iterator[Any]:
    if node.body is not None:
        yield node._replace(body=None)
    yield from _fewer(node, "flags")
    if node.body is not None:
        for body in _fewer(node.body, "items", deep=True):
            yield node._replace(body=body)


def _patch_function(node: tree.PatchFunction) -> Iterator[tree.PatchFunction]:
    if node.immediate:
        yield node._replace(immediate=False)
    if node.sympos:
        yield node._replace(sympos=0)


def _patch_object(node: tree.PatchObject) -> Iterator[tree.PatchObject]:
    if node.srcversion:
        yield node._replace(srcversion="")
    yield from _fewer(node, "functions", least=1, deep=True)


def _callbacks(node: tree.PatchCallbacks) -> Iterator[tree.PatchCallbacks]:
    if node.callbacks is None:
        every = tuple(tree.Callback(name, "", "", "", "", node.span) for name in tree.CALLBACK_NAMES)
        for one in every:
            yield node._replace(callbacks=(one,))
        return
    yield from _fewer(node, "callbacks", least=1, deep=True)


def _set_callbacks(node: tree.SetCallbacks) -> Iterator[tree.SetCallbacks]:
    yield from _fewer(node, "callbacks", least=1, deep=True)


def _shadow(node: tree.Shadow) -> Iterator[tree.Shadow]:
    if node.destructor:
        yield node._replace(destructor=False)
    if node.constructor:
        yield node._replace(constructor="")
    if node.data is not None:
        yield node._replace(data=None)


def _callback(node: tree.Callback) -> Iterator[tree.Callback]:
    if node.errno:
        yield node._replace(errno="")
    if node.reads:
        yield node._replace(reads="")
    if node.takes:
        yield node._replace(takes="")
    if node.gives:
        yield node._replace(gives="")


def _state(node: tree.PatchState) -> Iterator[tree.PatchState]:
    if node.version:
        yield node._replace(version=0)
    if node.block_disable:
        yield node._replace(block_disable=False)
    if node.shadow:
        yield node._replace(shadow=False)
    if node.callbacks is not None:
        yield node._replace(callbacks=None)
        yield from _fewer(node, "callbacks", deep=True)


def _vmlinux(node: tree.VmlinuxDecl) -> Iterator[tree.VmlinuxDecl]:
    yield from _fewer(node, "functions", deep=True)


def _module(node: tree.ModuleDecl) -> Iterator[tree.ModuleDecl]:
    if node.loaded:
        yield node._replace(loaded=False)
    if node.fails:
        yield node._replace(fails="")
    if node.srcversion:
        yield node._replace(srcversion="")
    for field in ("probes", "redirects"):
        yield from _fewer(node, field)
    yield from _fewer(node, "functions", deep=True)


def _function_decl(node: tree.FunctionDecl) -> Iterator[tree.FunctionDecl]:
    if node.notrace:
        yield node._replace(notrace=False)


def _task(node: tree.TaskDecl) -> Iterator[tree.TaskDecl]:
    yield from _fewer(node, "stack")
    if node.running:
        yield node._replace(running=False)
    if node.uninterruptible:
        yield node._replace(uninterruptible=False)
    if node.unreliable:
        yield node._replace(unreliable=False)
    yield from _fewer(node, "flags")
    if node.of:
        yield node._replace(of="")
    elif node.kind == "kthread":
        yield node._replace(kind="user")


def _cpus(node: tree.CpusDecl) -> Iterator[tree.CpusDecl]:
    if node.nohz:
        yield node._replace(nohz=False)
    for number in _smaller_numbers(node.number):
        yield node._replace(number=number)


def _operands(node: Any) -> Iterator[Any]:
    """Leave out what a verb need not be given; make its numbers smaller."""
    for operand in actions.BY_NODE[type(node)].operands:
        given = getattr(node, operand.field)
        if operand.default is REQUIRED or given == operand.default:
            continue
        if operand.kind != NUMBER:
            yield node._replace(**{operand.field: operand.default})
        for number in _smaller_numbers(given, operand.least) if operand.kind == NUMBER else ():
            yield node._replace(**{operand.field: number})


def _smaller_numbers(number: int, least: int = 1) -> Iterator[int]:
    """The least one, then closer and closer to the number: half-way, three quarters of it, …, one less."""
    tried = {number}
    gap = number - least
    while gap > 0:
        if number - gap not in tried:
            yield number - gap
        tried.add(number - gap)
        gap //= 2


def _interleave(node: tree.Interleave) -> Iterator[tree.Interleave]:
    if node.forever > 1:
        yield node._replace(forever=node.forever - 1)
    yield from _fewer(node, "threads", least=1, deep=True)


def _thread(node: tree.Thread) -> Iterator[tree.Thread]:
    yield from _fewer(node, "body", deep=True)


def _choose(node: tree.Choose) -> Iterator[tree.Choose]:
    for index, branch in enumerate(node.branches):
        for shorter in _shorter(branch, 0, deep=True):
            branches = (*node.branches[:index], shorter, *node.branches[index + 1 :])
            yield node._replace(branches=branches)


def _fewer(node: Any, field: str, *, least: int = 0, deep: bool = False) -> Iterator[Any]:
    """Yield the node with parts of a list left out and, where asked for, with simpler parts in it."""
    for shorter in _shorter(getattr(node, field), least, deep=deep):
        yield node._replace(**{field: shorter})


def _shorter(parts: Sequence[Any], least: int, *, deep: bool) -> Iterator[tuple[Any, ...]]:
    size = len(parts)
    while size:
        for end in range(len(parts), 0, -size):
            start = max(0, end - size)
            kept = (*parts[:start], *parts[end:])
            if least <= len(kept) < len(parts):
                yield kept
        size //= 2
    if deep:
        for index, part in enumerate(parts):
            for form in _forms(part):
                yield (*parts[:index], form, *parts[index + 1 :])


def _with(node: Any, field: str, index: int, part: Any) -> Any:
    parts = getattr(node, field)
    return node._replace(**{field: (*parts[:index], part, *parts[index + 1 :])})


_FORMS: dict[type, Callable[[Any], Iterator[Any]]] = {
    tree.Step: _step,
    tree.TaskStep: _task_step,
    tree.PatchDecl: _patch,
    tree.Load: _patch,
    tree.Apply: _patch,
    tree.PatchFunction: _patch_function,
    tree.PatchObject: _patch_object,
    tree.PatchCallbacks: _callbacks,
    tree.Callback: _callback,
    tree.PatchState: _state,
    tree.SetCallbacks: _set_callbacks,
    tree.Shadow: _shadow,
    tree.VmlinuxDecl: _vmlinux,
    tree.ModuleDecl: _module,
    tree.FunctionDecl: _function_decl,
    tree.TaskDecl: _task,
    tree.CpusDecl: _cpus,
    tree.Interleave: _interleave,
    tree.Thread: _thread,
    tree.Choose: _choose,
}


def names_in(node: object) -> set[str]:
    """Return every word in a part of a tree: names of tasks, patches, modules and functions are among them."""
    if isinstance(node, str):
        return {node}
    if isinstance(node, tree.Span) or not isinstance(node, tuple):
        return set()
    return {name for part in node for name in names_in(part)}


def actors(items: Sequence[tree.Item]) -> list[str]:
    """Return the names of the tasks, patches and modules that a scenario is about, in the order of their coming."""
    found: dict[str, None] = {}
    for item in items:
        if isinstance(item, tree.TaskDecl | tree.PatchDecl | tree.ModuleDecl):
            found[item.name] = None
        elif isinstance(item, tree.Step):
            operation = item.operation
            if isinstance(operation, tree.Load | tree.Apply):
                found[operation.name] = None
            elif isinstance(operation, tree.TaskStep):
                found[operation.task] = None
    return list(found)
