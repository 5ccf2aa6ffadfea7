"""insmod and rmmod: the part of kernel/module that livepatch modules and their targets go through."""

from __future__ import annotations

from klpdsl.engine import core, ftrace, hooks, kobjects, modules, patch, relocations, tasks
from klpdsl.engine.context import OK, SUCCESS, Kernel, Outcome, unsupported
from klpdsl.semantics.axes import NUMBERED
from klpdsl.world.values import PatchSpec


def load_target(k: Kernel, name: str, window: str = "") -> Outcome:
    """`insmod` of a patchable module, or (`window`) its beginning: up to COMING, or up to its init."""
    refused = modules.refuses_loading(k, name)
    if refused is not None:
        return refused
    modules.arrive(k, name, livepatch=False)
    modules.set_window(k, name, "coming")
    return SUCCESS if window == "coming" else _prepare(k, name, window)


def _prepare(k: Kernel, name: str, window: str = "") -> Outcome:
    """prepare_coming_module(): livepatch hears of the module and may refuse it; then its init runs."""
    error = hooks.klp_module_coming(k, name)
    if error != OK:
        patch.ftrace_release_mod(k, name)
        modules.leave(k, name)
        return Outcome(error)
    modules.set_window(k, name, "starting")
    return SUCCESS if window == "starting" else _init_target(k, name)


def _init_target(k: Kernel, name: str) -> Outcome:
    """do_init_module(): a module whose init fails goes as one that is removed."""
    refused = _init_result(k, name)
    if refused is None:
        modules.set_window(k, name, "")
        return SUCCESS
    hooks.klp_module_going(k, name)
    patch.ftrace_release_mod(k, name)
    modules.leave(k, name)
    return refused


def _init_result(k: Kernel, name: str) -> Outcome | None:
    wanted = ftrace.redirected_by(k, name)
    if any(key in k.w.func_stacks or not ftrace.register_ipmodify(k, key) for key in wanted):
        return Outcome("EBUSY", "a function that the module redirects is redirected by somebody else")
    error = k.w.init_errors.get(name)
    return Outcome(error, "the module's own init fails") if error else None


def unload_target(k: Kernel, name: str, window: str = "") -> Outcome:
    """`rmmod` of a patchable module: livepatch does not pin it, the tasks inside it do.

    `window`: only its beginning, up to its exit; livepatch hears of it after that.
    """
    refused = modules.refuses_removal(k, name)
    if refused is not None:
        return refused
    modules.set_window(k, name, "going")
    tasks.finish_work_of(k, name)
    return SUCCESS if window else _finish_removal(k, name)


def _finish_removal(k: Kernel, name: str) -> Outcome:
    hooks.klp_module_going(k, name)
    modules.leave(k, name)
    return SUCCESS


def proceed(k: Kernel, name: str, spec: PatchSpec | None) -> Outcome:
    """The insmod or rmmod that is under way goes on to its end: its result is the result of that call.

    `spec` is the patch that the module brings, None for a target.
    """
    module = k.w.modules.get(name)
    if module is None or not module.window:
        return Outcome("EINVAL", "neither an insmod nor an rmmod of it is under way")
    if module.livepatch:
        if module.window == "going":
            return _remove_patch(k, name)
        modules.set_window(k, name, "")
        return SUCCESS if spec is None else _start_patch(k, spec, apply=False)
    if module.window == "coming":
        return _prepare(k, name)
    return _init_target(k, name) if module.window == "starting" else _finish_removal(k, name)


def load_patch(k: Kernel, spec: PatchSpec, *, apply: bool = False, window: str = "") -> Outcome:
    """`insmod` of a livepatch module: its init registers the patch, or from v5.1 on enables it.

    `apply`: the init of a two-step module enables as well, and unregisters again when that fails. `window`: only its
    beginning, before its init runs.
    """
    if window == "starting":
        return Outcome("EINVAL", "the init of a patch's module does not stop in the middle")
    refused = missing_feature(k, spec) or modules.refuses_loading(k, spec.name)
    if refused is not None:
        return refused
    modules.arrive(k, spec.name, livepatch=True)
    if k.sem.taint == "load" and spec.marked and not k.w.tainted:
        k.w.tainted = True
        k.printk("notice", f"{spec.name}: tainting kernel with TAINT_LIVEPATCH")
    error = relocations.apply_vmlinux_relocs(k, spec.relocations)
    if error != OK:
        modules.leave(k, spec.name)
        return Outcome(error)
    if window:
        modules.set_window(k, spec.name, window)
        return SUCCESS
    return _start_patch(k, spec, apply=apply)


def _start_patch(k: Kernel, spec: PatchSpec, *, apply: bool) -> Outcome:
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


def unload_patch(k: Kernel, name: str, window: str = "") -> Outcome:
    """`rmmod` of a livepatch module: refused while it is in use; its exit unregisters the patch (up to v5.0).

    `window`: only its beginning; from then on nobody gets a reference on the module any more.
    """
    refused = modules.refuses_removal(k, name)
    if refused is not None:
        return refused
    if window:
        modules.set_window(k, name, window)
        return SUCCESS
    return _remove_patch(k, name)


def _remove_patch(k: Kernel, name: str) -> Outcome:
    if k.w.held and kobjects.is_held(k, f"{name}/"):
        return Outcome("blocked", "rmmod waits until nobody holds a directory of the patch open")
    if k.sem.api == "register":
        core.klp_unregister_patch(k, name)
    k.w.patches.pop(name, None)
    modules.leave(k, name)
    return SUCCESS


def _missing_replace(k: Kernel, spec: PatchSpec) -> Outcome | None:
    """What is missing to say whom the patch replaces, or that it is not to be replaced."""
    # A number says whom the patch replaces; where nothing is ever replaced it says nothing.
    if (spec.replace or spec.replace_sets or spec.override) and k.sem.replace not in ("patch", "always"):
        return unsupported("replace", "patch", "always")
    if spec.replace and k.sem.set_attr == "replace_set":
        return unsupported("set_attr", "none", "number-in-replace")
    if (spec.replace_sets or spec.override) and k.sem.replace_scope not in NUMBERED:
        return unsupported("replace_scope", *NUMBERED)
    if (len(spec.replace_sets) > 1 or spec.override) and k.sem.replace_scope != "sets":
        return unsupported("replace_scope", "sets")
    if spec.replaceable is not None and not k.sem.replaceable_attr:
        return unsupported("replaceable_attr")
    return None


def _missing_states(k: Kernel, spec: PatchSpec) -> Outcome | None:
    """What is missing for the patch's states and what they ask for."""
    if spec.states and not k.sem.states:
        return unsupported("states")
    for state in spec.states:
        if state.block_disable and k.sem.state_rule != "block-disable":
            return unsupported("state_rule", "block-disable")
        if state.shadow and not k.sem.state_shadow:
            return unsupported("state_shadow")
        if state.callbacks is not None and k.sem.state_callbacks == "none":
            return unsupported("state_callbacks")
    return None


def delete_after_free(k: Kernel, name: str) -> None:
    """As proposed in 2024: the work that frees a patch removes its module too, as rmmod would. Errors are lost."""
    if k.sem.module_after_free == "delete" and not k.w.patches[name].forced:
        unload_patch(k, name)


def missing_feature(k: Kernel, spec: PatchSpec) -> Outcome | None:
    """What is missing from these semantics to say what the patch asks for at all; None when nothing is."""
    if spec.immediate and not k.sem.immediate:
        return unsupported("immediate")
    missing = _missing_replace(k, spec) or _missing_states(k, spec)
    if missing is not None:
        return missing
    if spec.relocations and not k.sem.livepatch_modinfo:
        return unsupported("livepatch_modinfo")  # the commit that asks for it brought them
    for obj in spec.objects:
        if obj.callbacks and not k.sem.callbacks:
            return unsupported("callbacks")
        for func in obj.funcs:
            if func.immediate and not k.sem.immediate:
                return unsupported("immediate")
            if func.sympos and k.sem.symbol_lookup != "sympos":
                return unsupported("symbol_lookup", "sympos")
    return None
