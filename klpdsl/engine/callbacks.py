"""(Un)patch callbacks: the klp_pre_patch_callback() family of kernel/livepatch/core.h (v4.15)."""

from __future__ import annotations

from klpdsl.engine import debts, state_callbacks
from klpdsl.engine.context import OK, SUCCESS, Kernel, Outcome, unsupported
from klpdsl.engine.patch import set_object
from klpdsl.engine.states import klp_get_prev_state
from klpdsl.trace.events import Callback, StateFound
from klpdsl.world.values import KLP_PATCHED, KLP_UNPATCHED, Object


def klp_pre_patch_callback(k: Kernel, name: str, index: int) -> str:
    """Run pre_patch; only an object for which it succeeded will see post_unpatch."""
    if not k.sem.callbacks or not k.sem.object_callbacks:
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
    state_callbacks.after_transition(k, name, target)
    for index, obj in enumerate(k.w.patches[name].objects):
        if not obj.loaded:
            continue
        if target == KLP_PATCHED:
            klp_post_patch_callback(k, name, index)
        elif target == KLP_UNPATCHED:
            klp_post_unpatch_callback(k, name, index)


def set_results(k: Kernel, name: str, object_name: str, results: dict[str, str]) -> Outcome:
    """Let callbacks of an object end differently from now on, as their module's parameters may make them."""
    if not k.sem.callbacks:
        return unsupported("callbacks")
    patch = k.w.patches.get(name)
    if patch is None:
        return Outcome("ENOENT", f"module {name} is not loaded")
    for index, obj in enumerate(patch.objects):
        if obj.name == object_name:
            changed = tuple((which, results.get(which, result)) for which, result in obj.callbacks)
            set_object(k, name, index, obj._replace(callbacks=changed))
    return SUCCESS


def _run(k: Kernel, name: str, obj: Object, which: str) -> str:
    for callback, result in obj.callbacks if k.sem.object_callbacks else ():
        if callback == which:
            if k.emit or k.watch:
                k.tell(Callback(name, obj.name, which, result))
                _tell_states(k, name)
            if obj.debts and result == OK:
                debts.callback_ran(k, name, obj, which)
            return result
    return OK


def _tell_states(k: Kernel, name: str) -> None:
    # What the callback can find out about the states that its patch changes.
    if not k.sem.states or not k.emit:
        return
    for state in k.w.patches[name].states:
        k.emit(StateFound(name, state.id, state.version, klp_get_prev_state(k, state.id)))
