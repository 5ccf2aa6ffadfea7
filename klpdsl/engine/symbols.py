"""Looking functions up: klp_find_object_symbol() and klp_init_object_loaded() of core.c."""

from __future__ import annotations

from klpdsl.engine.context import OK, Kernel
from klpdsl.world.values import VMLINUX, Object


def klp_init_object_loaded(k: Kernel, obj: Object) -> str:
    """Resolve every function of an object that is in memory. Returns `0` or an errno's name."""
    for func in obj.funcs:
        error = _klp_find_object_symbol(k, obj.name, func.name, func.sympos)
        if error != OK:
            return error
    return OK


def _klp_find_object_symbol(k: Kernel, obj: str, name: str, sympos: int) -> str:
    count = sum(1 for symbol in k.w.symbols.get(obj, ()) if symbol.name == name)
    if count == 0:
        k.pr_err(f"symbol '{name}' not found in symbol table")
    elif k.sem.symbol_lookup == "count":
        if count == 1:
            return OK
        k.pr_err(f"unresolvable ambiguity ({count} matches) on symbol '{name}' in object '{_printed(obj)}'")
    elif sympos == 0 and count > 1:
        k.pr_err(f"unresolvable ambiguity for symbol '{name}' in object '{_printed(obj)}'")
    elif sympos > count:
        # The kernel's own name for it is in this message, unlike in the one above.
        k.pr_err(f"symbol position {sympos} for symbol '{name}' in object '{obj}' not found")
    else:
        return OK
    return "EINVAL"


def _printed(obj: str) -> str:
    # vmlinux is a NULL name, which printk shows like this.
    return "(null)" if obj == VMLINUX else obj
