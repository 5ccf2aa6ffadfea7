"""`klpdsl history --alphabet`: where the behaviour over an alphabet turns along the lineage, without a scenario."""

from __future__ import annotations

import json
from itertools import groupby

from klpdsl.bisect.history import stretches
from klpdsl.bisect.history_report import move_json, move_line
from klpdsl.cli.common import CANNOT_JUDGE, OK
from klpdsl.separate.alphabets import named
from klpdsl.separate.pairs import Bounds
from klpdsl.separate.turning import turnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import Any

    from klpdsl.separate.turning import Turning, Turnings


def turns(arguments: argparse.Namespace) -> int:
    """Print them; returns the exit code: 125 where a bound left open whether a point turns."""
    chosen = named(arguments.alphabet)
    bounds = Bounds(pairs=arguments.pairs, seconds=arguments.seconds)
    found = []
    for stretch in stretches((), tuple(arguments.engine), arguments.first, arguments.last):
        one = turnings(stretch, arguments.level, chosen, bounds)
        found.append(one)
        if arguments.format == "text":
            print("\n".join(_text(one, arguments)), flush=True)
    if arguments.format == "json":
        print(json.dumps([_record(one, arguments) for one in found], indent=2, ensure_ascii=False))
    elif arguments.format == "markdown":
        print("\n".join(line for one in found for line in _markdown(one, arguments)))
    return CANNOT_JUDGE if any(one.unknown for one in found) else OK


def _over(arguments: argparse.Namespace) -> str:
    return ", ".join(one.name for one in named(arguments.alphabet)) or "the alphabets that touch what differs"


def _heading(found: Turnings, arguments: argparse.Namespace) -> str:
    points = found.stretch.points
    return (
        f"{found.stretch.name}: {len(points)} points from {points[0].name} to {points[-1].name}, "
        f"level {arguments.level}, over {_over(arguments)}: turns at {len(found.turns)}"
    )


def _text(found: Turnings, arguments: argparse.Namespace) -> Iterator[str]:
    yield _heading(found, arguments)
    for one in found.turns:
        yield f"  {one.point.name}"
        for move in one.moves:
            yield f"    {move_line(move)}"
        yield from (f"      {line}" for line in _shown(one))
    for one in found.unknown:
        yield f"  {one.point.name}: not known: {_unknown(one)}"
    yield f"  {_rest(found)}"


def _shown(one: Turning) -> Iterator[str]:
    """The scenario without its comment, and what its last step has on each side."""
    (found, *_) = one.separation.findings
    lines = [line for line in found.text.splitlines() if line and not line.startswith(("#", "engines "))]
    for line, same in groupby(lines):
        often = len(list(same))
        yield line if often == 1 else f"{line}  ({often} times)"
    yield from (f"  {one.since.name}: {line}" for line in found.left or ("-",))
    yield from (f"  {one.point.name}: {line}" for line in found.right or ("-",))


def _unknown(one: Turning) -> str:
    open_ = [
        f"{asked.alphabet} {asked.searched.stopped}"
        for asked in one.separation.asked
        if not asked.searched.closed
    ]
    return f"no difference found, and the search is not closed ({', '.join(open_)})"


def _rest(found: Turnings) -> str:
    """What is said of the points that do not turn."""
    said = []
    if found.unread:
        said.append(f"{found.unread} differ in no axis that a rule reads there")
    if found.alike:
        said.append(f"{found.alike} are alike by a search of pairs that closed")
    if found.unknown:
        said.append(f"{len(found.unknown)} not known")
    return f"the other points: {'; '.join(said)}" if said else "there are no other points"


def _record(found: Turnings, arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "name": found.stretch.name,
        "from": found.stretch.points[0].name,
        "to": found.stretch.points[-1].name,
        "points": len(found.stretch.points),
        "level": arguments.level,
        "alphabets": [one.name for one in named(arguments.alphabet)],
        "turns": [
            {
                "engine": one.point.name,
                "since": one.since.name,
                "moves": [move_json(move) for move in one.moves],
                "scenario": one.separation.findings[0].text,
                "step": one.separation.findings[0].step,
                "before": list(one.separation.findings[0].left),
                "after": list(one.separation.findings[0].right),
            }
            for one in found.turns
        ],
        "unknown": [{"engine": one.point.name, "why": _unknown(one)} for one in found.unknown],
        "alike_because_unread": found.unread,
        "alike_because_closed": found.alike,
    }


def _markdown(found: Turnings, arguments: argparse.Namespace) -> Iterator[str]:
    yield f"## {_heading(found, arguments)}"
    yield ""
    for one in found.turns:
        yield f"- **{one.point.name}**: {'; '.join(move_line(move) for move in one.moves)}"
        yield ""
        yield "  ```"
        yield from (f"  {line}" for line in _shown(one))
        yield "  ```"
        yield ""
    for one in found.unknown:
        yield f"- **{one.point.name}**: not known: {_unknown(one)}"
    yield f"{_rest(found)}"
