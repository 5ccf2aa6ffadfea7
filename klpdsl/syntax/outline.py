"""The outline of a text: its comments, texts in quotes and braces, found without understanding anything else.

The grammar ignores comments, and a parser that stands before a brace which nobody closes can only guess. Both are
found here, in one pass over the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from klpdsl.syntax.tree import Comment, Span

#: What a text is divided by: texts in quotes and comments hide the braces and separators in them.
MARK = re.compile(r'"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"|#[^\n]*|[{};,\n]')
# A text that is not closed ends with its line.
_MARK_OR_OPEN_TEXT = re.compile(r'"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*(?:"|\\?$)|#[^\n]*|[{};,\n]', re.MULTILINE)


class Outline(NamedTuple):
    """What an outline knows. Positions are offsets into the text."""

    comments: tuple[Comment, ...]
    #: The `{` that are never closed, and the `}` that close nothing.
    unclosed: tuple[int, ...]
    unopened: tuple[int, ...]
    #: Texts without a closing quote: where they begin and end.
    open_texts: tuple[tuple[int, int], ...]
    #: The first brace that is nested too deeply for `nesting`, or -1.
    too_deep: int
    #: How many statements and list entries there can be at most.
    entries: int


class Lines:
    """Lines and columns of offsets into a text."""

    def __init__(self, text: str) -> None:
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, from 1."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1


def outline(text: str, source: str, nesting: int) -> Outline:
    """Return the outline of a text."""
    comments: list[Comment] = []
    opened: list[int] = []
    unopened: list[int] = []
    open_texts: list[tuple[int, int]] = []
    too_deep = -1
    entries = 1
    line = 1
    line_start = 0
    for found in _MARK_OR_OPEN_TEXT.finditer(text):
        start, mark = found.start(), found.group()
        if mark == "\n":
            line += 1
            line_start = found.end()
            entries += 1
        elif mark == "{":
            opened.append(start)
            entries += 1
            if len(opened) > nesting and too_deep < 0:
                too_deep = start
        elif mark == "}":
            if opened:
                opened.pop()
            else:
                unopened.append(start)
        elif mark[0] == "#":
            column = start - line_start + 1
            own_line = not text[line_start:start].strip()
            comments.append(
                Comment(mark.rstrip(), own_line, Span(source, line, column, line, column + len(mark)))
            )
        elif mark[0] == '"':
            if len(mark) < 2 or mark[-1] != '"' or _escaped_end(mark):
                open_texts.append((start, found.end()))
        else:
            entries += 1
    return Outline(tuple(comments), tuple(opened), tuple(unopened), tuple(open_texts), too_deep, entries)


def _escaped_end(mark: str) -> bool:
    """Return whether the quote that ends `mark` is an escaped one."""
    body = mark[1:-1]
    return (len(body) - len(body.rstrip("\\"))) % 2 == 1
