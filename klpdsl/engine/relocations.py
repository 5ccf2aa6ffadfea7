"""Relocations of a livepatch module: klp_write_section_relocs() of core.c, and the check of x86's module loader.

A patch's code may name symbols that its module could not be linked against. Those of a section `.klp.rela.ext4.…` are
written when ext4 is there; those against vmlinux when the patch is registered, or (v5.8) when its module is loaded.
"""

from __future__ import annotations

from klpdsl.engine.context import OK, Kernel
from klpdsl.engine.symbols import find_functions, found_elsewhere, klp_find_object_symbol
from klpdsl.world.values import VMLINUX, Object, RelocationSpec


def apply_vmlinux_relocs(k: Kernel, relocations: tuple[RelocationSpec, ...]) -> str:
    """What the module loader does before the module's init runs, since v5.8."""
    if k.sem.vmlinux_relocs == "init":
        return OK
    return _resolve(k, VMLINUX, relocations)


def klp_init_object_loaded(k: Kernel, name: str, obj: Object) -> str:
    """Prepare one of a patch's objects that is in memory: relocations first, then its functions."""
    error = klp_apply_object_relocs(k, name, obj.name)
    if error != OK:
        return error
    found = found_elsewhere(k, obj)
    if found is not obj:
        objects = k.w.patches[name].objects
        k.set_patch(k.w.patches[name]._replace(objects=tuple(found if o is obj else o for o in objects)))
    return find_functions(k, found)


def klp_apply_object_relocs(k: Kernel, name: str, object_name: str) -> str:
    """Write the relocations of a patch for an object that is loaded. Returns `0` or an errno's name."""
    patch = k.w.patches[name]
    wanted = tuple(section for section in patch.relocations if section[0] == object_name)
    if not wanted or (object_name == VMLINUX and k.sem.vmlinux_relocs == "load"):
        return OK
    error = _resolve(k, object_name, wanted)
    if error != OK:
        return error
    if object_name in patch.relocated and k.sem.reloc_targets != "overwritten":
        # apply_relocate_add() of x86 finds something else than zero where it is to write.
        return k.refuse("ENOEXEC", f"its relocations for {object_name} have been written before")
    k.set_patch(patch._replace(relocated=patch.relocated | {object_name}))
    return OK


def klp_clear_object_relocs(k: Kernel, name: str, object_name: str) -> None:
    """Zero what was written for a module that goes (v6.3)."""
    patch = k.w.patches[name]
    if k.sem.reloc_targets == "cleared" and object_name in patch.relocated:
        k.set_patch(patch._replace(relocated=patch.relocated - {object_name}))


def _resolve(k: Kernel, object_name: str, relocations: tuple[RelocationSpec, ...]) -> str:
    for section, symbols in relocations:
        for owner, symbol, sympos in symbols if section == object_name else ():
            if object_name != VMLINUX and owner == VMLINUX and k.sem.module_relocs == "own-side":
                k.pr_err(
                    f"invalid access to vmlinux symbol '{symbol}' from module-specific livepatch relocation section"
                )
                return "EINVAL"
            error = klp_find_object_symbol(k, owner, symbol, sympos)
            if error != OK:
                return error
    return OK
