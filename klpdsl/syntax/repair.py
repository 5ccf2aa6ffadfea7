"""Makes a text whole where one mistake would otherwise look like many.

Quotes and braces that are missing are put in, braces that are too many taken out. Every word keeps its line and column:
what is put in stands at the end of a line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from klpdsl.syntax import limits
from klpdsl.syntax.diagnostics import Diagnostic
from klpdsl.syntax.outline import MARK, Lines, Outline
from klpdsl.syntax.tree import Span

_INDENTATION = re.compile(r"[ \t]*")
_TEXT_ENDS = re.compile(r"[;{}]|$")


class Repaired(NamedTuple):
    """A text made whole, and what it lacked."""

    text: str
    problems: list[Diagnostic]
    #: Words that are lost: they may be names.
    words: list[str]
    #: Lines on which the parser's complaints are the consequence of what is reported here.
    quiet_lines: set[int]


def repair(text: str, source: str, outline: Outline, *, by_indentation: bool) -> Repaired:
    """Return a text made whole.

    Braces are matched as they come; or, `by_indentation`, a line that is indented no deeper than the one that opened
    a brace ends what is in it.
    """
    return _Repair(text, source, outline).repaired(by_indentation)


class _Repair:
    def __init__(self, text: str, source: str, outline: Outline) -> None:
        self._text = text
        self._source = source
        self._outline = outline
        self._lines = Lines(text)
        self._rows = text.split("\n")
        self._comments = {comment.span.line: comment.span.column for comment in outline.comments}
        self._problems: list[Diagnostic] = []
        self._words: list[str] = []
        self._quiet_lines: set[int] = set()
        self._edits: list[tuple[int, int, str]] = []

    def repaired(self, by_indentation: bool) -> Repaired:
        """Return the text made whole."""
        for start, end in self._outline.open_texts[: limits.ERRORS + 1]:
            self._close_text(start, end)
        self._apply_edits()
        if by_indentation:
            self._match_by_indentation()
        else:
            self._match()
        self._apply_edits()
        return Repaired(self._text, self._problems, self._words, self._quiet_lines)

    def _apply_edits(self) -> None:
        pieces = []
        done = 0
        for start, end, replacement in sorted(self._edits):
            pieces += [self._text[done:start], replacement]
            done = end
        self._text = "".join([*pieces, self._text[done:]])
        self._edits.clear()

    def _report(self, offset: int, length: int, message: str) -> int:
        line, column = self._lines.place(offset)
        span = Span(self._source, line, column, line, column + length)
        self._problems.append(Diagnostic(span, message))
        return line

    def _close_text(self, start: int, end: int) -> None:
        """Replace what is in an open text, up to where it should probably end, by a text or name of that length."""
        self._quiet_lines.add(self._report(start, end - start, "this text has no closing quote"))
        self._words.append(f'{self._text[start:end]}"')
        found = _TEXT_ENDS.search(self._text, start, end)
        length = (found.start() if found else end) - start
        filled = f'"{"_" * (length - 2)}"' if length > 2 else "_" * length
        self._edits.append((start, start + length, filled))

    def _match(self) -> None:
        opened: list[int] = []
        for found in MARK.finditer(self._text):
            if found.group() == "{":
                opened.append(found.start())
            elif found.group() == "}":
                if opened:
                    opened.pop()
                elif not self._drop(found.start()):
                    return
        for offset in reversed(opened):
            self._close_brace(offset)

    def _match_by_indentation(self) -> None:
        opened: list[tuple[int, int]] = []
        fresh = True  # nothing has stood on this line yet
        for found in re.finditer(r'"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"|#[^\n]*|[{}\n]|[^{}"#\s]+', self._text):
            mark, offset = found.group(), found.start()
            if mark == "\n":
                fresh = True
                continue
            if mark.startswith("#"):
                continue
            line = self._lines.place(offset)[0] if fresh or mark == "{" else 0
            if fresh:
                fresh = False
                indentation = self._indentation(line)
                if mark != "}":
                    # What stands on this line is not in a brace that was opened on one indented as much.
                    indentation -= 1
                elif all(depth > indentation for _, depth in opened):
                    indentation = len(self._text)
                while opened and opened[-1][1] > indentation:
                    self._close_brace(opened.pop()[0])
            if mark == "{":
                opened.append((offset, self._indentation(line)))
            elif mark == "}":
                if opened:
                    opened.pop()
                elif not self._drop(offset):
                    return
        for offset, _ in reversed(opened):
            self._close_brace(offset)

    def _drop(self, offset: int) -> bool:
        """Take out a brace that closes nothing; return whether there is any sense in going on."""
        self._report(offset, 1, "this `}` closes nothing")
        self._edits.append((offset, offset + 1, " "))
        return len(self._problems) <= limits.ERRORS

    def _close_brace(self, offset: int) -> None:
        """Report a brace that is not closed, and close it before the next line that is indented no deeper."""
        first = self._report(offset, 1, "this `{` is never closed")
        self._quiet_lines.add(first)
        indentation = self._indentation(first)
        last = first
        for line in range(first + 1, len(self._rows) + 1):
            row = self._rows[line - 1].strip()
            if not row or row.startswith("#"):
                continue
            if self._indentation(line) <= indentation:
                break
            last = line
        end = self._lines.starts[last - 1] + self._comments.get(last, len(self._rows[last - 1]) + 1) - 1
        self._edits.append((end, end, " }"))

    def _indentation(self, line: int) -> int:
        found = _INDENTATION.match(self._rows[line - 1])
        return found.end() if found else 0
