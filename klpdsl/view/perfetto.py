"""A run as trace events for Perfetto (the Trace Event Format), so that a long one can be looked at there.

A step takes a millisecond, one in which time passes as many seconds. Tasks, operations and the transition are tracks.
"""

from __future__ import annotations

import json

from klpdsl.view.grid import Grid
from klpdsl.view.wording import cell_sentence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TASKS, _LIVEPATCH = 1, 2
_OPERATIONS, _TRANSITION = 1, 2
_STEP = 1_000
_SECOND = 1_000_000


def to_perfetto(grid: Grid) -> str:
    """One JSON object, to be opened at ui.perfetto.dev or in chrome://tracing."""
    events: list[dict[str, Any]] = [
        _named(_TASKS, 0, "process_name", "tasks"),
        _named(_LIVEPATCH, 0, "process_name", "livepatch"),
        _named(_LIVEPATCH, _OPERATIONS, "thread_name", "operations"),
        _named(_LIVEPATCH, _TRANSITION, "thread_name", "transition"),
        *(_named(_TASKS, i + 1, "thread_name", name) for i, name in enumerate(grid.tasks)),
    ]
    now = 0
    inside: list[tuple[str, ...]] = [()] * len(grid.tasks)
    transition = ""
    refs: dict[str, int] = {}
    for row in grid.rows:
        if row.number:
            lasts = row.seconds * _SECOND or _STEP
            what = {"result": row.result, "reason": row.reason, "step": row.number}
            operation = {"ph": "X", "pid": _LIVEPATCH, "tid": _OPERATIONS, "name": row.text}
            events.append({**operation, "ts": now, "dur": lasts, "args": what})
            now += lasts
        for i, cell in enumerate(row.cells):
            names = tuple(f"{f} ({code})" for f, code in cell.inside) if cell else ()
            events += _moves(i + 1, inside[i], names, now)
            inside[i] = names
            if cell is not None and cell.holds:
                said = cell_sentence(cell, cell.task)
                events.append(_instant(_TASKS, i + 1, "holds the transition", now, {"why": said}))
        if row.transition != transition:
            if transition:
                events.append(_edge("E", _LIVEPATCH, _TRANSITION, transition, now))
            if row.transition:
                events.append(_edge("B", _LIVEPATCH, _TRANSITION, row.transition, now))
            transition = row.transition
        for name in {**refs, **dict(row.refs)}:
            count = dict(row.refs).get(name, 0)
            if refs.get(name) != count:
                counter = {"ph": "C", "pid": _LIVEPATCH, "name": f"references on {name}", "ts": now}
                events.append({**counter, "args": {"references": count}})
        refs = dict(row.refs)
        events += [_instant(_LIVEPATCH, _OPERATIONS, "violation", now, {"what": text}) for text in row.wrong]
    for i, names in enumerate(inside):
        events += _moves(i + 1, names, (), now + _STEP)
    if transition:
        events.append(_edge("E", _LIVEPATCH, _TRANSITION, transition, now + _STEP))
    whole = {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {"scenario": grid.title, "engine": grid.engine},
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def _moves(thread: int, before: tuple[str, ...], after: tuple[str, ...], now: int) -> list[dict[str, Any]]:
    """The ends of functions that the task has left, innermost first, and the beginnings of those it has entered."""
    common = 0
    while common < min(len(before), len(after)) and before[common] == after[common]:
        common += 1
    ends = [_edge("E", _TASKS, thread, name, now) for name in reversed(before[common:])]
    return ends + [_edge("B", _TASKS, thread, name, now) for name in after[common:]]


def _named(pid: int, tid: int, what: str, name: str) -> dict[str, Any]:
    return {"ph": "M", "pid": pid, "tid": tid, "name": what, "args": {"name": name}}


def _edge(phase: str, pid: int, tid: int, name: str, now: int) -> dict[str, Any]:
    return {"ph": phase, "pid": pid, "tid": tid, "name": name, "ts": now}


def _instant(pid: int, tid: int, name: str, now: int, args: dict[str, Any]) -> dict[str, Any]:
    return {"ph": "i", "s": "t", "pid": pid, "tid": tid, "name": name, "ts": now, "args": args}
