"""Reading the text form of a trace back. Apart from writing it, which every run does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from klpdsl.trace import events as ev
from klpdsl.trace.forms import DECLARED, Form
from klpdsl.trace.text import HEADER


class TraceError(ValueError):
    """A text that is no trace. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


class Growing:
    """A trace while it is being read: its steps, and what the last of them has so far."""

    def __init__(self) -> None:
        self._steps: list[ev.StepTrace] = []
        self._events: list[ev.Event] = []
        self._checks: list[ev.Expect] = []
        self._result: ev.Result | None = None

    @property
    def number(self) -> int | None:
        """The number of the last step; None before the first."""
        return self._steps[-1].number if self._steps else None

    def step(self, step: ev.StepTrace) -> None:
        """A step begins."""
        self._finish()
        self._steps.append(step)

    def event(self, event: ev.Event, line: int) -> None:
        """Something happened in the last step, which is not over."""
        self._last(line, "event")
        if self._result is not None or self._checks:
            raise TraceError(line, "an event after the step's result")
        self._events.append(event)

    def result(self, result: ev.Result, line: int) -> None:
        """The last step ended like that."""
        self._last(line, "result")
        if self._result is not None:
            raise TraceError(line, "a second result")
        self._result = result

    def check(self, check: ev.Expect, line: int) -> None:
        """An expectation looked at the last step."""
        self._last(line, "expectation")
        self._checks.append(check)

    def trace(self) -> ev.Trace:
        """All that has been read."""
        self._finish()
        return ev.Trace(tuple(self._steps))

    def _last(self, line: int, what: str) -> None:
        if not self._steps:
            raise TraceError(line, f"this {what} belongs to no step")

    def _finish(self) -> None:
        if self._steps:
            events, checks = tuple(self._events), tuple(self._checks)
            self._steps[-1] = self._steps[-1]._replace(events=events, result=self._result, checks=checks)
        self._events, self._checks, self._result = [], [], None


def from_text(text: str) -> ev.Trace:
    """Read a trace back. Raises `TraceError` with the line where it is not one."""
    lines = text.split("\n")
    if lines[0] != HEADER:
        raise TraceError(1, f"a trace begins with {HEADER!r}")
    if lines[-1]:
        raise TraceError(len(lines), "a trace ends with a newline")
    read = Growing()
    for number, line in enumerate(lines[1:-1], 2):
        if not line:
            if number > 2:
                raise TraceError(number, "an empty line")
        elif line.startswith("    "):
            read.event(_read_event(line[4:], number), number)
        elif line.startswith("  = "):
            read.result(_read(ev.KIND[ev.Result], line[4:], number), number)
        elif line.startswith("  "):
            check = _read_event(line[2:], number)
            if not isinstance(check, ev.Expect):
                raise TraceError(number, "only an expectation stands here")
            read.check(check, number)
        else:
            read.step(_read_step(line, number))
    return read.trace()


#: Python takes no longer one for a number.
_DIGITS = "[0-9]{1,4300}"
_STEP = re.compile(rf"({_DIGITS})(?:@({_DIGITS}))? (.*)")


def _read_step(line: str, number: int) -> ev.StepTrace:
    found = _STEP.fullmatch(line)
    if not found:
        raise TraceError(number, f"expected the number of a step, and its statement: {line!r}")
    try:
        text = _unquoted(found[3])
    except _IllError as error:
        raise TraceError(number, str(error)) from error
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
    "number": f"-?{_DIGITS}",
    "names": f"(?:{_WORD}(?: {_WORD})*)?",
    "verdict": "ok|failed",
    "level": "|".join(ev.LEVELS),
    "rest": rf'{_QUOTED}|(?:[^"].*?)?',
}


# Of a form: its class, what it looks like, for each field of the class the group that it is read from and how (None:
# as it stands) or its value, and the groups that must be directories.
Pattern = tuple[type[Any], re.Pattern[str], list[tuple[int, Callable[[str], Any] | None, Any]], list[int]]


@cache
def _patterns(kind: str) -> list[Pattern]:
    return [_pattern(cls, form) for cls, form in _FORMS[kind]]


def _pattern(cls: type[Any], form: Form) -> Pattern:
    groups = {slot.field: group for group, slot in enumerate(form.slots, 1)}
    holds = {slot.field: slot.holds for slot in form.slots}
    without_default = len(cls._fields) - len(cls._defaults)
    sources: list[tuple[int, Callable[[str], Any] | None, Any]] = []
    for place, field in enumerate(cls._fields):
        if field in groups:
            sources.append((groups[field], _READERS.get(holds[field]), None))
        elif field in form.fixed:
            sources.append((0, None, form.fixed[field]))
        else:
            sources.append((0, None, cls._defaults[place - without_default]))
    expression = "".join(f"({_TEXTS.get(slot.holds, _WORD)}){re.escape(slot.after)}" for slot in form.slots)
    directories = [groups[field] for field, what in holds.items() if what == "directory"]
    return cls, re.compile(expression), sources, directories


def _read(kind: str, said: str, number: int) -> Any:
    # Goldens say the same things over and over. What is longer than any of them is not worth the memory.
    event = (_known if len(said) < _LONG else _known.__wrapped__)(kind, said)
    if event is None:
        shapes = " or ".join(f"`{kind} {form.skeleton}`" for _, form in _FORMS[kind])
        raise TraceError(number, f"expected {shapes}, found {said!r}")
    if isinstance(event, _IllError):
        raise TraceError(number, str(event))
    return event


_LONG = 200


class _IllError(ValueError):
    """A word that can not be read, whatever line it stands on."""


@lru_cache(maxsize=1 << 14)
def _known(kind: str, said: str) -> Any:
    """The event that a text of that kind stands for; None where no form fits, the error where a word is ill."""
    for cls, pattern, sources, directories in _patterns(kind):
        found = pattern.fullmatch(said)
        if found:
            groups = found.groups()
            values = []
            try:
                for group, read, fixed in sources:
                    values.append((read or _unquoted)(groups[group - 1]) if group else fixed)
                if all(_unquoted(groups[group - 1]).endswith("/") for group in directories):
                    return cls(*values)
            except _IllError as error:
                return error
    return None


_READERS: dict[str, Callable[[str], Any]] = {
    "number": int,
    "verdict": lambda text: text == "ok",
    "names": lambda text: tuple(map(_unquoted, re.findall(_WORD, text))),
}


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        raise _IllError(f"a quoted text does not end: {text!r}") from None
    if not isinstance(value, str):
        raise _IllError(f"expected a text: {text!r}")
    return value
