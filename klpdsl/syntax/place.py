"""Where something stands in a text, and words that know where they stand."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple, Self
else:
    from klpdsl._records import NamedTuple


class Span(NamedTuple):
    """Where something stands: lines and columns count from 1; the end is exclusive.

    `source` is the file's name as the user gave it (`-` for standard input, `<command line>` for `-c`).
    """

    source: str
    line: int
    column: int
    end_line: int
    end_column: int

    def holds(self, line: int, column: int) -> bool:
        """Return whether a place is in it, or just behind its last character, where a cursor may stand."""
        return (self.line, self.column) <= (line, column) <= (self.end_line, self.end_column)


NOWHERE = Span("", 1, 1, 1, 1)
"""Where a node is that no text stands behind."""


class Name(str):
    """A name, or another word that an author chose, without its quotes; `span` is where it stands, quotes included.

    It equals any other string of the same characters, wherever that may stand. Every word in a node that has been read
    is one; a tree that no text stands behind may hold plain strings.
    """

    __slots__ = ("span",)

    span: Span

    def __new__(cls, text: str, span: Span) -> Self:
        """Return the word `text` at `span`."""
        new = str.__new__(cls, text)
        new.span = span
        return new

    def __getnewargs__(self) -> Any:
        """Return what makes a copy."""
        return (str(self), self.span)


def place_of(word: str | None, otherwise: Span) -> Span:
    """Return where a word stands; `otherwise` where nobody wrote it."""
    return word.span if isinstance(word, Name) else otherwise
