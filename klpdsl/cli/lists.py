"""Lists and paragraphs of text in a terminal."""

from __future__ import annotations

import textwrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH = 110


def wrapped(text: str, indent: str) -> list[str]:
    """Return the lines of a text, each with that indent."""
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def listed(title: str, texts: list[str]) -> Iterator[str]:
    """Return a blank line, a title and an item for each text; nothing where there are none."""
    if texts:
        yield ""
        yield f"{title}:"
        for text in texts:
            yield from textwrap.wrap(
                text, _WIDTH, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False
            )
