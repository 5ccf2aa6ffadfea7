"""Which module has the operations of which system: `Semantics.system` chooses."""

from __future__ import annotations

from klpdsl.engine import klp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

_MODULES: dict[str, ModuleType] = {"klp": klp}


def operations(system: str) -> ModuleType:
    """The module that offers the system's operations; all have those of `klp.py`, by the same names."""
    return _MODULES[system]
