"""What stands out of a trace or a table on a terminal: violations, who blocks, expectations that failed, errors."""

from __future__ import annotations

from klpdsl.goldens.reporting.paint import Paint

#: How a line begins that stands out, and in which styles. The first that fits counts.
_TRACE = (
    ("    violation ", ("red", "bold")),
    ("  expect failed", ("red", "bold")),
    ("    blocked ", ("yellow",)),
    ("    log err", ("yellow",)),
    ("    log warn", ("yellow",)),
    ("  = 0", ()),
    ("  = unsupported", ("dim",)),
    ("  = ", ("yellow", "bold")),
    ("  expect ok", ("green",)),
    ("#", ("dim",)),
)
_TABLE = (("violation ", ("red", "bold")), ("other events", ("dim",)))


def trace(text: str) -> str:
    """Return a trace's text with colours: steps bold, and in them what a reader looks for."""
    paint = Paint(True)
    return "".join(_line(paint, line, _TRACE, step=line[:1].isdecimal()) for line in text.splitlines(True))


def table(text: str) -> str:
    """Return a comparison's text with colours: its first line bold, violations red."""
    paint = Paint(True)
    lines = text.splitlines(True)
    return "".join(_line(paint, line, _TABLE, step=index == 0) for index, line in enumerate(lines))


def _line(paint: Paint, line: str, rules: tuple[tuple[str, tuple[str, ...]], ...], *, step: bool) -> str:
    plain = line.rstrip("\n")
    styles = ("bold",) if step else next((found for start, found in rules if plain.startswith(start)), ())
    return paint(plain, *styles) + line[len(plain) :]
