"""What plain data out of a file looks like: checked as a whole before anybody uses it.

A shape is a type; None; a tuple of shapes, of which one fits; a list with one shape, for a list of any length; or a
dictionary: of the keys that there are, with a shape for each (a key that ends in `?` may be missing), or of any keys of
a type, with one shape under that type. Of a type, no other will do: True is no number here.

A text (`str`) can be written as UTF-8, which not everything can that JSON spells: there are halves of characters.
`Escaped` is a text that stands for bytes, a file's name or content, in which those that are no UTF-8 are as Python's
`surrogateescape` has them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Shape: TypeAlias = type | tuple[Any, ...] | list[Any] | dict[Any, Any] | None


class Escaped:
    """The shape of a text that stands for bytes."""


#: How a text of each kind is written.
_ERRORS: dict[Any, str] = {str: "strict", Escaped: "surrogateescape"}

_WORDS: dict[Any, str] = {
    **dict.fromkeys(_ERRORS, "a text"),
    int: "a whole number",
    bool: "true or false",
    float: "a number",
    dict: "a table",
    list: "a list",
}


class ShapeError(ValueError):
    """Data of another shape. The text says where, what should be there, and what is."""


def why(error: Exception) -> str:
    """Return what is wrong with data that no parser could read."""
    return "it is nested too deep" if isinstance(error, RecursionError) else str(error)


def check(value: object, shape: Shape, where: str = "") -> None:
    """Raise `ShapeError` where `value` has not that shape."""
    if isinstance(shape, tuple):
        if not any(_fits(value, one) for one in shape):
            raise _refusal(value, " or ".join(map(_said, shape)), where)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise _refusal(value, "a list", where)
        items: list[object] = value
        for place, one in enumerate(items):
            check(one, shape[0], f"{where}[{place}]")
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            raise _refusal(value, "a table", where)
        table: dict[str, object] = value
        _check_table(table, shape, where)
    elif not _fits(value, shape):
        raise _refusal(value, _said(shape), where)


def _check_table(value: dict[str, object], shape: dict[Any, Any], where: str) -> None:
    dot = f"{where}." if where else ""
    for kind in _ERRORS:
        if kind in shape:
            for key, one in value.items():
                check(key, kind, f"a name in {where or '.'}")
                check(one, shape[kind], f"{dot}{key}")
            return
    for name, one in shape.items():
        key = name.removesuffix("?")
        if key in value:
            check(value[key], one, f"{dot}{key}")
        elif key == name:
            raise ShapeError(f"there is no `{dot}{key}`")
    for key in value:
        if key not in shape and f"{key}?" not in shape:
            raise ShapeError(f"there should be no `{dot}{key}`")


def _fits(value: object, shape: Shape) -> bool:
    if shape is None:
        return value is None
    if isinstance(shape, type):
        return _is_text(value, _ERRORS[shape]) if shape in _ERRORS else type(value) is shape
    try:
        check(value, shape)
    except ShapeError:
        return False
    return True


def _is_text(value: object, errors: str) -> bool:
    if type(value) is not str:
        return False
    try:
        value.encode("utf-8", errors)
    except UnicodeEncodeError:
        return False
    return True


def _said(shape: Shape) -> str:
    if isinstance(shape, type):
        return _WORDS.get(shape, shape.__name__)
    return "nothing" if shape is None else "a table" if isinstance(shape, dict) else "a list"


def _refusal(value: object, wanted: str, where: str) -> ShapeError:
    found = "nothing" if value is None else _WORDS.get(type(value), type(value).__name__)
    if found == wanted:
        found = "none that can be written"
    shown = repr(value)
    shown = f", {shown}" if type(value) in (str, int, float) and len(shown) < 40 else ""
    return ShapeError(f"`{where or '.'}` should be {wanted}, and is {found}{shown}")
