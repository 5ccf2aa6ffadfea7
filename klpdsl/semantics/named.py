"""Engines that stand in the data: mainline's points, and what is built on them by name.

These are proposals, other systems, and kernels that people run: those of distributions and the stable trees.
"""

from __future__ import annotations

from klpdsl.semantics.points import apply_changes, mainline_engine, position
from klpdsl.semantics.records import Distribution, Engine, EngineError, Proposal, Setting
from klpdsl.semantics.table import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MAX_DEPTH = 20


def resolve_named(name: str, depth: int = 0) -> Engine:
    """Return the engine of a name that stands in the data, or that is an alias of one that does."""
    known = table()
    name = known["aliases"].get(name, name)
    if name in known["distributions"]:
        return _distribution(Distribution(*known["distributions"][name]))
    if name not in known["proposals"]:
        return mainline_engine(position(name))
    if depth > _MAX_DEPTH:
        raise EngineError(f"the proposals on which {name} is built go in a circle")
    proposal = Proposal(*known["proposals"][name])
    base = resolve_named(proposal.base, depth + 1)
    axes: dict[str, Any] = dict(proposal.set)
    return Engine(
        name=name,
        semantics=base.semantics._replace(**axes),
        base=base.name,
        kind=proposal.kind,
        changes=base.changes,
        settings=(*base.settings, *(Setting(axis, value, name) for axis, value in proposal.set)),
    )


def _distribution(one: Distribution) -> Engine:
    """Return the engine of a kernel that people run: its release, with and without the changes that set it apart."""
    base = mainline_engine(position(one.base))
    changes = tuple(
        name
        for name in table()["order"]
        if name in one.carries or (name in base.changes and name not in one.lacks)
    )
    return Engine(one.id, apply_changes(changes), base.name, one.kind, changes, without=one.lacks)
