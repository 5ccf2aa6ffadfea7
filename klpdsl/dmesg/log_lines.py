"""Livepatch's lines in a kernel's log, whatever printed it: dmesg, journalctl -k, a serial console, a syslog file."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple

#: What stands before a line's text: a level, a day and host, `kernel:`, the seconds since boot, the caller.
_PREFIX = re.compile(
    r"(?:<\d+>)?"
    r"(?:(?:[A-Z][a-z]{2}\s+\d+\s[\d:.]+|\d{4}-\d\d-\d\d[T ][\d:.,]+(?:[+-]\d\d:?\d\d|Z)?)\s+\S+\s+kernel:\s*)?"
    r"(?:\d\d:\d\d:\d\d(?:[.,]\d+)?\s+)?"
    r"(?:\[[A-Z][a-z]{2}\s+[A-Z][a-z]{2}\s+\d+\s[\d:]+\s\d{4}\]\s)?"
    r"(?:kernel:?\s+)?"
    r"(?:\[(?:\w+\s+)?\s*(?P<seconds>\d+\.\d+)\]\s?)?"
    r"(?:\[\s*[TC]\d+\]\s?)?"
)
_CLOCK = re.compile(r"(?:^|[\sT])(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?=[\s\]+Z-])")
_OURS = re.compile(r"livepatch: |[\w-]+: tainting kernel with TAINT_LIVEPATCH$")
_RELEASE = re.compile(r"Linux version (\S+)")
LINE_BYTES = 4096
"""Of a longer line the rest is not looked at: the kernel prints no line of that length."""


class LogLine(NamedTuple):
    """A line of livepatch's: its number in what was read, the seconds that it shows (None: none), and its text."""

    number: int
    seconds: float | None
    text: str


class KernelLog(NamedTuple):
    """What was read: livepatch's lines, how many lines there were in all, and the release that the log names."""

    lines: tuple[LogLine, ...]
    total: int
    release: str


def read_log(lines: Iterable[str]) -> KernelLog:
    """Take livepatch's lines out of a log. Whatever else stands in it is passed over."""
    found: list[LogLine] = []
    release = ""
    number = 0
    for number, line in enumerate(lines, 1):
        # Most lines are nobody's business: a look for the word costs little.
        if "livepatch" not in line and "TAINT_LIVEPATCH" not in line:
            if not release and "Linux version" in line and (named := _RELEASE.search(line[:LINE_BYTES])):
                release = named[1]
            continue
        text = line[:LINE_BYTES].strip()
        prefix = _PREFIX.match(text)
        end = prefix.end() if prefix else 0
        if _OURS.match(text, end):
            found.append(LogLine(number, _seconds(text, prefix), text[end:]))
    return KernelLog(tuple(found), number, release)


def _seconds(text: str, prefix: re.Match[str] | None) -> float | None:
    """Seconds since boot, or else since midnight; what begins before midnight and ends after it looks shorter."""
    if prefix and prefix["seconds"]:
        return float(prefix["seconds"])
    if clock := _CLOCK.search(text[:40]):
        hours, minutes, seconds, part = clock.groups()
        return int(hours) * 3600 + int(minutes) * 60 + float(f"{seconds}.{part or 0}")
    return None
