"""What a bisection found, as text or as plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klpdsl.bisect.bisection import Bisection, Culprit
from klpdsl.bisect.history_report import move_json, move_line
from klpdsl.bisect.route import Point
from klpdsl.bisect.search import Probe, steps_left
from klpdsl.bisect.subsets import MinimalSet
from klpdsl.bisect.trace_text import difference

_MOST_LINES = 40


def plan(points: tuple[Point, ...], question: str) -> str:
    """Return what lies before the search, and what is asked if not for whole traces."""
    changes = len(points) - 1
    asked = f"{question}\n" if question else ""
    return asked + (
        f"{points[0].name} is good and {points[-1].name} is bad; between them {_count(changes, 'change')} can be seen, "
        f"which takes {_count(steps_left(changes), 'step')} at most"
    )


def probe_line(probe: Probe, name: str) -> str:
    """Return a probe with what was left before it."""
    verdict = "cannot judge" if probe.verdict.kind == "unknown" else probe.verdict.kind
    why = f": {probe.verdict.why}" if probe.verdict.why else ""
    left = f"{probe.candidates} left, {_count(probe.steps, 'step')}"
    return f"  {left:>18}  {name}: {verdict}{why}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def text(found: Bisection) -> Iterator[str]:
    """Yield the lines of the answer."""
    if len(found.culprits) > 1:
        yield f"It turns {len(found.culprits)} times:"
    for culprit in found.culprits:
        yield ""
        yield from _culprit(culprit)
    yield ""
    if len(found.culprits) == 1 and not found.settled:
        last = found.points[-1].name
        yield f"That is the first difference; {last} shows others too (klpdsl history lists them)."
    for axis, gone, back in found.missed:
        yield (
            f"warning: `{axis}` moves at {gone} and is back at {back}, and no point between was run: "
            "what it does there may have been missed (--all runs every point)"
        )
    yield f"{_count(found.runs, 'run')}."


def _culprit(culprit: Culprit) -> Iterator[str]:
    if len(culprit.candidates) > 1:
        count = len(culprit.candidates)
        yield f"One or more of these {count} points makes the difference; all but the last cannot be judged:"
    else:
        yield f"The difference comes with {culprit.after.name}:"
    for move in culprit.moves:
        yield f"  {move_line(move)}"
        if move.effect:
            yield f"    {move.effect}"
    for axis in culprit.axes:
        yield f"    {axis.axis}: {axis.before} -> {axis.after}"
    yield f"{culprit.before.name} (-) and {culprit.after.name} (+):"
    lines = list(difference(culprit.trace_before, culprit.trace_after))
    for line in lines[:_MOST_LINES]:
        yield f"  {line}"
    if len(lines) > _MOST_LINES:
        yield f"  … and {len(lines) - _MOST_LINES} lines more"


def set_text(found: MinimalSet) -> Iterator[str]:
    """Yield the lines about a minimal set."""
    own = [move for move in found.moves if move not in found.needed]
    yield ""
    if len(own) == 1:
        yield f"One change is enough ({found.engine.name} shows the difference):"
    else:
        yield f"These {len(own)} make the difference only together ({found.engine.name} shows it):"
    for move in own:
        yield f"  {move_line(move)}"
    for move in found.needed:
        yield f"  {move_line(move)}: only because the others need it"


def json(found: Bisection, minimal: MinimalSet | None) -> dict[str, Any]:
    """Return all of it as plain values."""
    verdicts = sorted(found.outcome.verdicts.items())
    return {
        "good": found.points[0].name,
        "bad": found.points[-1].name,
        "changes": len(found.points) - 1,
        "runs": found.runs,
        "verdicts": [
            {"engine": found.points[i].name, "verdict": verdict.kind, "why": verdict.why or None}
            for i, verdict in verdicts
        ],
        "culprits": [_culprit_json(culprit) for culprit in found.culprits],
        "settled": found.settled,
        "missed": [{"axis": axis, "from": gone, "until": back} for axis, gone, back in found.missed],
        "minimal_set": None
        if minimal is None
        else {
            "engine": minimal.engine.name,
            "moves": [move_json(move) for move in minimal.moves if move not in minimal.needed],
            "needed": [move_json(move) for move in minimal.needed],
        },
    }


def _culprit_json(culprit: Culprit) -> dict[str, Any]:
    return {
        "before": culprit.before.name,
        "after": culprit.after.name,
        "exact": len(culprit.candidates) == 1,
        "candidates": [
            {"engine": point.name, "moves": [move_json(move) for move in point.moves]}
            for point in culprit.candidates
        ],
        "axes": [{"axis": move.axis, "before": move.before, "after": move.after} for move in culprit.axes],
        "difference": list(difference(culprit.trace_before, culprit.trace_after)),
    }
