"""The API of kernel/livepatch/core.c: registering, enabling and disabling patches, and writes to `enabled`.

Functions return `0` or the name of the errno that the kernel's function of that name returns.
"""

from __future__ import annotations

from klpdsl.engine import (
    callbacks,
    free,
    kobjects,
    modules,
    patch,
    replace,
    scope,
    state_callbacks,
    states,
    surprises,
    sysfs,
    transition,
)
from klpdsl.engine.context import OK, Kernel
from klpdsl.engine.kstrtox import digit, kstrtobool
from klpdsl.engine.relocations import klp_init_object_loaded
from klpdsl.world.values import (
    KLP_PATCHED,
    KLP_UNPATCHED,
    Func,
    Object,
    Patch,
    PatchSpec,
)

MODULE_NAME_LEN = 56
"""The limit on a module's name, the terminating NUL included, on 64-bit machines."""

ALREADY_ENABLED = "already enabled"

NO_BOOLEAN = "the text is no boolean"

NO_OBJECTS = "the patch has no objects"

NO_RELIABLE_STACKS = "This architecture doesn't have support for the livepatch consistency model."


# --- registering (two-step API, up to v5.0) -------------------------------------------------------------------


def klp_register_patch(k: Kernel, spec: PatchSpec) -> str:
    """klp_register_patch(): make the patch known, not yet active."""
    error = _checks_before_init(k, spec)
    if error != OK:
        return error
    if not spec.objects:
        return k.refuse("EINVAL", NO_OBJECTS)
    if k.sem.module_ref == "register":
        k.module_get(spec.name)
    p = _new_patch(k, spec)
    if k.sem.replace == "sysctl":
        # The knob decides for whoever registers while it is set.
        p = k.set_patch(p._replace(replace=k.w.livepatch_mode))
    if k.sem.nop_create == "register" and replace.replaces(k, p):
        p = k.set_patch(replace.klp_add_nops(k, p))
    error = _klp_init_patch(k, spec.name)
    if error != OK:
        free.klp_free_patch_start(k, spec.name)
        free.remove_kobject(k, spec.name)
        if k.sem.module_ref == "register":
            k.module_put(spec.name)
        return error
    k.set_patch(k.w.patches[spec.name]._replace(registered=True))
    return OK


def klp_unregister_patch(k: Kernel, name: str) -> str:
    """klp_unregister_patch(), which a module's exit calls: forget a disabled patch."""
    p = k.w.patches[name]
    if not p.registered or (k.sem.retire == "unlink-naive" and name not in k.w.klp_patches):
        # Whoever is on no list counts as unregistered: the directory stays behind when the module's memory goes.
        if p.kobj:
            kobjects.leave_behind(k, f"{name}/")
        return "EINVAL"
    if p.enabled:
        return "EBUSY"
    free.klp_free_patch_start(k, name)
    free.remove_kobject(k, name)
    return OK


def _checks_before_init(k: Kernel, spec: PatchSpec) -> str:
    if k.sem.early_arg_check and not spec.objects:
        return k.refuse("EINVAL", NO_OBJECTS)
    if k.sem.livepatch_modinfo and not spec.marked:
        k.pr_err(f"module {spec.name} is not marked as a livepatch module")
        return "EINVAL"
    if k.sem.consistency == "per-task" and not k.w.arch_reliable and not (spec.immediate and k.sem.immediate):
        if k.sem.unreliable_arch != "warn":
            k.pr_err(NO_RELIABLE_STACKS)
            return k.sem.unreliable_arch
        k.pr_warn(NO_RELIABLE_STACKS)
        k.pr_warn("The livepatch transition may never complete.")
    if spec.immediate and replace.replaces_spec(k, spec) and not k.sem.replace_with_immediate:
        return k.refuse("EINVAL", "a patch that replaces may not be immediate")
    if k.sem.plain_conflict == "refuse" and not spec.replace and _conflicts(k, spec):
        return k.refuse("EINVAL", "it does not replace, and another patch has one of its functions")
    return OK


def _conflicts(k: Kernel, spec: PatchSpec) -> bool:
    wanted = {(obj.name, func.name, func.sympos or 1) for obj in spec.objects for func in obj.funcs}
    return any(
        patch.func_key(obj, func) in wanted
        for name in k.w.klp_patches
        for obj in k.w.patches[name].objects
        for func in obj.funcs
    )


# --- initialising ---------------------------------------------------------------------------------------------


def _new_patch(k: Kernel, spec: PatchSpec) -> Patch:
    objects = tuple(
        Object(
            obj.name,
            tuple(Func(f.name, f.sympos, f.immediate) for f in obj.funcs),
            obj.callbacks,
            reads=obj.reads,
            srcversion=obj.srcversion,
            debts=obj.debts,
        )
        for obj in spec.objects
    )
    generation = k.w.modules[spec.name].generation
    patch = Patch(spec.name, generation, spec.immediate, spec.replace, spec.states, objects)
    patch = patch._replace(
        relocations=spec.relocations,
        replace_sets=spec.replace_sets,
        override=spec.override,
        replaceable=spec.replaceable,
    )
    return k.set_patch(patch._replace(retires=scope.settled_at_load(k, patch)))


def _klp_init_patch(k: Kernel, name: str) -> str:
    if k.w.ghosts and f"{name}/" in k.w.ghosts:
        k.printk("warn", f"sysfs: cannot create duplicate filename '/kernel/livepatch/{name}'")
        return "EEXIST"
    p = k.set_patch(k.w.patches[name]._replace(kobj=True))
    sysfs.patch_appears(k, p)
    if k.sem.nop_create == "load" and replace.replaces(k, p):
        k.set_patch(replace.klp_add_nops(k, p))
    for index in range(len(k.w.patches[name].objects)):
        error = _klp_init_object(k, name, index)
        if error != OK:
            if k.sem.api == "register":
                # klp_init_object() itself puts the object that fails; those before it are put after that.
                free.remove_object_kobject(k, name, index)
            return error
    free.enlist(k, name)
    return OK


def _klp_init_object(k: Kernel, name: str, index: int) -> str:
    obj = k.w.patches[name].objects[index]
    if k.sem.name_limit and len(obj.name) >= MODULE_NAME_LEN:
        return k.refuse("EINVAL", f"the name of an object has more than {MODULE_NAME_LEN - 1} characters")
    # klp_find_object_module(): a target that is loaded now; later ones are klp_module_coming()'s business.
    loaded = modules.present(k, obj.name)
    if loaded and not modules.is_meant(k, obj):
        if k.sem.object_identity == "srcversion-refuse":
            return k.refuse("EINVAL", f"{obj.name}: {modules.OTHER_BUILD}")
        loaded = False
    obj = obj._replace(loaded=loaded, kobj=True)
    patch.set_object(k, name, index, obj)
    k.sysfs(f"{name}/{obj.name}/", "")
    if k.sem.patched_attr:
        k.sysfs(f"{name}/{obj.name}/patched", "0")
    seen: set[str] = set()
    for func in obj.funcs:
        if k.sem.name_limit and len(func.name) >= int(k.sem.symbol_limit):
            longest = int(k.sem.symbol_limit) - 1
            return k.refuse("EINVAL", f"the name of a function has more than {longest} characters")
        directory = sysfs.func_dir(k, func)
        if directory in seen:
            k.printk(
                "warn",
                f"sysfs: cannot create duplicate filename '/kernel/livepatch/{name}/{obj.name}/{directory}'",
            )
            k.printk(
                "err",
                f"kobject: kobject_add_internal failed for {directory} with -EEXIST, don't try to register "
                "things with the same name in the same directory.",
            )
            return "EEXIST"
        seen.add(directory)
        k.sysfs(f"{name}/{obj.name}/{directory}/", "")
        if k.sem.func_attr != "none":
            k.sysfs(f"{name}/{obj.name}/{directory}/{k.sem.func_attr}", "0")
    return klp_init_object_loaded(k, name, obj) if obj.loaded else OK


# --- enabling and disabling -----------------------------------------------------------------------------------


def klp_enable_patch(k: Kernel, spec: PatchSpec) -> str:
    """klp_enable_patch() of the single-call API (v5.1): check, initialise, enable; undo all on failure."""
    error = _checks_before_init(k, spec)
    if error != OK:
        return error
    if not states.klp_is_patch_compatible(k, spec) or scope.conflicts(k, spec):
        k.pr_err(f"Livepatch patch ({spec.name}) is not compatible with the already installed livepatches.")
        return "EINVAL"
    if not spec.objects:
        return k.refuse("EINVAL", NO_OBJECTS)
    k.module_get(spec.name)
    _new_patch(k, spec)
    error = _klp_init_patch(k, spec.name)
    if error == OK:
        error = enable_patch(k, spec.name)
    if error != OK:
        free.klp_free_patch_start(k, spec.name)
        free.klp_free_patch_finish(k, spec.name)
    return error


def enable_patch(k: Kernel, name: str) -> str:
    """_enable_patch()."""
    if k.sem.consistency == "none":
        return _enable_at_once(k, name)
    if k.w.transition_patch:
        return k.refuse("EBUSY", f"'{k.w.transition_patch}' is in transition")
    p = k.w.patches[name]
    if p.enabled:
        return k.refuse("EINVAL", ALREADY_ENABLED)  # WARN_ON(patch->enabled)
    if name not in k.w.klp_patches:
        if k.sem.reenable == "replace-only" and not p.replace:
            return k.refuse("EBUSY", "of the patches that were replaced, only one that replaces comes back")
        _relist(k, name)
    elif lower := _predecessor_disabled(k, name):
        return k.refuse("EBUSY", f"'{lower}', which comes before it in the list, is disabled")
    if k.sem.nop_create == "enable" and replace.replaces(k, p):
        _regenerate_nops(k, name)
    if k.sem.module_ref == "enable" and k.w.modules[name].window == "going":
        return k.refuse("ENODEV", "its module's exit runs: try_module_get() fails")
    if k.sem.api == "register" and k.sem.module_ref == "enable":
        k.module_get(name)
    k.pr_notice(f"enabling patch '{name}'")
    transition.klp_init_transition(k, name, KLP_PATCHED)
    error = state_callbacks.pre_patch(k, name)
    if error == OK:
        error = _push_loaded_objects(k, name)
    if error != OK:
        k.pr_warn(f"failed to enable patch '{name}'")
        transition.klp_cancel_transition(k)
        return error
    if k.sem.enabled_clear == "start-all":
        _clear_replaced_at_start(k, name)
    transition.klp_start_transition(k)
    if k.sem.enabled_flip == "before-try":
        k.set_enabled(k.w.patches[name], True)
        transition.klp_try_complete_transition(k)
    else:
        transition.klp_try_complete_transition(k)
        if not k.w.paused:
            k.set_enabled(k.w.patches[name], True)
    return OK


def _push_loaded_objects(k: Kernel, name: str) -> str:
    for index, obj in enumerate(k.w.patches[name].objects):
        if not obj.loaded:
            continue
        error = callbacks.klp_pre_patch_callback(k, name, index)
        if error != OK:
            k.pr_warn(f"pre-patch callback failed for object '{obj.name}'")
            return error
        error = patch.klp_patch_object(k, k.w.patches[name], index)
        if error != OK:
            if k.sem.callbacks:
                k.pr_warn(f"failed to patch object '{obj.name}'")
            return error
    return OK


def _predecessor_disabled(k: Kernel, name: str) -> str:
    """The predecessor that has to be enabled and is not; empty when none is in the way."""
    rule = k.sem.stack_enable
    if rule == "none" or (rule == "replace-exempt" and k.w.patches[name].replace):
        return ""
    before = [k.w.patches[other] for other in k.w.klp_patches[: k.w.klp_patches.index(name)]]
    if rule == "prev-skip-replaced":
        before = [p for p in before if not p.retired]
    return before[-1].name if before and not before[-1].enabled else ""


def _relist(k: Kernel, name: str) -> None:
    # A patch that was replaced comes back at the end of the list. Which of its target modules are loaded may
    # have changed while it was off the list, where the module hooks do not see it.
    free.enlist(k, name)
    p = k.w.patches[name]
    objects = p.objects
    if k.sem.reenable_modules == "refreshed":
        objects = tuple(obj._replace(loaded=_found(k, obj)) for obj in p.objects)
    k.set_patch(p._replace(retired=False, objects=objects))


def _found(k: Kernel, obj: Object) -> bool:
    return modules.present(k, obj.name) and modules.is_meant(k, obj)


def _regenerate_nops(k: Kernel, name: str) -> None:
    p = replace.klp_add_nops(k, k.w.patches[name])
    # An object that only has no-ops is new; what is known of the others is not looked at again here.
    had = {obj.name for obj in p.objects if obj.kobj}
    loaded = tuple(
        obj._replace(loaded=_found(k, obj) if obj.dynamic else obj.loaded, kobj=True) for obj in p.objects
    )
    p = k.set_patch(p._replace(objects=loaded))
    for obj in p.objects:
        if obj.name not in had:
            k.sysfs(f"{name}/{obj.name}/", "")
        for func in obj.funcs:
            if func.nop:
                k.sysfs(f"{name}/{obj.name}/{sysfs.func_dir(k, func)}/", "")


def _clear_replaced_at_start(k: Kernel, name: str) -> None:
    if not replace.replaces(k, k.w.patches[name]):
        return
    for other in k.w.klp_patches[: k.w.klp_patches.index(name)]:
        if k.w.patches[other].enabled:
            k.set_enabled(k.w.patches[other], False)


def _klp_disable_patch(k: Kernel, name: str) -> str:
    """__klp_disable_patch()."""
    if k.sem.consistency == "none":
        return _disable_at_once(k, name)
    if k.w.transition_patch:
        return k.refuse("EBUSY", f"'{k.w.transition_patch}' is in transition")
    if upper := _successor_enabled(k, name):
        return k.refuse("EBUSY", upper)
    transition.klp_init_transition(k, name, KLP_UNPATCHED)
    state_callbacks.pre_unpatch(k, name)
    if k.sem.callbacks:
        for index, obj in enumerate(k.w.patches[name].objects):
            if obj.patched:
                callbacks.klp_pre_unpatch_callback(k, name, index)
    transition.klp_start_transition(k)
    at_start = k.sem.enabled_clear in ("start", "start-all")
    if at_start and k.sem.enabled_flip == "before-try":
        k.set_enabled(k.w.patches[name], False)
    transition.klp_try_complete_transition(k)
    if at_start and k.w.patches[name].enabled and not k.w.paused:
        k.set_enabled(k.w.patches[name], False)
    return OK


def _successor_enabled(k: Kernel, name: str) -> str:
    """Why a successor keeps the patch from being disabled; empty when none does."""
    after = k.w.klp_patches[k.w.klp_patches.index(name) + 1 :]
    if k.sem.stack_disable == "none" or not after:
        return ""
    if k.sem.stack_disable == "last":
        return f"'{after[0]}' comes after it in the list"
    return (
        f"'{after[0]}', which comes after it in the list, is enabled" if k.w.patches[after[0]].enabled else ""
    )


# --- without a consistency model (up to v4.11) ----------------------------------------------------------------


def _enable_at_once(k: Kernel, name: str) -> str:
    if k.w.patches[name].enabled:
        return k.refuse("EINVAL", ALREADY_ENABLED)  # WARN_ON(patch->state != KLP_DISABLED)
    if lower := _predecessor_disabled(k, name):
        return k.refuse("EBUSY", f"'{lower}', which comes before it in the list, is disabled")
    if k.sem.taint == "enable" and not k.w.tainted:
        k.w.tainted = True
        k.pr_notice("tainting kernel with TAINT_LIVEPATCH")
    k.pr_notice(f"enabling patch '{name}'")
    for index, obj in enumerate(k.w.patches[name].objects):
        if not obj.loaded:
            continue
        error = patch.klp_patch_object(k, k.w.patches[name], index)
        if error != OK:
            _disable_at_once(k, name)
            return error
    k.set_enabled(k.w.patches[name], True)
    surprises.note(k, name, KLP_PATCHED)
    return OK


def _disable_at_once(k: Kernel, name: str) -> str:
    if upper := _successor_enabled(k, name):
        return k.refuse("EBUSY", upper)
    surprises.note(k, name, KLP_UNPATCHED)
    k.pr_notice(f"disabling patch '{name}'")
    patch.klp_unpatch_objects(k, name)
    if k.w.patches[name].enabled:
        k.set_enabled(k.w.patches[name], False)
    return OK


# --- the attributes of a patch --------------------------------------------------------------------------------


def enabled_store(k: Kernel, name: str, text: str) -> str:
    """A write to /sys/kernel/livepatch/<patch>/enabled."""
    value = digit(text) if k.sem.enabled_write == "digit" else kstrtobool(text)
    if value is None:
        return k.refuse(
            "EINVAL", "the text is neither 0 nor 1" if k.sem.enabled_write == "digit" else NO_BOOLEAN
        )
    p = k.w.patches[name]
    if k.sem.api == "register" and not _may_write(k, p):
        return k.refuse("EINVAL", "the patch was replaced" if p.retired else "the patch is not registered")
    if shown_as_enabled(k, p) == value:
        return k.refuse("EINVAL", ALREADY_ENABLED if value else "already disabled")
    if p.enabled and states.blocks_disable(k, p):
        k.pr_err(f"The livepatch '{name}' does not support disable")
        return "EINVAL"
    if k.w.transition_patch == name:
        transition.klp_reverse_transition(k)
        return OK
    if not value:
        return _klp_disable_patch(k, name)
    if k.sem.disabled_patch == "free":
        return k.refuse("EINVAL", "a disabled patch is not enabled again")
    return enable_patch(k, name)


def _may_write(k: Kernel, p: Patch) -> bool:
    if not p.retired:
        return p.registered
    # Off the list or marked as replaced: only where such a patch may come back.
    return k.sem.reenable != "no" and p.registered


def shown_as_enabled(k: Kernel, p: Patch) -> bool:
    """The state that a write to `enabled` is compared with: the flag, or where a running transition leads."""
    if k.sem.enabled_clear == "completion" and k.w.transition_patch == p.name:
        return k.w.target_state == KLP_PATCHED
    return p.enabled


def signal_store(k: Kernel, name: str, text: str) -> str:
    """A write to `signal`: wake the tasks that hold the patch's transition (v4.16 to v5.0)."""
    error, act = _action_store(k, name, text)
    if act:
        transition.klp_send_signals(k)
    return error


def force_store(k: Kernel, name: str, text: str) -> str:
    """A write to `force`: switch everybody, safe or not (v4.16)."""
    error, act = _action_store(k, name, text)
    if act:
        transition.klp_force_transition(k)
    return error


def _action_store(k: Kernel, name: str, text: str) -> tuple[str, bool]:
    if k.sem.attr_write == "unlocked" and k.w.transition_patch != name:
        return k.refuse("EINVAL", f"'{name}' is not in transition"), False
    value = kstrtobool(text)
    if value is None:
        return k.refuse("EINVAL", NO_BOOLEAN), False
    if not value:
        return OK, False
    if k.w.transition_patch != name:
        return k.refuse("EINVAL", f"'{name}' is not in transition"), False
    return OK, True


def replaceable_store(k: Kernel, name: str, text: str) -> str:
    """A write to `replaceable` (as proposed in 2025): no patch in transition may change its own; others' may change."""
    value = kstrtobool(text)
    if value is None:
        return k.refuse("EINVAL", NO_BOOLEAN)
    p = k.w.patches[name]
    if value == bool(p.replaceable):
        return OK
    if k.w.transition_patch == name:
        return k.refuse("EAGAIN", f"'{name}' is in transition")
    k.set_patch(p._replace(replaceable=value))
    k.sysfs(f"{name}/replaceable", str(int(value)))
    return OK
