"""Where two traces part: the first event that differs, what of it, and how much follows.

A shape is what two such places have in common when they come from one rule: the kind of event and what of it
changed, without the names and numbers that a scenario brings.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import NamedTuple, TypeAlias

from klpdsl.trace import events as ev
from klpdsl.trace.forms import DECLARED, names_of
from klpdsl.trace.text import event_text, result_text

TraceLine: TypeAlias = ev.Event | ev.Result


class Divergence(NamedTuple):
    """The first place at which two traces differ.

    `kind` is `statement` (the scenario's steps differ), `event`, `result` or `expect`. `old` and `new` are what
    stands there in the golden and in this run; one of them is None where something came or went. `here` counts the
    other lines that differ in the same step, `later` the later steps that differ: they follow from this, or hide
    behind it. `place` is that of `new` (or of what stands where `old` was) among the step's events.
    """

    kind: str
    step: int
    line: int
    statement: str
    old: TraceLine | None
    new: TraceLine | None
    here: int
    later: int
    place: int
    text: str = ""


def shown(line: TraceLine | None) -> str:
    """An event or result as a trace shows it; empty for none."""
    if line is None:
        return ""
    return result_text(line) if isinstance(line, ev.Result) else event_text(line)


def first_divergence(old: ev.Trace, new: ev.Trace) -> Divergence | None:
    """Where the second trace leaves the first; None when they say the same."""
    for index in range(max(len(old.steps), len(new.steps))):
        before = old.steps[index] if index < len(old.steps) else None
        after = new.steps[index] if index < len(new.steps) else None
        later = _later(old, new, index)
        if before is None or after is None or before.text != after.text:
            present = after or before
            assert present is not None
            return Divergence(
                "statement",
                present.number,
                after.line if after else 0,
                after.text if after else "",
                None,
                None,
                0,
                later,
                0,
                before.text if before else "",
            )
        found = _in_step(before, after, later)
        if found:
            return found
    return None


def _later(old: ev.Trace, new: ev.Trace, index: int) -> int:
    pairs = zip(old.steps[index + 1 :], new.steps[index + 1 :], strict=False)
    differing = sum(_lines(before) != _lines(after) for before, after in pairs)
    return differing + abs(len(old.steps) - len(new.steps))


def _key(line: TraceLine) -> tuple[str, TraceLine]:
    # Named tuples of different types are equal when their fields are: the type has to be compared as well.
    return (type(line).__name__, line)


def _lines(step: ev.StepTrace) -> list[tuple[str, TraceLine]]:
    result: list[TraceLine] = [] if step.result is None else [step.result]
    return [_key(line) for line in (*step.events, *result, *step.checks)]


def _in_step(before: ev.StepTrace, after: ev.StepTrace, later: int) -> Divergence | None:
    old, new = _lines(before), _lines(after)
    if old == new:
        return None
    hunks = [op for op in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if op[0] != "equal"]
    _, i1, i2, j1, j2 = hunks[0]
    left, right = _pair(old[i1:i2], new[j1:j2])
    lines = sum(max(op[2] - op[1], op[4] - op[3]) for op in hunks)
    here = lines - 1
    one = right or left
    assert one is not None
    kind = {ev.Result: "result", ev.Expect: "expect"}.get(type(one), "event")
    return Divergence(kind, after.number, after.line, after.text, left, right, here, later, j1)


def _pair(
    old: list[tuple[str, TraceLine]], new: list[tuple[str, TraceLine]]
) -> tuple[TraceLine | None, TraceLine | None]:
    """The golden's first line and the run's first, if one took the other's place; else the one that came or went."""
    if not old:
        return None, new[0][1]
    if not new:
        return old[0][1], None
    left, right = old[0], new[0]
    # A violation is told beside events, as a consequence: it takes no event's place.
    if isinstance(left[1], ev.Violation) != isinstance(right[1], ev.Violation):
        return (left[1], None) if isinstance(right[1], ev.Violation) else (None, right[1])
    if left[0] == right[0] and _about(left[1]) == _about(right[1]):
        return left[1], right[1]
    # What was put in front of a line, or fell away in front of it, is no change of that line.
    if any(name == right[0] and _about(line) == _about(right[1]) for name, line in old):
        return left[1], None
    if any(name == left[0] and _about(line) == _about(left[1]) for name, line in new):
        return None, right[1]
    return left[1], right[1]


def _about(line: TraceLine) -> tuple[object, ...]:
    """What a line speaks of, apart from what it says about it."""
    return tuple(line[: DECLARED[type(line)].about])


# --- shapes ---------------------------------------------------------------------------------------------------


def shape(found: Divergence, names: frozenset[str]) -> str:
    """The divergence without what is the scenario's own: `names` are the names that occur in the traces."""
    if found.kind == "statement":
        return "another statement" if found.statement and found.text else "another number of steps"
    old, new = _abstract(found.old, names), _abstract(found.new, names)
    if found.old is None:
        return f"+ {new}"
    if found.new is None:
        return f"- {old}"
    if old != new:
        return f"{old} became {new}"
    fields = [
        name
        for name, a, b in zip(_fields(found.old), found.old, found.new, strict=True)
        if a != b  # the same type and about the same, so the same fields
    ]
    return f"{old}: other {', '.join(fields)}"


def _fields(line: TraceLine) -> tuple[str, ...]:
    return line._fields


_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[\w.-]+")


def _abstract(line: TraceLine | None, names: frozenset[str]) -> str:
    if line is None:
        return ""
    declared = DECLARED[type(line)].shape
    if declared:
        verdicts = {"ok": "ok" if line.ok else "failed"} if isinstance(line, ev.Expect) else {}
        return declared.format(**{**line._asdict(), **verdicts})
    return _NUMBER.sub("N", _WORD.sub(lambda m: "X" if m[0] in names else m[0], shown(line)))


_NO_NAMES = frozenset({"original", "vmlinux", "", "enabled", "transition", "livepatch"})


def names_in(*traces: ev.Trace) -> frozenset[str]:
    """The names of patches, modules, tasks and functions that occur in traces."""
    found: set[str] = set()
    for trace in traces:
        for step in trace.steps:
            for event in step.events:
                found |= names_of(event)
    return frozenset(found - _NO_NAMES)
