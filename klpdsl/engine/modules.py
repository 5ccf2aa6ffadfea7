"""Modules in memory, whatever they bring: their coming, their going, and who keeps them from going."""

from __future__ import annotations

from klpdsl.engine.context import Kernel, Outcome
from klpdsl.trace.events import ModuleGone, ModuleLoaded
from klpdsl.world.values import Module


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
    k.w.leaked.pop(name, None)
    k.w.is_ranked = False
    if k.emit or k.watch:
        k.tell(ModuleGone(name))


def refuses_loading(k: Kernel, name: str) -> Outcome | None:
    """What init_module() answers before it looks at what the module brings; None when nothing is in the way."""
    return Outcome("EEXIST") if name in k.w.modules else None


def refuses_removal(k: Kernel, name: str) -> Outcome | None:
    """What delete_module() answers before it lets a module's exit run; None when nothing is in the way."""
    module = k.w.modules.get(name)
    if module is None:
        return Outcome("ENOENT")
    return Outcome("EAGAIN") if module.refs else None
