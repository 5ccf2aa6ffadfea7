"""Shadow variables: kernel/livepatch/shadow.c (v4.15). A variable is its data, kept by object and id.

Neither enabling nor disabling nor replacing a patch touches them: they are the business of the code that uses them.
"""

from __future__ import annotations

from klpdsl.engine.context import SUCCESS, Kernel, Outcome, errno_number, unsupported
from klpdsl.trace.events import ShadowVariable

ZEROED = "0"
"""What a variable holds that nobody gave a value."""


def get(k: Kernel, obj: str, id_: int) -> Outcome:
    """klp_shadow_get(): the variable's data, or NULL."""
    if k.sem.shadow == "none":
        return unsupported("shadow")
    _tell(k, "get", obj, id_, k.w.shadow.get((obj, id_)))
    return SUCCESS


def alloc(k: Kernel, obj: str, id_: int, data: str | None, constructor: str, *, or_get: bool) -> Outcome:
    """klp_shadow_alloc(), or klp_shadow_get_or_alloc(): one that is there is a mistake for the first alone.

    `constructor` is what it returns (empty: nobody asked for one). Data that is given is copied in by the kernel up
    to v4.16, and since then by a constructor.
    """
    if k.sem.shadow == "none":
        return unsupported("shadow")
    if constructor and k.sem.shadow != "constructed":
        return unsupported("shadow", "constructed")
    verb = "get_or_alloc" if or_get else "alloc"
    there = k.w.shadow.get((obj, id_))
    if there is not None:
        if not or_get:
            k.printk("warn", f"Duplicate shadow variable <{obj}, {id_:x}>")
        _tell(k, verb, obj, id_, there if or_get else None)
        return SUCCESS
    value = ZEROED if data is None else data
    if k.sem.shadow == "constructed" and (constructor or data is not None):
        failed = constructor not in ("", "0")
        _tell(k, "ctor", obj, id_, None if failed else value)
        if failed:
            k.pr_err(f"Failed to construct shadow variable <{obj}, {id_:x}> ({errno_number(constructor)})")
            _tell(k, verb, obj, id_, None)
            return SUCCESS
    k.w.shadow[(obj, id_)] = value
    _tell(k, verb, obj, id_, value)
    return SUCCESS


def free(k: Kernel, obj: str, id_: int, *, destructor: bool) -> Outcome:
    """klp_shadow_free(): one variable."""
    missing = _missing(k, destructor)
    if missing is None:
        _free(k, obj, id_, destructor)
    return missing or SUCCESS


def free_all(k: Kernel, id_: int, *, destructor: bool) -> Outcome:
    """klp_shadow_free_all(): every variable of that id. The kernel goes by its hash; here the oldest goes first."""
    missing = _missing(k, destructor)
    if missing is None:
        for obj, other in list(k.w.shadow):
            if other == id_:
                _free(k, obj, id_, destructor)
    return missing or SUCCESS


def _missing(k: Kernel, destructor: bool) -> Outcome | None:
    if k.sem.shadow == "none":
        return unsupported("shadow")
    return unsupported("shadow_dtor") if destructor and not k.sem.shadow_dtor else None


def _free(k: Kernel, obj: str, id_: int, destructor: bool) -> None:
    data = k.w.shadow.pop((obj, id_), None)
    k.w.shadow_owners.pop((obj, id_), None)
    if data is not None and destructor:
        _tell(k, "dtor", obj, id_, data)
    _tell(k, "free", obj, id_, data)


def _tell(k: Kernel, what: str, obj: str, id_: int, data: str | None) -> None:
    if k.emit:
        k.emit(ShadowVariable(what, obj, id_, data))
