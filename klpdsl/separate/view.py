"""What an observer sees of a step, at each level. Engines are the same at one when no step looks different there."""

from __future__ import annotations

from klpdsl.trace.events import (
    KIND,
    Blocked,
    Call,
    Enter,
    Log,
    ModuleGone,
    ModuleRefs,
    Result,
    StateFound,
    Sysfs,
    TaskShown,
    Violation,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Literal, TypeAlias

    from klpdsl.trace.events import Event

    Level: TypeAlias = Literal["full", "behaviour", "outcome"]
    #: A hashable value.
    Seen: TypeAlias = tuple[object, ...]

LEVELS: dict[str, str] = {
    "full": "everything in a trace, the wording of the log too",
    "behaviour": "everything but the log and the files of sysfs",
    "outcome": "results, the versions that tasks run, references of modules, violations",
}
"""The levels, and what counts at each."""


def seen(level: Level, events: Iterable[Event], value: str, reason: str) -> Seen:
    """What counts of a step at that level."""
    return _VIEWS[level](tuple(events), value, reason)


def counts(level: Level, event: Event) -> bool:
    """Whether an event of that class is looked at at that level."""
    return _counts(level, type(event))


def _counts(level: Level, cls: type[Event | Result]) -> bool:
    if level == "outcome":
        return issubclass(cls, (*_OUTCOMES, ModuleRefs, Violation, Result))
    return level == "full" or not issubclass(cls, _UNSEEN)


def kinds_at(level: Level) -> tuple[str, ...]:
    """The kinds of events that are looked at at that level, as traces name them."""
    return tuple(sorted({kind for cls, kind in KIND.items() if _counts(level, cls)}))


def _full(events: tuple[Event, ...], value: str, reason: str) -> Seen:
    return (value, reason, *events)


_UNSEEN = (Log, Sysfs)


def _behaviour(events: tuple[Event, ...], value: str, _reason: str) -> Seen:
    return (value, *(_nameless(event) for event in events if not isinstance(event, _UNSEEN)))


def _nameless(event: Event) -> object:
    # What is said of a violation is wording; that there is one counts.
    return ("violation", event.property) if isinstance(event, Violation) else event


_OUTCOMES = (Call, Enter, ModuleGone, StateFound, TaskShown)


def _outcome(events: tuple[Event, ...], value: str, _reason: str) -> Seen:
    refs = {event.module: event.refs for event in events if isinstance(event, ModuleRefs)}
    kept = tuple(_nameless(e) for e in events if isinstance(e, (*_OUTCOMES, Violation)))
    return (value, *kept, *sorted(refs.items()))


_VIEWS: dict[str, Callable[[tuple[Event, ...], str, str], Seen]] = {
    "full": _full,
    "behaviour": _behaviour,
    "outcome": _outcome,
}


def kind_of_difference(one: Seen, other: Seen) -> str:
    """A name for the class of a difference: what kind of thing is the first that is not the same."""
    if one[0] != other[0]:
        return f"result {one[0]}/{other[0]}"
    for a, b in zip(one[1:], other[1:], strict=False):
        if a != b:
            return " or ".join(sorted({_kind(a), _kind(b)}))
    longer = one if len(one) > len(other) else other
    return _kind(longer[min(len(one), len(other))])


def _kind(part: object) -> str:
    if isinstance(part, Violation):
        return f"violation {part.property}"
    if isinstance(part, Blocked):
        return "who blocks"
    if isinstance(part, str):
        return "reason"
    if isinstance(part, tuple) and part and part[0] == "violation":
        return f"violation {part[1]}"
    return type(part).__name__ if hasattr(part, "_fields") else "references"
