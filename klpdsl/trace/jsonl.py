"""The JSON-lines form of a trace: the same events for programs, one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from klpdsl.trace import events as ev
from klpdsl.trace.forms import DECLARED, Form, form_of
from klpdsl.trace.reading import TraceError

_RENAMED = {"source": "from", "target": "to"}


def event_record(event: ev.Event | ev.Result, step: int) -> dict[str, Any]:
    """One event as the object that stands for it, keys in their order."""
    declared = DECLARED[type(event)]
    record: dict[str, Any] = {"kind": declared.kind, "step": step}
    said = form_of(event).fields
    for field, value in zip(event._fields, event, strict=True):
        if field in said:
            record[_RENAMED.get(field, field)] = list(value) if isinstance(value, tuple) else value
    if declared.flag:
        record[declared.flag] = True
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
_ERRNO = {
    declared.kind: slot.field
    for declared in DECLARED.values()
    for slot in declared.forms[0].slots
    if slot.holds == "errno"
}


def _with_zero(record: dict[str, Any]) -> dict[str, Any]:
    field = _ERRNO.get(record["kind"])
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
    if kind == "step":
        steps.append(ev.StepTrace(step, record.pop("line", 0), record.pop("text"), (), None))
        if record:
            raise TraceError(line, f"unknown fields: {', '.join(record)}")
        return
    if not steps or steps[-1].number != step:
        raise TraceError(line, f"this belongs to no step {step}")
    last = steps[-1]
    event = _event(str(kind), record, line)
    if isinstance(event, ev.Result):
        steps[-1] = last._replace(result=event)
    elif isinstance(event, ev.Expect):
        steps[-1] = last._replace(checks=(*last.checks, event))
    else:
        steps[-1] = last._replace(events=(*last.events, event))


def _event(kind: str, record: dict[str, Any], line: int) -> Any:
    """The event that a record stands for: the first form of its kind that has these fields."""
    candidates = [(cls, declared) for cls, declared in DECLARED.items() if declared.kind == kind]
    if not candidates:
        raise TraceError(line, f"no event is called {kind!r}")
    for cls, declared in candidates:
        for form in declared.forms:
            keys = {_RENAMED.get(field, field) for field in form.fields}
            if set(record) == keys | ({declared.flag} if declared.flag else set()):
                values = _values(form, record)
                if values is not None:
                    return cls(**values)
    raise TraceError(line, f"not the fields of {kind!r}: {', '.join(record) or 'none'}")


def _values(form: Form, record: dict[str, Any]) -> dict[str, Any] | None:
    """The fields of an event of that form; None where the record says something that the form does not mean."""
    values: dict[str, Any] = dict(form.fixed)
    for field, fixed in form.fixed.items():
        if record[_RENAMED.get(field, field)] != fixed:
            return None
    for slot in form.slots:
        value = record[_RENAMED.get(slot.field, slot.field)]
        if slot.holds == "errno" and value == 0 and value is not False:
            value = "0"
        if slot.holds == "names" and isinstance(value, list):
            value = tuple(value)
        expected = {"number": int, "names": tuple, "verdict": bool}.get(slot.holds, str)
        if type(value) is not expected:
            return None
        values[slot.field] = value
    return values
