"""How an event is declared: its kind, the texts that it may have, and what others have to know of it.

A pattern is the text form behind the kind: `{patch} {object} {callback:word} = {result:errno}`. Behind a field's
colon stands what it holds; nothing there means a name of the scenario's:

* `name`: what a scenario brings (a patch, a task, a function), bare or quoted;
* `word`: a word of the vocabulary (a state, a callback), written alike; `level`: a level of the kernel's log;
* `path`: below /sys/kernel/livepatch; `directory`: one that ends in `/`;
* `errno`: `0` or an errno's name; success is the number 0 in JSON;
* `number`, `names` (any number of names, separated by blanks), `verdict` (`ok` or `failed`);
* `rest`: free text up to what follows it in the pattern, or what stands behind `~`.

What this room writes and reads, and what a difference or a real kernel's trace is told by, follows from it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

    T = TypeVar("T")

    #: What somebody who watches a real kernel from outside sees of an event: that it happened, in order with others;
    #: that a step changed something; only what `show` shows; or nothing, since it is the model's own observation.
    Outside: TypeAlias = Literal["said", "changed", "shown", "never"]
else:
    from klpdsl._records import NamedTuple


class Slot(NamedTuple):
    """A field in a pattern, and the literal text behind it."""

    field: str
    holds: str
    avoid: str
    after: str


class Form:
    """One text that an event may have: for values whose fields are as `fixed` says.

    A field that is neither in the pattern nor fixed has its default, and is left out of JSON too.
    """

    __slots__ = ("_slots", "fixed", "pattern")

    def __init__(self, pattern: str, **fixed: Any) -> None:
        self.pattern = pattern
        self.fixed = fixed
        self._slots: tuple[Slot, ...] | None = None

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The fields in the pattern, each with the text behind it."""
        if self._slots is None:
            self._slots = tuple(map(_slot, self.pattern.split("{")[1:]))
        return self._slots

    @property
    def fields(self) -> set[str]:
        """The fields that this form says something of."""
        return {slot.field for slot in self.slots} | set(self.fixed)

    @property
    def skeleton(self) -> str:
        """The form for people: `PATCH OBJECT CALLBACK = RESULT`."""
        return "".join(slot.field.upper() + slot.after for slot in self.slots)


def _slot(piece: str) -> Slot:
    spec, after = piece.split("}")
    field, _, holds = spec.partition(":")
    holds, tilde, avoid = holds.partition("~")
    return Slot(field, holds or "name", avoid if tilde else after, after)


class Declaration(NamedTuple):
    """All that is known of an event beside its fields.

    `kind` is its first word in text and its `kind` in JSON. `about` is how many of its first fields say what it
    speaks of; the others are what it says about that. `outside` is what a real kernel shows of it. `flag` is a key
    that its JSON has beside its fields, always true. `shape` is what two of them have in common when they come from
    one rule, where that is less than their text without names and numbers.
    """

    kind: str
    forms: tuple[Form, ...]
    about: int
    outside: Outside
    flag: str
    shape: str


DECLARED: dict[type[Any], Declaration] = {}
"""Every class of event, in the order of events.py."""


def event(
    kind: str, *forms: Form | str, about: int = 1, outside: Outside, flag: str = "", shape: str = ""
) -> Callable[[type[T]], type[T]]:
    """Declare the class below as an event."""

    def declare(cls: type[T]) -> type[T]:
        made = tuple(Form(form) if isinstance(form, str) else form for form in forms)
        DECLARED[cls] = Declaration(kind, made, about, outside, flag, shape)
        if len(made) == 1:
            _only[cls] = made[0]
        return cls

    return declare


def form_of(value: Any) -> Form:
    """The form that this value has. Raises `ValueError` for a value that no form is for."""
    cls = type(value)
    only = _only.get(cls)
    if only is not None:
        return only
    for form, place, wanted, more, directories in _conditions.get(cls) or _conditions_of(cls):
        if (
            (place is None or value[place] == wanted)
            and not (more and any(value[also] != as_it_is for also, as_it_is in more))
            and not (directories and not value[directories[0]].endswith("/"))
        ):
            return form
    raise ValueError(f"no text stands for {value!r}")


# The forms of the classes that have a single one; of the others each with what its values must be: the place of a
# field and what must be there (no place, where that does not matter), more such pairs, and fields that are directories.
_only: dict[type[Any], Form] = {}
_conditions: dict[type[Any], list[tuple[Form, int | None, Any, list[tuple[int, Any]], list[int]]]] = {}


def _conditions_of(cls: type[Any]) -> list[tuple[Form, int | None, Any, list[tuple[int, Any]], list[int]]]:
    fields, defaults = cls._fields, cls._defaults
    found = _conditions[cls] = []
    for form in DECLARED[cls].forms:
        # What the form does not speak of is as it is when nobody says anything.
        unsaid = zip(fields[len(fields) - len(defaults) :], defaults, strict=True)
        fixed = {**{field: default for field, default in unsaid if field not in form.fields}, **form.fixed}
        (place, wanted), *more = [(fields.index(field), value) for field, value in fixed.items()] or [
            (None, None)
        ]
        directories = [fields.index(slot.field) for slot in form.slots if slot.holds == "directory"]
        found.append((form, place, wanted, more, directories))
    return found


def names_of(value: Any) -> set[str]:
    """The names that a scenario brought and that this event mentions (of a stack of versions, none)."""
    found: set[str] = set()
    for form in DECLARED[type(value)].forms:
        for slot in form.slots:
            if slot.holds == "name":
                found.add(str(getattr(value, slot.field)))
            elif slot.holds == "directory" and getattr(value, slot.field).endswith("/"):
                found.update(part.partition(",")[0] for part in getattr(value, slot.field).split("/"))
    return found
