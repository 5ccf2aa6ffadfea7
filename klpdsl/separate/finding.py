"""From a way that a search found to a scenario that shows it, confirmed by the interpreter on both engines."""

from __future__ import annotations

import textwrap

from klpdsl.run.interpreter import run
from klpdsl.run.session import execute, load_text
from klpdsl.semantics.axes import differing
from klpdsl.semantics.table import change
from klpdsl.separate.view import counts, seen
from klpdsl.syntax.diagnostics import ScenarioError
from klpdsl.syntax.wording import engine, format_statement, line_of
from klpdsl.trace.text import event_text, result_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NamedTuple

    from klpdsl.run.session import Loaded
    from klpdsl.semantics.records import Engine
    from klpdsl.separate.alphabets import Alphabet
    from klpdsl.separate.pairs import Parting
    from klpdsl.separate.view import Level, Seen
    from klpdsl.trace.events import StepTrace, Trace
else:
    from klpdsl._records import NamedTuple

_WIDTH = 98


class UnconfirmedError(Exception):
    """The interpreter does not show what the search has found: a fault of klpdsl, never an answer."""


class Separator(NamedTuple):
    """A scenario on which two engines differ.

    `step` is the number of the step that differs, `statement` what it says, `kind` the class of the difference.
    `left` and `right`: the lines that only that side has there. `axes`: those without which there would be no
    difference, each alone; `changes`: the changes of mainline that move them between the engines.
    """

    text: str
    step: int
    statement: str
    kind: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    axes: tuple[str, ...]
    changes: tuple[str, ...]


def finding(alphabet: Alphabet, parting: Parting, left: Engine, right: Engine, level: Level) -> Separator:
    """Write down what was found, shorter where a declaration is not needed, and confirm it.

    Raises `UnconfirmedError` when a plain run of the scenario does not show it.
    """
    steps = [format_statement(alphabet.actions[place]) for place in parting.path]
    declared = _needed(_declarations(alphabet.loaded), steps, left, right, level)
    body = "\n".join([*declared, *([""] if declared else []), *steps]) + "\n"
    traces = _traces(body, left, right)
    place = _first_difference(*traces, level)
    if place is None:
        raise UnconfirmedError(f"{left.name} and {right.name} give the same on what was found:\n{body}")
    one, other = (trace.steps[place] for trace in traces)
    only_left, only_right = _lines(one, other, level)
    axes = _responsible(body, left, right, level)
    changes = _changes(axes, left, right)
    found = Separator("", one.number, one.text, parting.kind, only_left, only_right, axes, changes)
    header = f"engines {engine(left.name)}, {engine(right.name)}\n\n"
    return found._replace(text=_comment(found, left, right, level) + header + body)


def _declarations(loaded: Loaded) -> list[str]:
    """All that is declared, and who is only introduced by a step: that step may be none of those found."""
    program = loaded.program
    return [line_of(item) for item in (*program.declarations, *program.introduced())]


def _needed(declared: list[str], steps: list[str], left: Engine, right: Engine, level: Level) -> list[str]:
    """The declarations without which the difference is another one, or none."""
    wanted = _difference(declared, steps, left, right, level)
    kept = declared
    for line in reversed(declared):
        without = [other for other in kept if other is not line]
        if _difference(without, steps, left, right, level) == wanted:
            kept = without
    return kept


def _difference(
    declared: list[str], steps: list[str], left: Engine, right: Engine, level: Level
) -> tuple[int, Seen, Seen] | None:
    try:
        traces = _traces("\n".join([*declared, *steps]) + "\n", left, right)
    except ScenarioError:
        return None
    place = _first_difference(*traces, level)
    if place is None:
        return None
    one, other = (_seen(trace, place, level) for trace in traces)
    return place, one, other


def _traces(text: str, left: Engine, right: Engine) -> tuple[Trace, Trace]:
    loaded = load_text(text, "found")
    return execute(loaded, left).trace, execute(loaded, right).trace


def _seen(trace: Trace, place: int, level: Level) -> Seen:
    step = trace.steps[place]
    result = step.result
    # Why a release lacks an operation names the engine's history, which is no behaviour.
    reason = result.reason if result is not None and result.value != "unsupported" else ""
    return seen(level, step.events, result.value if result else "", reason)


def _first_difference(one: Trace, other: Trace, level: Level) -> int | None:
    for place in range(len(one.steps)):
        if _seen(one, place, level) != _seen(other, place, level):
            return place
    return None


def _lines(one: StepTrace, other: StepTrace, level: Level) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines of a step that only one side has, of those that count at the level."""
    sides = []
    for step in (one, other):
        lines = [event_text(event) for event in step.events if counts(level, event)]
        if step.result is not None:
            lines.append(result_text(step.result))
        sides.append(lines)
    left, right = sides
    only_left = tuple(line for line in left if line not in right)
    only_right = tuple(line for line in right if line not in left)
    return only_left, only_right


def _responsible(body: str, left: Engine, right: Engine, level: Level) -> tuple[str, ...]:
    """The axes of which each alone takes the difference away, if the right side has the left's value there.

    Where none does so alone, all that differ.
    """
    axes = differing(left.semantics, right.semantics)
    loaded = load_text(body, "found")
    reference = run(loaded.program, left.semantics, _unexplained).trace
    found = []
    for axis in axes:
        altered = right.semantics._replace(**{axis: getattr(left.semantics, axis)})
        if _first_difference(reference, run(loaded.program, altered, _unexplained).trace, level) is None:
            found.append(axis)
    return tuple(found) or axes


def _unexplained(_axis: str, _wanted: tuple[str, ...]) -> str:
    """Semantics that are no engine's: nothing can be said of what they lack."""
    return ""


def _changes(axes: Sequence[str], left: Engine, right: Engine) -> tuple[str, ...]:
    between = set(left.changes) ^ set(right.changes)
    ordered = [name for name in (*left.changes, *right.changes) if name in between]
    return tuple(
        dict.fromkeys(name for name in ordered if {axis for axis, _ in change(name).set} & set(axes))
    )


def _comment(found: Separator, left: Engine, right: Engine, level: Level) -> str:
    prose = [
        f"The shortest difference between {left.name} and {right.name} at the level `{level}`, found by search."
    ]
    if found.left or found.right:
        one = f"`{found.left[0]}`" if found.left else "no line of its own"
        other = f"`{found.right[0]}`" if found.right else "no line of its own"
        prose.append(
            f"In step {found.step}, `{found.statement}`, {left.name} has {one}, {right.name} {other}."
        )
    else:
        prose.append(f"In step {found.step}, `{found.statement}`, the same lines come in another order.")
    if found.changes:
        said = [change(name).cite() for name in found.changes[:4]]
        more = f" and {len(found.changes) - 4} more" if len(found.changes) > 4 else ""
        prose.append(f"What makes the difference: {', '.join(said)}{more}.")
    elif found.axes:
        prose.append(f"What makes the difference: {', '.join(found.axes[:6])}.")
    return "".join(f"# {line}\n" for line in textwrap.wrap(" ".join(prose), _WIDTH))
