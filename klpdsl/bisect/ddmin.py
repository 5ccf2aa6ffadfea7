"""Delta debugging: the smallest part of a list that still passes a test (Zeller and Hildebrandt's ddmin).

Deterministic: the same list and the same answers give the same parts in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def ddmin(parts: Sequence[T], holds: Callable[[list[T]], bool]) -> list[T]:
    """Return a sublist that holds and from which no single part can be left out. `parts` itself must hold."""
    kept = list(parts)
    size = max(1, len(kept) // 2)
    while kept:
        kept, shrunk = _sweep(kept, size, holds)
        if size > 1:
            size = max(1, min(size // 2, len(kept) // 2))
        elif not shrunk:
            break
    return kept


def _sweep(kept: list[T], size: int, holds: Callable[[list[T]], bool]) -> tuple[list[T], bool]:
    """Try to leave out each piece of that size, the last ones first: later parts rest on earlier ones."""
    shrunk = False
    end = len(kept)
    while end > 0:
        start = max(0, end - size)
        candidate = kept[:start] + kept[end:]
        if holds(candidate):
            kept = candidate
            shrunk = True
        end = start
    return kept, shrunk
