"""A run as a table in the terminal: steps go down, tasks stand beside one another, as wide as the terminal is."""

from __future__ import annotations

from klpdsl import _output
from klpdsl.view.grid import Grid, GridRow, first_difference
from klpdsl.view.wording import LEGEND, Token, cell_tokens, machine_tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    #: The words of one cell of the table.
    Words: TypeAlias = list[Token]
    #: A column: its head, its cells, and how wide it is to be at most.
    _Column: TypeAlias = tuple[str, list[Words], int]

_GAP = 2
_STEP_WIDTH = 34
_RESULT_WIDTH = 12
_TASK_WIDTH = 24
_MACHINE_WIDTH = 40

_RESET = "0"
_STYLES = {
    "state": "2",
    "holds": "1;31",
    "bad": "1;31",
    "faint": "2",
    "transition": "1",
    "head": "1",
}
_VERSIONS = ("32", "34", "35", "36", "33", "92", "94", "95")


def to_timeline(grid: Grid, width: int, *, colour: bool = False) -> str:
    """The picture as text; `width` is in columns of the terminal. A line is wider only where one word is."""
    body = [[cell_tokens(cell) for cell in row.cells] for row in grid.rows]
    title = f"{grid.title} on {grid.engine}" if grid.title else f"on {grid.engine}"
    lines = [_painted(title, "head", colour=colour)]
    lines += _table([grid], [grid.tasks], [body], width, colour=colour)
    lines += _trouble(grid.rows, colour=colour)
    lines += _legend(colour=colour)
    return "\n".join(lines) + "\n"


def side_by_side(left: Grid, right: Grid, width: int, *, colour: bool = False) -> str:
    """Two engines beside one another; the first row that differs is marked with `>`."""
    differs = first_difference(left, right)
    lines = [_painted(f"{left.title or 'scenario'}: {left.engine} | {right.engine}", "head", colour=colour)]
    grids = [left, right]
    heads = [[f"{name} ({'AB'[i]})" for name in grid.tasks] for i, grid in enumerate(grids)]
    bodies = [[[cell_tokens(cell) for cell in row.cells] for row in grid.rows] for grid in grids]
    lines += _table(grids, heads, bodies, width, colour=colour, mark=differs)
    lines.append(f"A is {left.engine}, B is {right.engine}.")
    if differs is None:
        lines.append("No step differs in what is drawn here.")
    else:
        row = (left.rows if differs < len(left.rows) else right.rows)[differs]
        where = f"step {row.number} ({row.text})" if row.number else "the start"
        lines.append(f"First difference: {where}, marked with >.")
    for grid in grids:
        lines += _trouble(grid.rows, colour=colour, engine=grid.engine)
    lines += _legend(colour=colour)
    return "\n".join(lines) + "\n"


def _table(
    grids: Sequence[Grid],
    heads: Sequence[Sequence[str]],
    bodies: Sequence[list[list[Words]]],
    width: int,
    *,
    colour: bool,
    mark: int | None = None,
) -> list[str]:
    """All columns in one table if they fit; else tables one below the other, each beginning with the step."""
    rows = max(len(grid.rows) for grid in grids)
    longest = max(grids, key=lambda grid: len(grid.rows))
    suffixes = [f" ({'AB'[i]})" for i in range(len(grids))] if len(grids) > 1 else [""]

    def padded(cells: list[Words]) -> list[Words]:
        return cells + [[] for _ in range(rows - len(cells))]

    fixed: list[_Column] = [
        ("step", [_front(row, i == mark) for i, row in enumerate(longest.rows)], _STEP_WIDTH)
    ]
    columns: list[_Column] = []
    for grid, suffix, names, body in zip(grids, suffixes, heads, bodies, strict=True):
        fixed.append((f"={suffix}", padded([_result(row) for row in grid.rows]), _RESULT_WIDTH))
        for place, head in enumerate(names):
            columns.append((head, padded([line[place] for line in body]), _TASK_WIDTH))
    for grid, suffix in zip(grids, suffixes, strict=True):
        machine = padded([machine_tokens(row) for row in grid.rows])
        columns.append((f"livepatch{suffix}", machine, _MACHINE_WIDTH))
    room = width - sum(_GAP + _width(column) for column in fixed)
    palette = {name: i for i, name in enumerate(dict.fromkeys(v for grid in grids for v in grid.versions))}
    out: list[str] = []
    for block in _blocks(columns, room):
        out += [*_drawn([*fixed, *block], palette, colour=colour), ""]
    return out


def _blocks(columns: list[_Column], room: int) -> list[list[_Column]]:
    """The columns in groups that fit into the room."""
    blocks: list[list[_Column]] = [[]]
    left = room
    for column in columns:
        wanted = _width(column) + _GAP
        if blocks[-1] and left < wanted:
            blocks.append([])
            left = room
        blocks[-1].append(column)
        left -= wanted
    return blocks


def _width(column: _Column) -> int:
    """How wide a column is drawn: no wider than its limit, but for a word that is longer."""
    head, cells, limit = column
    return min(max(limit, _longest_word(head, cells)), _natural(head, cells))


def _natural(head: str, cells: list[Words]) -> int:
    return max([len(head), *(len(" ".join(token.text for token in words)) for words in cells)])


def _longest_word(head: str, cells: list[Words]) -> int:
    return max([len(head), *(len(token.text) for words in cells for token in words)])


def _front(row: GridRow, marked: bool) -> Words:
    tokens = [Token(">", "bad")] if marked else []
    if not row.number:
        return [*tokens, Token("(start)", "faint")]
    tokens.append(Token(str(row.number), "faint"))
    if row.thread:
        tokens.append(Token(f"{row.thread}|", "faint"))
    tokens += [Token(word) for word in row.text.split(" ")]
    if row.seconds > 1:
        tokens.append(Token(f"({row.seconds} s)", "faint"))
    return tokens


def _result(row: GridRow) -> Words:
    if not row.number:
        return []
    tokens = [Token(row.result, "" if row.result == "0" else "bad")]
    if row.wrong:
        tokens.append(Token("!", "bad"))
    return tokens


def _drawn(
    columns: list[tuple[str, list[Words], int]], palette: dict[str, int], *, colour: bool
) -> list[str]:
    widths = [_width(column) for column in columns]
    lines = [
        (" " * _GAP)
        .join(
            _painted(head.ljust(width), "head", colour=colour)
            for (head, _, _), width in zip(columns, widths, strict=True)
        )
        .rstrip()
    ]
    for i in range(len(columns[0][1])):
        broken = [wrapped(cells[i], width) for (_, cells, _), width in zip(columns, widths, strict=True)]
        for line in range(max(map(len, broken))):
            parts = [
                _line(words[line] if line < len(words) else [], width, palette, colour=colour)
                for words, width in zip(broken, widths, strict=True)
            ]
            lines.append((" " * _GAP).join(parts).rstrip())
    return lines


def wrapped(words: Words, width: int) -> list[Words]:
    """The words in lines of at most that many columns; a word is not broken."""
    lines: list[Words] = [[]]
    used = 0
    for token in words:
        if lines[-1] and used + 1 + len(token.text) > width:
            lines.append([])
            used = 0
        used += len(token.text) + (1 if lines[-1] else 0)
        lines[-1].append(token)
    return lines


def _line(words: Words, width: int, palette: dict[str, int], *, colour: bool) -> str:
    plain = " ".join(token.text for token in words)
    if not colour:
        return plain.ljust(width)
    return " ".join(_coloured(token, palette) for token in words) + " " * (width - len(plain))


def _coloured(token: Token, palette: dict[str, int]) -> str:
    if token.style == "version":
        if token.version not in palette:
            return token.text
        return _in_style(token.text, _VERSIONS[palette[token.version] % len(_VERSIONS)])
    return _in_style(token.text, _STYLES[token.style]) if token.style else token.text


def _painted(text: str, style: str, *, colour: bool) -> str:
    return _in_style(text, _STYLES[style]) if colour else text


def _in_style(text: str, codes: str) -> str:
    return f"{_output.style(codes)}{text}{_output.style(_RESET)}"


def _trouble(rows: Sequence[GridRow], *, colour: bool, engine: str = "") -> list[str]:
    """Refusals with their reasons, violations and expectations that failed, below the table where there is room."""
    on = f" on {engine}" if engine else ""
    lines = []
    for row in rows:
        if row.reason:
            lines.append(f"step {row.number}{on}: {row.result} ({row.reason})")
        lines += [_painted(f"step {row.number}{on}: {text}", "bad", colour=colour) for text in row.wrong]
    return [*lines, ""] if lines else []


def _legend(*, colour: bool) -> list[str]:
    return [_painted(";  ".join(f"{mark} {what}" for mark, what in LEGEND), "faint", colour=colour)]
