"""The text form of a trace: what people read and what goldens hold. `docs/trace.md` has the grammar."""

from __future__ import annotations

from klpdsl.trace import events as ev
from klpdsl.trace.forms import form_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from klpdsl.trace.forms import Form

    _Part = tuple[int, dict[Any, str], Callable[[Any], str], str]

HEADER = "# klpdsl trace 1"

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,-+")


def _word(text: str) -> str:
    """A name: bare where nothing in it could be taken for something else, else quoted as in JSON."""
    # The first question is the second's answer for most names, in a tenth of its time.
    if (text.isidentifier() and text.isascii()) or (text and _BARE.issuperset(text)):
        return text
    return _quoted(text)


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
    return _line(result)


def event_text(event: ev.Event) -> str:
    """One event on one line, without indentation."""
    return _line(event)


def _line(event: ev.Event | ev.Result) -> str:
    """The event's kind, and what it says by its form."""
    form = form_of(event)
    line, parts = _plans.get(form) or _plan(form, event)
    for place, known, write, after in parts:
        value: Any = event[place]
        line += (known.get(value) or write(value)) + after
    return line


def _plan(form: Form, event: ev.Event | ev.Result) -> tuple[str, list[_Part]]:
    fields = event._fields
    parts: list[_Part] = []
    for slot in form.slots:
        known, write = _writer(slot.holds, slot.avoid if slot.holds == "rest" else "")
        parts.append((fields.index(slot.field), known, write, slot.after))
    head = "= " if type(event) is ev.Result else f"{ev.KIND[type(event)]} "
    plan = _plans[form] = (head, parts)
    return plan


# Of each form that has been written: what its lines begin with, and its fields: the place, the texts of values that
# have been written before, how other values are written, and the text behind it.
_plans: dict[Form, tuple[str, list[_Part]]] = {}
# What scenarios say, they say over and over: most values have been written before. For each kind of value.
_known: dict[tuple[str, str], dict[Any, str]] = {}
_MOST_KNOWN = 4096
_LONGEST_KNOWN = 100


def _writer(holds: str, avoid: str) -> tuple[dict[Any, str], Callable[[Any], str]]:
    """The texts of the values of that kind that are known, and how another is written."""
    plain = _WRITERS.get(holds, _word)
    known = _known.setdefault((holds if holds in _WRITERS else "word", avoid), {})

    def write(value: Any) -> str:
        text = _rest(value, avoid) if avoid else plain(value)
        if len(text) <= _LONGEST_KNOWN and len(known) < _MOST_KNOWN:
            known[value] = text
        return text

    return known, write


_WRITERS: dict[str, Callable[[Any], str]] = {
    "number": str,
    "names": lambda value: " ".join(map(_word, value)),
    "verdict": lambda value: "ok" if value else "failed",
    "rest": _rest,
}
