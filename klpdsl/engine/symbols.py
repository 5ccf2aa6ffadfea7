"""Looking functions up: klp_find_object_symbol() of core.c."""

from __future__ import annotations

from klpdsl.engine.context import OK, Kernel
from klpdsl.world.values import VMLINUX, Func, Object, Symbol

#: Tables longer than this are looked up by name; of those, the latest that were asked for, each with what it is of.
_SHORT = 16
_TABLES = 8
_by_name: dict[int, tuple[tuple[Symbol, ...], dict[str, tuple[Symbol, ...]]]] = {}


def table_of(k: Kernel, obj: str) -> tuple[Symbol, ...]:
    """The symbols of an object: of a module with several builds, those of the one that was loaded last."""
    return k.w.symbols.get(k.w.builds.get(obj, obj) if k.w.builds else obj, ())


def symbols_named(k: Kernel, obj: str, name: str) -> tuple[Symbol, ...]:
    """The symbols of that name in an object, in the order of its table."""
    table = table_of(k, obj)
    if len(table) <= _SHORT:
        return tuple([symbol for symbol in table if symbol.name == name])
    known = _by_name.get(id(table))
    if known is None or known[0] is not table:
        named: dict[str, tuple[Symbol, ...]] = {}
        for symbol in table:
            named[symbol.name] = (*named.get(symbol.name, ()), symbol)
        if len(_by_name) >= _TABLES:
            _by_name.clear()
        known = _by_name[id(table)] = (table, named)
    return known[1].get(name, ())


def found_elsewhere(k: Kernel, obj: Object) -> Object:
    """Where a symbol may be anybody's (2026): note for each function that its object lacks where else there is one.

    vmlinux is looked through first, then the modules in memory in the order of their names: the kernel's order is that
    of its own list, which nobody can rely on.
    """
    if k.sem.symbol_scope == "object":
        return obj
    return obj._replace(
        funcs=tuple(func._replace(found_in=_other_object(k, obj, func)) for func in obj.funcs)
    )


def _other_object(k: Kernel, obj: Object, func: Func) -> str:
    def has(name: str) -> bool:
        return any(symbol.name == func.name for symbol in table_of(k, name))

    if has(obj.name):
        return ""
    return next((name for name in (VMLINUX, *sorted(k.w.modules)) if has(name)), "")


def find_functions(k: Kernel, obj: Object) -> str:
    """Look up every function of an object that is in memory. Returns `0` or an errno's name."""
    for func in obj.funcs:
        if func.found_in:
            continue
        error = klp_find_object_symbol(k, obj.name, func.name, func.sympos)
        if error != OK:
            return error
    return OK


def klp_find_object_symbol(k: Kernel, obj: str, name: str, sympos: int) -> str:
    """Look a symbol up in an object. Returns `0` or an errno's name."""
    present = obj == VMLINUX or obj in k.w.modules
    count = len(symbols_named(k, obj, name)) if present else 0
    if count == 0:
        k.pr_err(f"symbol '{name}' not found in symbol table")
    elif count > 1 and sympos == 0:
        k.pr_err(_ambiguity(k, name, _printed(obj), count))
    elif sympos > count:
        # The kernel's own name for vmlinux is in this message, unlike in the one above.
        k.pr_err(f"symbol position {sympos} for symbol '{name}' in object '{obj}' not found")
    else:
        return OK
    return "EINVAL"


def _ambiguity(k: Kernel, name: str, obj: str, count: int) -> str:
    if k.sem.ambiguity == "plain":
        return f"unresolvable ambiguity for symbol '{name}' in object '{obj}'"
    # With positions, the search stops at the second match.
    matches = count if k.sem.symbol_lookup == "count" else 2
    return f"unresolvable ambiguity ({matches} matches) on symbol '{name}' in object '{obj}'"


def _printed(obj: str) -> str:
    # vmlinux is a NULL name, which printk shows like this.
    return "(null)" if obj == VMLINUX else obj
