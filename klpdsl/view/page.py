"""A run as a page of HTML: one file, no script, nothing from a network, a table that can be read aloud."""

from __future__ import annotations

from html import escape

from klpdsl.view import palette
from klpdsl.view.grid import Grid, GridRow
from klpdsl.view.wording import LEGEND, Token, cell_sentence, cell_tokens, machine_tokens, shade

_STYLE = """
:root{color-scheme:light dark;--ink:#1a1a1a;--dim:#5c5c5c;--bad:#a80000;--bg:#fff;--line:#d0d0d0}
@media (prefers-color-scheme:dark){:root{--ink:#f0f0f0;--dim:#b4b4b4;--bad:#ff9c9c;--bg:#151515;--line:#444}}
body{background:var(--bg);color:var(--ink);font:15px/1.45 system-ui,sans-serif;
margin:1rem auto;max-width:90rem;padding:0 1rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font:13px/1.4 ui-monospace,Menlo,Consolas,monospace}
th,td{border:1px solid var(--line);padding:.25rem .5rem;text-align:left;vertical-align:top}
.dim{color:var(--dim)}.bad{color:var(--bad);font-weight:bold}
td.holds{outline:2px solid var(--bad);outline-offset:-2px}
tr.mark>th:first-child{border-left:5px solid var(--bad)}
"""


def to_page(grid: Grid) -> str:
    """A whole page with one run's table."""
    return document(f"{grid.title or 'scenario'} on {grid.engine}", [table(grid), legend()])


def document(title: str, parts: list[str]) -> str:
    """A page around parts that are HTML already."""
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}{palette.css('td')}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def table(grid: Grid, mark: int | None = None) -> str:
    """A run as a table; `mark` is the place of a row to be pointed out."""
    heads = "".join(
        f'<th scope="col">{escape(head)}</th>' for head in ("step", "=", *grid.tasks, "livepatch")
    )
    fills = palette.shades(grid.versions)
    rows = "\n".join(_row(row, fills, marked=place == mark) for place, row in enumerate(grid.rows))
    caption = f"<caption>{escape(grid.engine)}</caption>"
    wrong = [
        f'<li class="bad">step {row.number}: {escape(text)}</li>' for row in grid.rows for text in row.wrong
    ]
    listed = f"<ul>{''.join(wrong)}</ul>" if wrong else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(grid.engine)}"><table>{caption}'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>{listed}"
    )


def legend() -> str:
    """What the marks in the cells mean."""
    said = "; ".join(f"<code>{escape(sign)}</code> {escape(what)}" for sign, what in LEGEND)
    return f'<p class="dim">{said}</p>'


def _row(row: GridRow, fills: dict[str, str], *, marked: bool) -> str:
    said = f"{row.number} {row.thread + '| ' if row.thread else ''}{row.text}" if row.number else "start"
    if row.seconds > 1:
        said += f" ({row.seconds} s)"
    result = escape(row.result) + (f" <span class=dim>({escape(row.reason)})</span>" if row.reason else "")
    kind = ' class="bad"' if row.result not in ("", "0") else ""
    cells = "".join(
        f'<td class="{fills.get(shade(cell), "")}{" holds" if cell and cell.holds else ""}" '
        f'title="{escape(cell_sentence(cell, cell.task) if cell else "not there")}">{_tokens(cell_tokens(cell))}</td>'
        for cell in row.cells
    )
    mark = ' class="mark"' if marked else ""
    return (
        f'<tr{mark}><th scope="row">{escape(said)}</th><td{kind}>{result}</td>{cells}'
        f"<td>{_tokens(machine_tokens(row))}</td></tr>"
    )


def _tokens(tokens: list[Token]) -> str:
    kinds = {"faint": "dim", "holds": "bad"}
    return " ".join(
        f'<span class="{kinds[t.style]}">{escape(t.text)}</span>' if t.style in kinds else escape(t.text)
        for t in tokens
    )
