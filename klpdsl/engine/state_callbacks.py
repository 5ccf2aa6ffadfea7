"""Callbacks of system states, as proposed in 2023 to 2026 (state.c of those series); mainline has none.

A state's callbacks run when the first patch brings it and when the last takes it away; what is only handed over from
one patch to another causes none. Where a replacement gives up a state, the callbacks of the replaced patch run.
A target module that comes or goes causes no callback.
"""

from __future__ import annotations

from klpdsl.engine import replace, scope
from klpdsl.engine.context import OK, Kernel
from klpdsl.trace.events import Callback
from klpdsl.world.values import KLP_PATCHED, KLP_UNPATCHED, StateSpec

NAMES = ("pre_patch", "post_patch", "pre_unpatch", "post_unpatch")
_SETUP_NAMES = dict(zip(NAMES, ("setup", "enable", "disable", "release"), strict=True))


def has_callbacks(k: Kernel) -> bool:
    """Whether states have callbacks under these semantics."""
    return k.sem.state_callbacks == "by-patch"


def pre_patch(k: Kernel, name: str) -> str:
    """Before a patch is pushed: its new states' pre_patch, then pre_unpatch of the states that it gives up."""
    if not has_callbacks(k):
        return OK
    for state in k.w.patches[name].states:
        if not _elsewhere(k, name, state.id):
            error = _run(k, name, state, "pre_patch")
            if error != OK:
                if k.sem.state_rollback == "at-once":
                    _undo(k, name, state)
                return error
        _mark(k, name, state.id, done=True)
    if replace.replaces(k, k.w.patches[name]):
        for other, state in _given_up(k, name):
            _run(k, other, state, "pre_unpatch")
        k.set_patch(k.w.patches[name]._replace(took_over=True))
    return OK


def pre_unpatch(k: Kernel, name: str) -> None:
    """Before a patch is disabled: pre_unpatch of the states that nobody else has."""
    for state in k.w.patches[name].states if has_callbacks(k) else ():
        if not _elsewhere(k, name, state.id):
            _run(k, name, state, "pre_unpatch")


def post_unpatch_replaced(k: Kernel, name: str) -> None:
    """In a replacement's completion, once the replaced patches are off: what it gives up is over."""
    if not has_callbacks(k):
        return
    for other, state in _given_up(k, name):
        if state.id in k.w.patches[other].states_done:
            _post_unpatch(k, other, state)
    _hand_over(k, name)


def _hand_over(k: Kernel, name: str) -> None:
    # The kernel frees the replaced patches and forgets them. Here a patch stays known until its module goes, and a
    # state that one which stays has as well is that one's from now on.
    order = k.w.klp_patches
    gone = scope.to_unpatch(k, name, order[: order.index(name)])
    kept = {state.id for other in order if other not in gone for state in k.w.patches[other].states}
    for other in gone:
        p = k.w.patches[other]
        k.set_patch(p._replace(states_done=p.states_done - kept))


def after_transition(k: Kernel, name: str, target: int) -> None:
    """At the end of a transition: post_patch of what is new, or post_unpatch of what is gone."""
    if not has_callbacks(k):
        return
    p = k.w.patches[name]
    if target == KLP_PATCHED:
        for state in p.states:
            if not _elsewhere(k, name, state.id):
                _run(k, name, state, "post_patch")
    elif target == KLP_UNPATCHED:
        if p.took_over:
            # The replacement came to nothing: what was about to be given up is kept.
            for other, state in _given_up(k, name):
                _run(k, other, state, "post_patch")
        for state in p.states:
            if state.id in k.w.patches[name].states_done and not _elsewhere(k, name, state.id):
                _post_unpatch(k, name, state)
    k.set_patch(k.w.patches[name]._replace(took_over=False))


def _elsewhere(k: Kernel, name: str, id_: int) -> bool:
    """Whether another listed patch has the state too."""
    mine = scope.own_set(k.w.patches[name])
    for other in k.w.klp_patches:
        p = k.w.patches[other]
        if other == name or (k.sem.state_callbacks_scope == "same-set" and scope.own_set(p) != mine):
            continue
        if any(state.id == id_ for state in p.states):
            return True
    return False


def _given_up(k: Kernel, name: str) -> list[tuple[str, StateSpec]]:
    """The states of the patches that are replaced which no other patch has, in the order of the list."""
    order = k.w.klp_patches
    return [
        (other, state)
        for other in scope.to_unpatch(k, name, order[: order.index(name)])
        for state in k.w.patches[other].states
        if not _elsewhere(k, other, state.id)
    ]


def _post_unpatch(k: Kernel, name: str, state: StateSpec) -> None:
    _run(k, name, state, "post_unpatch")
    if k.sem.state_shadow and state.shadow:
        from klpdsl.engine import shadow

        shadow.free_all(k, state.id, destructor=True)
    _mark(k, name, state.id, done=False)


def _undo(k: Kernel, name: str, failed: StateSpec) -> None:
    """The states before the one that failed, the latest first."""
    states = k.w.patches[name].states
    for state in reversed(states[: states.index(failed)]):
        if state.id in k.w.patches[name].states_done and not _elsewhere(k, name, state.id):
            _post_unpatch(k, name, state)


def _mark(k: Kernel, name: str, id_: int, *, done: bool) -> None:
    p = k.w.patches[name]
    k.set_patch(p._replace(states_done=p.states_done | {id_} if done else p.states_done - {id_}))


def _run(k: Kernel, name: str, state: StateSpec, which: str) -> str:
    listed = dict.fromkeys(NAMES, OK) if state.callbacks is None else dict(state.callbacks)
    result = listed.get(which)
    if result is None:
        return OK
    if k.emit:
        called = _SETUP_NAMES[which] if k.sem.state_callback_names == "setup" else which
        k.emit(Callback(name, f"state:{state.id}", called, result))
    return result
