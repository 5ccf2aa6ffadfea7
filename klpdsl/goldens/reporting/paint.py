"""Words with emphasis, for those who show them on a terminal; plain where nobody wants colours."""

from __future__ import annotations

from klpdsl._output import style

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36", "reverse": "7"}


class Paint:
    """Puts escape sequences around words, or does not."""

    __slots__ = ("on",)

    def __init__(self, on: bool = False) -> None:
        self.on = on

    def __call__(self, text: str, *styles: str) -> str:
        """The text in these styles."""
        if not self.on or not styles or not text:
            return text
        return f"{style(';'.join(_CODES[one] for one in styles))}{text}{style('0')}"

    def pair(self, old: str, new: str) -> tuple[str, str]:
        """A line and what took its place, with what differs between them emphasised word by word."""
        if not self.on:
            return old, new
        import re
        from difflib import SequenceMatcher

        token = re.compile(r"\s+|[\w.:/-]+|.")
        a, b = token.findall(old), token.findall(new)
        left, right = [], []
        for what, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
            styles = () if what == "equal" else ("reverse",)
            left.append(self("".join(a[i1:i2]), "red", *styles))
            right.append(self("".join(b[j1:j2]), "green", *styles))
        return "".join(left), "".join(right)
