"""The first event in which a run differs from its golden, what of it differs, and how much follows.

A shape is what two such places have in common when they come from one rule: the kind of event and what of it
changed, without the names and numbers that a scenario brings.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

from klpdsl.trace import divergence
from klpdsl.trace import events as ev
from klpdsl.trace.divergence import ComparedStep
from klpdsl.trace.forms import DECLARED, names_of
from klpdsl.trace.text import event_text, result_text

TraceLine: TypeAlias = ev.Event | ev.Result


#: Named tuples of different types are equal when their fields are: the type has to be compared as well.
Keyed: TypeAlias = tuple[str, TraceLine]


class FirstDifference(NamedTuple):
    """The first line that differs, as it was and as it is.

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


def first_difference(old: ev.Trace, new: ev.Trace) -> FirstDifference | None:
    """Where the second trace leaves the first; None when they say the same."""
    found = divergence.first_divergence(map(_compared, old.steps), map(_compared, new.steps))
    if found is None:
        return None
    before = old.steps[found.position] if found.before else None
    after = new.steps[found.position] if found.after else None
    later = _later(old, new, found.position)
    present = after or before
    assert present is not None
    if not found.in_lines:
        return FirstDifference(
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
    left, right = _pair(found.gone, found.come)
    one = right or left
    assert one is not None
    kind = {ev.Result: "result", ev.Expect: "expect"}.get(type(one), "event")
    return FirstDifference(
        kind, present.number, present.line, present.text, left, right, found.here, later, found.place
    )


def _later(old: ev.Trace, new: ev.Trace, index: int) -> int:
    pairs = zip(old.steps[index + 1 :], new.steps[index + 1 :], strict=False)
    differing = sum(_lines(before) != _lines(after) for before, after in pairs)
    return differing + abs(len(old.steps) - len(new.steps))


def _compared(step: ev.StepTrace) -> ComparedStep[Keyed]:
    return ComparedStep(str(step.number), step.text, _lines(step))


def _lines(step: ev.StepTrace) -> tuple[Keyed, ...]:
    result: list[TraceLine] = [] if step.result is None else [step.result]
    return tuple((type(line).__name__, line) for line in (*step.events, *result, *step.checks))


def _pair(old: tuple[Keyed, ...], new: tuple[Keyed, ...]) -> tuple[TraceLine | None, TraceLine | None]:
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


def shape(found: FirstDifference, names: frozenset[str]) -> str:
    """The difference without what is the scenario's own: `names` are the names that occur in the traces."""
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
