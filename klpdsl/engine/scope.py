"""Whom a replacement retires: all other patches (v5.1), or those that the proposals of 2024 to 2026 pick out.

They differ in what picks a patch out (a flag of its own, the number of its set, a list in the replacing patch), in
when that is looked at, and in what is said of a function that a patch has which stays. Nothing else in the engine
knows of these differences.
"""

from __future__ import annotations

from klpdsl.engine.context import Kernel
from klpdsl.semantics.axes import NUMBERED
from klpdsl.world.values import Func, FuncSpec, Patch, PatchSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def own_set(patch: Patch | PatchSpec) -> int:
    """The number of a patch's set; a boolean that became a number is 0 or 1."""
    return patch.replace_sets[0] if patch.replace_sets else int(patch.replace)


def numbered_replaces(k: Kernel, patch: Patch | PatchSpec) -> bool:
    """Whether a patch replaces anybody, where patches have numbers."""
    zero_is_plain = k.sem.replace_scope == "tag" or k.sem.set_zero == "none"
    return own_set(patch) != 0 or not zero_is_plain


def retires(k: Kernel, new: Patch | PatchSpec, old: Patch) -> bool:
    """Whether the replacing patch is to retire the other one, as things are now."""
    scope = k.sem.replace_scope
    if scope == "replaceable":
        return bool(old.replaceable) and not (k.sem.set_conflict == "replace" and not _share(k, new, old))
    if k.sem.set_conflict == "replace":
        return _share(k, new, old)
    if scope in NUMBERED and not numbered_replaces(k, new):
        return False
    if scope == "tag":
        return own_set(old) in (0, own_set(new))
    if scope == "set":
        return own_set(old) == own_set(new)
    if scope == "sets":
        return own_set(old) in (own_set(new), *new.replace_sets, *new.override)
    return True


# --- the three moments at which it is asked -------------------------------------------------------------------


def settled_at_load(k: Kernel, new: Patch) -> tuple[str, ...]:
    """The patches that are retired later whatever happens until then; nobody, where each moment looks for itself."""
    if k.sem.replaceable_read == "each":
        return ()
    return tuple(name for name in k.w.klp_patches if retires(k, new, k.w.patches[name]))


def gets_nops(k: Kernel, new: Patch, old: Patch) -> bool:
    """Whether the functions of the old patch get no-ops; under a tag those of patches that stay get them too."""
    return k.sem.replace_scope == "tag" or _chosen(k, new, old, final=False)


def to_unpatch(k: Kernel, name: str, swept: Iterable[str]) -> list[str]:
    """Of the patches that a completed replacement goes through, those that it takes off their functions."""
    new = k.w.patches[name]
    return [other for other in swept if _chosen(k, new, k.w.patches[other], final=False)]


def to_free(k: Kernel, name: str, before: Iterable[str]) -> list[str]:
    """Of the patches before a completed replacement, those that it frees."""
    new = k.w.patches[name]
    return [other for other in before if _chosen(k, new, k.w.patches[other], final=True)]


def _chosen(k: Kernel, new: Patch, old: Patch, *, final: bool) -> bool:
    read = k.sem.replaceable_read
    if read == "each" or (read == "late-free" and final):
        return retires(k, new, old)
    return old.name in new.retires


def forced_with(k: Kernel, name: str) -> tuple[str, ...]:
    """Whom a forced replacement pins: those whose code somebody may still be in, as far as the rule knows."""
    new = k.w.patches[name]
    if k.sem.set_force == "others":
        return tuple(other for other in k.w.klp_patches if other != name)
    same = [other for other in k.w.klp_patches if other != name and retires(k, new, k.w.patches[other])]
    return (*same, name) if k.sem.set_force == "same-set-and-self" else tuple(same)


# --- what two patches have in common --------------------------------------------------------------------------


def klp_find_func(k: Kernel, func: Func | FuncSpec, old_func: Func) -> bool:
    """Whether two entries mean the same function of an object (klp_find_func() of core.c)."""
    if func.name != old_func.name:
        return False
    if k.sem.sympos_match == "zero-is-one":
        return (func.sympos or 1) == (old_func.sympos or 1)
    return func.sympos == old_func.sympos


def same_set(k: Kernel, new: PatchSpec, old: Patch) -> bool:
    """Whether two patches belong together: nothing of one is then in the other's way."""
    return own_set(new) == own_set(old) or retires(k, new, old)


def conflicts(k: Kernel, new: PatchSpec) -> bool:
    """Whether a patch that is being loaded has a function of one that stays, where that is refused.

    The patch's own functions are compared, as it has no no-ops yet; of the others, the no-ops of the moment count
    too where the axis says so.
    """
    if k.sem.set_conflict not in ("refuse", "refuse-static"):
        return False
    for name in k.w.klp_patches:
        old = k.w.patches[name]
        together = same_set(k, new, old) if k.sem.replace_scope in NUMBERED else retires(k, new, old)
        if not together and _share(k, new, old):
            return True
    return False


def _share(k: Kernel, new: Patch | PatchSpec, old: Patch) -> bool:
    with_nops = k.sem.set_conflict == "refuse"
    return any(
        klp_find_func(k, func, old_func)
        for obj in new.objects
        for old_obj in old.objects
        if obj.name == old_obj.name
        for func in obj.funcs
        if isinstance(func, FuncSpec) or not func.nop
        for old_func in old_obj.funcs
        if with_nops or not old_func.nop
    )
