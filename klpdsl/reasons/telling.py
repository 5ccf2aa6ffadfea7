"""What is to be said of a step: paragraphs, each with a title and sentences that name the rule behind them."""

from __future__ import annotations

from klpdsl._properties import PROPERTIES
from klpdsl.reasons.calling import why_called
from klpdsl.reasons.holding import released_by_hand, who_does_not, who_holds
from klpdsl.reasons.leaving_out import what_it_took
from klpdsl.reasons.rules import reason
from klpdsl.reasons.watching import WatchedStep, watch
from klpdsl.trace import events as ev

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import NamedTuple

    from klpdsl.reasons.rules import Reason
    from klpdsl.run.session import Loaded
    from klpdsl.semantics.records import Engine
else:
    from klpdsl._records import NamedTuple


class Sentence(NamedTuple):
    """A sentence, its source (empty where it needs none), and what is said about it in turn."""

    text: str
    source: str = ""
    inner: tuple[Sentence, ...] = ()


class Paragraph(NamedTuple):
    """A title and what is said under it."""

    title: str
    sentences: tuple[Sentence, ...]


class Told(NamedTuple):
    """A step explained: its number, its text, how it ended (empty if it did not), and the paragraphs."""

    number: int
    text: str
    result: str
    paragraphs: tuple[Paragraph, ...]


def explain(loaded: Loaded, engine: Engine, number: int = 0) -> tuple[Told, ...]:
    """Explain a step of a scenario on an engine, or (0) every step in which there is something to explain.

    Raises what `execute` raises; nothing is returned for a step that there is not.
    """
    steps = watch(loaded, engine)
    places = range(len(steps))
    found = [_told(loaded, engine, steps, place) for place in places if number in (0, place + 1)]
    return tuple(told for told in _shorter(found) if number or told.paragraphs)


def _shorter(steps: Sequence[Told]) -> Iterator[Told]:
    """Leave out what a step says in the words of the one before it."""
    before: dict[str, Paragraph] = {}
    for told in steps:
        kept = (
            Paragraph(one.title, (Sentence("the same as before"),)) if before.get(one.title) == one else one
            for one in told.paragraphs
        )
        yield told._replace(paragraphs=tuple(kept))
        before = {one.title: one for one in told.paragraphs}


def _told(loaded: Loaded, engine: Engine, steps: tuple[WatchedStep, ...], place: int) -> Told:
    seen = steps[place]
    paragraphs = (
        Paragraph("why it ended so", tuple(_result(seen))),
        Paragraph("why the calls lead there", tuple(_calls(engine, seen))),
        Paragraph("what changed", tuple(_changes(engine, seen))),
        Paragraph("who holds the transition", tuple(_holders(engine, steps, place))),
        Paragraph(
            "who does not hold it",
            tuple(_said(one) for one in who_does_not(engine, steps, place)),
        ),
        Paragraph("what is broken", tuple(_broken(loaded, engine, steps, seen))),
    )
    result = seen.step.result.value if seen.step.result else ""
    return Told(seen.step.number, seen.step.text, result, tuple(one for one in paragraphs if one.sentences))


def _result(seen: WatchedStep) -> Iterator[Sentence]:
    result = seen.step.result
    if result is None or result == ev.Result("0"):
        return
    decided = f"{seen.decider}()" if seen.decider.startswith(("klp_", "__klp_")) else ""
    said = [
        f"the kernel logs `{e.text}`" for e in seen.step.events if isinstance(e, ev.Log) and e.level == "err"
    ]
    for text in ([result.reason] if result.reason else []) + said or ["nothing says more"]:
        yield Sentence(f"{result.value}: {text}", decided)


def _calls(engine: Engine, seen: WatchedStep) -> Iterator[Sentence]:
    for one in seen.events:
        if isinstance(one.event, ev.Call) and one.world is not None:
            for why in why_called(engine, one.event, one.world):
                yield _said(why)


def _changes(engine: Engine, seen: WatchedStep) -> Iterator[Sentence]:
    before = {key[:2]: [e.patch for e in stack] for key, stack in seen.before.func_stacks.items()}
    refs = {name: module.refs for name, module in seen.before.modules.items()}
    for one in seen.events:
        event = one.event
        if isinstance(event, ev.Hook):
            old = before.get((event.object, event.function), [])
            new = [name.removesuffix(":nop") for name in event.stack]
            pushed = len(new) > len(old)
            longer, shorter = (new, old) if pushed else (old, new)
            name = next((n for n in reversed(longer) if longer.count(n) > shorter.count(n)), "")
            before[event.object, event.function] = new
            if name:
                stack = f"[{' '.join(event.stack)}]" if event.stack else "empty"
                rule = "hook-pushed" if pushed else "hook-popped"
                yield _said(reason(engine, rule, name=name, function=event.function, stack=stack))
        elif isinstance(event, ev.ModuleRefs):
            if event.refs != refs.get(event.module, 0):
                rule = "refs-taken" if event.refs > refs.get(event.module, 0) else "refs-put"
                count = f"{event.refs} reference{'s' if event.refs != 1 else ''}"
                yield _said(reason(engine, rule, name=event.module, count=count))
            refs[event.module] = event.refs


def _holders(engine: Engine, steps: tuple[WatchedStep, ...], place: int) -> Iterator[Sentence]:
    holding = who_holds(engine, steps, place)
    for held in holding:
        yield _said(held.why, held.released)
    if holding:
        yield Sentence("for all of them:", inner=tuple(map(_said, released_by_hand(engine))))


def _said(one: Reason, inner: Iterable[Reason] = ()) -> Sentence:
    return Sentence(one.text, one.source, tuple(map(_said, inner)))


def _broken(
    loaded: Loaded, engine: Engine, steps: tuple[WatchedStep, ...], seen: WatchedStep
) -> Iterator[Sentence]:
    for event in seen.step.events:
        if not isinstance(event, ev.Violation):
            continue
        known = PROPERTIES.get(event.property)
        said = [f"{event.property} means: {known}"] if known else []
        took = what_it_took(loaded.program, engine, event, seen.step.number)
        if took:
            said.append("it took each of these steps; without any one of them it does not come about:")
            said += [f"  {steps[n - 1].step.number} {steps[n - 1].step.text}" for n in took]
            if took[-1] < seen.step.number:
                said.append(
                    f"from step {took[-1]} on it was inevitable: nothing later in the scenario was needed"
                )
        yield Sentence(f"{event.property}: {event.text}", inner=tuple(map(Sentence, said)))
