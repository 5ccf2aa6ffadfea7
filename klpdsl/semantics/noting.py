"""Semantics that note which of their axes are asked for."""

from __future__ import annotations

from klpdsl.semantics.axes import Semantics


def noting(semantics: Semantics, read: set[str]) -> Semantics:
    """The same semantics, which add to `read` each axis that a rule reads.

    What has come of them is the same for all engines that have the same values of these axes, and of `system`, which
    says which rules there are at all.
    """

    def noted(place: int, axis: str) -> property:
        def get(self: tuple[object, ...]) -> object:
            read.add(axis)
            return self[place]

        return property(get)

    axes = {axis: noted(place, axis) for place, axis in enumerate(Semantics._fields)}
    made: Semantics = type("Noting", (Semantics,), {"__slots__": (), **axes})(*semantics)
    return made
