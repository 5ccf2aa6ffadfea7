"""Atomic replace: no-ops, replaced patches, and what becomes of either.

In mainline this is klp_add_nops(), klp_unpatch_replaced_patches() and klp_discard_nops() of core.c (v5.1); the
axes cover what was proposed on the way there as well (`docs/atomic-replace.md`).
"""

from __future__ import annotations

from klpdsl.engine import free, kobjects, scope
from klpdsl.engine import patch as patching
from klpdsl.engine.context import Kernel
from klpdsl.engine.scope import klp_find_func
from klpdsl.engine.sysfs import func_dir
from klpdsl.semantics.axes import NUMBERED
from klpdsl.world.values import KLP_PATCHED, VMLINUX, Entry, Func, Object, Patch, PatchSpec


def replaces(k: Kernel, patch: Patch) -> bool:
    """Whether a patch retires the earlier ones when its transition completes."""
    if k.sem.replace_scope in NUMBERED:
        return scope.numbered_replaces(k, patch)
    return k.sem.replace == "always" or (k.sem.replace in ("patch", "sysctl") and patch.replace)


def replaces_spec(k: Kernel, spec: PatchSpec) -> bool:
    """Whether a patch that is not loaded yet would replace."""
    if k.sem.replace_scope in NUMBERED:
        return scope.numbered_replaces(k, spec)
    if k.sem.replace == "sysctl":
        return k.w.livepatch_mode
    return k.sem.replace == "always" or (k.sem.replace == "patch" and spec.replace)


# --- no-ops ---------------------------------------------------------------------------------------------------


def klp_add_nops(k: Kernel, patch: Patch) -> Patch:
    """Give a replacing patch a no-op for every function of the other patches that it does not patch itself."""
    objects = list(patch.objects)
    for other in k.w.klp_patches:
        old = k.w.patches[other]
        if other == patch.name or (k.sem.nop_create == "enable" and not old.enabled):
            continue
        if not scope.gets_nops(k, patch, old):
            continue
        for old_obj in old.objects:
            _klp_add_object_nops(k, objects, old_obj)
    return patch._replace(objects=tuple(objects))


def _klp_add_object_nops(k: Kernel, objects: list[Object], old_obj: Object) -> None:
    index = next((i for i, obj in enumerate(objects) if obj.name == old_obj.name), None)
    if index is None:
        loaded = old_obj.name == VMLINUX
        objects.append(Object(old_obj.name, (), dynamic=True, loaded=loaded, srcversion=old_obj.srcversion))
        index = len(objects) - 1
    obj = objects[index]
    for old_func in old_obj.funcs:
        if any(klp_find_func(k, func, old_func) for func in obj.funcs):
            continue
        immediate = _nop_immediate(k, old_obj.name, old_func)
        obj = obj._replace(funcs=(*obj.funcs, Func(old_func.name, old_func.sympos, immediate, nop=True)))
    objects[index] = obj


def _nop_immediate(k: Kernel, object_name: str, func: Func) -> bool:
    if k.sem.nop_immediate == "none":
        return False
    below = [
        patch.immediate or f.immediate
        for patch in (k.w.patches[name] for name in k.w.klp_patches)
        if patch.enabled
        for obj in patch.objects
        if obj.name == object_name
        for f in obj.funcs
        if klp_find_func(k, f, func)
    ]
    if not below:
        return False
    if k.sem.nop_immediate == "any":
        return any(below)
    return below[0] if k.sem.nop_immediate == "oldest" else below[-1]


def klp_discard_nops(k: Kernel, name: str) -> None:
    """Take a finished replacement's no-ops off the stacks: nothing is left for them to cover."""
    if k.sem.nop_free == "with-patch":
        return
    patching.klp_unpatch_objects(k, name, nops_only=True)
    if k.sem.nop_free == "completion":
        free_nops(k, name)


def free_nops_at_finish(k: Kernel, name: str, target: int) -> None:
    """Free the no-ops at the end of a transition, where the semantics say so."""
    if k.sem.nop_free == "finish" or (k.sem.nop_free == "patched+unregister" and target == KLP_PATCHED):
        free_nops(k, name)


def free_nops(k: Kernel, name: str) -> None:
    """klp_free_objects_dynamic(): no-ops and objects that were made for them go, in sysfs too."""
    patch = k.w.patches[name]
    kept: list[Object] = []
    for obj in patch.objects:
        for func in obj.funcs:
            if func.nop and patch.kobj:
                kobjects.release(k, f"{name}/{obj.name}/{func_dir(k, func)}/", nop=True)
        if not obj.dynamic:
            kept.append(obj._replace(funcs=tuple(func for func in obj.funcs if not func.nop)))
        elif patch.kobj:
            kobjects.release(k, f"{name}/{obj.name}/", nop=True)
    k.set_patch(patch._replace(objects=tuple(kept)))


def nops_held(k: Kernel, name: str) -> bool:
    """Whether somebody still holds the directory of one of the patch's no-ops that were freed."""
    return any(path.startswith(f"{name}/") for path in k.w.released)


# --- replaced patches -----------------------------------------------------------------------------------------


def klp_unpatch_replaced_patches(k: Kernel, name: str) -> tuple[str, ...]:
    """Retire the patches that the given one replaces; returns those that were enabled, in the order of the walk."""
    if k.sem.retire == "keep":
        return ()
    retired: list[str] = []
    for other in scope.to_unpatch(k, name, _swept(k, name)):
        old = k.w.patches[other]
        if old.enabled or k.sem.replace_loop == "preds-unguarded" or k.sem.enabled_clear == "start-all":
            retired.append(other)
        if k.sem.retire == "free":
            if old.enabled:
                k.set_enabled(old, False)
            patching.klp_unpatch_objects(k, other)
            _settle_put(k, name, other)
            if k.sem.put_when != "after-post-patch":
                free.klp_free_patch_async(k, other)
            continue
        # The postings before the single-call API: off the functions first, then the flags, then the reference.
        patching.klp_unpatch_objects(k, other)
        if old.enabled:
            k.set_enabled(k.w.patches[other], False)
        k.set_patch(k.w.patches[other]._replace(retired=True))
        if k.sem.retire != "flag":
            free.unlist(k, other)
        if k.sem.put_when == "first" and other in retired:
            put_replaced(k, name, (other,))
    return tuple(retired)


def _swept(k: Kernel, name: str) -> list[str]:
    order = k.w.klp_patches
    before = list(order[: order.index(name)])
    loop = k.sem.replace_loop
    if loop == "none":
        return []
    if loop == "preds-unguarded":
        return before[::-1]
    if loop == "preds" and k.sem.enabled_clear == "start-all":
        # Their flags were cleared when the transition started: those that are still on the functions are meant.
        return [other for other in before[::-1] if any(obj.patched for obj in k.w.patches[other].objects)]
    if loop == "preds":
        chosen = before[::-1]
    elif loop == "others":
        chosen = [other for other in order if other != name]
    else:
        chosen = before
    if loop == "all-before" and (k.sem.retire == "free" or k.sem.sweep_disabled):
        return chosen
    return [other for other in chosen if k.w.patches[other].enabled]


def put_replaced(k: Kernel, name: str, retired: tuple[str, ...]) -> None:
    """Give back the module references of replaced patches, as far as the axis `put` allows."""
    if k.sem.retire == "free":
        return  # the work that frees a patch does it
    for other in retired:
        if _may_put(k, k.w.patches[name], k.w.patches[other]):
            k.module_put(other)
        else:
            k.keep_for_ever(other)


def _settle_put(k: Kernel, name: str, other: str) -> None:
    """Whether the work that frees a replaced patch will put its module: it does unless the patch counts as forced."""
    old = k.w.patches[other]
    pinned = not _may_put(k, k.w.patches[name], old)
    if pinned != old.forced:
        k.set_patch(old._replace(forced=pinned))


def _may_put(k: Kernel, new: Patch, old: Patch) -> bool:
    put = k.sem.put
    if put == "always":
        return True
    if put == "never":
        return False
    if put == "forced":
        return not old.forced and not k.w.klp_forced
    if put == "forced-sticky":
        return not k.w.klp_forced
    if put == "chain":
        return not _chain_is_immediate(k, new, old)
    nops = [(obj.name, func) for obj in new.objects for func in obj.funcs if func.nop]
    related = [
        func
        for obj_name, func in nops
        if put == "coarse"
        or any(o.name == obj_name and any(klp_find_func(k, f, func) for f in o.funcs) for o in old.objects)
    ]
    return not new.immediate and not any(func.immediate for func in related)


def _chain_is_immediate(k: Kernel, new: Patch, old: Patch) -> bool:
    # A module may go only when, for each of its functions, every version that ever covered it had to wait for
    # the tasks inside the version below.
    for obj in old.objects:
        for func in obj.funcs:
            key = patching.func_key(obj, func)
            if any(entry.immediate for entry in _covering(k, key, old, new)):
                return True
    return False


def _covering(k: Kernel, key: tuple[str, str, int], old: Patch, new: Patch) -> list[Entry]:
    entries: list[Entry] = []
    for patch in sorted(k.w.patches.values(), key=lambda p: p.generation):
        if patch.generation <= old.generation or patch.generation > new.generation:
            continue
        for obj in patch.objects:
            for func in obj.funcs:
                if patching.func_key(obj, func) == key:
                    immediate = func.immediate or patch.immediate
                    entries.append(Entry(patch.name, patch.generation, func.nop, immediate))
    return entries


def after_completion(k: Kernel, name: str) -> None:
    """What klp_try_complete_transition() does once the transition is over: free what it left behind (v5.1)."""
    if k.sem.disabled_patch != "free":
        return
    patch = k.w.patches[name]
    if not patch.enabled:
        free.klp_free_patch_async(k, name)
    elif replaces(k, patch) and k.sem.put_when == "after-post-patch":
        order = k.w.klp_patches
        for other in scope.to_free(k, name, order[: order.index(name)]):
            free.klp_free_patch_async(k, other)
