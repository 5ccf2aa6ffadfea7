"""The text form of a trace: what people read and what goldens hold. `docs/trace.md` has the grammar."""

from __future__ import annotations

from klpdsl.trace import events as ev
from klpdsl.trace.forms import form_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from klpdsl.trace.forms import Form

HEADER = "# klpdsl trace 1"

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,-+")


def _word(text: str) -> str:
    """A name: bare where nothing in it could be taken for something else, else quoted as in JSON."""
    return text if text and _BARE.issuperset(text) else _quoted(text)


def _rest(text: str, avoid: str = "") -> str:
    """Free text up to the end of the line, quoted only where it could not be read back."""
    plain = text.isprintable() and text == text.strip() and text and text[0] != '"'
    return text if plain and not (avoid and avoid in text) else _quoted(text)


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=not text.isprintable())


def to_text(trace: ev.Trace, *, lines: bool = False) -> str:
    """The canonical text of a trace. With `lines` a step's number carries its line in the scenario (`3@12`)."""
    out = [HEADER, ""]
    for step in trace.steps:
        place = f"{step.number}@{step.line}" if lines and step.line else str(step.number)
        out.append(f"{place} {_rest(step.text)}")
        out += [f"    {event_text(event)}" for event in step.events]
        if step.result is not None:
            out.append(f"  {result_text(step.result)}")
        out += [f"  {event_text(check)}" for check in step.checks]
    return "\n".join(out) + "\n"


def result_text(result: ev.Result) -> str:
    """`= 0`, or `= unsupported (reason)`."""
    return f"= {_said(result)}"


def event_text(event: ev.Event) -> str:
    """One event on one line, without indentation."""
    return f"{ev.KIND[type(event)]} {_said(event)}"


def _said(event: ev.Event | ev.Result) -> str:
    """The event by its form, behind its kind."""
    form = form_of(event)
    parts = _parts.get(form)
    if parts is None:
        fields = event._fields
        parts = _parts[form] = [
            (fields.index(slot.field), slot.holds, slot.avoid, slot.after) for slot in form.slots
        ]
    said = ""
    for place, holds, avoid, after in parts:
        value: Any = event[place]
        if holds in _PLAIN:
            said += value if value and _BARE.issuperset(value) else _quoted(value)
        elif holds == "rest":
            said += _rest(value, avoid)
        else:
            said += _WRITERS[holds](value)
        said += after
    return said


# For each form that has been written, what is written of a value: a field's place, and how.
_parts: dict[Form, list[tuple[int, str, str, str]]] = {}

_PLAIN = frozenset({"name", "word", "level", "path", "directory", "errno"})
_WRITERS: dict[str, Callable[[Any], str]] = {
    "number": str,
    "names": lambda value: " ".join(map(_word, value)),
    "verdict": lambda value: "ok" if value else "failed",
}
