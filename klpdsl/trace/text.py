"""The text form of a trace: what people read and what goldens hold. `docs/trace.md` has the grammar."""

from __future__ import annotations

from klpdsl.trace import events as ev

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = "# klpdsl trace 1"

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,-+")


class TraceError(ValueError):
    """A text that is no trace. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


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
    ev.Violation: lambda e: f"{_rest(e.property, ': ')}: {_rest(e.text)}",
    ev.Expect: _write_expect,
}


# --- reading --------------------------------------------------------------------------------------------------


class _Line:
    """What is left of a line while it is being read."""

    def __init__(self, text: str, number: int) -> None:
        self.left = text
        self.number = number

    def word(self) -> str:
        """The next word, bare or quoted, and the space after it."""
        if self.left.startswith('"'):
            return self._string()
        word, _, self.left = self.left.partition(" ")
        if not word:
            raise TraceError(self.number, "a word is missing")
        return word

    def skip(self, token: str) -> None:
        if not self.left.startswith(token):
            raise TraceError(self.number, f"expected {token!r} at {self.left!r}")
        self.left = self.left[len(token) :]

    def rest(self) -> str:
        """All that is left, quoted or not."""
        if self.left.startswith('"'):
            text = self._string()
            self.end()
            return text
        text, self.left = self.left, ""
        return text

    def until(self, token: str) -> str:
        """Free text up to the token, which is dropped; quoted text may hold the token."""
        if self.left.startswith('"'):
            return self._string(token)
        text, found, self.left = self.left.partition(token)
        if not found:
            raise TraceError(self.number, f"expected {token!r} in {text!r}")
        return text

    def end(self) -> None:
        if self.left:
            raise TraceError(self.number, f"nothing was expected here: {self.left!r}")

    def _string(self, after: str = "") -> str:
        import json

        try:
            text, used = json.JSONDecoder().raw_decode(self.left)
        except ValueError as error:
            raise TraceError(self.number, f"a quoted text does not end: {self.left!r}") from error
        if not isinstance(text, str):
            raise TraceError(self.number, f"expected a text: {self.left!r}")
        self.left = self.left[used:]
        if after:
            self.skip(after)
        else:
            self.left = self.left.removeprefix(" ")
        return text


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
            _last(steps, number, "event").append_event(_read_event(_Line(line[4:], number)))
        elif line.startswith("  = "):
            _last(steps, number, "result").set_result(_read_result(_Line(line[4:], number)))
        elif line.startswith("  "):
            event = _read_event(_Line(line[2:], number))
            if not isinstance(event, ev.Expect):
                raise TraceError(number, "only an expectation stands here")
            _last(steps, number, "expectation").append_check(event)
        else:
            steps.append(_read_step(_Line(line, number)))
    return ev.Trace(tuple(steps))


class _last:  # noqa: N801 (reads as a function: the last step, to be added to)
    def __init__(self, steps: list[ev.StepTrace], line: int, what: str) -> None:
        if not steps:
            raise TraceError(line, f"this {what} belongs to no step")
        self._steps = steps
        self._line = line

    def append_event(self, event: ev.Event) -> None:
        step = self._steps[-1]
        if step.result is not None or step.checks:
            raise TraceError(self._line, "an event after the step's result")
        self._steps[-1] = step._replace(events=(*step.events, event))

    def set_result(self, result: ev.Result) -> None:
        step = self._steps[-1]
        if step.result is not None:
            raise TraceError(self._line, "a second result")
        self._steps[-1] = step._replace(result=result)

    def append_check(self, check: ev.Expect) -> None:
        step = self._steps[-1]
        self._steps[-1] = step._replace(checks=(*step.checks, check))


def _read_step(line: _Line) -> ev.StepTrace:
    place = line.word()
    number, _, at = place.partition("@")
    if not number.isdigit() or (at and not at.isdigit()):
        raise TraceError(line.number, f"expected the number of a step: {place!r}")
    return ev.StepTrace(int(number), int(at or 0), line.rest(), (), None)


def _read_result(line: _Line) -> ev.Result:
    value = line.word()
    if not line.left:
        return ev.Result(value)
    line.skip("(")
    if not line.left.endswith(")"):
        raise TraceError(line.number, "a reason ends with ')'")
    return ev.Result(value, line.left[:-1])


def _read_event(line: _Line) -> ev.Event:
    kind = line.word()
    reader = _READERS.get(kind)
    if reader is None:
        raise TraceError(line.number, f"no event is called {kind!r}")
    event = reader(line)
    line.end()
    return event


def _read_log(line: _Line) -> ev.Event:
    word = line.word()
    for level in ev.LEVELS:
        if level == word:
            return ev.Log(level, line.rest())
    raise TraceError(line.number, f"no log level is called {word!r}")


def _read_callback(line: _Line) -> ev.Event:
    patch, obj, callback = line.word(), line.word(), line.word()
    line.skip("= ")
    return ev.Callback(patch, obj, callback, line.rest())


def _read_hook(line: _Line) -> ev.Event:
    obj, function = line.word(), line.word()
    line.skip("[")
    if not line.left.endswith("]"):
        raise TraceError(line.number, "a stack ends with ']'")
    inner = _Line(line.left[:-1], line.number)
    line.left = ""
    stack: list[str] = []
    while inner.left:
        stack.append(inner.word())
    return ev.Hook(obj, function, tuple(stack))


def _read_task(line: _Line) -> ev.Event:
    task, state = line.word(), line.word()
    if not line.left:
        return ev.TaskShown(task, state)
    line.skip("-> ")
    return ev.TaskState(task, state, line.rest())


def _read_call(line: _Line) -> ev.Event:
    task, obj, function = line.word(), line.word(), line.word()
    line.skip("-> ")
    return ev.Call(task, obj, function, line.word())


def _read_enter(line: _Line) -> ev.Event:
    task, obj, function = line.word(), line.word(), line.word()
    line.skip("-> ")
    return ev.Enter(task, obj, function, line.word())


def _read_return(line: _Line) -> ev.Event:
    task, obj, function = line.word(), line.word(), line.word()
    line.skip("<- ")
    return ev.Return(task, obj, function, line.word())


def _read_module(line: _Line) -> ev.Event:
    module, what = line.word(), line.word()
    if what == "loaded":
        return ev.ModuleLoaded(module)
    if what == "gone":
        return ev.ModuleGone(module)
    refs = line.rest()
    if what != "refs" or not refs.removeprefix("-").isdigit():
        raise TraceError(line.number, "a module has `refs N`, is `loaded` or is `gone`")
    return ev.ModuleRefs(module, int(refs))


def _read_sysfs(line: _Line) -> ev.Event:
    path = line.word()
    if not line.left:
        return ev.Sysfs(path, "")
    if line.left == "gone":
        line.left = ""
        return ev.Sysfs(path, None)
    line.skip("= ")
    return ev.Sysfs(path, line.rest())


def _read_blocked(line: _Line) -> ev.Event:
    task, word = line.word(), line.word()
    for reason in ev.REASONS:
        if reason == word:
            break
    else:
        raise TraceError(line.number, f"no reason is called {word!r}")
    if reason != "sleeping":
        return ev.Blocked(task, reason)
    line.skip("in ")
    obj, function = line.word(), line.word()
    line.skip("of ")
    return ev.Blocked(task, reason, obj, function, line.word())


def _read_violation(line: _Line) -> ev.Event:
    return ev.Violation(line.until(": "), line.rest())


def _read_expect(line: _Line) -> ev.Event:
    verdict = line.until(": ")
    if verdict not in ("ok", "failed"):
        raise TraceError(line.number, "an expectation is `ok` or `failed`")
    text = line.until(" (got ")
    if not line.left.endswith(")"):
        raise TraceError(line.number, "what was found ends with ')'")
    line.left = line.left[:-1]
    return ev.Expect(text, verdict == "ok", line.rest())


_READERS: dict[str, Callable[[_Line], ev.Event]] = {
    "log": _read_log,
    "callback": _read_callback,
    "hook": _read_hook,
    "task": _read_task,
    "call": _read_call,
    "enter": _read_enter,
    "return": _read_return,
    "module": _read_module,
    "sysfs": _read_sysfs,
    "blocked": _read_blocked,
    "violation": _read_violation,
    "expect": _read_expect,
}
