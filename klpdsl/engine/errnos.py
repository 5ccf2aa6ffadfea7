"""Errno numbers, as Linux prints them in messages."""

from __future__ import annotations

from klpdsl._errnos import ERRNO_ALIASES, ERRNOS


def number(name: str) -> int:
    """The negative number that the kernel prints for an errno it returns."""
    return -ERRNOS[ERRNO_ALIASES.get(name, name)]
