"""Reading the text form of a trace back. Apart from writing it, which every run does."""

from __future__ import annotations

from klpdsl.trace import events as ev
from klpdsl.trace.text import HEADER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class TraceError(ValueError):
    """A text that is no trace. `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


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


def _read_shadow(line: _Line) -> ev.Event:
    what, obj, id_ = line.word(), line.word(), _number(line)
    if line.left == "NULL":
        line.left = ""
        return ev.ShadowVariable(what, obj, id_, None)
    line.skip("= ")
    return ev.ShadowVariable(what, obj, id_, line.rest())


def _read_state(line: _Line) -> ev.Event:
    patch, id_ = line.word(), _number(line)
    line.skip("version ")
    version = _number(line)
    line.skip("previous ")
    if line.left == "none":
        line.left = ""
        return ev.StateFound(patch, id_, version, None)
    return ev.StateFound(patch, id_, version, _number(line))


def _number(line: _Line) -> int:
    word = line.word()
    if not (word.isascii() and word.isdigit()):
        raise TraceError(line.number, f"expected a number: {word!r}")
    return int(word)


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
    "shadow": _read_shadow,
    "state": _read_state,
    "violation": _read_violation,
    "expect": _read_expect,
}
