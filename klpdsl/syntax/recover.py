"""All errors of a text, not just the first.

A text that does not parse is first made whole where one mistake would otherwise look like many: quotes and braces
that are missing are put in, braces that are too many taken out, without moving anything else. Then it is parsed
again, and where the parser stands still the statement, or the entry of a list, is given up: the parser goes back to
where that began, is fed the token BROKEN in its place, and goes on behind it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

import lark
from lark import Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken

from klpdsl.syntax import limits
from klpdsl.syntax.diagnostics import Diagnostic
from klpdsl.syntax.explain import Explainer, accepted_by
from klpdsl.syntax.outline import Outline
from klpdsl.syntax.tree import Span

_MARK = re.compile(r'"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"|#[^\n]*|[{};,\n]')
_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_.-]*|"([^"\\\n]*(?:\\[^\n][^"\\\n]*)*)"')
_INDENTATION = re.compile(r"[ \t]*")


class Recovered(NamedTuple):
    """What could be parsed, what could not, and the words of the latter: they may be names that others use."""

    parsed: Tree[Token] | None
    problems: list[Diagnostic]
    doubtful: set[str]


def recover(text: str, source: str, outline: Outline, parser: lark.Lark) -> Recovered:
    """Parse a text that does not parse."""
    repair = _Repair(text, source, outline)
    handler = _Handler(repair.text, source, parser, repair.quiet_lines)
    try:
        parsed = parser.parse(repair.text, on_error=handler.give_up)
    except UnexpectedInput:
        parsed = None
    doubtful = handler.doubtful | {name for word in repair.words for name in _names(word)}
    return Recovered(parsed, repair.problems + handler.problems, doubtful)


class Lines:
    """Lines and columns of offsets into a text, and back."""

    def __init__(self, text: str) -> None:
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, from 1."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1


class _Repair:
    """A text with quotes and braces made whole. Every word keeps its line and column."""

    def __init__(self, text: str, source: str, outline: Outline) -> None:
        self.problems: list[Diagnostic] = []
        self.words: list[str] = []
        #: Lines on which the parser's complaints are the consequence of what is reported here.
        self.quiet_lines: set[int] = set()
        self._source = source
        self._lines = Lines(text)
        self._edits: list[tuple[int, int, str]] = []
        self._comments = {comment.span.line: comment.span.column for comment in outline.comments}
        self._rows = text.split("\n")
        for start, end in outline.open_texts[: limits.ERRORS + 1]:
            self._close_text(text, start, end)
        if outline.unclosed or outline.unopened:
            self._match_braces(text)
        pieces = []
        done = 0
        for start, end, replacement in sorted(self._edits):
            pieces += [text[done:start], replacement]
            done = end
        self.text = "".join([*pieces, text[done:]])

    def _report(self, offset: int, length: int, message: str, hint: str = "") -> int:
        line, column = self._lines.place(offset)
        self.problems.append(
            Diagnostic(Span(self._source, line, column, line, column + length), message, (), hint)
        )
        return line

    def _close_text(self, text: str, start: int, end: int) -> None:
        mark = text[start:end]
        self._report(start, end - start, "this text has no closing quote")
        self.words.append(f'{mark}"')
        backslashes = len(mark) - len(mark.rstrip("\\"))
        # A name must not be empty, and a backslash at the end must not escape the quote.
        self._edits.append((end - 1, end, '_"') if backslashes % 2 else (end, end, '_"'))

    def _match_braces(self, text: str) -> None:
        """Find out which brace is too many or missing, by the indentation of what begins a line with `}`."""
        open_texts = {start for start, _, _ in self._edits}
        opened: list[tuple[int, int]] = []
        for found in _MARK.finditer(text):
            offset = found.start()
            if offset in open_texts:
                continue
            if len(self.problems) > limits.ERRORS:
                break
            if found.group() == "{":
                opened.append((offset, self._indentation(self._lines.place(offset)[0])))
            elif found.group() == "}":
                line, column = self._lines.place(offset)
                indentation = self._indentation(line)
                if column == indentation + 1 and any(depth <= indentation for _, depth in opened):
                    while opened[-1][1] > indentation:
                        self._close_brace(opened.pop()[0])
                if opened:
                    opened.pop()
                else:
                    self._report(offset, 1, "this `}` closes nothing")
                    self._edits.append((offset, offset + 1, " "))
        for offset, _ in reversed(opened):
            self._close_brace(offset)

    def _indentation(self, line: int) -> int:
        found = _INDENTATION.match(self._rows[line - 1])
        return found.end() if found else 0

    def _close_brace(self, offset: int) -> None:
        """Report a brace that is not closed, and close it before the next line that is indented no deeper."""
        first = self._report(offset, 1, "this `{` is never closed")
        self.quiet_lines.add(first)
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


class _Handler:
    """Gives up what does not parse, piece by piece."""

    def __init__(self, text: str, source: str, parser: lark.Lark, quiet_lines: set[int]) -> None:
        self.problems: list[Diagnostic] = []
        self.doubtful: set[str] = set()
        self._text = text
        self._lines = Lines(text)
        self._explainer = Explainer(text, source, parser)
        self._quiet_lines = quiet_lines

    def give_up(self, error: UnexpectedInput) -> bool:
        """Put the parser behind a statement in which it stands still."""
        parser = error.interactive_parser
        state = parser.parser_state
        offset: int = getattr(error, "pos_in_stream", None) or 0
        if isinstance(error, UnexpectedToken) and error.token.type == "$END":
            offset = len(self._text)
        problem = self._explainer.explain(error, offset)
        if problem.span.line not in self._quiet_lines:
            self.problems.append(problem)
        if len(self.problems) > limits.ERRORS:
            return False
        begin = offset
        closed = 0  # braces that are given up together with what is in them
        while closed or "BROKEN" not in accepted_by(parser):
            if not state.value_stack:
                return False
            state.state_stack.pop()
            value = state.value_stack.pop()
            if isinstance(value, Token):
                closed += (value.type == "_CLOSE") - (value.type == "_OPEN")
            begin = min(begin, _start_of(value, begin))
        line, column = self._lines.place(begin)
        broken = Token("BROKEN", "", begin, line, column, line, column, begin)
        parser.feed_token(broken)
        end = self._end(offset, accepted_by(parser))
        self.doubtful.update(_names(self._text[begin:end]))
        lexer = parser.lexer_thread.state
        assert lexer is not None
        counter = lexer.line_ctr
        counter.char_pos = end
        counter.line, counter.column = self._lines.place(end)
        counter.line_start_pos = end - counter.column + 1
        return True

    def _end(self, offset: int, accepted: set[str]) -> int:
        """Return where the statement or entry ends in which `offset` lies."""
        depth = 0
        for found in _MARK.finditer(self._text, offset):
            mark = found.group()
            if mark == "{":
                depth += 1
            elif mark == "}":
                depth -= 1
                if depth < 0 and "_CLOSE" in accepted:
                    return found.start()
            elif depth <= 0 and (
                mark in {";", "\n"} or (mark == "," and self._comma_ends(found.start(), accepted))
            ):
                return found.start()
        return len(self._text)

    def _comma_ends(self, offset: int, accepted: set[str]) -> bool:
        """Return whether a comma separates. Behind it a task's actions may go on: see _NEXT_ACTION in the grammar."""
        if "_COMMA" not in accepted:
            return False
        if "_NEXT_ACTION" in accepted:
            return True
        return not self._explainer.action_follows(offset)


def _start_of(value: object, default: int) -> int:
    if isinstance(value, Token):
        return default if value.start_pos is None else value.start_pos
    if isinstance(value, Tree) and not value.meta.empty:
        return value.meta.start_pos
    return default


def _names(text: str) -> Iterable[str]:
    """Yield every word of a text that can be a name."""
    for found in _NAME.finditer(text):
        yield found.group() if found[1] is None else found[1]
