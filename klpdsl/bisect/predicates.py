"""What of a trace is compared: all of it, some kinds of events, one question to it, or what a command says.

A predicate turns the text of a trace into a view; a point is good when its view is that of the good end. It works on
text, so that one predicate serves engines and revisions of klpdsl alike.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from klpdsl._errnos import ERRNOS
from klpdsl._errors import KlpdslError
from klpdsl._properties import ENDLESS, PROPERTIES
from klpdsl.bisect.trace_text import Block, blocks, result_of, who
from klpdsl.semantics.spelling import hint
from klpdsl.trace.events import KIND

UNSUPPORTED = "unsupported"
SUCCESS = "0"
_SKIP = 125
_ABORT = 128


class PredicateError(KlpdslError):
    """A predicate that cannot be, such as events of a kind that there is none of; or a command that gave up."""


class PredicateView(NamedTuple):
    """What a predicate sees in a trace; `cannot` says why it can tell nothing, and is empty where it can."""

    seen: str
    cannot: str = ""


class Predicate(Protocol):
    """A question to traces."""

    #: Whether the view is the trace itself, or part of it, rather than an answer about it.
    compares: bool

    def view(self, text: str, context: Mapping[str, str]) -> PredicateView:
        """Look at a trace; `context` says for commands what it is a trace of."""

    def __str__(self) -> str:
        """What the predicate asks, for people."""


class WholeTrace:
    """The whole trace, byte for byte."""

    compares = True

    def view(self, text: str, context: Mapping[str, str]) -> PredicateView:  # noqa: ARG002 (the protocol's)
        """Look at a trace."""
        return PredicateView(text)

    def __str__(self) -> str:
        return "the whole trace"


class SomeEvents:
    """The events of some kinds, each with the step it happened in. `result` is how steps ended."""

    compares = True

    def __init__(self, kinds: str) -> None:
        known = sorted(set(KIND.values()))
        self._kinds = tuple(kind.strip() for kind in kinds.split(","))
        for kind in self._kinds:
            if kind not in known:
                raise PredicateError(
                    f"no event is called {kind!r}{hint(kind, known)}; there are {', '.join(known)}"
                )

    def view(self, text: str, context: Mapping[str, str]) -> PredicateView:  # noqa: ARG002 (the protocol's)
        """Look at a trace."""
        lines = []
        for block in blocks(text):
            picked = [f"    {line}" for line in block.lines if _kind(line) in self._kinds]
            lines += [f"{block.number} {block.statement}", *picked]
        return PredicateView("".join(f"{line}\n" for line in lines))

    def __str__(self) -> str:
        return f"events of the kinds {', '.join(self._kinds)}"


class Violated:
    """Whether a property was violated."""

    compares = False

    def __init__(self, name: str) -> None:
        known_property(name)
        self._start = f"violation {name}:"
        self._name = name

    def view(self, text: str, context: Mapping[str, str]) -> PredicateView:  # noqa: ARG002 (the protocol's)
        """Look at a trace."""
        return _answer(
            any(line.startswith(self._start) for block in blocks(text) for line in block.lines), text
        )

    def __str__(self) -> str:
        return f"whether {self._name} is violated"


def known_property(name: str) -> None:
    """Raise PredicateError for what is neither a built-in property nor a condition that a scenario can demand."""
    if name not in PROPERTIES and not name.startswith(("always ", "never ")):
        raise PredicateError(
            f"no property is called {name!r}{hint(name, PROPERTIES)}; there are {', '.join(PROPERTIES)}, and what a "
            "scenario demands by `always` and `never`"
        )
    if name in ENDLESS:
        raise PredicateError(
            f"no trace says whether {name} is violated (klpdsl verify FILE --property {name} does)"
        )


def _known_result(value: str) -> None:
    if value not in ERRNOS and value not in (SUCCESS, UNSUPPORTED):
        raise PredicateError(
            f"`{value}` is no result: a step ends with 0, an errno's name or unsupported{hint(value, ERRNOS)}"
        )


class LinePresent:
    """Whether a line of the trace has these words, side by side."""

    compares = False

    def __init__(self, line: str) -> None:
        self._words = " ".join(line.split())
        if not self._words:
            raise PredicateError("an empty line says nothing")

    def view(self, text: str, context: Mapping[str, str]) -> PredicateView:  # noqa: ARG002 (the protocol's)
        """Look at a trace."""
        wanted = f" {self._words} "
        held = any(wanted in f" {line} " for block in blocks(text) for line in block.lines)
        return _answer(held, text)

    def __str__(self) -> str:
        return f"whether the trace has `{self._words}`"


class StepResult:
    """Whether a step, given by its number or its statement, ends with a result."""

    compares = False

    def __init__(self, asked: str) -> None:
        step, equals, value = asked.rpartition("=")
        self._step, self._value = step.strip(), value.strip()
        if not equals or not self._step or not self._value:
            raise PredicateError(f"`{asked}` is no result of a step: write 3=EBUSY or 'load p2=EBUSY'")
        _known_result(self._value)

    def view(self, text: str, context: Mapping[str, str]) -> PredicateView:  # noqa: ARG002 (the protocol's)
        """Look at a trace."""
        found = blocks(text)
        for index, block in enumerate(found):
            if self._step in (block.number, block.statement):
                if self._value in (result_of(block), UNSUPPORTED):
                    return PredicateView("yes" if result_of(block) == self._value else "no")
                return _verdict(False, found[: index + 1])
        return PredicateView("", f"the trace has no step `{self._step}`")

    def placed(self, text: str) -> PlacedResult:
        """Return the same question by the place of the step's statement, so that it can be asked when others are gone.

        `text` is a trace with the scenario's line numbers. Raises `PredicateError` where it has no such step.
        """
        for block in blocks(text):
            if self._step in (block.number.partition("@")[0], block.statement):
                line = block.number.partition("@")[2]
                return PlacedResult(line, block.statement, self._value)
        raise PredicateError(f"the trace has no step `{self._step}`")

    def __str__(self) -> str:
        return f"whether `{self._step}` ends with {self._value}"


class PlacedResult:
    """How the step ends whose statement stands on a line of the scenario; for traces with line numbers."""

    compares = False

    def __init__(self, line: str, statement: str, value: str) -> None:
        self._line, self._statement, self._value = line, statement, value

    def view(self, text: str, context: Mapping[str, str]) -> PredicateView:  # noqa: ARG002 (the protocol's)
        """Look at a trace."""
        found = blocks(text)
        for index, block in enumerate(found):
            # The statement itself may have become simpler.
            same = who(block.statement) == who(self._statement)
            if same and block.number.partition("@")[2] == self._line:
                if self._value in (result_of(block), UNSUPPORTED):
                    return PredicateView("yes" if result_of(block) == self._value else "no")
                return _verdict(False, found[: index + 1])
        return PredicateView("", f"the step `{self._statement}` is gone")

    def __str__(self) -> str:
        return f"whether `{self._statement}` ends with {self._value}"


class Command:
    """What a command of the user's says, with the exit codes of `git bisect run`."""

    compares = False

    def __init__(self, command: str, scenario: str) -> None:
        self._command = command
        self._scenario = scenario

    def view(self, text: str, context: Mapping[str, str]) -> PredicateView:
        """Run the command: the trace is its standard input and lies in $KLPDSL_TRACE."""
        with tempfile.TemporaryDirectory(prefix="klpdsl-") as folder:
            path = os.path.join(folder, "trace")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            environment = {
                **os.environ,
                "KLPDSL_SCENARIO": self._scenario,
                "KLPDSL_TRACE": path,
                **{f"KLPDSL_{key.upper()}": value for key, value in context.items()},
            }
            with open(path, encoding="utf-8") as trace:
                code = subprocess.run(
                    self._command, shell=True, stdin=trace, env=environment, check=False
                ).returncode
        if code == _SKIP:
            return PredicateView("", f"`{self._command}` exits with 125")
        if code < 0 or code >= _ABORT:
            died = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exits with {code}"
            raise PredicateError(f"`{self._command}` {died}, which ends a bisection")
        return PredicateView("good" if code == 0 else "bad")

    def __str__(self) -> str:
        return f"what `{self._command}` says"


def unsupported(found: Sequence[Block]) -> dict[str, str]:
    """Return the steps that an engine cannot carry out, by number, with the reason."""
    lines = ((block, line) for block in found for line in block.lines)
    start = f"= {UNSUPPORTED}"
    return {
        block.number: f"step {block.number} `{block.statement}` is unsupported{line[len(start) :]}"
        for block, line in lines
        if line == start or line.startswith(f"{start} ")
    }


def _answer(held: bool, text: str) -> PredicateView:
    return _verdict(held, blocks(text))


def _verdict(held: bool, found: Sequence[Block]) -> PredicateView:
    """A yes is a yes; a no may be owed to a step that was not carried out, and then says nothing."""
    missing = unsupported(found)
    if not held and missing:
        return PredicateView("", next(iter(missing.values())))
    return PredicateView("yes" if held else "no")


def _kind(line: str) -> str:
    return "result" if line.startswith("= ") else line.partition(" ")[0]
