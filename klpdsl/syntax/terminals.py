"""Single words of a text as what they say: the text between quotes, a number in its range, a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from lark import Token

from klpdsl.syntax import limits
from klpdsl.syntax.diagnostics import Diagnostic
from klpdsl.syntax.place import Name, Span

_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}


def token_span(token: Token, source: str) -> Span:
    """Return where a token stands."""
    return Span(
        source,
        cast(int, token.line),
        cast(int, token.column),
        cast(int, token.end_line),
        cast(int, token.end_column),
    )


class Words:
    """Reads the words of one source, and reports what is wrong with them by themselves."""

    def __init__(self, source: str, report: Callable[[Diagnostic], None]) -> None:
        self._source = source
        self._report = report

    def name(self, token: Token) -> Name:
        """Return a name without its quotes."""
        name = self._unquoted(token) if token.startswith('"') else str(token)
        problem = ""
        if not name:
            problem = "a name can not be empty"
        elif len(name) > limits.NAME_LENGTH:
            problem = f"a name of {len(name)} characters is too long: {limits.NAME_LENGTH} are the most"
        elif not name.isprintable():
            problem = "a name holds printable characters only"
        if problem:
            self._report(Diagnostic(token_span(token, self._source), problem))
        return Name(name, token_span(token, self._source))

    def text(self, token: Token) -> Name:
        """Return the text between the quotes."""
        return Name(self._unquoted(token), token_span(token, self._source))

    def _unquoted(self, token: Token) -> str:
        inner = str(token)[1:-1]
        if len(inner) > limits.TEXT_LENGTH:
            message = f"a text of {len(inner)} characters is too long: {limits.TEXT_LENGTH} are the most"
            self._report(Diagnostic(token_span(token, self._source), message))
        if "\\" not in inner:
            return inner
        pieces = []
        characters = iter(enumerate(inner))
        for offset, character in characters:
            if character != "\\":
                pieces.append(character)
                continue
            _, escaped = next(characters)
            pieces.append(_ESCAPES.get(escaped, escaped))
            if escaped not in _ESCAPES:
                line, column, _, _ = token_span(token, self._source)[1:]
                place = Span(self._source, line, column + 1 + offset, line, column + 3 + offset)
                message = f"`\\{escaped}` means nothing in a text"
                self._report(Diagnostic(place, message, ('`\\"`', "`\\\\`", "`\\n`", "`\\t`")))
        return "".join(pieces)

    def number(self, token: Token, least: int, most: int, what: str) -> int:
        """Return a number; the least one where it is not between `least` and `most`."""
        digits = token.lstrip("0") or "0"
        # Longer ones are refused unconverted: the time int() takes grows with the square of the length.
        number = int(digits) if len(digits) <= len(str(most)) else most + 1
        if least <= number <= most:
            return number
        shown = digits if len(digits) <= 20 else f"{digits[:17]}…"
        message = f"{what} can not be {shown}: the range is {least} to {most}"
        self._report(Diagnostic(token_span(token, self._source), message))
        return least
