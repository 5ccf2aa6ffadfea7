"""What the systems beside livepatch have in common here: modules, observers, and what they lack.

They run in the same world: their versions of a function stand on the same stacks, oldest first, and a function that
is on its way back to the original is written as a no-op.
"""

from __future__ import annotations

from klpdsl.engine import modules, patch, sysfs, tasks
from klpdsl.engine.context import OK, SUCCESS, Kernel, Outcome
from klpdsl.world.values import VMLINUX, Func, Object, Patch, PatchSpec


def lacking(what: str) -> Outcome:
    """The outcome of an operation that the system does not have."""
    return Outcome("unsupported", what)


def unknown_words(k: Kernel, system: str, spec: PatchSpec, *, functions: bool) -> Outcome | None:
    """What of a patch's description means nothing to the system; `functions` may be immediate one by one."""
    later = k.sem.system == "kpatch" and k.sem.kpatch_messages == "later"
    for obj in spec.objects:
        if obj.callbacks and not k.sem.callbacks:
            return lacking(f"{system} has no such callbacks")
        for func in obj.funcs:
            if func.immediate and not functions:
                return lacking(f"{system} has no flag for a single function")
            if func.sympos and not later:
                return lacking(f"{system} finds functions by their name alone here")
    if spec.relocations and not later:
        return lacking(f"{system} writes no relocations for others")
    if spec.states:
        return lacking(f"{system} has no system states")
    if spec.immediate and not k.sem.immediate:
        return lacking(f"{system} has no immediate patches any more")
    return None


def leave(k: Kernel, name: str) -> None:
    """A module's memory goes, with its functions' hooks and the patch it brought, if any."""
    k.w.patches.pop(name, None)
    patch.ftrace_release_mod(k, name)
    modules.leave(k, name)


def new_patch(k: Kernel, spec: PatchSpec) -> Patch:
    """The patch of a module that has just been loaded."""
    objects = tuple(
        Object(
            obj.name,
            tuple(Func(f.name, f.sympos, f.immediate or spec.immediate) for f in obj.funcs),
            obj.callbacks,
            loaded=obj.name == VMLINUX or obj.name in k.w.modules,
            debts=obj.debts,
        )
        for obj in spec.objects
    )
    generation = k.w.modules[spec.name].generation
    new = Patch(spec.name, generation, spec.immediate, spec.replace, (), objects, kobj=True)
    return k.set_patch(new._replace(relocations=spec.relocations))


def missing_symbol(k: Kernel, p: Patch) -> tuple[str, str]:
    """The object and name of a function that the patch means and that is not there; two empty texts if none is."""
    for obj in p.objects:
        if obj.loaded:
            for func in obj.funcs:
                if patch.symbol(k, patch.func_key(obj, func)) is None:
                    return obj.name, func.name
    return "", ""


def appear(k: Kernel, p: Patch) -> None:
    """The patch's directory and attributes."""
    for path, value in sysfs.tree(k, p):
        k.sysfs(path, value)


def vanish(k: Kernel, name: str) -> None:
    """The patch's directory goes."""
    k.set_patch(k.w.patches[name]._replace(kobj=False))
    k.sysfs(f"{name}/", None)


def changed(k: Kernel, name: str, *attributes: str) -> None:
    """Tell what some attributes are now."""
    if k.emit:
        values = sysfs.attributes(k, k.w.patches[name])
        for attribute in attributes:
            k.sysfs(f"{name}/{attribute}", values[attribute])


def push(k: Kernel, name: str) -> None:
    """Put the patch's versions on the stacks of all functions that are in memory."""
    for index, obj in enumerate(k.w.patches[name].objects):
        if obj.loaded and not obj.patched:
            patch.klp_patch_object(k, k.w.patches[name], index)


def unload(k: Kernel, name: str) -> Outcome:
    """Rmmod of any module: refused while somebody holds it."""
    refused = modules.refuses_removal(k, name)
    if refused is not None:
        return refused
    tasks.finish_work_of(k, name)
    if name in k.w.patches and k.w.patches[name].kobj:
        vanish(k, name)
    leave(k, name)
    return SUCCESS


def may_open(k: Kernel, name: str) -> Outcome:
    """The result of a write to a file of a patch that may not be there: 0 if it is."""
    there = k.w.patches.get(name)
    if there is None or not there.kobj:
        return Outcome("ENOENT", f"module {name} is not loaded")
    return Outcome(OK)
