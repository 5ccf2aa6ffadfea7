"""What `always` and `never` ask of every event from where they stand on: a part of what a run has to remember."""

from __future__ import annotations

from klpdsl.syntax import tree
from klpdsl.syntax.wording import format_statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple


class Held(NamedTuple):
    """A condition and what it has to be; `text` is the statement."""

    text: str
    condition: tree.Condition
    wanted: bool


class Standing:
    """A holder of immutable values, as the world is: the conditions in force, and those that are broken now."""

    __slots__ = ("broken", "conditions")

    def __init__(self) -> None:
        self.conditions: tuple[Held, ...] = ()
        self.broken: frozenset[str] = frozenset()

    def copy(self) -> Standing:
        """Another that remembers the same."""
        new = Standing.__new__(Standing)
        new.conditions = self.conditions
        new.broken = self.broken
        return new

    def key(self) -> tuple[object, ...]:
        """A hashable value, equal for those that find the same in the same future."""
        return (self.conditions, self.broken)

    def add(self, statement: tree.Always | tree.Never) -> None:
        """The statement holds from here on."""
        held = Held(
            format_statement(statement), statement.condition, wanted=isinstance(statement, tree.Always)
        )
        self.conditions = (*self.conditions, held)

    def breaks(self, held: Held, *, holds: bool) -> bool:
        """Note how a condition is found; whether that breaks it, which is told once until it is mended."""
        if holds == held.wanted:
            if self.broken:
                self.broken -= {held.text}
            return False
        if held.text in self.broken:
            return False
        self.broken |= {held.text}
        return True

    def forbids(self, name: str) -> bool:
        """Whether the built-in property of that name has been asked for."""
        return any(
            isinstance(held.condition, tree.PropertyNamed) and held.condition.name == name
            for held in self.conditions
        )
