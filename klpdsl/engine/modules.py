"""Modules in memory, whatever they bring: their coming, their going, and who keeps them from going."""

from __future__ import annotations

from klpdsl.engine import ftrace
from klpdsl.engine.context import Kernel, Outcome
from klpdsl.trace.events import ModuleGone, ModuleLoaded
from klpdsl.world.values import VMLINUX, Module, Object

IN_THE_MIDDLE = Outcome("blocked", "insmod waits until the insmod or rmmod that is under way is done")
"""What insmod of a module gets while another call is in the middle of inserting or removing it."""


def arrive(k: Kernel, name: str, *, livepatch: bool) -> None:
    """A module is in memory; its init comes next."""
    k.w.generation += 1
    k.w.is_ranked = k.w.is_ranked and livepatch
    k.w.modules[name] = Module(name, k.w.generation, 0, livepatch)
    if k.emit:
        k.emit(ModuleLoaded(name))


def leave(k: Kernel, name: str) -> None:
    """A module's memory goes."""
    del k.w.modules[name]
    for key in [key for key in k.w.tracers if key[0] == name]:
        ftrace.release(k, key)
    k.w.leaked.pop(name, None)
    k.w.is_ranked = False
    if k.emit or k.watch:
        k.tell(ModuleGone(name))


def refuses_loading(k: Kernel, name: str) -> Outcome | None:
    """What init_module() answers before it looks at what the module brings; None when nothing is in the way."""
    module = k.w.modules.get(name)
    if module is not None and module.window:
        return IN_THE_MIDDLE
    return None if module is None else Outcome("EEXIST", f"module {name} is loaded already")


def refuses_removal(k: Kernel, name: str) -> Outcome | None:
    """What delete_module() answers before it lets a module's exit run; None when nothing is in the way."""
    module = k.w.modules.get(name)
    if module is None:
        return Outcome("ENOENT", f"module {name} is not loaded")
    if module.window:
        return Outcome("EBUSY", "another insmod or rmmod of it is under way")
    if not module.refs:
        return None
    return Outcome("EAGAIN", f"module {name} has {module.refs} reference{'s' * (module.refs != 1)}")


def is_meant(k: Kernel, obj: Object) -> bool:
    """Whether the build of a module in memory is the one that a patch's object means, as far as that is asked."""
    if k.sem.object_identity == "name" or not obj.srcversion:
        return True
    build = k.w.builds.get(obj.name, obj.name)
    return k.w.srcversions.get(build, obj.srcversion) == obj.srcversion


OTHER_BUILD = "the module of that name in memory has another srcversion"


def set_window(k: Kernel, name: str, window: str) -> None:
    """Its insmod or rmmod stands there now; who inserts a module holds a reference until its init is over."""
    module = k.w.modules[name]
    held = int(window in _INSERTING) - int(module.window in _INSERTING)
    k.w.modules[name] = module._replace(window=window, refs=module.refs + held)


_INSERTING = ("coming", "starting")


def present(k: Kernel, obj: str) -> bool:
    """klp_find_object_module(): whether an object counts as loaded for a patch that is enabled or registered now.

    Since 8cb2c2dc4727 (klp_alive) a module counts from where livepatch's own hook has seen it to where that has seen it
    go; before, one that was anywhere on its way did.
    """
    module = k.w.modules.get(obj)
    return obj == VMLINUX or (module is not None and (module.window != "coming" or not k.sem.klp_alive))
