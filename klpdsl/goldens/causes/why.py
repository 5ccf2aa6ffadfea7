"""Why a case differs from its golden: where the traces part, and who is responsible.

Four answers, tried in this order: the scenario was edited; an engine of the lineage between the one that the golden was
made on and this one changes the trace; the engine's semantics, which are data, are not what they were; a rule in
klpdsl's code gives another event.
"""

from __future__ import annotations

from typing import NamedTuple

from klpdsl._cache import digest
from klpdsl.goldens.causes.changed import since_goldens
from klpdsl.goldens.causes.difference import FirstDifference, first_difference, names_in, shape
from klpdsl.goldens.causes.responsible import AsIf, as_if, responsible
from klpdsl.goldens.causes.rule_origins import Origins, Place, watched
from klpdsl.goldens.runs.cases import Run
from klpdsl.goldens.suite import Suite
from klpdsl.run.session import Loaded, execute
from klpdsl.trace.events import Trace
from klpdsl.trace.reading import TraceError, from_text
from klpdsl.trace.text import to_text


class Cause(NamedTuple):
    """Who is responsible. `kind` is `new`, `unreadable`, `scenario`, `lineage`, `data` or `code`.

    `label` is what the members of one class share; `text` says it to a reader of one of them. `change` and `axes`
    name the kernel's change and the axes, `function` and `where` the rule and its line, as far as they are known.
    """

    kind: str
    label: str
    text: str
    change: str = ""
    axes: tuple[str, ...] = ()
    function: str = ""
    where: str = ""


class Why(NamedTuple):
    """All that is known of one difference."""

    cause: Cause
    shape: str
    first: FirstDifference | None

    @property
    def class_id(self) -> str:
        """The name of the class: the same for all differences of one cause and one shape, on every machine."""
        return digest(self.cause.label.encode(), self.shape.encode())[:8]


class Seen(NamedTuple):
    """Where a run leaves its golden, the shape of it, and where everything in the run comes from."""

    first: FirstDifference
    shape: str
    origins: Origins


NEW = Why(Cause("new", "new", "there is no golden yet"), "a new golden", None)

#: What was found for a rule and a shape, so that the search for altered semantics is not made for each member anew.
_found: dict[tuple[str, str], AsIf | None] = {}


def explain(suite: Suite, loaded: Loaded, run: Run, golden: str, golden_engine: str) -> Why:
    """Why the run differs from the golden, which is the file of `golden_engine` (the engine or an ancestor)."""
    try:
        old = from_text(golden)
    except TraceError as error:
        return Why(Cause("unreadable", "unreadable", f"the golden is no trace: {error}"), "unreadable", None)
    origins = watched(loaded, run.engine)
    found = first_difference(old, origins.trace)
    if found is None:
        text = "the golden says the same in another form"
        return Why(Cause("unreadable", "unreadable", text), "form", None)
    form = shape(found, names_in(old, origins.trace))
    if found.kind == "statement":
        return Why(_edited(found), form, found)
    if golden_engine != run.engine and to_text(execute(loaded, golden_engine).trace) == golden:
        return Why(_lineage(loaded, golden_engine, run.engine), form, found)
    return Why(_changed(suite, loaded, run, golden, Seen(found, form, origins)), form, found)


def between(loaded: Loaded, older: Trace, newer: Trace, engines: tuple[str, str]) -> Why | None:
    """Why a scenario gives another trace on the second of two engines than on the first; None where it does not."""
    found = first_difference(older, newer)
    if found is None:
        return None
    return Why(_lineage(loaded, *engines), shape(found, names_in(older, newer)), found)


def _edited(found: FirstDifference) -> Cause:
    if found.statement and found.text:
        text = f"the scenario was edited: its step {found.step} was `{found.text}`"
    elif found.statement:
        text = f"the scenario was edited: it goes on with step {found.step}"
    else:
        text = f"the scenario was edited: it ends before step {found.step}"
    return Cause("scenario", "the scenario was edited", text)


def _lineage(loaded: Loaded, older: str, newer: str) -> Cause:
    steps = responsible(loaded, older, newer)
    # The golden's engine still gives the golden, and this one does not: so there is a step, and the first one counts.
    first = steps[0]
    more = f" (and {len(steps) - 1} more changes up to {newer})" if len(steps) > 1 else ""
    return Cause(
        "lineage",
        f"engine change {first.label()}",
        f"{first.sentence()}{more}",
        "+".join(first.changes),
        tuple(moved.axis for moved in first.axes),
    )


def _changed(suite: Suite, loaded: Loaded, run: Run, golden: str, seen: Seen) -> Cause:
    changed = since_goldens(suite)
    place, sentence = _rule(seen.first, seen.origins, changed.functions)
    function = place.function if place else ""
    if changed.data is not False:
        altered = _as_if(loaded, run.engine, golden, (function, seen.shape))
        if altered:
            axes = tuple(moved for moved in (altered.setting.partition("=")[0],) if moved)
            return Cause(
                "data",
                f"semantics {altered.label()}",
                altered.sentence(run.engine),
                altered.added or altered.removed,
                axes,
                function,
                place.where if place else "",
            )
    return Cause("code", f"code {function}", sentence, "", (), function, place.where if place else "")


def _as_if(loaded: Loaded, engine: str, golden: str, known: tuple[str, str]) -> AsIf | None:
    if known in _found and _found[known] is None:
        return None
    hint = _found.get(known)
    altered = as_if(loaded, engine, golden, (hint,) if hint else ())
    if known not in _found or altered:
        _found[known] = altered
    return altered


def _rule(
    found: FirstDifference, origins: Origins, changed: frozenset[str] | None
) -> tuple[Place | None, str]:
    """The rule that now gives something else, and a sentence about it."""
    index = next(i for i, step in enumerate(origins.trace.steps) if step.number == found.step)
    emitters = origins.emitters[index]
    if found.kind == "expect":
        return None, "klpdsl.run.conditions finds another value where the scenario looks"
    if found.kind == "result":
        decider = origins.deciders[index]
        candidates = [decider] if decider else []
        word = "decides the step's result"
    elif found.new is not None:
        candidates = list(emitters[found.place]) if found.place < len(emitters) else []
        word = "gives another event" if found.old is not None else "gives an event more"
    else:
        candidates = list(_neighbours(emitters, found.place))
        if not candidates and origins.deciders[index]:
            candidates = [one for one in (origins.deciders[index],) if one]
        word = "works where an event is no longer given"
    known = [place for place in candidates if changed and place.function in changed]
    if not known and changed:
        # The rule that changed ran in this step, but something else gave the event that is seen.
        ran = [name for name in origins.called[index] if name in changed]
        if ran:
            path = "engine/" + ran[0].rpartition(":")[0].rpartition(".")[2] + ".py"
            return Place(ran[0], path, 0), f"{ran[0]} has changed, and runs in this step"
    if not candidates:
        return None, "no rule of klpdsl.engine gives this event: the interpreter does"
    place = (known or candidates)[0]
    mark = ", which has changed," if known else ""
    return place, f"{place.function}{mark} {word} ({place.where})"


def _neighbours(emitters: tuple[tuple[Place, ...], ...], index: int) -> tuple[Place, ...]:
    """The rules at work around a place at which nothing happens any more: those common to both sides first."""
    after = emitters[index] if index < len(emitters) else ()
    before = emitters[index - 1] if 0 < index <= len(emitters) else ()
    common = {place.function for place in after} & {place.function for place in before}
    return tuple(place for place in after if place.function in common) or after or before
