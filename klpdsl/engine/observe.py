"""What an observer of the machine sees at one moment, whichever system is on it."""

from __future__ import annotations

from klpdsl.engine import patch, sysfs
from klpdsl.engine.context import SUCCESS, Kernel, Outcome
from klpdsl.trace import events
from klpdsl.world.values import STATE_NAMES


def show(k: Kernel, name: str | None) -> Outcome:
    """Report sysfs, module references, tasks and stacks of versions; of one patch or of everything."""
    if name is not None and name not in k.w.modules:
        return Outcome("ENOENT", f"module {name} is not loaded")
    if k.emit is None:
        return SUCCESS
    for path, value in sysfs.below(k, name):
        k.emit(events.Sysfs(path, value))
    for module in sorted(k.w.modules):
        if name in (None, module):
            k.emit(events.ModuleRefs(module, k.w.modules[module].refs))
    if name is None:
        for _, task in k.w.listed():
            k.emit(events.TaskShown(task.name, STATE_NAMES[task.patch_state]))
    for thing, owner in k.w.owed:
        if name in (None, owner):
            k.emit(events.Owed(owner, thing))
    for key, stack in sorted(k.w.func_stacks.items()):
        if name is None or any(entry.patch == name for entry in stack):
            k.emit(patch.hook_event(key, stack))
    return SUCCESS


def open_file(k: Kernel, name: str, path: str) -> Outcome:
    """Somebody opens a file or directory below the patch's own and keeps it open, which keeps nothing there.

    kernfs_fop_open() (fs/kernfs/file.c) gives its active reference back before it returns, and a directory's lookup
    takes none; neither takes a reference on the kobject or on the module. So kernfs_drain(), which kobject_del() comes
    to, has nobody to wait for; kernfs_drain_open_files() does no more than unmap. Read in 5.15 and 6.6.
    """
    if sysfs.read(k, name, path) is None and sysfs.read(k, name, f"{path},1") is None:
        return Outcome("ENOENT", "the patch has no such file")
    k.w.opened += (f"{name}/{path}",)
    return SUCCESS


def close_file(k: Kernel, name: str, path: str) -> Outcome:
    """Whoever had the file or directory open closes it."""
    opened = list(k.w.opened)
    if f"{name}/{path}" not in opened:
        return Outcome("EBADF", "nobody has it open")
    opened.remove(f"{name}/{path}")
    k.w.opened = tuple(opened)
    return SUCCESS
