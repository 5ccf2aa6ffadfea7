"""A run as an SVG picture: text that can be selected, a title for each cell, light and dark.

Colours stand as attributes, for readers that drop a style sheet, and in one, for those that prefer a dark page.
"""

from __future__ import annotations

import textwrap
from html import escape

from klpdsl.view import palette
from klpdsl.view.drawing import document, text_at
from klpdsl.view.grid import Grid, GridRow
from klpdsl.view.wording import LEGEND, Token, cell_sentence, cell_tokens, machine_tokens, shade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple

_CHAR = 7.3
_LINE = 16
_PAD = 7
_TOP = 34
_SECOND = 3
_MOST_SECONDS = 24
_LEAST_NOTE = 56

_STYLE = (
    "text{font:12px ui-monospace,Menlo,Consolas,monospace;white-space:pre}"
    ".bg{fill:#ffffff}.ink{fill:#1a1a1a}.dim{fill:#5c5c5c}.bad{fill:#a80000;font-weight:bold}"
    ".line{stroke:#d0d0d0}.cell{fill:#f4f4f4}.hold{stroke:#a80000;stroke-width:2}"
    "@media (prefers-color-scheme:dark){.bg{fill:#151515}.ink{fill:#f0f0f0}.dim{fill:#b4b4b4}"
    ".bad{fill:#ff9c9c}.line{stroke:#444444}.cell{fill:#262626}.hold{stroke:#ff9c9c}}"
)


class _Column(NamedTuple):
    """Where a column stands, how wide it is, in pixels, and how many characters fit into it."""

    left: float
    width: float
    chars: int


def to_svg(grid: Grid, mark: int | None = None) -> str:
    """The picture; `mark` is the place of a row to be pointed out."""
    body, width, height = _body(grid, mark)
    return document(f"{grid.title or 'scenario'} on {grid.engine}", _STYLE, body, width, height)


def pair_to_svg(left: Grid, right: Grid, mark: int | None) -> str:
    """Two engines one beside the other; `mark` is the place of the first row that differs."""
    first, width, height = _body(left, mark)
    second, width_2, height_2 = _body(right, mark)
    gap = 24
    body = f'{first}<g transform="translate({width + gap:g},0)">{second}</g>'
    title = f"{left.title or 'scenario'}: {left.engine} and {right.engine}"
    return document(title, _STYLE, body, width + gap + width_2, max(height, height_2))


def _body(grid: Grid, mark: int | None) -> tuple[str, float, float]:
    words = [_words(row) for row in grid.rows]
    heads = ["step", "=", *grid.tasks, "livepatch"]
    limits = [36, 12, *([26] * len(grid.tasks)), 44]
    columns: list[_Column] = []
    left = float(_PAD)
    for place, (head, limit) in enumerate(zip(heads, limits, strict=True)):
        chars = max(len(head), *(_fitting(row[place], limit) for row in words))
        width = chars * _CHAR + 2 * _PAD
        columns.append(_Column(left, width, chars))
        left += width
    out = [
        text_at(grid.title or "scenario", _PAD * 2, 16, "ink"),
        text_at(f"on {grid.engine}", _PAD * 2, 30, "dim"),
    ]
    y = float(_TOP)
    for head, column in zip(heads, columns, strict=True):
        out.append(text_at(head, column.left + _PAD, y + 14, "dim"))
    y += 22
    fills = palette.shades(grid.versions)
    for place, row in enumerate(grid.rows):
        drawn, height = _row(row, words[place], columns, y, fills, marked=place == mark)
        out.append(drawn)
        y += height
    fits = max(_LEAST_NOTE, int((left - 4 * _PAD) / _CHAR))
    for row in grid.rows:
        for said in _trouble(row):
            for line in textwrap.wrap(said, fits):
                out.append(text_at(line, _PAD * 2, y + 16, "bad" if row.wrong else "dim"))
                y += _LINE
    y += 4
    for line in textwrap.wrap(";  ".join(f"{sign} {what}" for sign, what in LEGEND), fits):
        out.append(text_at(line, _PAD * 2, y + 16, "dim"))
        y += _LINE
    return "\n".join(out) + "\n", max(left, fits * _CHAR + 4 * _PAD), y + 12


def _row(
    row: GridRow,
    words: list[list[Token]],
    columns: list[_Column],
    y: float,
    fills: dict[str, str],
    *,
    marked: bool,
) -> tuple[str, float]:
    wrapped = [_lines(tokens, column.chars) for tokens, column in zip(words, columns, strict=True)]
    height = max(map(len, wrapped)) * _LINE + 8.0 + _SECOND * min(row.seconds, _MOST_SECONDS)
    right = columns[-1].left + columns[-1].width
    out = [f'<g><line class="line" stroke="#d0d0d0" x1="{_PAD}" y1="{y:g}" x2="{right:g}" y2="{y:g}"/>']
    if marked:
        out.append(f'<rect fill="#a80000" class="bad" x="0" y="{y:g}" width="4" height="{height:g}"/>')
    for place, (lines, column) in enumerate(zip(wrapped, columns, strict=True)):
        task = place - 2
        inside = ""
        if 0 <= task < len(row.cells):
            cell = row.cells[task]
            version = shade(cell)
            tint = fills.get(version, "")
            fill = palette.LIGHT[int(tint[1:])] if tint else "#f4f4f4"
            hold = ' class="hold" stroke="#a80000" stroke-width="2"' if cell and cell.holds else ""
            box = f'x="{column.left + 2:g}" y="{y + 2:g}" width="{column.width - 4:g}" height="{height - 4:g}" rx="3"'
            if cell is not None:
                inside = f'<rect class="{tint or "cell"}" fill="{fill}" {box}/>'
                inside += f'<rect fill="none"{hold} {box}/>' if hold else ""
            name = cell.task if cell else ""
            inside += f"<title>{escape(cell_sentence(cell, name) if cell else 'not there')}</title>"
        texts = "".join(
            text_at(
                " ".join(t.text for t in line),
                column.left + _PAD,
                y + 15 + i * _LINE,
                _class(place, row, line),
            )
            for i, line in enumerate(lines)
        )
        out.append(f"<g>{inside}{texts}</g>")
    return "".join(out) + "</g>", height


def _class(place: int, row: GridRow, line: list[Token]) -> str:
    if place == 1 and row.result not in ("", "0"):
        return "bad"
    if line and all(token.style in ("faint", "holds") for token in line):
        return "bad" if any(token.style == "holds" for token in line) else "dim"
    return "ink"


def _words(row: GridRow) -> list[list[Token]]:
    said = [Token("(start)", "faint")]
    if row.number:
        said = [Token(str(row.number), "faint")]
        if row.thread:
            said.append(Token(f"{row.thread}|", "faint"))
        said += [Token(word) for word in row.text.split(" ")]
        if row.seconds > 1:
            said.append(Token(f"({row.seconds} s)", "faint"))
    result = [Token(row.result + (" !" if row.wrong else ""))] if row.number else []
    return [said, result, *(cell_tokens(cell) for cell in row.cells), machine_tokens(row)]


def _trouble(row: GridRow) -> list[str]:
    reasons = [f"step {row.number}: {row.result} ({row.reason})"] if row.reason else []
    return reasons + [f"step {row.number}: {text}" for text in row.wrong]


def _lines(tokens: list[Token], width: int) -> list[list[Token]]:
    from klpdsl.view.timeline import wrapped

    return wrapped(tokens, width)


def _fitting(tokens: list[Token], limit: int) -> int:
    return max((len(" ".join(t.text for t in line)) for line in _lines(tokens, limit)), default=0)
