"""Engines that stand in the data: mainline's points, and what is built on them by name (proposals, other systems)."""

from __future__ import annotations

from klpdsl.semantics.points import mainline_engine, position
from klpdsl.semantics.records import Engine, EngineError, Proposal, Setting
from klpdsl.semantics.table import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MAX_DEPTH = 20


def resolve_named(name: str, depth: int = 0) -> Engine:
    """Return the engine of a name that stands in the data: a point of mainline, a proposal, or an alias of one."""
    known = table()
    name = known["aliases"].get(name, name)
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
