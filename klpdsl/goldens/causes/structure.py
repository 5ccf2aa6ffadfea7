"""The structural difference of two traces: which events came, went, moved, or changed which field."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Any, NamedTuple, TypeAlias

from klpdsl.trace import events as ev
from klpdsl.trace.jsonl import event_record

Row: TypeAlias = dict[str, Any]

_KEY = re.compile(r"\[(?:'([^']*)'|\"([^\"]*)\"|(\d+))\]")
_LIMIT = 60


class Mates(NamedTuple):
    """Which row of the old side is which of the new one: places, and among them those that have only moved."""

    pairs: tuple[tuple[int, int], ...]
    moved: frozenset[tuple[int, int]]


def structural(old: ev.Trace, new: ev.Trace) -> list[str]:
    """The difference, one line for each thing that is different, in the order of the steps."""
    lines: list[str] = []
    for index in range(max(len(old.steps), len(new.steps))):
        before = old.steps[index] if index < len(old.steps) else None
        after = new.steps[index] if index < len(new.steps) else None
        if before is None or after is None:
            step = before or after
            assert step is not None
            lines.append(f"step {step.number}: `{step.text}` is {'new' if before is None else 'gone'}")
            continue
        place = f"step {after.number}"
        if before.text != after.text:
            lines.append(f"{place}: `{before.text}` became `{after.text}`")
        left, right = _rows(before), _rows(after)
        if left != right:
            lines += [f"{place}: {line}" for line in _difference(left, right)]
        if len(lines) > _LIMIT:
            return [*lines[:_LIMIT], "…"]
    return lines


def _rows(step: ev.StepTrace) -> list[Row]:
    rows = [event_record(event, step.number) for event in step.events]
    if step.result is not None:
        rows.append(event_record(step.result, step.number))
    rows += [event_record(check, step.number) for check in step.checks]
    for row in rows:
        del row["step"]
    return rows


def _difference(left: list[Row], right: list[Row]) -> list[str]:
    from deepdiff import DeepDiff

    mates = _mates(left, right)
    # Rows go in under the number of their pair: who is whose counterpart is decided here, and deepdiff says what of
    # them differs. In lists it would pair them by itself, by place.
    paired_left, paired_right = dict(mates.pairs), {j: i for i, j in mates.pairs}
    lines: list[tuple[int, int, str]] = [
        (i, 0, f"event {i + 1} went: {_fields(row)}") for i, row in enumerate(left) if i not in paired_left
    ]
    lines += [
        (j, 1, f"event {j + 1} came: {_fields(row)}") for j, row in enumerate(right) if j not in paired_right
    ]
    lines += [(j, 2, f"event moved from {i + 1} to {j + 1}: {_fields(right[j])}") for i, j in mates.moved]
    found = DeepDiff(
        {str(j): left[i] for i, j in mates.pairs},
        {str(j): right[j] for _, j in mates.pairs},
        verbose_level=2,
    ).to_dict()
    for what, changes in found.items():
        for path, change in changes.items():
            number, field, *_ = (a or b or c for a, b, c in _KEY.findall(path))
            said = _said(what, change)
            lines.append((int(number), 3, f"{right[int(number)]['kind']} {int(number) + 1}: {field}{said}"))
    return [text for *_, text in sorted(lines)]


def _said(what: str, change: Any) -> str:
    if what in {"values_changed", "type_changes"}:
        return f": {change['old_value']!r} -> {change['new_value']!r}"
    return f" {'came' if what.endswith('added') else 'went'}: {change!r}"


def _mates(left: list[Row], right: list[Row]) -> Mates:
    """Pair the rows: equal ones in order, then those of one kind at one place, then equal ones that have moved."""
    a, b = [str(row) for row in left], [str(row) for row in right]
    pairs: list[tuple[int, int]] = []
    for what, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if what == "equal":
            pairs += zip(range(i1, i2), range(j1, j2), strict=True)
        elif what == "replace":
            pairs += _in_place(left, right, range(i1, i2), range(j1, j2))
    alone = sorted(set(range(len(right))) - {j for _, j in pairs})
    moved = []
    for i in sorted(set(range(len(left))) - {i for i, _ in pairs}):
        same = [j for j in alone if a[i] == b[j]]
        if same:
            moved.append((i, same[0]))
            alone.remove(same[0])
    return Mates((*pairs, *moved), frozenset(moved))


def _in_place(left: list[Row], right: list[Row], old: range, new: range) -> list[tuple[int, int]]:
    """Pair rows of one kind; the order of both sides is kept, or they would have moved as well as changed."""
    kinds = [str(left[i]["kind"]) for i in old], [str(right[j]["kind"]) for j in new]
    pairs: list[tuple[int, int]] = []
    for block in SequenceMatcher(None, *kinds, autojunk=False).get_matching_blocks():
        pairs += [(old[block.a + k], new[block.b + k]) for k in range(block.size)]
    return pairs


def _fields(row: Row) -> str:
    kind, *rest = row.items()
    return " ".join([str(kind[1]), *(f"{key}={one!r}" for key, one in rest)])
