"""Options that every command takes, and that are no command's own: --color and --no-pager."""

from __future__ import annotations

import os

from klpdsl._errors import KlpdslError

WHEN = ("always", "never", "auto")


class GeneralOptionError(KlpdslError):
    """A general option with a value that it does not have."""


def taken(arguments: list[str]) -> list[str]:
    """Return the arguments without the general options, whose values go where `colours` and the pager look.

    What stands behind an option that takes a text (-c) is that text, whatever it looks like.
    """
    left: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            return [*left, word, *words]
        if word == "-c":
            left += [word, *(text for text in (next(words, None),) if text is not None)]
        elif word == "--no-pager":
            os.environ["KLPDSL_PAGER"] = ""
        elif word == "--color":
            _color("always")
        elif word.startswith("--color="):
            _color(word.partition("=")[2])
        else:
            left.append(word)
    return left


def _color(when: str) -> None:
    if when not in WHEN:
        raise GeneralOptionError(f"--color can not be `{when}`, only {', '.join(WHEN)}")
    os.environ["KLPDSL_COLOR"] = when
