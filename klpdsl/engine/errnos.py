"""Errno numbers, as Linux prints them in messages."""

from __future__ import annotations


def number(name: str) -> int:
    """The negative number that the kernel prints for an errno it returns."""
    from klpdsl._errnos import ERRNO_ALIASES, ERRNOS

    return -ERRNOS[ERRNO_ALIASES.get(name, name)]
