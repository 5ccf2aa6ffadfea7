"""The structural difference of two traces: which events came, went, moved, or changed which field."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Any, TypeAlias

from klpdsl.trace import events as ev
from klpdsl.trace.jsonl import event_record

Row: TypeAlias = dict[str, Any]

_PATH = re.compile(r"\[(?:'([^']*)'|\"([^\"]*)\"|(\d+))\]")
_LIMIT = 60
#: The key under which a row carries who its counterpart is.
_MATE = "#"


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

    moved = _find_mates(left, right)
    found = DeepDiff(
        left,
        right,
        verbose_level=2,
        exclude_regex_paths=[r"\['#'\]$"],
        iterable_compare_func=_are_mates,
    ).to_dict()
    lines: list[tuple[int, str]] = []
    for path, row in found.get("iterable_item_removed", {}).items():
        lines.append(_item(path, "went", row, left))
    for path, row in found.get("iterable_item_added", {}).items():
        lines.append(_item(path, "came", row, right))
    for path, move in found.get("iterable_item_moved", {}).items():
        row = move["value"]
        # One that only slid, because others came or went before it, is no difference.
        if isinstance(row, dict) and row.get(_MATE) in moved:
            new = int(_keys(move["new_path"])[0])
            lines.append((new, f"event moved from {int(_keys(path)[0]) + 1} to {new + 1}: {_fields(row)}"))
    for what in ("values_changed", "type_changes"):
        for path, change in found.get(what, {}).items():
            keys = _keys(change.get("new_path") or path)
            index = int(keys[0])
            values = f"{change['old_value']!r} -> {change['new_value']!r}"
            lines.append((index, f"{right[index]['kind']} {index + 1}: {'.'.join(keys[1:])}: {values}"))
    for what, word in (("dictionary_item_removed", "went"), ("dictionary_item_added", "came")):
        for path, value in found.get(what, {}).items():
            keys = _keys(path)
            lines.append((int(keys[0]), f"event {int(keys[0]) + 1}: {'.'.join(keys[1:])} {word}: {value!r}"))
    return [text for _, text in sorted(lines)]


def _are_mates(one: object, other: object, _level: object = None) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return bool(one[_MATE] == other[_MATE])
    return one == other


def _find_mates(left: list[Row], right: list[Row]) -> set[int]:
    """Number the rows so that counterparts have the same number: equal rows, then rows of one kind at one place.

    What is left over on both sides and equal has only moved; the numbers of those are returned.
    """
    a, b = [str(row) for row in left], [str(row) for row in right]
    mates: list[tuple[int, int]] = []
    for what, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if what == "equal":
            mates += zip(range(i1, i2), range(j1, j2), strict=True)
        elif what == "replace":
            free = list(range(j1, j2))
            for i in range(i1, i2):
                same = [j for j in free if a[i] == b[j]] or [
                    j for j in free if left[i]["kind"] == right[j]["kind"]
                ]
                if same:
                    mates.append((i, same[0]))
                    free.remove(same[0])
    moved = set()
    lonely = sorted(set(range(len(right))) - {j for _, j in mates})
    for i in sorted(set(range(len(left))) - {i for i, _ in mates}):
        same = [j for j in lonely if a[i] == b[j]]
        if same:
            moved.add(len(mates))
            mates.append((i, same[0]))
            lonely.remove(same[0])
    for number, (i, j) in enumerate(mates):
        left[i][_MATE] = right[j][_MATE] = number
    for side, name in ((left, "left"), (right, "right")):
        for index, row in enumerate(side):
            row.setdefault(_MATE, f"{name} {index}")
    return moved


def _item(path: str, word: str, value: object, side: list[Row]) -> tuple[int, str]:
    keys = _keys(path)
    index = int(keys[0])
    if len(keys) > 1:  # an item of a list inside an event: a patch on a stack of versions
        return index, f"{side[index]['kind']} {index + 1}: {keys[1]} {word}: {value!r}"
    return index, f"event {index + 1} {word}: {_fields(value)}"


def _fields(value: object) -> str:
    if not isinstance(value, dict):
        return repr(value)
    kind, *rest = ((key, one) for key, one in value.items() if key != _MATE)
    return " ".join([str(kind[1]), *(f"{key}={one!r}" for key, one in rest)])


def _keys(path: str) -> list[str]:
    return [a or b or c for a, b, c in _PATH.findall(path)]
