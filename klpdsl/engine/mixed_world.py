"""The property `mixed-world`: a patch's new code runs while somebody can still run the old code of its functions.

Every transition of the consistency model has such moments; what it promises is only that no task mixes the two. For who
changes the meaning of data that is not enough. So the property is judged in scenarios that name it, and nowhere else.
"""

from __future__ import annotations

from klpdsl.engine import patch, transition
from klpdsl.engine.context import Kernel
from klpdsl.engine.transition import owner_name
from klpdsl.trace.events import Call, Violation
from klpdsl.world.values import NO_PATCH, Code, Func, Object, Patch, Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "mixed-world"


def judge(k: Kernel, event: Call) -> list[tuple[tuple[object, ...], Violation]]:
    """What a call brings about: at most one violation for each patch whose code the caller runs now."""
    caller = k.w.tasks[k.w.task_index(event.task)]
    code = caller.stack[-1] if caller.stack else None
    if code is None:
        return []
    p = k.w.patches.get(code.owner) if code.owner != NO_PATCH else None
    if p is not None and p.generation == code.generation:
        # New code runs: who is left with the old?
        for task in k.w.tasks:
            if task is not caller and (old := _can_run_old(k, p, task)):
                return [_violation(p, event.task, _said(code), task.name, old)]
        return []
    # Old code runs: of a patch whose new code somebody is in already.
    for p in k.w.patches.values():
        if code in _old_of(k, p):
            for task in k.w.tasks:
                new = next(
                    (c for c in task.stack if c.owner == p.name and c.generation == p.generation), None
                )
                if task is not caller and new is not None:
                    return [_violation(p, task.name, _said(new), event.task, _said(code))]
    return []


def _violation(
    p: Patch, new_task: str, new: str, old_task: str, old: str
) -> tuple[tuple[object, ...], Violation]:
    text = f"{new_task} runs {new} while {old_task} can still run {old}"
    text += ": klp_ftrace_handler() goes by each task's own state"
    return (NAME, p.name, p.generation), Violation(NAME, text)


def _can_run_old(k: Kernel, p: Patch, task: Task) -> str:
    """What old code of the patch's functions the task is in, or would run if it called one now; empty if none."""
    old = _old_of(k, p)
    for code in task.stack:
        if code in old:
            return _said(code)
    if task.kind == "idle":
        return ""
    task = transition.caught_up(k, task)
    for obj in p.objects:
        for func in obj.funcs if obj.patched else ():
            key = patch.func_key(obj, func)
            if patch.in_memory(k, key):
                code = patch.klp_ftrace_handler(k, key, task)
                if code in old:
                    return _said(code)
    return ""


def _old_of(k: Kernel, p: Patch) -> set[Code]:
    """The versions below the patch's own, of all functions that it has on a stack now."""
    return {
        code for obj in p.objects for func in obj.funcs if func.patched for code in _below(k, p, obj, func)
    }


def _below(k: Kernel, p: Patch, obj: Object, func: Func) -> Iterator[Code]:
    key = patch.func_key(obj, func)
    if not func.nop:
        yield patch.original(k, key)
    for entry in k.w.func_stacks.get(key, ()):
        if entry.patch == p.name:
            return
        yield patch.entry_code(k, key, entry)


def _said(code: Code) -> str:
    return (
        f"{owner_name(code)}'s {code.function}" if code.owner != NO_PATCH else f"the original {code.function}"
    )
