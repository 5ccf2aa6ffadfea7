"""What an observer of the machine sees at one moment, whichever system is on it."""

from __future__ import annotations

from klpdsl.engine import patch, sysfs
from klpdsl.engine.context import SUCCESS, Kernel, Outcome
from klpdsl.trace import events
from klpdsl.world.values import STATE_NAMES


def show(k: Kernel, name: str | None) -> Outcome:
    """Report sysfs, module references, tasks and stacks of versions; of one patch or of everything."""
    if name is not None and name not in k.w.modules:
        return Outcome("ENOENT")
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
    for key, stack in sorted(k.w.func_stacks.items()):
        if name is None or any(entry.patch == name for entry in stack):
            k.emit(patch.hook_event(key, stack))
    return SUCCESS
