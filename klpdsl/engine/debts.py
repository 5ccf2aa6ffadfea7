"""What callbacks take and have to give back, and shadow variables that belong to a patch or a state.

Livepatch knows nothing of either: a reference on something, a timer that was armed, memory beside an object. What was
taken has to be given back by some callback that still runs: where a patch is replaced, only those of the new one do.
"""

from __future__ import annotations

from klpdsl.engine.context import Kernel
from klpdsl.trace.events import Violation
from klpdsl.world.values import Object, Patch

Found = list[tuple[tuple[object, ...], Violation]]


def callback_ran(k: Kernel, name: str, obj: Object, callback: str) -> None:
    """A callback has succeeded: it holds what it takes, and what it gives back is nobody's any more."""
    for which, way, thing in obj.debts:
        if which != callback:
            continue
        if way == "takes":
            k.w.owed += ((thing, name),)
            continue
        held = [place for place, (what, _) in enumerate(k.w.owed) if what == thing]
        if held:
            k.w.owed = k.w.owed[: held[-1]] + k.w.owed[held[-1] + 1 :]
        else:
            k.w.overpaid = (thing, name, callback)


def unbalanced(k: Kernel) -> Found:
    """What was taken and nobody in force will give back, or given back and not held by anybody."""
    found: Found = []
    if k.w.overpaid:
        thing, name, callback = k.w.overpaid
        text = f"{callback} of '{name}' gives back {thing}, which nobody holds: klp_complete_transition() asks nobody"
        found.append((("unbalanced", thing, name, callback), Violation("unbalanced", text)))
    if k.w.transition_patch:
        return found
    for thing, name in k.w.owed:
        if not any(_gives(k, patch, thing) for patch in k.w.patches.values() if patch.enabled):
            text = f"'{name}' took {thing}, and no callback that still runs gives it back"
            text += ": klp_complete_transition() runs those of the patch in transition alone"
            found.append((("unbalanced", thing, name), Violation("unbalanced", text)))
    return found


def _gives(k: Kernel, patch: Patch, thing: str) -> bool:
    return any(
        way == "gives" and what == thing
        for obj in patch.objects
        if k.sem.callbacks and k.sem.object_callbacks
        for _, way, what in obj.debts
    )


def orphan_shadows(k: Kernel) -> Found:
    """Shadow variables whose owner is out of force, and whose state, if it has one, nobody in force has."""
    if k.w.transition_patch:
        return []
    states = {state.id for patch in k.w.patches.values() if patch.enabled for state in patch.states}
    found: Found = []
    for (obj, id_), owner in sorted(k.w.shadow_owners.items()):
        patch = k.w.patches.get(owner)
        if (obj, id_) not in k.w.shadow or id_ in states or (patch is not None and patch.enabled):
            continue
        text = (
            f"the shadow variable <{obj}, {id_:x}> was '{owner}'s, which is out of force, and nobody frees it"
        )
        found.append(
            (("leak", "shadow", obj, id_, owner), Violation("leak", f"{text} (klp_shadow_free_all())"))
        )
    return found
