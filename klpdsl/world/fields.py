"""Declaring the fields of a mutable holder of immutable values once, and making of that how it starts, copies and keys.

A class whose metaclass is `Holder` writes each field as an annotation and one of the functions below. Its slots,
`__init__`, `_duplicate()` (another holder with the same values) and `_parts()` (the hashable values of the fields that
count) are made from that.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NamedTuple
else:
    from klpdsl._records import NamedTuple


class Field(NamedTuple):
    """How a field begins, whether its value is shared by copies, and what of it is in the key (empty: nothing)."""

    make: Callable[[], Any]
    shared: bool = True
    keyed: str = ""


def fixed(make: Callable[[], Any]) -> Any:
    """A field that never changes during a run: copies share it, and it is no part of the key."""
    return Field(make)


def uncounted(make: Callable[[], Any]) -> Any:
    """An immutable value that changes, and that no rule looks at: no part of the key."""
    return Field(make)


def value(make: Callable[[], Any]) -> Any:
    """An immutable value."""
    return Field(make, keyed="self.{0}")


def unordered(make: Callable[[], Any]) -> Any:
    """A tuple whose order means nothing."""
    return Field(make, keyed="self.{0} and tuple(sorted(self.{0}))")


def mapping() -> Any:
    """A dictionary of immutable values, whose order means nothing."""
    return Field(dict, shared=False, keyed="tuple(sorted(self.{0}.items())) if self.{0} else ()")


def own(make: Callable[[], Any]) -> Any:
    """A list or dictionary that the class itself puts into the key."""
    return Field(make, shared=False)


class Holder(type):
    """Makes the class that its fields describe."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """Take the fields out of the class body, and put in what they mean."""
        fields = {field: found for field, found in namespace.items() if isinstance(found, Field)}
        for field in fields:
            del namespace[field]
        namespace["__slots__"] = tuple(fields)
        namespace["FIELDS"] = tuple(fields)
        namespace.update(_methods(fields))
        return super().__new__(mcs, name, bases, namespace)


#: As many copies are made before it is worth while to compile how.
_SELDOM = 3


def _methods(fields: dict[str, Field]) -> dict[str, Any]:
    makers = [(name, field.make) for name, field in fields.items()]
    shared = [name for name, field in fields.items() if field.shared]
    own = [name for name, field in fields.items() if not field.shared]

    def start(self: Any) -> None:
        for name, make in makers:
            setattr(self, name, make())

    def duplicate(self: Any) -> Any:
        new = self.__class__.__new__(self.__class__)
        for name in shared:
            setattr(new, name, getattr(self, name))
        for name in own:
            setattr(new, name, getattr(self, name).copy())
        return new

    # Explorations copy and key by the thousand. For them it is written out and compiled, as dataclasses are: a loop
    # over the names takes four times as long. A plain run copies a world once, and needs no key.
    copying = [
        "def _duplicate(self):",
        " new = self.__class__.__new__(self.__class__)",
        *(f" new.{name} = self.{name}" for name in shared),
        *(f" new.{name} = self.{name}.copy()" for name in own),
        " return new",
    ]
    parts = [field.keyed.format(name) for name, field in fields.items() if field.keyed]
    listing = ["def _parts(self):", f" return ({', '.join(parts)},)"]
    return {
        "__init__": start,
        "_duplicate": _compiled("_duplicate", copying, duplicate, _SELDOM),
        "_parts": _compiled("_parts", listing),
    }


def _compiled(
    name: str, lines: list[str], until: Callable[[Any], Any] | None = None, seldom: int = 0
) -> Callable[[Any], Any]:
    """A method that compiles itself and takes its own place, once it has been called so often."""
    calls = 0

    def method(self: Any) -> Any:
        nonlocal calls
        calls += 1
        if until is not None and calls <= seldom:
            return until(self)
        made: dict[str, Any] = {}
        exec("\n".join(lines), {}, made)
        setattr(type(self), name, made[name])
        return made[name](self)

    return method
