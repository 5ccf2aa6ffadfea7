"""What the parser's complaint means to a user: what stands there, what could stand there, what was probably meant."""

from __future__ import annotations

import re
from typing import Any

import lark
from lark import Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from klpdsl.syntax import actions, habits, tree
from klpdsl.syntax.diagnostics import Diagnostic
from klpdsl.syntax.operands import FUNCTION, MODULE, OBJECT, PROPERTY, SAID, TASK
from klpdsl.syntax.spelling import nearest
from klpdsl.syntax.tree import Span

# What a reader takes for one word.
_WORD = re.compile(r'"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"?|[\w.-]*\w|->|!=|==|\.\.|.', re.DOTALL)
_SHOWN = 40

# Terminals that are no keywords, in the order in which they are listed.
_VALUES = {
    "STRING": "a text in double quotes",
    "INTEGER": "a number",
    "ERRNO": "`0` or an errno's name",
    "ENGINE": "an engine's name",
    "ATTRIBUTE": "an attribute",
    "KEY": "a sysctl's name",
    "VALUE": "a value",
}
_MARKS = {
    "_OPEN": "`{`",
    "_CLOSE": "`}`",
    "_COLON": "`:`",
    "_CALLS": "`>`",
    "_RANGE": "`..`",
    "_RESULT": "`->`",
    "_EQUALS": "`=`",
    "RELATION": "`=` or `!=`",
    "_OR": "`or`",
}
# Words that are no answer to "expected …": who writes for a proposal knows them, and others need not.
_OF_PROPOSALS = {"REPLACEABLE", "IRREPLACEABLE", "REPLACE_SET", "REPLACE_SETS", "OVERRIDE_REPLACE_SETS"}
_ENDS = {"_NEWLINE", "_SEMICOLON", "$END"}
# What a name stands for after a word that is no verb; elsewhere it is what the rule below says.
_NAMED = {
    "_MODULE": SAID[MODULE],
    "TASK": SAID[TASK],
    "KTHREAD": SAID[TASK],
    "_IN": SAID[FUNCTION],
    "_CALLS": SAID[FUNCTION],
    "_ARCH": "a feature",
    "_PATCH": "a patch's name",
    "_CALLBACKS": SAID[OBJECT],
    "_OF": SAID[MODULE],
    "_RELOCATIONS": SAID[OBJECT],
    "SHADOW_GET": "an object",
    "SHADOW_NEW": "an object",
    "SHADOW_FREE": "an object",
    "_REDIRECTS": SAID[FUNCTION],
    "_PROBES": SAID[FUNCTION],
    "TRACER": SAID[FUNCTION],
    "_SEES": SAID[FUNCTION],
    "_EXPECT": "the name of a task, patch or module",
    "_ALWAYS": "the name of a task, patch, module or property",
    "_NEVER": "the name of a task, patch, module or property",
    "_VIOLATION": SAID[PROPERTY],
    "_COLON": SAID[FUNCTION],
}
# What a verb takes first, by the verb.
_TAKEN = {
    verb.word: SAID[verb.operands[0].kind]
    for verb in actions.VERBS
    if verb.operands and verb.operands[0].kind in SAID and verb.node not in (tree.SetCallbacks, tree.Shadow)
}

_LOOK_ALIKE = {
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{HORIZONTAL ELLIPSIS}": "..",
    "\N{MIDDLE DOT}": ";",
    "\N{NOT EQUAL TO}": "!=",
    "'": '"',
}


def keywords(parser: lark.Lark) -> dict[str, tuple[str, ...]]:
    """Return the words of each terminal of the grammar that is a keyword, or one of several."""
    found = {}
    for terminal in parser.terminals:
        words = re.fullmatch(r"(?:\(\?:)?([a-z_|]+)\)?\(\?!.*", terminal.pattern.value)
        if words:
            found[terminal.name] = tuple(words[1].split("|"))
    return found


class Explainer:
    """Explains the errors of one text."""

    def __init__(self, text: str, source: str, parser: lark.Lark) -> None:
        self._text = text
        self._source = source
        self._keywords = keywords(parser)
        started = parser.parse_interactive("")
        self._statements = {word for name in accepted_by(started) for word in self._keywords.get(name, ())}
        started.feed_token(Token("NAME", "t"))
        started.feed_token(Token("_COLON", ":"))
        self._actions = {word for name in accepted_by(started) for word in self._keywords.get(name, ())}

    def explain(self, error: UnexpectedInput, offset: int) -> Diagnostic:
        """Return the diagnostic of an error that was found at `offset`, the parser still standing before it."""
        parser = error.interactive_parser
        accepted = accepted_by(parser)
        values = parser.parser_state.value_stack
        last = _last_token(values)
        if accepted == {"_COLON"} and values and isinstance(values[-1], Token):
            return self._no_statement(values[-1], offset)
        if len(accepted) > 1 and last is not None and last.type != "NAME":
            accepted.discard("_COLON")  # a keyword can be a task's name, but nobody meant that
        ended = self._end_at(error, offset)
        word = self._word(offset)
        if ended:
            span = self._after(values[-1] if values else None, error)
            message = f"unexpected {ended}"
        else:
            span = Span(self._source, error.line, error.column, error.line, error.column + len(word))
            message = f"unexpected {shown(word)}"
            if habit := habits.mark(self._text, offset):
                return Diagnostic(span, message, (), habit)
        return Diagnostic(span, message, self._expected(accepted, last), self._hint(word, accepted, last))

    def action_follows(self, offset: int) -> bool:
        """Return whether a task's action follows the comma at `offset`."""
        found = re.compile(r",\s*([a-z]+)(?![A-Za-z0-9_.-]|\s*:)").match(self._text, offset)
        return found is not None and found[1] in self._actions

    def _no_statement(self, token: Token, offset: int) -> Diagnostic:
        """Explain a word that begins a statement and is neither a keyword nor a task's name with a colon."""
        line, column = token.line or 1, token.column or 1
        span = Span(self._source, line, column, line, column + len(token))
        following = self._word(offset)
        habit = habits.command(self._statement_at(token.start_pos or 0))
        if habit:
            hint = habit
        elif following in self._actions:
            hint = f"a task's actions stand behind a colon: `{token}: {following}`"
        elif token in self._actions:
            hint = f"`{token}` is what a task does: `t1: {token}`"
        elif token == "or":
            hint = "`or` and its brace follow the brace before it, on the same line or the next"
        else:
            meant = nearest(token, self._statements)
            hint = f"did you mean `{meant}`?" if meant else ""
        expected = () if hint else ("a statement", "a task's name and `:`")
        return Diagnostic(span, f"{shown(token)} begins no statement", expected, hint)

    def _statement_at(self, offset: int) -> str:
        return re.split(r"[;\n]", self._text[offset:], maxsplit=1)[0]

    def _word(self, offset: int) -> str:
        found = _WORD.match(self._text, offset)
        return found.group() if found else ""

    def _end_at(self, error: UnexpectedInput, offset: int) -> str:
        """Return how to call the end that has come too early, if it is one."""
        kind = error.token.type if isinstance(error, UnexpectedToken) else ""
        if kind == "$END":
            return "end of file"
        if kind == "_NEWLINE" or self._text.startswith("\n", offset):
            return "end of line"
        return ""

    def _after(self, last: Token | Tree[Token] | None, error: UnexpectedInput) -> Span:
        """Return the place behind the last word, where something is missing."""
        line, column = error.line, error.column
        if isinstance(last, Tree):
            last = None if last.meta.empty else last
        end = last.meta if isinstance(last, Tree) else last
        if end is not None and end.end_line is not None and end.end_column is not None:
            line, column = end.end_line, end.end_column
        return Span(self._source, max(line, 1), max(column, 1), max(line, 1), max(column, 1) + 1)

    def _in_log(self, token: Token) -> bool:
        return self._text[: token.start_pos].rstrip(" \t").endswith((" log", "\tlog"))

    def _expected(self, accepted: set[str], last: Token | None) -> tuple[str, ...]:
        starts = [name for name in accepted if set(self._keywords.get(name, ())) & self._statements]
        inside = "$END" not in accepted
        if len(starts) > 5 or ({"_EXPECT", "_CHOOSE"} <= accepted and "_LOAD" in accepted):
            return ("a statement", "`}`") if inside else ("a statement",)
        result = last is not None and last.type == "_RESULT"
        words = [self._name_of(accepted, last)] if "NAME" in accepted else []
        words += (
            text for name, text in _VALUES.items() if name in accepted and not (result and name == "INTEGER")
        )
        if last is not None and last.type == "_FAILS":
            words = ["an errno's name"]
        usual = accepted - _OF_PROPOSALS
        words += sorted(f"`{word}`" for name in usual for word in self._keywords.get(name, ()))
        words += (mark for name, text in _MARKS.items() if name in accepted for mark in text.split(" or "))
        if "_COMMA" in accepted and not inside:
            words.append("`,`")
        # Where an entry may begin, a separator may follow another, but that is nothing to wait for.
        if accepted & _ENDS and "BROKEN" not in accepted:
            words.append("the end of the entry" if inside else "the end of the statement")
        return tuple(words)

    def _name_of(self, accepted: set[str], last: Token | None) -> str:
        if "_CALLBACKS" in accepted:
            return "a function or an object"
        if "_OPERATOR" in accepted:
            return "a task's name"
        if last is not None and last.type == "RELATION":
            return "a patch's name" if "NONE" in accepted else "a patch's name or `original`"
        if last is None or last.type in {"_OPEN", "_COMMA", "_SEMICOLON", "_NEWLINE"}:
            return "a function"
        return _TAKEN.get(str(last)) or _NAMED.get(last.type, "a name")

    def _hint(self, word: str, accepted: set[str], last: Token | None) -> str:
        if word[:1] in _LOOK_ALIKE:
            meant = _LOOK_ALIKE[word[:1]]
            return "names and texts stand in double quotes" if meant == '"' else f"write `{meant}`"
        if word == "=" and last is not None and last.type in {"_EQUALS", "RELATION"}:
            return "write `=` once"
        if last is not None and last.type == "ATTRIBUTE" and self._in_log(last):
            return f'a text stands in double quotes: `log "{last}"`'
        if last is not None and last.type == "_RESULT" and word.startswith("-"):
            return "an errno is written by its name, without a sign: `EBUSY`"
        meant = nearest(word, (known for name in accepted for known in self._keywords.get(name, ())))
        if meant and meant != word:
            return f"did you mean `{meant}`?"
        if "_CALL" in accepted and word in self._statements:
            return f"what an operator does stands in `{tree.OPERATOR} {{ … }}`"
        if {"_LOAD", "BROKEN"} <= accepted and "NAME" not in accepted:
            return "what a task does stands in a thread of that task"
        return ""


def shown(word: str) -> str:
    """Return a word as a message shows it."""
    return f"`{word}`" if len(word) <= _SHOWN else f"`{word[: _SHOWN - 1]}…`"


def accepted_by(parser: InteractiveParser) -> set[str]:
    """Return the terminals that a parser can take next."""
    accepted: set[str] = parser.accepts()  # type: ignore[no-untyped-call]
    return accepted


def _last_token(values: list[Any]) -> Token | None:
    """Return the word that the parser has just taken in, if it has made nothing of it yet."""
    return values[-1] if values and isinstance(values[-1], Token) else None
