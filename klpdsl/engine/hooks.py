"""Target modules that come and go: klp_module_coming() and klp_module_going() of core.c (module notifiers to v4.5)."""

from __future__ import annotations

from klpdsl.engine import callbacks, modules, patch, relocations
from klpdsl.engine.context import OK, Kernel, errno_number
from klpdsl.world.values import VMLINUX


def klp_module_coming(k: Kernel, module: str) -> str:
    """Patch a module that is being loaded. Returns `0`, or the errno that refuses the module."""
    if module == VMLINUX and k.sem.vmlinux_ko == "refused":
        k.pr_err("vmlinux.ko: invalid module name")
        return "EINVAL"
    for name in k.w.klp_patches:
        index = _object_index(k, name, module)
        if index < 0:
            continue
        if modules.is_meant(k, k.w.patches[name].objects[index]):
            _set_loaded(k, name, index, True)
            error = _apply(k, name, index, module)
        elif k.sem.object_identity == "srcversion-skip":
            continue
        else:
            error = k.refuse("EINVAL", f"{module}: {modules.OTHER_BUILD}")
        if error == OK:
            continue
        if k.sem.coming_failure != "refuse":
            # The notifier has no way to refuse the module: it loads, unpatched.
            if k.sem.coming_failure == "warn-reset":
                _set_loaded(k, name, index, False)
                k.pr_warn(f"patch '{name}' is in an inconsistent state!")
            continue
        k.pr_warn(f"patch '{name}' failed for module '{module}', refusing to load module '{module}'")
        # Up to v4.13 klp_free_object_loaded() forgets the module for the failing object; v4.14 lost that.
        if k.sem.coming_unwind == "failing" or k.sem.coming_failure_mod == "cleared":
            _set_loaded(k, name, index, False)
        if k.sem.coming_unwind == "all":
            _cleanup(k, module, limit=name)
        return error
    return OK


def klp_module_going(k: Kernel, module: str) -> None:
    """Unpatch a module that is being removed; its exit has run already."""
    _cleanup(k, module, limit="")


def _apply(k: Kernel, name: str, index: int, module: str) -> str:
    obj = k.w.patches[name].objects[index]
    error = relocations.klp_init_object_loaded(k, name, obj)
    if error != OK:
        if k.sem.coming_failure == "warn":
            k.pr_warn(f"failed to apply patch '{name}' to module '{module}' ({errno_number(error)})")
        else:
            k.pr_warn(f"failed to initialize patch '{name}' for module '{module}' ({errno_number(error)})")
        return error
    if not _acts(k, name):
        return OK
    k.pr_notice(f"applying patch '{name}' to loading module '{module}'")
    error = callbacks.klp_pre_patch_callback(k, name, index)
    if error != OK:
        k.pr_warn(f"pre-patch callback failed for object '{module}'")
        return error
    error = patch.klp_patch_object(k, k.w.patches[name], index)
    if error != OK:
        k.pr_warn(f"failed to apply patch '{name}' to module '{module}' ({errno_number(error)})")
        callbacks.klp_post_unpatch_callback(k, name, index)
        return error
    if name != k.w.transition_patch and k.sem.callbacks:
        callbacks.klp_post_patch_callback(k, name, index)
    return OK


def _cleanup(k: Kernel, module: str, limit: str) -> None:
    """klp_cleanup_module_patches_limited(): revert every patch listed before `limit` (all, when it is empty)."""
    for name in k.w.klp_patches:
        if name == limit:
            return
        index = _object_index(k, name, module)
        if index < 0 or not modules.is_meant(k, k.w.patches[name].objects[index]):
            continue
        if _acts(k, name):
            if k.sem.callbacks and name != k.w.transition_patch:
                callbacks.klp_pre_unpatch_callback(k, name, index)
            k.pr_notice(f"reverting patch '{name}' on unloading module '{module}'")
            patch.klp_unpatch_object(k, name, index)
            callbacks.klp_post_unpatch_callback(k, name, index)
        # Written when the module came, whether the patch was enabled then or not.
        relocations.klp_clear_object_relocs(k, name, module)
        _set_loaded(k, name, index, False)


def _acts(k: Kernel, name: str) -> bool:
    return k.sem.module_hooks == "listed" or k.w.patches[name].enabled or name == k.w.transition_patch


def _object_index(k: Kernel, name: str, module: str) -> int:
    """The patch's first object of that name, -1 when it has none."""
    for index, obj in enumerate(k.w.patches[name].objects):
        if obj.name == module and module != VMLINUX:
            return index
    return -1


def _set_loaded(k: Kernel, name: str, index: int, loaded: bool) -> None:
    patch.set_object(k, name, index, k.w.patches[name].objects[index]._replace(loaded=loaded))
