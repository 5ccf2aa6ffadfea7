"""Which module has the operations of which system: `Semantics.system` chooses."""

from __future__ import annotations

from klpdsl.engine import klp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def operations(system: str) -> ModuleType:
    """The module that offers the system's operations; all have those of `klp.py`, by the same names."""
    if system == "klp":
        return klp
    if system == "kpatch":
        from klpdsl.engine import kpatch

        return kpatch
    from klpdsl.engine import kgraft

    return kgraft
