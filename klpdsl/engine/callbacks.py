"""(Un)patch callbacks: the klp_pre_patch_callback() family of kernel/livepatch/core.h (v4.15)."""

from __future__ import annotations

from klpdsl.engine.context import OK, Kernel
from klpdsl.engine.patch import set_object
from klpdsl.trace.events import Callback
from klpdsl.world.values import KLP_PATCHED, KLP_UNPATCHED, Object


def klp_pre_patch_callback(k: Kernel, name: str, index: int) -> str:
    """Run pre_patch; only an object for which it succeeded will see post_unpatch."""
    if not k.sem.callbacks:
        return OK
    obj = k.w.patches[name].objects[index]
    result = _run(k, name, obj, "pre_patch")
    set_object(k, name, index, obj._replace(post_unpatch_enabled=result == OK))
    return result


def klp_post_patch_callback(k: Kernel, name: str, index: int) -> None:
    """Run post_patch."""
    _run(k, name, k.w.patches[name].objects[index], "post_patch")


def klp_pre_unpatch_callback(k: Kernel, name: str, index: int) -> None:
    """Run pre_unpatch."""
    _run(k, name, k.w.patches[name].objects[index], "pre_unpatch")


def klp_post_unpatch_callback(k: Kernel, name: str, index: int) -> None:
    """Run post_unpatch when pre_patch succeeded."""
    obj = k.w.patches[name].objects[index]
    if not obj.post_unpatch_enabled:
        return
    _run(k, name, obj, "post_unpatch")
    if k.sem.post_unpatch_flag == "once":
        set_object(k, name, index, obj._replace(post_unpatch_enabled=False))


def after_transition(k: Kernel, name: str, target: int) -> None:
    """The callbacks at the end of klp_complete_transition(), for the objects that are loaded, in order."""
    if not k.sem.callbacks:
        return
    for index, obj in enumerate(k.w.patches[name].objects):
        if not obj.loaded:
            continue
        if target == KLP_PATCHED:
            klp_post_patch_callback(k, name, index)
        elif target == KLP_UNPATCHED:
            klp_post_unpatch_callback(k, name, index)


def _run(k: Kernel, name: str, obj: Object, which: str) -> str:
    for callback, result in obj.callbacks:
        if callback == which:
            if k.emit:
                k.emit(Callback(name, obj.name, which, result))
            return result
    return OK
