"""What kpatch's core does for each object of a patch: linking it to its module, relocations, symbols, callbacks.

kpatch_link_object(), kpatch_write_relocations(), kpatch_find_object_symbol() and the *_callback() family of
kmod/core/core.c. A linked object holds a reference on its module.
"""

from __future__ import annotations

from klpdsl.engine import debts, patch
from klpdsl.engine.context import OK, Kernel, errno_number
from klpdsl.engine.symbols import table_of
from klpdsl.trace.events import Callback
from klpdsl.world.values import VMLINUX, Object


def link(k: Kernel, name: str, index: int) -> str:
    """kpatch_link_object(): take the object's module, write what the patch's code needs of it, find its functions.

    Returns `0`, also for a module that is not there yet, or an errno's name; then the reference is given back.
    """
    obj = k.w.patches[name].objects[index]
    if not obj.loaded:
        return OK
    if obj.name != VMLINUX:
        k.module_get(obj.name)
    error = _write_relocations(k, name, obj)
    for func in obj.funcs if error == OK else ():
        error = _find_symbol(k, obj.name, func.name, func.sympos)
        if error != OK:
            break
    if error != OK and obj.name != VMLINUX:
        k.module_put(obj.name)
    return error


def unlink_all(k: Kernel, name: str, upto: int | None = None) -> None:
    """kpatch_unlink_object() for the patch's objects, or for those before the one that failed."""
    for obj in k.w.patches[name].objects[:upto]:
        if obj.loaded and obj.name != VMLINUX and obj.name in k.w.modules:
            k.module_put(obj.name)


def arrive(k: Kernel, name: str, index: int) -> None:
    """kpatch_module_notify_coming(): a module is there that the patch waits for. It loads, whatever comes of this."""
    obj = k.w.patches[name].objects[index]
    patch.set_object(k, name, index, obj._replace(loaded=True))
    error = link(k, name, index)
    if error != OK:
        patch.set_object(k, name, index, obj)
    else:
        k.printk("notice", f"kpatch: patching newly loaded module '{obj.name}'")
        error = pre_patch(k, name, index)
        if error == OK:
            patch.klp_patch_object(k, k.w.patches[name], index)
            run(k, name, index, "post_patch")
    if error != OK:
        # WARN(), which puts no prefix before it: nobody can keep the module from loading.
        k.printk("warn", f"error ({errno_number(error)}) patching newly loaded module '{obj.name}'")


# --- callbacks ------------------------------------------------------------------------------------------------


def pre_patch_all(k: Kernel, name: str) -> str:
    """Run pre_patch of every object; the first that fails ends it."""
    for index in range(len(k.w.patches[name].objects)):
        error = pre_patch(k, name, index)
        if error != OK:
            return error
    return OK


def pre_patch(k: Kernel, name: str, index: int) -> str:
    """pre_patch_callback(): the object's other callbacks run only after it has succeeded."""
    obj = k.w.patches[name].objects[index]
    result = dict(obj.callbacks).get("pre_patch", OK) if obj.loaded else OK
    _tell(k, name, obj, "pre_patch")
    patch.set_object(k, name, index, obj._replace(post_unpatch_enabled=result == OK))
    if result != OK:
        k.printk("err", "kpatch: pre-patch callback failed!")
    return result


def run_all(k: Kernel, name: str, callback: str) -> None:
    """Run a callback of every object."""
    for index in range(len(k.w.patches[name].objects)):
        run(k, name, index, callback)


def run(k: Kernel, name: str, index: int, callback: str) -> None:
    """Run a callback of an object that is linked and whose pre_patch has succeeded."""
    obj = k.w.patches[name].objects[index]
    if obj.post_unpatch_enabled:
        _tell(k, name, obj, callback)


def _tell(k: Kernel, name: str, obj: Object, callback: str) -> None:
    for which, result in obj.callbacks if obj.loaded else ():
        if which == callback and (k.emit or k.watch):
            k.tell(Callback(name, obj.name, which, result))
        if which == callback and obj.debts and result == OK:
            debts.callback_ran(k, name, obj, which)


# --- symbols --------------------------------------------------------------------------------------------------


def _write_relocations(k: Kernel, name: str, obj: Object) -> str:
    p = k.w.patches[name]
    wanted = [symbol for section, symbols in p.relocations if section == obj.name for symbol in symbols]
    for owner, symbol, sympos in wanted:
        error = _find_symbol(k, owner, symbol, sympos)
        if error != OK:
            k.printk("err", f"kpatch: unable to find symbol '{symbol}'")
            return error
    if wanted and obj.name not in p.relocated:
        # What has been written once is skipped from then on: the places are not zero any more.
        k.set_patch(p._replace(relocated=p.relocated | {obj.name}))
    return OK


def _find_symbol(k: Kernel, obj: str, name: str, sympos: int) -> str:
    present = obj == VMLINUX or obj in k.w.modules
    count = sum(1 for symbol in table_of(k, obj) if symbol.name == name) if present else 0
    if count == 0:
        k.printk("err", _missing(k, obj, name))
    elif count > 1 and sympos == 0:
        k.printk("err", f"kpatch: unresolvable ambiguity for symbol '{name}' in object '{obj}'")
    elif sympos > count:
        k.printk("err", f"kpatch: symbol position {sympos} for symbol '{name}' in object '{obj}' not found")
    else:
        return OK
    return "EINVAL"


def _missing(k: Kernel, obj: str, name: str) -> str:
    if k.sem.kpatch_messages == "later":
        return f"kpatch: symbol '{name}' not found in symbol table"
    if obj == VMLINUX:
        return f"kpatch: base kernel mismatch for symbol '{name}'"
    return f"kpatch: unable to find symbol '{name}' in module '{obj}"
