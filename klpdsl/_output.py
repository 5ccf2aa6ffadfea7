"""The one way out for text: what a terminal or a CI log would take for an order is shown, not obeyed.

Goldens, engine files, bundles, file names and arguments may be somebody else's, and end up in what we print. Characters
that move a cursor, hide text or turn its direction are shown by their number; a line that begins with `::` is no
command to GitHub any more. What we mean ourselves (colours, a line that counts, annotations) is marked by a word that
nobody can know beforehand, or goes out by `raw`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TextIO

#: Control characters but for newline and tab, marks of direction, what has no width, separators of lines, tags; the
#: bytes of a file name that are control characters to a terminal of eight bits; and halves of characters, which JSON
#: can spell and nothing can write.
_ORDERS = (
    *range(0x09),
    *range(0x0B, 0x20),
    *range(0x7F, 0xA0),
    0x061C,
    0x180E,
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    *range(0xD800, 0xDCA0),
    *range(0xDD00, 0xE000),
    *range(0xE0000, 0xE0080),
)
_SHOWN: dict[int, str] = {}
_COMMAND = "::"
_COLON = "<U+003A>"
_OWN = f"\x1b{os.urandom(8).hex()}"


def visible(text: str) -> str:
    """Return a text in which nothing is an order to a terminal."""
    if text.replace("\n", "").isprintable():
        return text
    if not _SHOWN:
        _SHOWN.update({code: f"<U+{code:04X}>" for code in _ORDERS})
    return text.translate(_SHOWN)


def style(codes: str) -> str:
    """Return what switches a terminal to a style of ours (`1;31`), to be printed; `0` ends it."""
    return f"{_OWN}{codes}m" if _Screened.depth else f"\x1b[{codes}m"


def screened(text: str) -> str:
    """Return a text as it may be shown: foreign orders visible, our own styles in force."""
    if _OWN not in text:
        return visible(text)
    first, *rest = text.split(_OWN)
    pieces = [visible(first)]
    for piece in rest:
        codes, _, after = piece.partition("m")
        pieces += [f"\x1b[{codes}m", visible(after)]
    return "".join(pieces)


def raw(stream: TextIO, text: str) -> None:
    """Write a text as it is: an annotation, a move of the cursor. What is foreign in it has been made `visible`."""
    if isinstance(stream, _Screened):
        stream.pass_on(text)
    else:
        stream.write(text)


class _Screened:
    """A stream through which text goes out. Everything else is that of the stream below."""

    depth = 0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        #: What stands in this line, as long as it can be the beginning of a command.
        self._head: str | None = ""

    def write(self, text: str) -> int:
        """Write a text, its orders shown."""
        shown = screened(text)
        if ":" in shown or self._head is not None:
            shown = self._disarmed(shown)
        elif "\n" in shown:
            self._head = self._beginning(shown.rpartition("\n")[2])
        if "##" in shown and (os.environ.get("GITHUB_ACTIONS") or os.environ.get("TF_BUILD")):
            # An older form of the runners' commands, which they take anywhere in a line.
            shown = shown.replace("##[", "#<U+0023>[").replace("##vso[", "#<U+0023>vso[")
        self._stream.write(shown)
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def pass_on(self, text: str) -> None:
        """Write a text as it is."""
        self._stream.write(text)
        self._head = self._beginning(text.rpartition("\n")[2])

    def _disarmed(self, text: str) -> str:
        lines = text.split("\n")
        if _COMMAND in text or self._head:
            lines = [self._line(line, self._head if not index else "") for index, line in enumerate(lines)]
        before = self._head if len(lines) == 1 else ""
        self._head = None if before is None else self._beginning(before + lines[-1])
        return "\n".join(lines)

    def _line(self, line: str, head: str | None) -> str:
        if head is None or not (head + line).lstrip().startswith(_COMMAND):
            return line
        if head.endswith(":"):
            return _COLON + line[1:]
        before, _, after = line.partition(_COMMAND)
        return f"{before}{_COLON}:{after}"

    @staticmethod
    def _beginning(line: str) -> str | None:
        return line if line.strip() in ("", ":") else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Screen:
    """Lets all that is printed inside go out through a screen: `with Screen(): …`."""

    def __enter__(self) -> None:
        import sys

        self._before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Screened(sys.stdout), _Screened(sys.stderr)
        _Screened.depth += 1

    def __exit__(self, *_: object) -> None:
        import sys

        _Screened.depth -= 1
        sys.stdout, sys.stderr = self._before
