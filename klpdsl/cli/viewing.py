"""Pictures of runs, for the commands that offer them: to the terminal, or into a file."""

from __future__ import annotations

import os
import sys

from klpdsl._writing import replace_file
from klpdsl.cli.common import MISMATCH, OK, USAGE, colours, complain
from klpdsl.view.film import film
from klpdsl.view.grid import Grid, first_difference, grid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.run.session import Loaded
    from klpdsl.semantics.records import Engine

_ONE_EACH = ("svg", "perfetto")


def show(runs: list[tuple[Loaded, Engine]], medium: str, output: str) -> int:
    """Draw each run; returns the exit code, which is that of `klpdsl run` without a picture."""
    if medium in _ONE_EACH and len(runs) > 1:
        complain(f"klpdsl run: one {medium} shows one run; name one scenario and one engine")
        return USAGE
    grids: list[Grid] = []
    code = OK
    for loaded, engine in runs:
        shot = film(loaded, engine)
        grids.append(_titled(grid(shot), loaded))
        code = code if shot.ok else MISMATCH
    _put(_drawn(grids, medium), output)
    return code


def show_two(loaded: Loaded, left: Engine, right: Engine, medium: str, output: str) -> None:
    """Draw one scenario on two engines side by side, with the first difference marked.

    Raises `ScenarioError` for a run without end.
    """
    a, b = (_titled(grid(film(loaded, engine)), loaded) for engine in (left, right))
    differs = first_difference(a, b)
    if medium == "timeline":
        from klpdsl.view.timeline import side_by_side

        text = side_by_side(a, b, _width(), colour=colours())
    elif medium == "svg":
        from klpdsl.view.svg import pair_to_svg

        text = pair_to_svg(a, b, differs)
    else:
        from klpdsl.view.page import document, legend, table

        parts = [table(a, differs), table(b, differs), legend()]
        text = document(f"{a.title}: {a.engine} and {b.engine}", parts)
    _put(text, output)


def _titled(drawn: Grid, loaded: Loaded) -> Grid:
    return drawn._replace(title=loaded.title or loaded.source.rpartition("/")[2].removesuffix(".klp"))


def _drawn(grids: list[Grid], medium: str) -> str:
    if medium == "timeline":
        from klpdsl.view.timeline import to_timeline

        return "\n".join(to_timeline(one, _width(), colour=colours()) for one in grids)
    if medium == "svg":
        from klpdsl.view.svg import to_svg

        return to_svg(grids[0])
    if medium == "perfetto":
        from klpdsl.view.perfetto import to_perfetto

        return to_perfetto(grids[0])
    from klpdsl.view.page import document, legend, table, to_page

    if len(grids) == 1:
        return to_page(grids[0])
    return document(grids[0].title, [*map(table, grids), legend()])


def _width() -> int:
    """The columns of the terminal, or as many as fit on most."""
    try:
        return int(os.environ.get("COLUMNS") or os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError):
        return 100


def _put(text: str, output: str) -> None:
    if not output or output == "-":
        print(text, end="")
        return
    replace_file(output, text.encode("utf-8", "surrogateescape"))
