"""The JSON-lines form of a trace: the same events for programs, one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from klpdsl.trace import events as ev
from klpdsl.trace.reading import TraceError

_RENAMED = {"source": "from", "target": "to"}
_BACK = {"from": "source", "to": "target"}


def event_record(event: ev.Event | ev.Result, step: int) -> dict[str, Any]:
    """One event as the object that stands for it, keys in their order."""
    record: dict[str, Any] = {"kind": ev.KIND[type(event)], "step": step}
    for field, value in zip(event._fields, event, strict=True):
        record[_RENAMED.get(field, field)] = list(value) if isinstance(value, tuple) else value
    if isinstance(event, ev.ModuleLoaded):
        record["loaded"] = True
    elif isinstance(event, ev.ModuleGone):
        record["gone"] = True
    elif isinstance(event, ev.Blocked) and event.reason != "sleeping":
        for key in ("object", "function", "code"):
            del record[key]
    elif isinstance(event, ev.Result) and not event.reason:
        del record["reason"]
    return record


def records(trace: ev.Trace) -> Iterator[dict[str, Any]]:
    """The objects of a trace's lines, in order."""
    yield {"kind": "header", "trace": 1}
    for step in trace.steps:
        head: dict[str, Any] = {"kind": "step", "step": step.number, "line": step.line, "text": step.text}
        if not step.line:
            del head["line"]
        yield head
        results = () if step.result is None else (step.result,)
        for event in (*step.events, *results, *step.checks):
            yield _with_zero(event_record(event, step.number))


# Where a result stands: success is the number 0 in JSON, an errno its name.
_RESULT = {"result": "value", "callback": "result"}


def _with_zero(record: dict[str, Any]) -> dict[str, Any]:
    field = _RESULT.get(record["kind"])
    if field is not None and record[field] == "0":
        record[field] = 0
    return record


def to_jsonl(trace: ev.Trace) -> str:
    """The trace as JSON lines, compact, keys in their order, non-ASCII text as it is."""
    return "".join(
        json.dumps(record, ensure_ascii=False, separators=(", ", ": ")) + "\n" for record in records(trace)
    )


def from_jsonl(text: str) -> ev.Trace:
    """Read a trace back. Raises `TraceError` with the line where it is not one."""
    lines = text.split("\n")
    if lines[-1]:
        raise TraceError(len(lines), "a trace ends with a newline")
    steps: list[ev.StepTrace] = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise TraceError(number, f"no JSON: {error}") from error
        if not isinstance(record, dict):
            raise TraceError(number, "expected an object")
        try:
            _add(steps, record, number)
        except (KeyError, TypeError) as error:
            raise TraceError(number, f"not the fields of {record.get('kind')!r}: {error}") from error
    return ev.Trace(tuple(steps))


def _add(steps: list[ev.StepTrace], record: dict[str, Any], line: int) -> None:
    kind = record.pop("kind", None)
    if line == 1:
        if (kind, record) != ("header", {"trace": 1}):
            raise TraceError(1, "a trace begins with its header")
        return
    step = record.pop("step")
    field = _RESULT.get(str(kind))
    if field is not None and record.get(field) == 0:
        record[field] = "0"
    if kind == "step":
        steps.append(ev.StepTrace(step, record.pop("line", 0), record.pop("text"), (), None))
        _nothing_left(record, line)
        return
    if not steps or steps[-1].number != step:
        raise TraceError(line, f"this belongs to no step {step}")
    last = steps[-1]
    if kind == "result":
        steps[-1] = last._replace(result=ev.Result(record.pop("value"), record.pop("reason", "")))
        _nothing_left(record, line)
        return
    event = _event(kind, record, line)
    if isinstance(event, ev.Expect):
        steps[-1] = last._replace(checks=(*last.checks, event))
    else:
        steps[-1] = last._replace(events=(*last.events, event))


_BY_KIND: dict[str, type[ev.Event]] = {
    "log": ev.Log,
    "callback": ev.Callback,
    "hook": ev.Hook,
    "call": ev.Call,
    "enter": ev.Enter,
    "return": ev.Return,
    "sysfs": ev.Sysfs,
    "blocked": ev.Blocked,
    "shadow": ev.ShadowVariable,
    "state": ev.StateFound,
    "violation": ev.Violation,
    "expect": ev.Expect,
}


def _event(kind: str, record: dict[str, Any], line: int) -> ev.Event:
    cls: type[ev.Event] | None
    if kind == "task":
        cls = ev.TaskState if "from" in record else ev.TaskShown
    elif kind == "module":
        cls = ev.ModuleRefs
        for flag, other in (("loaded", ev.ModuleLoaded), ("gone", ev.ModuleGone)):
            if record.pop(flag, False):
                cls = other
    else:
        cls = _BY_KIND.get(kind)
    if cls is None:
        raise TraceError(line, f"no event is called {kind!r}")
    if kind == "hook":
        record["stack"] = tuple(record["stack"])
    return cls(**{_BACK.get(key, key): value for key, value in record.items()})


def _nothing_left(record: dict[str, Any], line: int) -> None:
    if record:
        raise TraceError(line, f"unknown fields: {', '.join(record)}")
