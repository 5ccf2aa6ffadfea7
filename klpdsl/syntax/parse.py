"""From the text of one file to its tree, or to all that is wrong with it."""

from __future__ import annotations

from lark.exceptions import UnexpectedInput

from klpdsl.syntax import limits
from klpdsl.syntax.build import build_scenario
from klpdsl.syntax.diagnostics import Diagnostic, ScenarioError
from klpdsl.syntax.outline import outline
from klpdsl.syntax.parser import lark_parser
from klpdsl.syntax.tree import Scenario, Span


def parse(text: str, source: str = "<text>") -> Scenario:
    """Return the tree of a file's text, which `source` names in messages. Raises ScenarioError."""
    found = outline(text, source, limits.NESTING)
    problems: list[Diagnostic] = []
    try:
        parsed = lark_parser().parse(text)
    except UnexpectedInput as error:
        span = Span(source, error.line, error.column, error.line, error.column + 1)
        raise ScenarioError([Diagnostic(span, "this does not parse")], {source: text}) from None
    last_line = text.count("\n") + 1
    whole = Span(source, 1, 1, last_line, len(text) - text.rfind("\n"))
    scenario = build_scenario(parsed, found.comments, whole, problems.append)
    if problems:
        raise ScenarioError(problems, {source: text})
    return scenario
