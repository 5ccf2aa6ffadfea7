"""Whether two trees say the same."""

from __future__ import annotations

from klpdsl.syntax.place import Name, Span


def same(one: object, other: object) -> bool:
    """Return whether two trees, or parts of trees, say the same: equal by class and content, spans ignored."""
    if type(one) is not type(other):
        return (Name in {type(one), type(other)}) and one == other
    if type(one) is Span:
        return True
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other
