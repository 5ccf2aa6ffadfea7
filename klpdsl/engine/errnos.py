"""Errno numbers, as Linux prints them in messages. Written out: the host's own table may be another system's."""

from __future__ import annotations

_NUMBERS = {"ENOENT": 2, "ENOEXEC": 8, "ENOMEM": 12, "EBUSY": 16, "EEXIST": 17, "ENODEV": 19, "EINVAL": 22}


def number(name: str) -> int:
    """The negative number that the kernel prints for an errno it returns."""
    return -_NUMBERS[name]
