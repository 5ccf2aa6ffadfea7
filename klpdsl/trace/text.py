"""The text form of a trace: what people read and what goldens hold. `docs/trace.md` has the grammar."""

from __future__ import annotations

from klpdsl.trace import events as ev

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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
    return f"= {_word(result.value)}" + (f" ({result.reason})" if result.reason else "")


def event_text(event: ev.Event) -> str:
    """One event on one line, without indentation."""
    return f"{ev.KIND[type(event)]} {_WRITERS[type(event)](event)}"


def _write_sysfs(e: ev.Sysfs) -> str:
    if e.value is None:
        return f"{_word(e.path)} gone"
    return _word(e.path) if e.path.endswith("/") and not e.value else f"{_word(e.path)} = {_rest(e.value)}"


def _write_blocked(e: ev.Blocked) -> str:
    if e.reason != "sleeping":
        return f"{_word(e.task)} {e.reason}"
    return f"{_word(e.task)} sleeping in {_word(e.object)} {_word(e.function)} of {_word(e.code)}"


def _write_shadow(e: ev.ShadowVariable) -> str:
    value = "NULL" if e.data is None else f"= {_rest(e.data)}"
    return f"{e.what} {_word(e.object)} {e.id} {value}"


def _write_expect(e: ev.Expect) -> str:
    return f"{'ok' if e.ok else 'failed'}: {_rest(e.text, ' (got ')} (got {_rest(e.got, '(')})"


_WRITERS: dict[type[ev.Event | ev.Result], Callable[..., str]] = {
    ev.Log: lambda e: f"{e.level} {_rest(e.text)}",
    ev.Callback: lambda e: f"{_word(e.patch)} {_word(e.object)} {e.callback} = {e.result}",
    ev.Hook: lambda e: f"{_word(e.object)} {_word(e.function)} [{' '.join(map(_word, e.stack))}]",
    ev.TaskState: lambda e: f"{_word(e.task)} {e.source} -> {e.target}",
    ev.TaskShown: lambda e: f"{_word(e.task)} {e.state}",
    ev.Call: lambda e: f"{_word(e.task)} {_word(e.object)} {_word(e.function)} -> {_word(e.code)}",
    ev.Enter: lambda e: f"{_word(e.task)} {_word(e.object)} {_word(e.function)} -> {_word(e.code)}",
    ev.Return: lambda e: f"{_word(e.task)} {_word(e.object)} {_word(e.function)} <- {_word(e.code)}",
    ev.ModuleRefs: lambda e: f"{_word(e.module)} refs {e.refs}",
    ev.ModuleLoaded: lambda e: f"{_word(e.module)} loaded",
    ev.ModuleGone: lambda e: f"{_word(e.module)} gone",
    ev.Sysfs: _write_sysfs,
    ev.Blocked: _write_blocked,
    ev.ShadowVariable: _write_shadow,
    ev.StateFound: lambda e: (
        f"{_word(e.patch)} {e.id} version {e.version} previous {'none' if e.previous is None else e.previous}"
    ),
    ev.Violation: lambda e: f"{_rest(e.property, ': ')}: {_rest(e.text)}",
    ev.Expect: _write_expect,
}
