"""Trees as plain values that `marshal` can write, and back.

A node becomes a list: the number of its class, its place, its fields. A tuple stays a tuple, so the two can be told
apart. A word that knows its place is a list that begins with its text. The name of the source is left out: the same
text in another file is the same tree.
"""

from __future__ import annotations

from klpdsl.syntax import tree
from klpdsl.syntax.place import Name
from klpdsl.syntax.tree import ScenarioTree, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CLASSES: tuple[type, ...] = tuple(
    value for value in vars(tree).values() if isinstance(value, type) and hasattr(value, "_fields")
)
_NUMBERS = {kind: number for number, kind in enumerate(_CLASSES)}


def encode(part: Any) -> Any:
    """Return a tree, or a part of one, as plain values."""
    number = _NUMBERS.get(type(part))
    if number is not None:
        fields = part[1:] if type(part) is Span else part
        return [number, *map(encode, fields)]
    if type(part) is tuple:
        return tuple(map(encode, part))
    if type(part) is Name:
        _, line, column, _, end_column = part.span
        return [str(part), line, column, end_column]
    return part


def decode(plain: object, source: str) -> ScenarioTree:
    """Return the tree of plain values that `encode` made. Raises what comes when they are something else."""

    def built(part: Any) -> Any:
        kind = type(part)
        if kind is list:
            if type(part[0]) is str:
                text, line, column, end_column = part
                return Name(text, new(Span, (source, line, column, line, end_column)))
            class_ = _CLASSES[part[0]]
            if class_ is Span:
                return new(Span, (source, *part[1:]))
            return new(class_, [built(field) for field in part[1:]])
        if kind is tuple:
            return tuple([built(field) for field in part])
        return part

    new = tuple.__new__
    scenario = built(plain)
    if not isinstance(scenario, ScenarioTree):
        raise TypeError("not a scenario")
    return scenario
