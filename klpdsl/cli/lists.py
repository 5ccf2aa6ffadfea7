"""Lists and paragraphs of text in a terminal."""

from __future__ import annotations

import textwrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH = 110


def wrapped(text: str, first: str, others: str | None = None) -> list[str]:
    """Return the lines of a text, with what stands before the first and (the same, unless told) before the others."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=first if others is None else others,
        break_on_hyphens=False,
        break_long_words=False,
    )


def listed(title: str, texts: list[str]) -> Iterator[str]:
    """Return a blank line, a title and an item for each text; nothing where there are none."""
    if texts:
        yield ""
        yield f"{title}:"
        for text in texts:
            yield from wrapped(text, "  - ", "    ")
