"""From the bytes of a file to a text that can be parsed: encoding, line ends, characters that no text has."""

from __future__ import annotations

import re

from klpdsl.syntax import limits
from klpdsl.syntax.diagnostics import Diagnostic
from klpdsl.syntax.tree import Span

# More than this and it is no text at all.
_STRANGERS = 20
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_text(data: bytes, source: str) -> tuple[str, list[Diagnostic]]:
    """Return the text that bytes spell, line ends as newlines, and what is wrong with it.

    What is wrong has become a space, so that every place keeps its column.
    """
    if len(data) > limits.FILE_BYTES:
        return "", [too_large(source)]
    if data.startswith(_UTF16):
        hint = "it looks like UTF-16: save it as UTF-8"
        return "", [Diagnostic(Span(source, 1, 1, 1, 2), "this is not UTF-8", (), hint)]
    strange: list[tuple[int, str]] = []
    text = _decoded(data, strange)
    if "\r" in text:
        text, strange = _unix_lines(text, strange)
    for found in _CONTROL.finditer(text):
        if len(strange) > _STRANGERS:
            break
        strange.append(
            (found.start(), f"the control character U+{ord(found.group()):04X} can not stand here")
        )
    problems = []
    for offset, message in sorted(strange)[:_STRANGERS]:
        line = text.count("\n", 0, offset) + 1
        column = offset - text.rfind("\n", 0, offset)
        problems.append(Diagnostic(Span(source, line, column, line, column + 1), message))
    if len(strange) >= _STRANGERS:
        problems[-1] = problems[-1]._replace(hint="this looks like no text at all: the rest is not read")
        return text, problems
    if strange:
        text = _CONTROL.sub(" ", text).replace("\N{REPLACEMENT CHARACTER}", " ")
    return text, problems


def too_large(source: str) -> Diagnostic:
    """Return what to say about a file of too many bytes."""
    message = f"the file is too large: {limits.FILE_BYTES >> 10} KiB are the most"
    return Diagnostic(Span(source, 1, 1, 1, 1), message)


def _decoded(data: bytes, strange: list[tuple[int, str]]) -> str:
    """Decode UTF-8. Each byte that is none becomes one replacement character, and is noted by its offset."""
    pieces: list[str] = []
    length = 0
    while True:
        try:
            piece = data.decode("utf-8-sig" if not pieces else "utf-8")
        except UnicodeDecodeError as error:
            piece = data[: error.start].decode("utf-8-sig" if not pieces else "utf-8")
            pieces.append(piece + "\N{REPLACEMENT CHARACTER}")
            length += len(piece)
            strange.append((length, f"this is not UTF-8: byte 0x{data[error.start]:02x}"))
            length += 1
            data = data[error.start + 1 :]
            if len(strange) > _STRANGERS:
                return "".join(pieces)
        else:
            pieces.append(piece)
            return "".join(pieces)


def _unix_lines(text: str, strange: list[tuple[int, str]]) -> tuple[str, list[tuple[int, str]]]:
    """Replace CRLF, and move the offsets noted so far accordingly."""
    moved = [(offset - text.count("\r\n", 0, offset), message) for offset, message in strange]
    return text.replace("\r\n", "\n"), moved
