"""Who is still inside code that a change has just taken out of force, and why nobody waited for that.

A transition that completes although a task sleeps in the old code is a success that its readers do not expect, and the
kernel says nothing about it: the reason of the step's result does.
"""

from __future__ import annotations

from klpdsl._names import ORIGINAL
from klpdsl.engine import patch
from klpdsl.engine.context import Kernel
from klpdsl.world.values import KLP_UNPATCHED, NO_PATCH, Code, Entry, Func, FuncKey, Patch, Task


def note(k: Kernel, name: str, target: int) -> None:
    """The patch comes into force, or (KLP_UNPATCHED) goes out of it: note which tasks were not waited for."""
    if not any(task.stack for task in k.w.tasks):
        return
    p = k.w.patches[name]
    for obj in p.objects:
        for func in obj.funcs if obj.patched else ():
            key = patch.func_key(obj, func)
            code = _left_behind(k, p, key, func, target)
            for task in k.w.tasks if code is not None else ():
                if code in task.stack:
                    where = f"{key[0]} {key[1]} of {code.owner if code.owner != NO_PATCH else ORIGINAL}"
                    k.surprises.append(f"{task.name} is still inside {where}: {_why(k, p, key, func, task)}")


def _left_behind(k: Kernel, p: Patch, key: FuncKey, func: Func, target: int) -> Code | None:
    """The code that nobody should be in: the patch's own, or the version that it has come to lie on."""
    if target == KLP_UNPATCHED:
        return None if func.nop else Code(*key, p.name, p.generation)
    stack = k.w.func_stacks.get(key, ())
    place = _place(stack, p)
    if place < 0 or (func.nop and place == 0):
        return None
    return patch.entry_code(k, key, stack[place - 1]) if place else patch.original(k, key)


def _place(stack: tuple[Entry, ...], p: Patch) -> int:
    """Where the patch's version stands on a stack; -1 if nowhere."""
    for place, entry in enumerate(stack):
        if (entry.patch, entry.generation) == (p.name, p.generation):
            return place
    return -1


def _why(k: Kernel, p: Patch, key: FuncKey, func: Func, task: Task) -> str:
    if k.sem.system == "klp" and k.sem.consistency == "none":
        return "nothing waits for tasks"
    if k.sem.system == "kpatch":
        return f"'{p.name}' has {func.name} forced"
    if p.immediate:
        return f"'{p.name}' is immediate"
    if func.immediate and k.sem.immediate:
        return f"'{p.name}' has {func.name} immediate"
    if task.reaped:
        return "it has left the task list"
    if k.sem.system != "klp":
        return "it has passed a safe point" if task.kind == "kthread" else "it was forced"
    stack = k.w.func_stacks.get(key, ())
    if len(stack) > 1 and _place(stack, p) == 0:
        return "klp_check_stack_func() takes the head of the list for a version"
    if not k.w.ftrace_enabled and k.sem.ftrace_sysctl == "free":
        return "kernel.ftrace_enabled has switched the handlers off"
    return "it was forced"
