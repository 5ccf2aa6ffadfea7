"""All errors of a text, not just the first.

A text that does not parse is first made whole (`klpdsl.syntax.repair`). Then it is parsed again, and where the parser
stands still the statement, or the entry of a list, is given up: the parser goes back to where that began, is fed the
token BROKEN in its place, and goes on behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import lark
from lark import Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken

from klpdsl.syntax import limits
from klpdsl.syntax.diagnostics import Diagnostic
from klpdsl.syntax.explain import Explainer, accepted_by
from klpdsl.syntax.outline import MARK, Lines, Outline
from klpdsl.syntax.repair import Repaired, repair

_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_.-]*|"([^"\\\n]*(?:\\[^\n][^"\\\n]*)*)"')


class Recovered(NamedTuple):
    """What could be parsed, what could not, and the words of the latter: they may be names that others use."""

    parsed: Tree[Token] | None
    problems: list[Diagnostic]
    doubtful: set[str]
    #: Lines on which further complaints are the consequence of what is reported already.
    quiet_lines: set[int]


def recover(text: str, source: str, outline: Outline, parser: lark.Lark) -> Recovered:
    """Parse a text that does not parse.

    Braces can be matched as they come or by indentation. The right way is the one that leaves less to complain about.
    """
    plain = repair(text, source, outline, by_indentation=False)
    recovered = _recover(plain, source, parser)
    indented = repair(text, source, outline, by_indentation=True)
    if indented.text != plain.text:
        other = _recover(indented, source, parser)
        if len(other.problems) < len(recovered.problems):
            return other
    return recovered


def _recover(repaired: Repaired, source: str, parser: lark.Lark) -> Recovered:
    handler = _Handler(repaired, source, parser)
    try:
        parsed = parser.parse(repaired.text, on_error=handler.give_up)
    except UnexpectedInput:
        parsed = None
    doubtful = handler.doubtful | {name for word in repaired.words for name in _names(word)}
    return Recovered(parsed, repaired.problems + handler.problems, doubtful, repaired.quiet_lines)


class _Handler:
    """Gives up what does not parse, piece by piece."""

    def __init__(self, repaired: Repaired, source: str, parser: lark.Lark) -> None:
        self.problems: list[Diagnostic] = []
        self.doubtful: set[str] = set()
        self._text = repaired.text
        self._lines = Lines(repaired.text)
        self._explainer = Explainer(repaired.text, source, parser)
        self._quiet_lines = repaired.quiet_lines

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
        for found in MARK.finditer(self._text, offset):
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
