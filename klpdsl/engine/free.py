"""Listing, unlisting and freeing patches: the klp_free_patch_start() family of core.c."""

from __future__ import annotations

from klpdsl.engine import kobjects, sysfs
from klpdsl.engine.context import Kernel


def enlist(k: Kernel, name: str) -> None:
    """list_add_tail(&patch->list, &klp_patches)."""
    before = k.w.klp_patches
    k.w.klp_patches = (*before, name)
    sysfs.stack_order_changed(k, before)


def unlist(k: Kernel, name: str) -> None:
    """list_del(&patch->list), when it is listed."""
    before = k.w.klp_patches
    if name in before:
        k.w.klp_patches = tuple(other for other in before if other != name)
        sysfs.stack_order_changed(k, before)


def klp_free_patch_start(k: Kernel, name: str) -> None:
    """Take the patch off the list and its objects and functions out of sysfs."""
    if k.sem.api == "single":
        unlist(k, name)
    patch = k.w.patches[name]
    for obj in patch.objects:
        if obj.kobj:
            kobjects.release(k, f"{name}/{obj.name}/")
    unlist(k, name)  # up to v5.0 klp_free_patch() does this last
    k.set_patch(patch._replace(objects=(), registered=False))


def klp_free_patch_finish(k: Kernel, name: str) -> None:
    """Remove the patch's directory, then drop its module reference unless it was forced (v5.1).

    Which patches count as forced is settled before: by the axis `force`, and for replaced ones by the axis `put`.
    """
    remove_kobject(k, name)
    if k.w.patches[name].forced or k.w.klp_forced:
        k.keep_for_ever(name)
    else:
        k.module_put(name)


def remove_object_kobject(k: Kernel, name: str, index: int) -> None:
    """Remove the directory of one of the patch's objects, if it has one."""
    patch = k.w.patches[name]
    obj = patch.objects[index]
    if obj.kobj:
        kobjects.release(k, f"{name}/{obj.name}/")
        objects = (*patch.objects[:index], obj._replace(kobj=False), *patch.objects[index + 1 :])
        k.set_patch(patch._replace(objects=objects))


def remove_kobject(k: Kernel, name: str) -> None:
    """Remove the patch's directory."""
    patch = k.w.patches[name]
    if patch.kobj:
        k.set_patch(patch._replace(kobj=False))
        k.sysfs(f"{name}/", None)


def klp_free_patch_async(k: Kernel, name: str) -> None:
    """Free the patch: what the mutex protects at once, the rest from a work item."""
    klp_free_patch_start(k, name)
    k.w.work += (("free", name),)
