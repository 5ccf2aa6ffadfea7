"""Reading the text form of a trace back. Apart from writing it, which every run does."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from klpdsl.trace import events as ev
from klpdsl.trace.forms import DECLARED, Form, Slot
from klpdsl.trace.text import HEADER


class TraceError(ValueError):
    """A text that is no trace. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


def from_text(text: str) -> ev.Trace:
    """Read a trace back. Raises `TraceError` with the line where it is not one."""
    lines = text.split("\n")
    if lines[0] != HEADER:
        raise TraceError(1, f"a trace begins with {HEADER!r}")
    if lines[-1]:
        raise TraceError(len(lines), "a trace ends with a newline")
    steps: list[ev.StepTrace] = []
    for number, line in enumerate(lines[1:-1], 2):
        if not line:
            if number > 2:
                raise TraceError(number, "an empty line")
        elif line.startswith("    "):
            _add_event(steps, _read_event(line[4:], number), number)
        elif line.startswith("  = "):
            _add_result(steps, _read(ev.KIND[ev.Result], line[4:], number), number)
        elif line.startswith("  "):
            check = _read_event(line[2:], number)
            if not isinstance(check, ev.Expect):
                raise TraceError(number, "only an expectation stands here")
            last = _last(steps, number, "expectation")
            steps[-1] = last._replace(checks=(*last.checks, check))
        else:
            steps.append(_read_step(line, number))
    return ev.Trace(tuple(steps))


def _last(steps: list[ev.StepTrace], line: int, what: str) -> ev.StepTrace:
    if not steps:
        raise TraceError(line, f"this {what} belongs to no step")
    return steps[-1]


def _add_event(steps: list[ev.StepTrace], event: ev.Event, line: int) -> None:
    last = _last(steps, line, "event")
    if last.result is not None or last.checks:
        raise TraceError(line, "an event after the step's result")
    steps[-1] = last._replace(events=(*last.events, event))


def _add_result(steps: list[ev.StepTrace], result: Any, line: int) -> None:
    last = _last(steps, line, "result")
    if last.result is not None:
        raise TraceError(line, "a second result")
    steps[-1] = last._replace(result=result)


_STEP = re.compile(r"([0-9]+)(?:@([0-9]+))? (.*)")


def _read_step(line: str, number: int) -> ev.StepTrace:
    found = _STEP.fullmatch(line)
    if not found:
        raise TraceError(number, f"expected the number of a step, and its statement: {line!r}")
    text = _unquoted(found[3], number)
    return ev.StepTrace(int(found[1]), int(found[2] or 0), text, (), None)


def _read_event(line: str, number: int) -> Any:
    kind, _, said = line.partition(" ")
    if kind not in _FORMS or kind == ev.KIND[ev.Result]:
        raise TraceError(number, f"no event is called {kind!r}")
    return _read(kind, said, number)


# The forms of each kind, with the class that has them.
_FORMS: dict[str, list[tuple[type[Any], Form]]] = {}
for _cls, _declared in DECLARED.items():
    _FORMS.setdefault(_declared.kind, []).extend((_cls, form) for form in _declared.forms)

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_WORD = rf'(?:{_QUOTED}|[^ "][^ ]*)'
_TEXTS = {
    "number": "-?[0-9]+",
    "names": f"(?:{_WORD}(?: {_WORD})*)?",
    "verdict": "ok|failed",
    "level": "|".join(ev.LEVELS),
    "rest": rf'{_QUOTED}|(?:[^"].*?)?',
}


@cache
def _patterns(kind: str) -> list[tuple[type[Any], Form, re.Pattern[str]]]:
    return [(cls, form, re.compile(_expression(form))) for cls, form in _FORMS[kind]]


def _expression(form: Form) -> str:
    return "".join(
        f"(?P<{slot.field}>{_TEXTS.get(slot.holds, _WORD)}){re.escape(slot.after)}" for slot in form.slots
    )


def _read(kind: str, said: str, number: int) -> Any:
    for cls, form, pattern in _patterns(kind):
        found = pattern.fullmatch(said)
        if found:
            values = {slot.field: _value(slot, found[slot.field], number) for slot in form.slots}
            if all(values[slot.field].endswith("/") for slot in form.slots if slot.holds == "directory"):
                return cls(**values, **form.fixed)
    shapes = " or ".join(f"`{kind} {form.skeleton}`" for _, form in _FORMS[kind])
    raise TraceError(number, f"expected {shapes}, found {said!r}")


def _value(slot: Slot, text: str, number: int) -> Any:
    if slot.holds == "number":
        return int(text)
    if slot.holds == "verdict":
        return text == "ok"
    if slot.holds == "names":
        return tuple(_unquoted(word, number) for word in re.findall(_WORD, text))
    return _unquoted(text, number)


def _unquoted(text: str, number: int) -> str:
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except ValueError as error:
        raise TraceError(number, f"a quoted text does not end: {text!r}") from error
    if not isinstance(value, str):
        raise TraceError(number, f"expected a text: {text!r}")
    return value
