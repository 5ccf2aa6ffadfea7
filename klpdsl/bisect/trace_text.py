"""Where two traces first part, and what kind of difference that is.

Works on the text of traces, so that it can compare what different revisions of klpdsl print.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple, TypeAlias

from klpdsl.trace import divergence
from klpdsl.trace.divergence import ComparedStep

_PID = re.compile(r"(?<=[\w.-]):\d+\b")


Block: TypeAlias = ComparedStep[str]
"""One step of a trace: its number, its statement, and its lines without their indentation."""

TextDivergence: TypeAlias = divergence.Divergence[str]


def result_of(block: Block) -> str | None:
    """Return how a step ended, without the reason; None where the text does not say."""
    for line in block.lines:
        if line.startswith("= "):
            return line[2:].partition(" ")[0]
    return None


def blocks(text: str) -> tuple[Block, ...]:
    """Split the text of a trace into its steps."""
    found: list[tuple[str, str, list[str]]] = []
    for line in text.split("\n"):
        if not line or line.startswith("#"):
            continue
        if line.startswith(" ") and found:
            found[-1][2].append(line.strip())
        elif not line.startswith(" "):
            number, _, statement = line.partition(" ")
            found.append((number, statement, []))
    return tuple(ComparedStep(number, statement, tuple(lines)) for number, statement, lines in found)


def first_divergence(before: str, after: str) -> TextDivergence | None:
    """Return where two traces first differ; None if they are equal."""
    return None if before == after else divergence.first_divergence(blocks(before), blocks(after))


def sides(found: TextDivergence) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what one trace has there, and what the other: lines, or the step where it is not the same step."""
    if found.in_lines:
        return found.gone, found.come
    if found.before and found.after:
        return (f"`{found.before.statement}`",), (f"`{found.after.statement}`",)
    whole = (f"step {found.step.number} `{shorten(found.step.statement)}`",)
    return (whole, ()) if found.before else ((), whole)


def sentences(found: TextDivergence) -> tuple[str, str]:
    """Return the two lines that say what changed."""
    before, after = sides(found)
    number = found.step.number
    return (
        f"step {number} `{shorten(found.step.statement)}`: was {_said(before, moved=found.moved)}",
        f"{' ' * len(f'step {number} ')}is now {_said(after, moved=found.moved)}",
    )


def difference(before: str, after: str, context: int = 1) -> Iterator[str]:
    """Yield the lines of two traces that differ, each step under its statement."""
    for old, new in zip_longest(blocks(before), blocks(after)):
        if old == new:
            continue
        there = old or new
        yield f"{there.number} {there.statement}"
        lines = difflib.unified_diff(
            old.lines if old else (), new.lines if new else (), lineterm="", n=context
        )
        for line in lines:
            if not line.startswith(("---", "+++", "@@")):
                yield f"  {line[0]} {line[1:]}"


def shorten(text: str, width: int = 60) -> str:
    """Return a text cut to fit a line."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _said(lines: tuple[str, ...], *, moved: bool) -> str:
    if not lines:
        return "(further down)" if moved else "(nothing)"
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return f"{shorten(lines[0], 100)}{more}"


class Signature(NamedTuple):
    """What makes a difference this one and no other: who does what, the kind of event, and the words that differ.

    Numbers of processes are left out: they count the tasks that a scenario declares.
    """

    step: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def signature(before: str, after: str) -> Signature | None:
    """Return the signature of the first divergence of two traces; None if they are equal."""
    found = first_divergence(before, after)
    if found is None:
        return None
    gone, come = sides(found)
    old = _words(gone[0]) if gone else ()
    new = _words(come[0]) if come else ()
    if old and new and old[0] == new[0]:
        # The same kind of event: what counts is in which words it differs.
        kind = old[0]
        pairs = list(zip_longest(old, new, fillvalue=""))
        old = (kind, *(a for a, b in pairs if a != b))
        new = (kind, *(b for a, b in pairs if a != b))
    return Signature(who(found.step.statement), old, new)


def without_pids(line: str) -> str:
    """Return a line of the log without the numbers of processes."""
    return _PID.sub("", line)


def _words(line: str) -> tuple[str, ...]:
    words = without_pids(line).split()
    if words[0] == "hook":
        # Of a stack only what lies on top: what is below may not matter.
        *place, _ = line.split("[", 1)
        stack = line[line.index("[") + 1 :].rstrip("]").split()
        return (*place[0].split(), f"[{stack[-1] if stack else ''}]")
    return tuple(words)


_SUBJECTS = re.compile(r'("(?:[^"\\]|\\.)*"|[^\s:{]+)(:?)\s*("(?:[^"\\]|\\.)*"|[^\s{]+)?')


def who(statement: str) -> str:
    """Return the verb of a statement and whom it is about: `apply p1`, `t1: call`, `tick`."""
    hit = _SUBJECTS.match(statement)
    if hit is None:
        return statement
    first, colon, second = hit.groups()
    if first in ("tick", "settle", "reverse"):
        return first
    return f"{first}{colon} {second or ''}".rstrip()
