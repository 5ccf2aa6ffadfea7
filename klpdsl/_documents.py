"""Documents that are made from data: the command that writes one or compares it, and its tables."""

from __future__ import annotations

import sys

from klpdsl._writing import replace_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def markdown_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def write_or_compare(argv: list[str], module: str, source: str, render: Callable[[], str]) -> int:
    """Write what `render` gives to the path on the command line, or (`--check`) compare it; return the exit code.

    `module` is how the generator is called, `source` what the document is made from: messages say them.
    """
    paths = [word for word in argv if word != "--check"]
    if len(paths) != 1:
        print(f"usage: python -m {module} [--check] PATH", file=sys.stderr)
        return 2
    text = render()
    if "--check" not in argv:
        replace_file(paths[0], text.encode())
        return 0
    with open(paths[0], encoding="utf-8") as file:
        if file.read() == text:
            return 0
    print(f"{paths[0]} is not what {source}: run make docs", file=sys.stderr)
    return 1
