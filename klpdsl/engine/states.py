"""System states: kernel/livepatch/state.c (v5.5)."""

from __future__ import annotations

from klpdsl.engine.context import Kernel
from klpdsl.world.values import PatchSpec


def klp_is_patch_compatible(k: Kernel, new: PatchSpec) -> bool:
    """Whether the patch can take over every system state that a listed patch has changed.

    A state that it does not know may be left alone unless it replaces; one that it knows must not be older.
    """
    if not k.sem.state_compat:
        return True
    versions: dict[int, int] = {}
    for id_, version in new.states:
        versions.setdefault(id_, version)  # klp_get_state(): the first of that id
    for name in k.w.klp_patches:
        for id_, old_version in k.w.patches[name].states:
            known = versions.get(id_)
            if known is None:
                if new.replace:
                    return False
            elif known < old_version:
                return False
    return True


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
        for other, version in k.w.patches[name].states:
            if other == id_:
                found = version
                break
    return found
