"""A stand-in for `typing.NamedTuple` that costs a start-up nothing.

Importing `typing` and generating the code of some hundred named tuples takes longer than running a small scenario.
This base class gives the same objects (a tuple with named, ordered fields) without either. A module that wants
it writes

    TYPE_CHECKING = False
    if TYPE_CHECKING:
        from typing import NamedTuple
    else:
        from klpdsl._records import NamedTuple

so that a type checker sees the real thing. Fields are the annotations of the class body, in order; a value given
there is the field's default. What `typing.NamedTuple` offers beyond that (`_field_defaults`, generic tuples, the
functional form) is left out.
"""

from __future__ import annotations

from _collections import _tuplegetter  # type: ignore[import-not-found]  # the builtin that namedtuple uses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


# Runs spend a good part of their time here: looked up once.
_new = tuple.__new__

# How a record of so many fields is made. They are compiled with this module: a class gives the names of its fields to
# a copy of the code, which takes a hundredth of what compiling its own would.
_MAKERS: tuple[Any, ...] = (
    lambda cls: _new(cls, ()),
    lambda cls, a: _new(cls, (a,)),
    lambda cls, a, b: _new(cls, (a, b)),
    lambda cls, a, b, c: _new(cls, (a, b, c)),
    lambda cls, a, b, c, d: _new(cls, (a, b, c, d)),
    lambda cls, a, b, c, d, e: _new(cls, (a, b, c, d, e)),
    lambda cls, a, b, c, d, e, f: _new(cls, (a, b, c, d, e, f)),
    lambda cls, a, b, c, d, e, f, g: _new(cls, (a, b, c, d, e, f, g)),
    lambda cls, a, b, c, d, e, f, g, h: _new(cls, (a, b, c, d, e, f, g, h)),
    lambda cls, a, b, c, d, e, f, g, h, i: _new(cls, (a, b, c, d, e, f, g, h, i)),
    lambda cls, a, b, c, d, e, f, g, h, i, j: _new(cls, (a, b, c, d, e, f, g, h, i, j)),
    lambda cls, a, b, c, d, e, f, g, h, i, j, k: _new(cls, (a, b, c, d, e, f, g, h, i, j, k)),
    lambda cls, a, b, c, d, e, f, g, h, i, j, k, m: _new(cls, (a, b, c, d, e, f, g, h, i, j, k, m)),
    lambda cls, a, b, c, d, e, f, g, h, i, j, k, m, n: _new(cls, (a, b, c, d, e, f, g, h, i, j, k, m, n)),
    lambda cls, a, b, c, d, e, f, g, h, i, j, k, m, n, o: _new(
        cls, (a, b, c, d, e, f, g, h, i, j, k, m, n, o)
    ),
)
_Function: Any = type(_MAKERS[0])


class _Record(tuple):  # type: ignore[type-arg]
    """What all records share; see the module."""

    __slots__ = ()
    _fields: tuple[str, ...] = ()
    _defaults: tuple[Any, ...] = ()
    _places: dict[str, int] = {}  # noqa: RUF012 (each class has its own)
    _size = 0

    # Of those with more fields than there are makers for.
    def __new__(cls, *values: Any, **named: Any) -> Any:
        missing = cls._size - len(values)
        if not named:
            if not missing:
                return _new(cls, values)
            if 0 < missing <= len(cls._defaults):
                return _new(cls, values + cls._defaults[-missing:])
        if missing < 0:
            raise TypeError(f"{cls.__name__} takes {len(cls._fields)} values, got {len(values)}")
        rest = []
        for name in cls._fields[len(values) :]:
            if name in named:
                rest.append(named.pop(name))
            elif missing <= len(cls._defaults):
                rest.append(cls._defaults[-missing])
            else:
                raise TypeError(f"{cls.__name__} needs a value for {name!r}")
            missing -= 1
        if named:
            raise TypeError(f"{cls.__name__} has no field {next(iter(named))!r} left to set")
        return _new(cls, (*values, *rest))

    @classmethod
    def _make(cls, values: Any) -> Any:
        return cls(*values)

    def _replace(self, /, **changes: Any) -> Any:
        values = [*self]
        places = self._places
        try:
            for name in changes:  # noqa: PLC0206 (a tenth faster than over its items, and this is where runs spend time)
                values[places[name]] = changes[name]
        except KeyError as error:
            raise TypeError(f"{type(self).__name__} has no field {error} to replace") from None
        return _new(type(self), values)

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in zip(self._fields, self, strict=True))})"


class _RecordType(type):
    """Turns the annotations of a class body into fields. The class it makes is an ordinary one."""

    def __new__(mcs, name: str, _bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        fields = tuple(namespace["__annotations__"])
        defaults = tuple(namespace.pop(field) for field in fields if field in namespace)
        for index, field in enumerate(fields):
            namespace[field] = _tuplegetter(index, None)
        namespace.update(__slots__=(), __match_args__=fields, _fields=fields, _defaults=defaults)
        namespace["_size"] = len(fields)
        if len(fields) < len(_MAKERS):
            code = _MAKERS[len(fields)].__code__.replace(
                co_varnames=("_cls", *fields), co_qualname=f"{name}.__new__"
            )
            # Without the wrapper that a class body would put around it: this is no method of an instance.
            namespace["__new__"] = staticmethod(_Function(code, globals(), "__new__", defaults))
        namespace["_places"] = {field: index for index, field in enumerate(fields)}
        return type(name, (_Record,), namespace)


NamedTuple = type.__new__(_RecordType, "NamedTuple", (), {})
