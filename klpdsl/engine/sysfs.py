"""The files below /sys/kernel/livepatch: names, values, and their coming and going.

A directory is reported with a trailing slash; what it holds vanishes with it. A write-only attribute shows as `-`.
"""

from __future__ import annotations

from klpdsl.engine import func_attributes
from klpdsl.engine.context import Kernel
from klpdsl.engine.scope import own_set
from klpdsl.world.values import Func, Object, Patch

WRITE_ONLY = "-"


def func_dir(k: Kernel, func: Func) -> str:
    """A function's directory: sympos 0 is shown as 1, for a unique symbol is the first of its name."""
    if k.sem.func_dir == "name":
        return func.name
    return f"{func.name},{func.sympos or 1}"


def attributes(k: Kernel, patch: Patch) -> dict[str, str]:
    """The patch's attributes and their values, in alphabetical order."""
    if k.sem.system == "kpatch":
        return {"enabled": str(int(patch.enabled))}
    if k.sem.system != "klp":
        return _kgraft_attributes(k, patch)
    values = {"enabled": str(int(patch.enabled))}
    if k.sem.force != "none":
        values["force"] = WRITE_ONLY
    if k.sem.set_attr == "replace_set":
        values["replace_set"] = str(own_set(patch))
    elif k.sem.replace_attr:
        number = own_set(patch) if k.sem.set_attr == "number-in-replace" else int(patch.replace)
        values["replace"] = str(number)
    if k.sem.replaceable_attr:
        values["replaceable"] = str(int(bool(patch.replaceable)))
    if k.sem.signal_attr:
        values["signal"] = WRITE_ONLY
    if _has_stack_order(k) and patch.name in k.w.klp_patches:
        values["stack_order"] = str(k.w.klp_patches.index(patch.name) + 1)
    if k.sem.consistency != "none":
        values["transition"] = str(int(k.w.transition_patch == patch.name))
    return values


def _kgraft_attributes(k: Kernel, patch: Patch) -> dict[str, str]:
    return {
        "refs": str(patch.refs),
        "replace_all": str(int(patch.replace)),
        "revert": WRITE_ONLY,
        "state": ", ".join(_kgraft_states(k, patch)),
    }


def _kgraft_states(k: Kernel, patch: Patch) -> list[str]:
    """The lines of `state`: what has become of each function."""
    states = []
    in_progress = k.w.transition_patch == patch.name
    for obj in patch.objects:
        for func in obj.funcs:
            if func.nop:
                continue
            if not obj.loaded:
                state = "SKIPPED"
            elif not func.patched:
                state = "REVERTED" if patch.registered else "SLOW" if in_progress else "INIT"
            elif in_progress and patch.transition:
                state = "REVERT_SLOW" if patch.registered else "SLOW"
            else:
                state = "APPLIED"
            states.append(f"{obj.name}:{func.name} {state}")
    return states


def object_entries(k: Kernel, patch: Patch, obj: Object) -> list[tuple[str, str]]:
    """An object's directory and what is in it."""
    base = f"{patch.name}/{obj.name}/"
    entries = [(base, "")]
    entries += [(f"{base}{func_dir(k, func)}/", "") for func in obj.funcs]
    if k.sem.func_attr != "none":
        entries += [
            (f"{base}{func_dir(k, func)}/{k.sem.func_attr}", func_attributes.value(k, patch, obj, func))
            for func in obj.funcs
        ]
    if k.sem.patched_attr:
        entries.append((f"{base}patched", str(int(obj.patched))))
    return entries


def tree(k: Kernel, patch: Patch) -> list[tuple[str, str]]:
    """All entries of a patch, sorted by path; empty when it has no directory."""
    if not patch.kobj:
        return []
    entries = [(f"{patch.name}/", "")]
    entries += [(f"{patch.name}/{name}", value) for name, value in attributes(k, patch).items()]
    for obj in patch.objects if k.sem.system == "klp" else ():
        entries += object_entries(k, patch, obj)
    return sorted(entries)


def below(k: Kernel, name: str | None) -> list[tuple[str, str]]:
    """What is there of one patch or of all, sorted: also what should have gone and is still held open."""
    entries: list[tuple[str, str]] = []
    for patch in k.w.patches.values():
        if name in (None, patch.name):
            entries += tree(k, patch)
    if k.sem.system in ("kgraft", "kgraft-early") and name is None:
        entries.append(("in_progress", str(int(k.w.transition_work))))
    lingering = k.w.ghosts if k.sem.nop_kobject == "del+release" else k.w.ghosts + k.w.released
    known = {path for path, _ in entries}
    entries += [
        (path, "") for path in lingering if path not in known and name in (None, path.partition("/")[0])
    ]
    return sorted(entries)


def read(k: Kernel, name: str, path: str) -> str | None:
    """The value of one entry of a patch (a directory's is empty), None when it is not there."""
    patch = k.w.patches.get(name)
    if patch is None:
        return None
    wanted = f"{name}/{path}".rstrip("/")
    # A function's directory may be named without the position that stands in its name.
    wanted_too = f"{name}/{path.rpartition('/')[0]},1/{path.rpartition('/')[2]}"
    for entry, value in tree(k, patch):
        if entry.rstrip("/") in (wanted, wanted_too):
            return value
    return None


def patch_appears(k: Kernel, patch: Patch) -> None:
    """kobject_add() of the patch: its directory and attributes."""
    if k.emit:
        k.sysfs(f"{patch.name}/", "")
        for name, value in attributes(k, patch).items():
            k.sysfs(f"{patch.name}/{name}", value)


def _has_stack_order(k: Kernel) -> bool:
    return k.sem.stack_order_attr and k.sem.set_attr != "replace_set"


def stack_order_changed(k: Kernel, before: tuple[str, ...]) -> None:
    """klp_patches changed: tell whose position is another now."""
    if not _has_stack_order(k) or not k.emit:
        return
    for index, name in enumerate(k.w.klp_patches):
        if (index >= len(before) or before[index] != name) and k.w.patches[name].kobj:
            k.sysfs(f"{name}/stack_order", str(index + 1))
