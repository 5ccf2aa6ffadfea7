"""A comparison as text, as markdown and as JSON."""

from __future__ import annotations

import itertools
import json

from klpdsl.compare.groups import Comparison, Row
from klpdsl.semantics.distances import UNKNOWN, distance

_KINDS = {"result": "", "violation": "violation ", "final": "in the end "}


def to_text(title: str, comparison: Comparison) -> str:
    """Groups first, then one table of what sets them apart."""
    lines = [_summary(title, comparison), ""]
    width = max((len(group.letter) for group in comparison.groups), default=1)
    lines += [
        f"{group.letter:{width}}  {', '.join(map(comparison.called, group.engines))}"
        for group in comparison.groups
    ]
    if comparison.rows:
        lines.append("")
        lines += _table(comparison, separator="  ")
    lines += _note(comparison)
    return "\n".join(lines) + "\n"


def to_markdown(title: str, comparison: Comparison) -> str:
    """The same with markdown's tables."""
    lines = [f"**{_summary(title, comparison)}**", "", "| group | engines |", "|---|---|"]
    lines += [
        f"| {group.letter} | {', '.join(f'`{comparison.called(name)}`' for name in group.engines)} |"
        for group in comparison.groups
    ]
    if comparison.rows:
        heads = " | ".join(group.letter for group in comparison.groups)
        lines += ["", f"| | {heads} |", "|---" * (len(comparison.groups) + 1) + "|"]
        lines += [f"| {' | '.join(map(_escaped, (_label(row), *row.cells)))} |" for row in comparison.rows]
    lines += _note(comparison)
    return "\n".join(lines) + "\n"


def to_json(title: str, comparison: Comparison) -> str:
    """One object: the groups, and for each row what every engine has there."""
    names = [group.engines for group in comparison.groups]
    value = {
        "scenario": title,
        "groups": [{"group": group.letter, "engines": list(group.engines)} for group in comparison.groups],
        "differences": [
            {
                "kind": row.kind,
                "what": row.label,
                "groups": {g.letter: c for g, c in zip(comparison.groups, row.cells, strict=True)},
                "engines": {
                    engine: cell for engines, cell in zip(names, row.cells, strict=True) for engine in engines
                },
            }
            for row in comparison.rows
        ],
        "other_events": list(comparison.other_events),
        "asked": {name: list(names) for name, names in comparison.asked},
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


_FEW = 4
"""Of so many engines that behave alike it is said how far every two of them are apart elsewhere."""


def _elsewhere(comparison: Comparison) -> list[str]:
    """What is known of engines that this scenario does not tell apart."""
    engines = comparison.groups[0].engines if len(comparison.groups) == 1 else ()
    if not 1 < len(engines) <= _FEW:
        return []
    return ["", *(_apart(left, right) for left, right in itertools.combinations(engines, 2))]


def _apart(left: str, right: str) -> str:
    known = distance(left, right)
    ask = f"klpdsl separate {left} {right}"
    if known is None:
        return f"elsewhere: not known ({ask})"
    if known.behaviour > 0:
        return f"elsewhere: {left} and {right} differ, after {_steps(known.behaviour)} ({ask})"
    where = "over klpdsl's alphabets there is none of any length"
    if known.behaviour == UNKNOWN:
        where = "none was found over klpdsl's alphabets, and the search did not close"
    if known.full > 0:
        return (
            f"elsewhere: {left} and {right} differ in what is logged or shown in sysfs, after {_steps(known.full)} "
            f"({ask} --level full); another difference: {where}"
        )
    return f"elsewhere: a difference of {left} and {right}: {where} ({ask} --level full)"


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"


def _note(comparison: Comparison) -> list[str]:
    """Where else the traces are not the same."""
    if not comparison.other_events:
        return _elsewhere(comparison)
    return ["", f"other events, but the same result: steps {', '.join(map(str, comparison.other_events))}"]


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


def _summary(title: str, comparison: Comparison) -> str:
    engines = sum(len(group.engines) for group in comparison.groups)
    groups = len(comparison.groups)
    if groups == 1:
        return f"{title}: {engines} engines behave alike" if engines > 1 else f"{title}: one engine"
    return f"{title}: {engines} engines, {groups} ways to behave"


def _label(row: Row) -> str:
    return f"{_KINDS[row.kind]}{row.label}"


def _table(comparison: Comparison, separator: str) -> list[str]:
    table = [("", *(group.letter for group in comparison.groups))]
    table += [(_label(row), *row.cells) for row in comparison.rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        separator.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]
