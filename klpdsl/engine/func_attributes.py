"""Attributes of a function's directory, as proposed in 2024: `called` and `using`. Mainline has none.

What is stored is an entry in sysfs that changes, and gives events; what is computed when it is read gives none.
"""

from __future__ import annotations

from klpdsl.engine.context import Kernel
from klpdsl.world.values import KLP_PATCHED, NO_PATCH, Code, Func, FuncKey, Object, Patch

IN_FLUX = -1


def value(k: Kernel, patch: Patch, obj: Object, func: Func) -> str:
    """What the attribute of a function says now."""
    if k.sem.func_attr == "called":
        return str(int(func.called))
    if k.sem.using_rule == "stored":
        return str(func.using)
    if k.sem.using_rule == "global" and k.w.transition_patch:
        return str(IN_FLUX)
    mine = [
        entry
        for entry in k.w.func_stacks.get(_key(obj, func), ())[-1:]
        if (entry.patch, entry.generation) == (patch.name, patch.generation)
    ]
    return str(IN_FLUX) if patch.transition else str(len(mine))


def note_call(k: Kernel, code: Code) -> None:
    """The handler redirects a call to a patch's version: its `called` is 1 from now on. A no-op redirects nothing."""
    if k.sem.func_attr == "called" and code.owner != NO_PATCH:
        _change(k, code.owner, (code.object, code.function, code.position), called=True)


def pushed(k: Kernel, key: FuncKey) -> None:
    """A version was put on a function's stack: it and the one below are in flux."""
    if _stored(k):
        for entry in k.w.func_stacks.get(key, ())[-2:]:
            _change(k, entry.patch, key, using=IN_FLUX)


def popped(k: Kernel, key: FuncKey) -> None:
    """A version was taken off a function's stack: what is on top now is in flux."""
    if _stored(k):
        for entry in k.w.func_stacks.get(key, ())[-1:]:
            _change(k, entry.patch, key, using=IN_FLUX)


def completed(k: Kernel, name: str, target: int) -> None:
    """A transition is complete. After an un-patching the top of each stack counts as used, whoever was popped."""
    if not _stored(k):
        return
    for obj in k.w.patches[name].objects:
        for func in obj.funcs:
            key = _key(obj, func)
            stack = k.w.func_stacks.get(key, ())
            if target == KLP_PATCHED:
                _change(k, name, key, using=1)
                for entry in stack[-2:-1]:
                    _change(k, entry.patch, key, using=0)
            else:
                for entry in stack[-1:]:
                    _change(k, entry.patch, key, using=1)


def _stored(k: Kernel) -> bool:
    return k.sem.func_attr == "using" and k.sem.using_rule == "stored"


def _key(obj: Object, func: Func) -> FuncKey:
    return (func.found_in or obj.name, func.name, func.sympos or 1)


def _change(
    k: Kernel, name: str, key: FuncKey, *, called: bool | None = None, using: int | None = None
) -> None:
    patch = k.w.patches.get(name)
    if patch is None:
        return
    objects = list(patch.objects)
    for i, obj in enumerate(objects):
        for j, func in enumerate(obj.funcs):
            if _key(obj, func) != key:
                continue
            new = func if called is None else func._replace(called=called)
            new = new if using is None else new._replace(using=using)
            if new != func:
                objects[i] = obj._replace(funcs=(*obj.funcs[:j], new, *obj.funcs[j + 1 :]))
                value_ = int(new.called) if using is None else new.using
                k.sysfs(f"{name}/{obj.name}/{func.name},{func.sympos or 1}/{k.sem.func_attr}", str(value_))
    k.set_patch(patch._replace(objects=tuple(objects)))
