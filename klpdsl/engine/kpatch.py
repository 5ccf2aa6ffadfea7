"""kpatch's own core module, which it used before livepatch: kmod/core/core.c of github.com/dynup/kpatch.

Everything changes for everybody at once, with the machine stopped, or not at all: a single task inside an affected
function, and loading or disabling answers EBUSY. Files are below /sys/kernel/kpatch.

Up to July 2019 the functions that a replacing patch drops left the table only after the machine ran again. That
window stays open here until an operator acts next or time passes; what tasks do meanwhile happens inside it.
"""

from __future__ import annotations

from klpdsl.engine import kpatch_objects as objects
from klpdsl.engine import modules, observe, out_of_tree, patch, surprises, tasks
from klpdsl.engine.context import OK, SUCCESS, Kernel, Outcome
from klpdsl.world.values import KLP_PATCHED, KLP_UNPATCHED, VMLINUX, Code, FuncKey, Object, Patch, PatchSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.trace.events import Level

_NO_TRANSITION = "kpatch has no transition: what it does, it does at once"


# --- patches --------------------------------------------------------------------------------------------------


_IN_THE_MIDDLE = "what kpatch does in the middle of an insmod or rmmod is not modelled"


def load_patch(k: Kernel, spec: PatchSpec, window: str = "") -> Outcome:
    """Insmod of a kpatch module: its init registers the patch, all or nothing."""
    if window:
        return out_of_tree.lacking(_IN_THE_MIDDLE)
    _close_window(k)
    refused = out_of_tree.unknown_words(k, "kpatch", spec, functions=True) or modules.refuses_loading(
        k, spec.name
    )
    if refused is not None:
        return refused
    modules.arrive(k, spec.name, livepatch=True)
    p = out_of_tree.new_patch(k, spec)
    out_of_tree.appear(k, p)
    error = _register(k, p.name)
    if error != OK:
        out_of_tree.vanish(k, spec.name)
        out_of_tree.leave(k, spec.name)
    return Outcome(error)


def apply_patch(k: Kernel, spec: PatchSpec) -> Outcome:
    """The same: there is only one step."""
    return load_patch(k, spec)


def unload_patch(k: Kernel, name: str, window: str = "") -> Outcome:
    """Rmmod of a kpatch module: refused while the patch is in force."""
    if window:
        return out_of_tree.lacking(_IN_THE_MIDDLE)
    _close_window(k)
    return out_of_tree.unload(k, name)


def _register(k: Kernel, name: str) -> str:
    """kpatch_register()."""
    p = k.w.patches[name]
    k.module_get(name)
    for index, obj in enumerate(p.objects):
        error = objects.link(k, name, index)
        if error != OK:
            objects.unlink_all(k, name, index)
            k.module_put(name)
            return error
        if not obj.loaded:
            k.printk("notice", f"kpatch: delaying patch of unloaded module '{obj.name}'")
        elif obj.name != VMLINUX:
            k.printk("notice", f"kpatch: patching module '{obj.name}'")
    error = _apply_patch(k, name)
    if error != OK:
        objects.unlink_all(k, name)
        k.module_put(name)
        return error
    if not k.w.tainted:
        k.w.tainted = True
        flag = "TAINT_USER" if k.sem.kpatch_messages == "first" else "TAINT_LIVEPATCH"
        k.printk("notice", f"kpatch: tainting kernel with {flag}")
    if not k.w.paused:
        _loaded(k, name)
    return OK


def _apply_patch(k: Kernel, name: str) -> str:
    """kpatch_apply_patch(), with the machine stopped."""
    p = k.w.patches[name]
    if not _safe(k, p, replacing=p.replace):
        return "EBUSY"
    error = objects.pre_patch_all(k, name)
    if error != OK:
        objects.run_all(k, name, "post_unpatch")
        return error
    older = tuple(k.w.klp_patches)
    forced = _any_forced(k, older)
    out_of_tree.push(k, name)
    surprises.note(k, name, KLP_PATCHED)
    k.w.klp_patches += (name,)
    if p.replace and k.sem.kpatch_drop == "after":
        k.w.paused = ("window", name, *older)
    elif p.replace:
        for other in older:
            patch.klp_unpatch_objects(k, other)
    objects.run_all(k, name, "post_patch")
    if p.replace and not k.w.paused:
        _drop(k, name, older, forced=forced)
    return OK


def _loaded(k: Kernel, name: str) -> None:
    k.printk("notice", f"kpatch: loaded patch module '{name}'")
    k.set_enabled(k.w.patches[name], True)


def _any_forced(k: Kernel, older: tuple[str, ...]) -> bool:
    """Whether a function of the older patches that is in force was forced (kpatch_ftrace_remove_unpatched_funcs())."""
    return any(
        func.immediate and func.patched
        for other in older
        for obj in k.w.patches[other].objects
        for func in obj.funcs
    )


def _drop(k: Kernel, name: str, older: tuple[str, ...], *, forced: bool) -> None:
    """Take what the older patches have off the functions, and let them go unless one function was forced."""
    for other in older:
        patch.klp_unpatch_objects(k, other)
        for obj in k.w.patches[other].objects:
            # Who replaces does not unlink what it replaces: nobody ever puts the module of such an object.
            if obj.loaded and obj.name != VMLINUX and obj.name in k.w.modules:
                k.keep_for_ever(obj.name)
        k.set_enabled(k.set_patch(k.w.patches[other]._replace(retired=True)), False)
        k.printk("notice", f"kpatch: unloaded patch module '{other}'")
        if forced:
            k.keep_for_ever(other)
        else:
            k.module_put(other)
    k.w.klp_patches = (name,)


def _close_window(k: Kernel) -> None:
    """The insmod that replaced goes on: dropped functions leave the table now."""
    if k.w.paused:
        _, name, *older = k.w.paused
        k.w.paused = ()
        k.w.transition_patch = name
        _drop(k, name, tuple(older), forced=_any_forced(k, tuple(older)))
        k.w.transition_patch = ""
        _loaded(k, name)


def _unregister(k: Kernel, name: str) -> str:
    """kpatch_unregister()."""
    p = k.w.patches[name]
    if not p.enabled:
        return k.refuse("EINVAL", "already disabled")
    if not _safe(k, p, replacing=False):
        return "EBUSY"
    surprises.note(k, name, KLP_UNPATCHED)
    objects.run_all(k, name, "pre_unpatch")
    phantoms = [obj.name for obj in p.objects if _is_phantom(k, p, obj)]
    patch.klp_unpatch_objects(k, name)
    objects.run_all(k, name, "post_unpatch")
    if phantoms:
        # kpatch_unlink_object() gives up where ftrace does not know the place any more: nothing is given back.
        k.printk("warn", "WARNING: at kmod/core/core.c kpatch_unlink_object")
        return "EINVAL"
    objects.unlink_all(k, name)
    k.printk("notice", f"kpatch: unloaded patch module '{name}'")
    k.set_enabled(k.w.patches[name], False)
    if any(func.immediate for obj in p.objects for func in obj.funcs):
        k.keep_for_ever(name)
    else:
        k.module_put(name)
    k.w.klp_patches = tuple(other for other in k.w.klp_patches if other != name)
    return OK


def _is_phantom(k: Kernel, p: Patch, obj: Object) -> bool:
    """Whether the patch is linked to a module that is gone, and that nobody has told kpatch of."""
    if obj.name == VMLINUX or not obj.patched:
        return False
    return not any(
        (entry.patch, entry.generation) == (p.name, p.generation)
        for func in obj.funcs
        for entry in k.w.func_stacks.get(patch.func_key(obj, func), ())
    )


def _safe(k: Kernel, p: Patch, *, replacing: bool) -> bool:
    """Whether no task is inside what is to change (kpatch_verify_activeness_safety(), the machine stopped)."""
    affected: dict[Code, str] = {}
    for obj in p.objects:
        for func in obj.funcs:
            if obj.loaded and not func.immediate:
                key = patch.func_key(obj, func)
                affected.setdefault(_active(k, key), func.name)
    if replacing:
        for key, stack in k.w.func_stacks.items():
            for entry in stack:
                if not entry.immediate:
                    affected.setdefault(patch.entry_code(k, key, entry), key[1])
    for _, task in k.w.listed():
        for code in task.stack:
            if code in affected:
                k.printk("err", f"kpatch: activeness safety check failed for {affected[code]}")
                level: Level = "info" if k.sem.kpatch_messages == "first" else "err"
                k.printk(level, f"kpatch: PID: {k.w.pids[task.name]} Comm: {task.name[:20]}")
                return False
    return True


def _active(k: Kernel, key: FuncKey) -> Code:
    stack = k.w.func_stacks.get(key)
    return patch.entry_code(k, key, stack[-1]) if stack else patch.original(k, key)


# --- files ----------------------------------------------------------------------------------------------------


def write(k: Kernel, name: str, attribute: str, text: str) -> Outcome:
    """A write into a file of a patch. Enabling registers it again, with the parameters it was loaded with."""
    _close_window(k)
    there = out_of_tree.may_open(k, name)
    if there.value != OK:
        return there
    if attribute != "enabled":
        return Outcome("ENOENT", f"'{name}' has no file {attribute}")
    if text not in ("0", "1"):
        return Outcome("EINVAL", "the text is neither 0 nor 1")
    if (text == "1") == k.w.patches[name].enabled:
        return Outcome("EINVAL", "already enabled" if text == "1" else "already disabled")
    if text == "0":
        return Outcome(_unregister(k, name))
    for index, obj in enumerate(k.w.patches[name].objects):
        patch.set_object(k, name, index, obj._replace(loaded=obj.name == VMLINUX or obj.name in k.w.modules))
    k.set_patch(k.w.patches[name]._replace(retired=False))
    return Outcome(_register(k, name))


def reverse(_k: Kernel) -> Outcome:
    """Nothing is ever half done."""
    return out_of_tree.lacking(_NO_TRANSITION)


def signal(_k: Kernel, _name: str | None) -> Outcome:
    """Nobody is waited for."""
    return out_of_tree.lacking(_NO_TRANSITION)


def force(_k: Kernel, _name: str | None) -> Outcome:
    """Only a function can be forced, when the patch is built."""
    return out_of_tree.lacking(f"{_NO_TRANSITION}; only a function can be forced, when the patch is built")


def sysctl(_k: Kernel, key: str, _value: int) -> Outcome:
    """Nothing of kpatch's is a sysctl."""
    return Outcome("ENOENT", f"kpatch looks at no sysctl {key}")


def hold(_k: Kernel, _name: str, _path: str) -> Outcome:
    """A reference on a kobject that is not the patch's own makes no difference here."""
    return out_of_tree.lacking("what holds kpatch's kobjects is not modelled")


drop = hold
open_file = observe.open_file
close_file = observe.close_file


def attach(_k: Kernel, _tracer: str, _key: FuncKey) -> Outcome:
    """What ftrace allowed at that time beside others is not known here."""
    return out_of_tree.lacking("which tracers kpatch goes with is not modelled")


detach = attach
show = observe.show


# --- target modules -------------------------------------------------------------------------------------------


def load_target(k: Kernel, name: str, window: str = "") -> Outcome:
    """Insmod of a patchable module: the notifier patches it, for the first patch in the list that waits for it."""
    if window:
        return out_of_tree.lacking(_IN_THE_MIDDLE)
    _close_window(k)
    refused = modules.refuses_loading(k, name)
    if refused is not None:
        return refused
    modules.arrive(k, name, livepatch=False)
    _link(k, name)
    error = k.w.init_errors.get(name)
    if not error:
        return SUCCESS
    if k.sem.kpatch_going == "unlinked":
        _unlink(k, name)
    out_of_tree.leave(k, name)
    return Outcome(error, "the module's own init fails")


def proceed(_k: Kernel, _name: str, _spec: PatchSpec | None) -> Outcome:
    """Nothing stops in the middle of an insmod."""
    return out_of_tree.lacking(_IN_THE_MIDDLE)


def _link(k: Kernel, name: str) -> None:
    for other in k.w.klp_patches:
        for index, obj in enumerate(k.w.patches[other].objects):
            if obj.name == name and not obj.loaded:
                objects.arrive(k, other, index)
                return


def _unlink(k: Kernel, name: str) -> None:
    """kpatch_module_notify() of a module that goes: its functions leave the table."""
    for other in k.w.klp_patches:
        for index, obj in enumerate(k.w.patches[other].objects):
            if obj.name == name and obj.loaded:
                objects.run(k, other, index, "pre_unpatch")
                patch.klp_unpatch_object(k, other, index)
                objects.run(k, other, index, "post_unpatch")
                patch.set_object(k, other, index, k.w.patches[other].objects[index]._replace(loaded=False))
                k.module_put(name)
                return


def unload_target(k: Kernel, name: str, window: str = "") -> Outcome:
    """Rmmod of a patchable module: a patch that is linked to it pins it."""
    if window:
        return out_of_tree.lacking(_IN_THE_MIDDLE)
    _close_window(k)
    outcome = out_of_tree.unload(k, name)
    if outcome is SUCCESS:
        for other in k.w.patches:
            for index, obj in enumerate(k.w.patches[other].objects):
                if obj.name == name:
                    patch.set_object(k, other, index, obj._replace(loaded=False))
    return outcome


# --- time and tasks -------------------------------------------------------------------------------------------


def work(k: Kernel) -> Outcome:
    """What was left behind is done."""
    drain(k)
    return SUCCESS


def drain(_k: Kernel) -> None:
    """Nothing is ever left behind."""


def tick(k: Kernel) -> None:
    """A second passes."""
    _close_window(k)
    k.w.clock += 1
    tasks.interrupt(k)


def settle(k: Kernel) -> Outcome:
    """Nothing is ever under way, but for the last part of a replacement."""
    _close_window(k)
    return SUCCESS


call = tasks.call
syscall = tasks.syscall
return_ = tasks.return_
continue_ = tasks.continue_
run = tasks.run
sleep = tasks.sleep
fork = tasks.fork
exit_ = tasks.exit_
kill = tasks.kill
resched = tasks.resched
freeze = tasks.freeze
switch_point = tasks.switch_point


def enter(_k: Kernel, _task: str, _key: FuncKey) -> Outcome:
    """Whoever is inside the handler keeps the machine from being stopped, so nothing can come of it."""
    return out_of_tree.lacking("kpatch stops the machine, which waits for whoever is inside a handler")
