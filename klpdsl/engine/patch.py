"""Stacks of versions and the ftrace handler: kernel/livepatch/patch.c."""

from __future__ import annotations

from klpdsl.engine import ftrace, func_attributes
from klpdsl.engine.context import OK, Kernel, errno_number
from klpdsl.engine.symbols import symbols_named
from klpdsl.trace.events import Hook
from klpdsl.world.values import (
    KLP_UNDEFINED,
    KLP_UNPATCHED,
    NO_PATCH,
    VMLINUX,
    Code,
    Entry,
    Func,
    FuncKey,
    Object,
    Patch,
    Symbol,
    Task,
)


def func_key(obj: Object, func: Func) -> FuncKey:
    """The original function that a func patches: sympos 0 means the only one of that name, hence the first."""
    return (func.found_in or obj.name, func.name, func.sympos or 1)


def original(k: Kernel, key: FuncKey) -> Code:
    """The original code of a function, in the module that is loaded now."""
    obj, name, position = key
    generation = 0 if obj == VMLINUX or obj not in k.w.modules else k.w.modules[obj].generation
    return Code(obj, name, position, NO_PATCH, generation)


def entry_code(k: Kernel, key: FuncKey, entry: Entry) -> Code:
    """func->new_func: the patch's code, or for a no-op the original function."""
    if entry.nop:
        return original(k, key)
    obj, name, position = key
    return Code(obj, name, position, entry.patch, entry.generation)


def symbol(k: Kernel, key: FuncKey) -> Symbol | None:
    """The symbol of an original function, None when its object has none at that position."""
    same = symbols_named(k, key[0], key[1])
    return same[key[2] - 1] if len(same) >= key[2] else None


def in_memory(k: Kernel, key: FuncKey) -> bool:
    """Whether there is such a function to call now: known, and its module loaded."""
    return (key[0] == VMLINUX or key[0] in k.w.modules) and symbol(k, key) is not None


def klp_ftrace_handler(k: Kernel, key: FuncKey, task: Task) -> Code:
    """Which code a call of the function runs when this task makes it (klp_ftrace_handler(), patch.c).

    The newest version runs, unless its transition flag is set and the caller is unpatched: then the next older
    one does. Only the newest version's flag is looked at, and a no-op stands for the original function.
    """
    stack = k.w.func_stacks.get(key)
    if not stack or not _redirects(k) or ftrace.calls_original(k, key):
        return original(k, key)
    entry = stack[-1]
    patch = k.w.patches.get(entry.patch)
    in_transition = patch is not None and patch.generation == entry.generation and patch.transition
    if in_transition and _state_in_handler(k, task) == KLP_UNPATCHED:
        if len(stack) == 1:
            return original(k, key)
        entry = stack[-2]
    return entry_code(k, key, entry)


def warn_of_undefined_state(k: Kernel, key: FuncKey, task: Task) -> None:
    """WARN_ON_ONCE(patch_state == KLP_UNDEFINED) of the handler, in a function that is in transition."""
    stack = k.w.func_stacks.get(key)
    newest = k.w.patches.get(stack[-1].patch) if stack else None
    if newest is not None and newest.transition and task.patch_state == KLP_UNDEFINED:
        k.warn_once("kernel/livepatch/patch.c", "klp_ftrace_handler", task)


def _state_in_handler(k: Kernel, task: Task) -> int:
    if task.patch_state == KLP_UNDEFINED and k.sem.fork_state != "inherit":
        return k.w.target_state  # a child that was not given a state goes where everybody is going
    return task.patch_state


def idle_task_joins(k: Kernel, index: int, key: FuncKey) -> None:
    """The first call that a task without a state makes into a function in transition gives it the target's state."""
    stack = k.w.func_stacks.get(key)
    if k.sem.fork_state != "idle-fixed" or not stack or not k.w.transition_patch:
        return
    patch = k.w.patches.get(stack[-1].patch)
    if patch is not None and patch.transition and k.w.tasks[index].patch_state == KLP_UNDEFINED:
        k.set_patch_state(index, k.w.target_state, pending=False)


def _redirects(k: Kernel) -> bool:
    # Before FTRACE_OPS_FL_PERMANENT, kernel.ftrace_enabled=0 silently switched livepatch's hooks off.
    return k.w.ftrace_enabled or k.sem.ftrace_sysctl != "free"


def klp_patch_object(k: Kernel, patch: Patch, index: int) -> str:
    """Push every function of one of the patch's objects; all or none. Returns `0` or an errno's name."""
    obj = patch.objects[index]
    if obj.patched:
        return k.refuse("EINVAL", f"{obj.name} is patched already")  # WARN_ON(obj->patched)
    funcs = list(obj.funcs)
    for i, func in enumerate(obj.funcs):
        error = _klp_patch_func(k, patch, obj, func)
        if error != OK:
            _set_funcs(k, patch.name, index, funcs)
            klp_unpatch_object(k, patch.name, index)
            return error
        funcs[i] = func._replace(patched=True)
    _set_funcs(k, patch.name, index, funcs)
    _set_patched(k, patch.name, index, True)
    return OK


def _klp_patch_func(k: Kernel, patch: Patch, obj: Object, func: Func) -> str:
    key = func_key(obj, func)
    stack = k.w.func_stacks.get(key, ())
    sym = symbol(k, key)
    if sym is None or func.patched:
        # WARN_ON(!func->old_addr): an earlier look-up failed, and the object counts as loaded.
        # WARN_ON(func->patched): it could not be taken off a module that was refused (up to v4.13).
        how = "has been patched already" if func.patched else "was never found"
        return k.refuse("EINVAL", f"{func.name} of {obj.name} {how}")
    if stack and not k.sem.func_stack:
        k.pr_err(f"failed to register ftrace handler for function '{func.name}' ({errno_number('EBUSY')})")
        return "EBUSY"
    if not stack:
        # An object that counts as loaded when its module is not: ftrace knows no such place in the text.
        if sym.notrace or (obj.name != VMLINUX and obj.name not in k.w.modules):
            if k.sem.ftrace_location == "location":
                k.pr_err(f"failed to find location for function '{func.name}'")
            else:
                k.pr_err(f"failed to set ftrace filter for function '{func.name}' ({errno_number('EINVAL')})")
            return "EINVAL"
        off = k.sem.ftrace_sysctl != "free" and not k.w.ftrace_enabled
        if off or not ftrace.register_ipmodify(k, key):
            k.pr_err(
                f"failed to register ftrace handler for function '{func.name}' ({errno_number('EBUSY')})"
            )
            return "EBUSY"
    immediate = func.immediate or patch.immediate
    _set_stack(k, key, (*stack, Entry(patch.name, patch.generation, func.nop, immediate)))
    func_attributes.pushed(k, key)
    return OK


def klp_unpatch_object(
    k: Kernel, name: str, index: int, *, nops_only: bool = False, only: set[FuncKey] | None = None
) -> None:
    """Pop the functions of one of the patch's objects; its no-ops only, or only the given ones of them."""
    obj = k.w.patches[name].objects[index]
    funcs = list(obj.funcs)
    for i, func in enumerate(obj.funcs):
        wanted = only is None or func_key(obj, func) in only
        if func.patched and wanted and (func.nop or not nops_only):
            funcs[i] = _klp_unpatch_func(k, k.w.patches[name], obj, func)
    _set_funcs(k, name, index, funcs)
    obj = k.w.patches[name].objects[index]
    if only is not None and any(func.patched for func in obj.funcs):
        return
    if not nops_only or obj.dynamic:
        _set_patched(k, name, index, False)


def _klp_unpatch_func(k: Kernel, patch: Patch, obj: Object, func: Func) -> Func:
    key = func_key(obj, func)
    if not obj.loaded:
        return func  # WARN_ON(!func->old_addr): its module was refused and forgotten, the function stays `patched`
    stack = k.w.func_stacks.get(key, ())
    left = tuple(e for e in stack if (e.patch, e.generation) != (patch.name, patch.generation))
    if left != stack:
        _set_stack(k, key, left)
        func_attributes.popped(k, key)
    elif obj.name in k.w.modules:
        return func  # WARN_ON(!ops): what it had been pushed on went with an earlier load of the module
    return func._replace(patched=False)


def klp_unpatch_objects(k: Kernel, name: str, *, nops_only: bool = False) -> None:
    """Pop all that the patch has pushed, object by object; or only its no-ops (klp_unpatch_objects_dynamic())."""
    for index, obj in enumerate(k.w.patches[name].objects):
        if obj.patched:
            klp_unpatch_object(k, name, index, nops_only=nops_only)


def ftrace_release_mod(k: Kernel, module: str) -> None:
    """A module's text is freed, and ftrace forgets its functions, with whatever was still hooked there.

    A module may be called vmlinux; the core kernel's functions are not its own.
    """
    if module == VMLINUX:
        return
    for key in [key for key in k.w.func_stacks if key[0] == module]:
        _set_stack(k, key, ())


def set_object(k: Kernel, name: str, index: int, obj: Object) -> None:
    """Store one of a patch's objects."""
    patch = k.w.patches[name]
    objects = (*patch.objects[:index], obj, *patch.objects[index + 1 :])
    k.set_patch(patch._replace(objects=objects))


def _set_patched(k: Kernel, name: str, index: int, patched: bool) -> None:
    patch = k.w.patches[name]
    obj = patch.objects[index]
    if obj.patched == patched:
        return
    set_object(k, name, index, obj._replace(patched=patched))
    if k.sem.patched_attr and patch.kobj:
        k.sysfs(f"{name}/{obj.name}/patched", str(int(patched)))


def _set_funcs(k: Kernel, name: str, index: int, funcs: list[Func]) -> None:
    """Store the functions of one of a patch's objects: all at once, for there may be thousands."""
    obj = k.w.patches[name].objects[index]
    if k.sem.func_attr != "none":  # their attributes changed on the way
        funcs = [
            new._replace(called=f.called, using=f.using) for new, f in zip(funcs, obj.funcs, strict=True)
        ]
    set_object(k, name, index, obj._replace(funcs=tuple(funcs)))


def _set_stack(k: Kernel, key: FuncKey, stack: tuple[Entry, ...]) -> None:
    if stack:
        k.w.func_stacks[key] = stack
    else:
        k.w.func_stacks.pop(key, None)
        if k.w.shared:
            ftrace.unregister_ipmodify(k, key)
    if k.emit:
        k.emit(hook_event(key, stack))


def hook_event(key: FuncKey, stack: tuple[Entry, ...]) -> Hook:
    """The event that tells what stands on a function's stack."""
    name = key[1] if key[2] == 1 else f"{key[1]},{key[2]}"
    return Hook(key[0], name, tuple(entry_name(entry) for entry in stack))


def entry_name(entry: Entry) -> str:
    """How traces write a version on a stack."""
    return f"{entry.patch}:nop" if entry.nop else entry.patch
