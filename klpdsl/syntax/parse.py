"""From the text of one file to its tree, or to all that is wrong with it."""

from __future__ import annotations

from typing import NamedTuple

from lark.exceptions import UnexpectedInput

from klpdsl.syntax import limits
from klpdsl.syntax.diagnostics import Diagnostic, ScenarioError
from klpdsl.syntax.outline import Lines, Outline, outline
from klpdsl.syntax.parser import lark_parser
from klpdsl.syntax.recover import recover
from klpdsl.syntax.texts import read_text
from klpdsl.syntax.transformer import build_scenario
from klpdsl.syntax.tree import ScenarioTree, Span


class Examined(NamedTuple):
    """What a file turned out to be.

    `scenario` is what could be parsed of it; None if nothing was tried. `doubtful` are the words of the rest, which
    may be names that the statements that parsed rely on.
    """

    text: str
    scenario: ScenarioTree | None
    problems: list[Diagnostic]
    doubtful: set[str]


def parse(text: str | bytes, source: str = "<text>") -> ScenarioTree:
    """Return the tree of a file's text or contents, which `source` names in messages. Raises ScenarioError.

    Imports are not followed and names are not checked: that is `klpdsl.syntax.load`.
    """
    examined = examine(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text, source)
    if examined.problems or examined.scenario is None:
        raise ScenarioError(examined.problems, {source: examined.text})
    return examined.scenario


def examine(data: bytes, source: str) -> Examined:
    """Return the tree of the contents of a file as far as it can be had, and every error in it."""
    text, problems = read_text(data, source)
    if any(problem.hint for problem in problems):
        return Examined(text, None, problems, set())
    found = outline(text, source, limits.NESTING)
    lines = Lines(text)
    excess = _excess(source, lines, found)
    if excess:
        return Examined(text, None, [*problems, excess], set())
    parser = lark_parser()
    # Where a line is damaged already, what else it lacks is the consequence.
    quiet_lines = {problem.span.line for problem in problems}
    doubtful: set[str] = set()
    try:
        parsed = parser.parse(text)
    except UnexpectedInput:
        recovered = recover(text, source, found, parser)
        problems += (problem for problem in recovered.problems if problem.span.line not in quiet_lines)
        quiet_lines |= recovered.quiet_lines
        doubtful = recovered.doubtful
        if recovered.parsed is None:
            return Examined(text, None, _sorted(problems), doubtful)
        parsed = recovered.parsed
    end = lines.place(len(text))
    wrong_words: list[Diagnostic] = []
    scenario = build_scenario(parsed, found.comments, Span(source, 1, 1, *end), wrong_words.append)
    problems += (problem for problem in wrong_words if problem.span.line not in quiet_lines)
    return Examined(text, scenario, _sorted(problems), doubtful)


def _sorted(problems: list[Diagnostic]) -> list[Diagnostic]:
    return sorted(problems, key=lambda problem: problem.span[1:])


def _excess(source: str, lines: Lines, found: Outline) -> Diagnostic | None:
    """Return what there is too much of in a file, before a parser loses itself in it."""
    if found.too_deep >= 0:
        line, column = lines.place(found.too_deep)
        message = f"braces stand too deep within braces: {limits.NESTING} are the most"
        return Diagnostic(Span(source, line, column, line, column + 1), message)
    if found.entries > limits.FILE_ENTRIES:
        message = f"the file has too many statements: {limits.FILE_ENTRIES} are the most, empty ones included"
        return Diagnostic(Span(source, 1, 1, 1, 1), message)
    return None
