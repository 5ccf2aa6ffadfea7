"""The JSON-lines form of a trace: the same events for programs, one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from klpdsl._shapes import ShapeError, check, why
from klpdsl.trace import events as ev
from klpdsl.trace.forms import DECLARED, Form, form_of
from klpdsl.trace.reading import Growing, TraceError

#: What the header may say of the run beside.
_ABOUT = {"engine": str, "asked": list}
_RENAMED = {"source": "from", "target": "to"}


def event_record(event: ev.Event | ev.Result, step: int) -> dict[str, Any]:
    """One event as the object that stands for it, keys in their order."""
    form = form_of(event)
    kind, said, flag = _shapes.get(form) or _shape(form, event)
    record: dict[str, Any] = {"kind": kind, "step": step}
    for place, key in said:
        value: Any = event[place]
        record[key] = list(value) if isinstance(value, tuple) else value
    if flag:
        record[flag] = True
    return record


# Of each form that has been written: its kind, the places of the fields that it has and their keys, and its flag.
_shapes: dict[Form, tuple[str, list[tuple[int, str]], str]] = {}


def _shape(form: Form, event: ev.Event | ev.Result) -> tuple[str, list[tuple[int, str]], str]:
    declared, said = DECLARED[type(event)], form.fields
    places = [(i, _RENAMED.get(field, field)) for i, field in enumerate(event._fields) if field in said]
    shape = _shapes[form] = (declared.kind, places, declared.flag)
    return shape


def records(trace: ev.Trace, about: Mapping[str, object] | None = None) -> Iterator[dict[str, Any]]:
    """The objects of a trace's lines, in order; `about` is what the header says beside (`engine`, `asked`)."""
    yield {"kind": "header", "trace": 1, **(about or {})}
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


def to_jsonl(trace: ev.Trace, about: Mapping[str, object] | None = None) -> str:
    """The trace as JSON lines, compact, keys in their order, non-ASCII text as it is; `about` as in `records`."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode
    return "".join(f"{encode(record)}\n" for record in records(trace, about))


def from_jsonl(text: str) -> ev.Trace:
    """Read a trace back; what its header says of the run is no part of it. Raises `TraceError` where it is not one."""
    lines = text.split("\n")
    if lines[-1]:
        raise TraceError(len(lines), "a trace ends with a newline")
    read = Growing()
    for number, line in enumerate(lines[:-1], 1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise TraceError(number, f"no JSON: {why(error)}") from error
        if not isinstance(record, dict):
            raise TraceError(number, "expected an object")
        try:
            _add(read, record, number)
        except (KeyError, ShapeError) as error:
            raise TraceError(number, f"not the fields of {record.get('kind')!r}: {error}") from error
    return read.trace()


def _add(read: Growing, record: dict[str, Any], line: int) -> None:
    kind = record.pop("kind", None)
    if line == 1:
        about = {key: record.pop(key) for key in _ABOUT if key in record}
        wrong = any(type(value) is not _ABOUT[key] for key, value in about.items())
        if (kind, record) != ("header", {"trace": 1}) or wrong:
            raise TraceError(1, "a trace begins with its header")
        return
    step = record.pop("step")
    check(step, int, "step")
    if kind == "step":
        check(record, {"text": str, "line?": int})
        read.step(ev.StepTrace(step, record.get("line", 0), record["text"], (), None))
        return
    if read.number is None or read.number != step:
        raise TraceError(line, f"this belongs to no step {step}")
    event = _event(str(kind), record, line)
    if isinstance(event, ev.Result):
        read.result(event, line)
    elif isinstance(event, ev.Expect):
        read.check(event, line)
    else:
        read.event(event, line)


def _event(kind: str, record: dict[str, Any], line: int) -> Any:
    """The event that a record stands for: the first form of its kind that has these fields."""
    candidates = _candidates().get(kind)
    if candidates is None:
        raise TraceError(line, f"no event is called {kind!r}")
    for cls, keys, sources in candidates:
        if record.keys() == keys:
            values = _values(sources, record)
            if values is not None:
                return cls(*values)
    raise TraceError(line, f"not the fields of {kind!r}: {', '.join(record) or 'none'}")


# For each field of a class: its key, what the record must hold there (a type, for which the form has a slot; else the
# value that the form is for), and what a slot holds. Without a key: the field's default.
_Source = tuple[str, Any, str]


@cache
def _candidates() -> dict[str, list[tuple[type[Any], set[str], list[_Source]]]]:
    """The forms of each kind, in their order: the class, the keys of the record, and where the fields come from."""
    found: dict[str, list[tuple[type[Any], set[str], list[_Source]]]] = {}
    for cls, declared in DECLARED.items():
        for form in declared.forms:
            keys = {_RENAMED.get(field, field) for field in form.fields}
            keys |= {declared.flag} if declared.flag else set()
            sources = [_source(cls, form, place) for place in range(len(cls._fields))]
            found.setdefault(declared.kind, []).append((cls, keys, sources))
    return found


def _source(cls: type[Any], form: Form, place: int) -> _Source:
    field: str = cls._fields[place]
    holds = {slot.field: slot.holds for slot in form.slots}
    if field in holds:
        expected = {"number": int, "names": list, "verdict": bool}.get(holds[field], str)
        return _RENAMED.get(field, field), expected, holds[field]
    if field in form.fixed:
        return _RENAMED.get(field, field), form.fixed[field], ""
    return "", cls._defaults[place - len(cls._fields) + len(cls._defaults)], ""


def _values(sources: list[_Source], record: dict[str, Any]) -> list[Any] | None:
    """The fields of an event of that form; None where the record says something that the form does not mean."""
    values = []
    for key, expected, holds in sources:
        value = record[key] if key else expected
        if holds:
            if holds == "errno" and value == 0 and value is not False:
                value = "0"
            if type(value) is not expected:
                return None
            if holds == "names":
                check(value, [str], key)
                value = tuple(value)
        elif value != expected:
            return None
        values.append(value)
    return values
