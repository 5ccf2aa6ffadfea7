"""System states: kernel/livepatch/state.c (v5.5)."""

from __future__ import annotations

from klpdsl.engine import replace, scope
from klpdsl.engine.context import Kernel
from klpdsl.world.values import Patch, PatchSpec


def klp_is_patch_compatible(k: Kernel, new: PatchSpec) -> bool:
    """Whether the patch can take over every system state that a listed patch has changed.

    A state that it does not know may be left alone unless it replaces; one that it knows must not be older.
    """
    if not k.sem.state_compat:
        return True
    if k.sem.state_rule == "block-disable":
        return _gives_up_nothing_blocked(k, new)
    versions: dict[int, int] = {}
    for state in new.states:
        versions.setdefault(state.id, state.version)  # klp_get_state(): the first of that id
    for name in k.w.klp_patches:
        old = k.w.patches[name]
        for state in old.states:
            known = versions.get(state.id)
            if k.sem.set_states == "isolated" and not scope.same_set(k, new, old):
                if known is not None:
                    return False
            elif known is None:
                # Outside its set a patch takes nothing over; `mainline` does not ask whose state it is.
                if replace.replaces_spec(k, new) and (
                    k.sem.set_states == "mainline" or scope.same_set(k, new, old)
                ):
                    return False
            elif known < state.version:
                return False
    return True


def _gives_up_nothing_blocked(k: Kernel, new: PatchSpec) -> bool:
    """As proposed in 2025: a replacing patch may give up any state but one that is marked `block_disable`."""
    if not replace.replaces_spec(k, new):
        return True
    known = {state.id for state in new.states}
    return not any(
        state.block_disable and state.id not in known
        for name in k.w.klp_patches
        for state in k.w.patches[name].states
    )


def blocks_disable(k: Kernel, p: Patch) -> bool:
    """Whether the patch has a state that cannot be given up, so that it may not be disabled either."""
    return k.sem.state_rule == "block-disable" and any(state.block_disable for state in p.states)


def klp_get_prev_state(k: Kernel, id_: int) -> int | None:
    """The version that the latest patch before the one in transition has of a state; None where none has it.

    Outside a transition the kernel warns whoever asks (once, WARN_ON_ONCE()) and says NULL.
    """
    if not k.w.transition_patch:
        return None
    found: int | None = None
    for name in k.w.klp_patches:
        if name == k.w.transition_patch:
            break
        for state in k.w.patches[name].states:
            if state.id == id_:
                found = state.version
                break
    return found
