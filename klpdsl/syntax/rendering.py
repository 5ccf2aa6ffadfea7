"""A diagnostic as text: the place and the message, the line with a caret, what was expected, what to do.

The line is shown as a terminal shows it: a tab widens to the next stop, a wide character takes two columns, what
has no shape (control characters, direction marks) is shown by its number. Of a long line a window is shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from klpdsl.syntax.problem import Diagnostic

_INDENT = "    "
_WINDOW = 100
_TAB = 8
_CLIPPED = "…"


def render(diagnostic: Diagnostic, text: str | None) -> str:
    """Return the report of one diagnostic. `text` is the text of its source, if there is one."""
    span = diagnostic.span
    lines = [f"{visible(span.source)}:{span.line}:{span.column}: error: {visible(diagnostic.message)}"]
    line = None if text is None else line_of(text, span.line)
    if line is not None:
        end = span.end_column if span.end_line == span.line else len(line) + 1
        lines += _pointed(line, span.column, end)
    if diagnostic.expected:
        lines.append(f"{_INDENT}expected {visible(join_words(diagnostic.expected))}")
    if diagnostic.hint:
        lines.append(f"{_INDENT}{visible(diagnostic.hint)}")
    return "\n".join(lines)


def join_words(words: Sequence[str]) -> str:
    """Return `a, b or c`."""
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)


def visible(text: str) -> str:
    """Return a text in which every character can be seen, and none can play tricks on a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)


def line_of(text: str, number: int) -> str | None:
    """Return a line of a text by its number, from 1; None if there is none."""
    start = 0
    for _ in range(number - 1):
        start = text.find("\n", start) + 1
        if not start:
            return None
    end = text.find("\n", start)
    return text[start : len(text) if end < 0 else end]


def _pointed(line: str, column: int, end: int) -> list[str]:
    """Return the line, or a window of it, and below it a caret at `column` that is drawn out to `end`."""
    at = min(column - 1, len(line))
    first = 0
    last = len(line)
    if last > _WINDOW:
        first = max(0, min(at - _WINDOW // 3, last - _WINDOW))
        last = first + _WINDOW
    shown = _CLIPPED if first else ""
    width = len(shown)
    caret = width
    caret_end = -1
    for index in range(first, last):
        if index == at:
            caret = width
        if index == end - 1:
            caret_end = width
        piece = _shape(line[index], width)
        shown += piece
        width += _width(piece)
    if at >= last:
        caret = width
    if caret_end < 0:
        caret_end = width
    if last < len(line):
        shown += _CLIPPED
    tail = "~" * (caret_end - caret - 1)
    return [f"{_INDENT}{shown}".rstrip(), f"{_INDENT}{' ' * caret}^{tail}"]


def _shape(character: str, column: int) -> str:
    if character == "\t":
        return " " * (_TAB - column % _TAB)
    return visible(character)


def _width(text: str) -> int:
    """Return how many columns a terminal gives to a text of visible characters."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )
