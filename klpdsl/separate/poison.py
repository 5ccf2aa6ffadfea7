"""Semantics of which some axes must not be read: whoever reads one is told.

While two worlds are equal and a step reads no axis in which the engines differ, one run of it stands for both.
"""

from __future__ import annotations

from klpdsl.semantics.axes import Semantics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class AxisReadError(Exception):
    """A rule has read an axis in which the engines differ; the text is its name."""


def poisoned(semantics: Semantics, axes: Iterable[str]) -> Semantics:
    """The same semantics, but reading one of these axes raises `AxisReadError`."""

    def bait(axis: str) -> property:
        def read(_: object) -> object:
            raise AxisReadError(axis)

        return property(read)

    kind = type("Poisoned", (Semantics,), {"__slots__": (), **{axis: bait(axis) for axis in axes}})
    made: Semantics = kind(*semantics)
    return made
