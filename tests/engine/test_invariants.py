"""What holds for every scenario on every engine of the livepatch family."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klpdsl.run.session import execute, load_text
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.points import points
from klpdsl.trace.events import Hook, ModuleRefs, StepTrace, Sysfs, TaskShown, Trace
from klpdsl.trace.jsonl import from_jsonl, to_jsonl
from klpdsl.trace.reading import from_text
from klpdsl.trace.text import to_text
from tests.engine.scenarios import scenarios

ENGINES = (*points(), "baron-v2")

Parts = tuple[list[str], list[str], list[str]]

_relaxed = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
_many = settings(_relaxed, max_examples=120)


def trace_of(parts: Parts, engine: str) -> Trace:
    text = "\n".join(line for part in parts for line in part)
    return execute(load_text(text, "random"), engine).trace


def survives_both_forms(trace: Trace) -> None:
    assert from_jsonl(to_jsonl(trace)) == trace
    assert from_text(to_text(trace, lines=True)) == trace
    text = to_text(trace)
    assert to_text(from_jsonl(to_jsonl(from_text(text)))) == text


@_many
@given(engine=st.sampled_from(ENGINES), parts=scenarios())
def test_a_trace_survives_both_forms(engine: str, parts: Parts) -> None:
    survives_both_forms(trace_of(parts, engine))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@_relaxed
@given(parts=scenarios())
def test_a_trace_of_each_engine_survives_both_forms(engine: str, parts: Parts) -> None:
    survives_both_forms(trace_of(parts, engine))


@_many
@given(engine=st.sampled_from(ENGINES), parts=scenarios(shown=True))
def test_the_state_is_sane_between_steps(engine: str, parts: Parts) -> None:
    check_steps(trace_of(parts, engine))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@_relaxed
@given(parts=scenarios(shown=True))
def test_the_state_is_sane_between_steps_of_each_engine(engine: str, parts: Parts) -> None:
    check_steps(trace_of(parts, engine))


def check_steps(trace: Trace) -> None:
    for step in trace.steps:
        for event in step.events:
            if isinstance(event, ModuleRefs):
                assert event.refs >= 0, step
        if step.text == "show":
            check_shown(step)


def check_shown(step: StepTrace) -> None:
    sysfs = {event.path: event.value for event in step.events if isinstance(event, Sysfs)}
    in_transition = [path for path, value in sysfs.items() if path.endswith("/transition") and value == "1"]
    assert len(in_transition) <= 1
    for event in step.events:
        if isinstance(event, TaskShown) and not in_transition:
            assert event.state == "undefined", step
        if isinstance(event, Hook):
            assert event.stack
            assert len(set(event.stack)) == len(event.stack), "a patch stands on a function's stack once"
            for entry in event.stack:
                patch = entry.removesuffix(":nop")
                in_force = sysfs.get(f"{patch}/enabled") == "1" or f"{patch}/transition" in in_transition
                assert in_force, step


@_many
@given(
    engine=st.sampled_from(["v4.0", "v4.12", "v5.1", "v6.19", "baron-v2"]), parts=scenarios(), data=st.data()
)
def test_the_order_of_declarations_does_not_matter(engine: str, parts: Parts, data: st.DataObject) -> None:
    tasks, others, steps = parts
    shuffled = data.draw(st.permutations(others))
    assert to_text(trace_of((tasks, shuffled, steps), engine)) == to_text(trace_of(parts, engine))


@_many
@given(engine=st.sampled_from(["v4.0", "v4.15", "v5.5", "v6.19", "baron-v2"]), parts=scenarios())
def test_running_leaves_the_program_as_it_was(engine: str, parts: Parts) -> None:
    loaded = load_text("\n".join(line for part in parts for line in part), "random")
    before = loaded.program.world.key()
    resolved = resolve(engine)
    first = execute(loaded, resolved)
    assert loaded.program.world.key() == before
    assert execute(loaded, resolved) == first
