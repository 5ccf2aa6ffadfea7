"""Directories below /sys/kernel/livepatch on whose kobject somebody has a reference, and what becomes of them.

The kernel may take a held directory out of its lists, but its memory must stay until the last reference is gone. To
have a file or a directory open is no such reference (observe.py). Paths end in a slash, as in traces.
"""

from __future__ import annotations

from klpdsl.engine import sysfs
from klpdsl.engine.context import SUCCESS, Kernel, Outcome

NO_DIRECTORY = "the patch has no such directory"


def hold(k: Kernel, name: str, path: str) -> Outcome:
    """Somebody takes a reference on the kobject of a directory of the patch: kobject_get()."""
    found = _find(k, name, path)
    if not found:
        return Outcome("ENOENT", NO_DIRECTORY)
    k.w.held += (found,)
    return SUCCESS


def drop(k: Kernel, name: str, path: str) -> Outcome:
    """Whoever had that reference gives it back: what only waited for this goes now (but for a paused completion)."""
    wanted = _spellings(name, path)
    found = next((held for held in k.w.held if held in wanted), "")
    if not found:
        return Outcome("EINVAL", "nobody has a reference on it")
    left = list(k.w.held)
    left.remove(found)
    k.w.held = tuple(left)
    for waiting in sorted(k.w.released, reverse=True):
        if not is_held(k, waiting):
            k.w.released = tuple(path for path in k.w.released if path != waiting)
            if k.sem.nop_kobject != "del+release":
                k.sysfs(waiting, None)
    return SUCCESS


def is_held(k: Kernel, directory: str) -> bool:
    """Whether somebody holds the directory or one below it."""
    return any(path.startswith(directory) for path in k.w.held)


def release(k: Kernel, directory: str, *, nop: bool = False) -> None:
    """kobject_put() of a directory's kobject; `nop`: what it belongs to was allocated for a no-op and is freed."""
    if not k.w.held or not is_held(k, directory):
        k.sysfs(directory, None)
        return
    if nop and k.sem.nop_kobject == "now":
        # kfree() right after kobject_put(): the directory stays for whoever holds it, its memory does not.
        k.w.ghosts += (directory,)
        return
    if k.sem.nop_kobject == "del+release":
        k.sysfs(directory, None)
    k.w.released += (directory,)


def leave_behind(k: Kernel, directory: str) -> None:
    """The memory of a directory's kobject goes, and nobody took the directory away."""
    k.w.ghosts += (directory,)


def _spellings(name: str, path: str) -> tuple[str, ...]:
    whole = f"{name}/{path}".rstrip("/")
    return (f"{whole}/", f"{whole},1/")


def _find(k: Kernel, name: str, path: str) -> str:
    """The directory that a path means: `p1/vmlinux/f` also finds `p1/vmlinux/f,1`."""
    patch = k.w.patches.get(name)
    if patch is None:
        return ""
    there = {entry for entry, _ in sysfs.tree(k, patch)} | set(k.w.ghosts)
    return next((spelling for spelling in _spellings(name, path) if spelling in there), "")
