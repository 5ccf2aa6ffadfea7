"""insmod and rmmod: the part of kernel/module that livepatch modules and their targets go through."""

from __future__ import annotations

from klpdsl.engine import core, hooks, kobjects, modules, patch, relocations, tasks
from klpdsl.engine.context import OK, SUCCESS, Kernel, Outcome, unsupported
from klpdsl.world.values import PatchSpec


def load_target(k: Kernel, name: str) -> Outcome:
    """`insmod` of a patchable module."""
    refused = modules.refuses_loading(k, name)
    if refused is not None:
        return refused
    wanted = k.w.redirects.get(name, ())
    taken = any(key in k.w.func_stacks or patch.redirected_by_a_module(k, key) for key in wanted)
    modules.arrive(k, name, livepatch=False)
    error = hooks.klp_module_coming(k, name)
    if error == OK and taken:
        # Its init fails, since ftrace refuses it: the module goes as it came.
        hooks.klp_module_going(k, name)
        modules.leave(k, name)
        return Outcome("EBUSY", "a function that the module redirects is redirected by somebody else")
    if error != OK:
        patch.ftrace_release_mod(k, name)
        modules.leave(k, name)
        return Outcome(error)
    return SUCCESS


def unload_target(k: Kernel, name: str) -> Outcome:
    """`rmmod` of a patchable module: livepatch does not pin it, the tasks inside it do."""
    refused = modules.refuses_removal(k, name)
    if refused is not None:
        return refused
    tasks.finish_work_of(k, name)
    hooks.klp_module_going(k, name)
    modules.leave(k, name)
    return SUCCESS


def load_patch(k: Kernel, spec: PatchSpec, *, apply: bool = False) -> Outcome:
    """`insmod` of a livepatch module: its init registers the patch, or from v5.1 on enables it.

    `apply`: the init of a two-step module enables as well, and unregisters again when that fails.
    """
    refused = missing_feature(k, spec) or modules.refuses_loading(k, spec.name)
    if refused is not None:
        return refused
    modules.arrive(k, spec.name, livepatch=True)
    if k.sem.taint == "load" and spec.marked and not k.w.tainted:
        k.w.tainted = True
        k.printk("notice", f"{spec.name}: tainting kernel with TAINT_LIVEPATCH")
    error = relocations.apply_vmlinux_relocs(k, spec.relocations)
    if error == OK:
        error = _init(k, spec, apply)
    if error != OK:
        k.w.patches.pop(spec.name, None)
        modules.leave(k, spec.name)
        return Outcome(error)
    return SUCCESS


def _init(k: Kernel, spec: PatchSpec, apply: bool) -> str:
    if k.sem.api == "single":
        return core.klp_enable_patch(k, spec)
    error = core.klp_register_patch(k, spec)
    if error == OK and apply:
        error = core.enable_patch(k, spec.name)
        if error != OK:
            core.klp_unregister_patch(k, spec.name)
    return error


def unload_patch(k: Kernel, name: str) -> Outcome:
    """`rmmod` of a livepatch module: refused while it is in use; its exit unregisters the patch (up to v5.0)."""
    refused = modules.refuses_removal(k, name)
    if refused is not None:
        return refused
    if k.w.opened and kobjects.is_held(k, f"{name}/"):
        return Outcome("blocked", "rmmod waits until nobody holds a directory of the patch open")
    if k.sem.api == "register":
        core.klp_unregister_patch(k, name)
    k.w.patches.pop(name, None)
    modules.leave(k, name)
    return SUCCESS


def missing_feature(k: Kernel, spec: PatchSpec) -> Outcome | None:
    """What is missing from these semantics to say what the patch asks for at all; None when nothing is."""
    if spec.immediate and not k.sem.immediate:
        return unsupported("immediate")
    if spec.replace and k.sem.replace not in ("patch", "always"):
        return unsupported("replace", "patch", "always")
    if spec.relocations and not k.sem.livepatch_modinfo:
        return unsupported("livepatch_modinfo")  # the commit that asks for it brought them
    if spec.states and not k.sem.states:
        return unsupported("states")
    for obj in spec.objects:
        if obj.callbacks and not k.sem.callbacks:
            return unsupported("callbacks")
        for func in obj.funcs:
            if func.immediate and not k.sem.immediate:
                return unsupported("immediate")
            if func.sympos and k.sem.symbol_lookup != "sympos":
                return unsupported("symbol_lookup", "sympos")
    return None
