"""A refusal that the log does not explain carries its reason, and so does a success that leaves a task in old code."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klpdsl.run.session import execute, load_text
from klpdsl.semantics.engines import expand
from klpdsl.semantics.points import points
from klpdsl.trace.events import Log, StepTrace, Trace
from klpdsl.trace.reading import from_text
from tests.engine.scenarios import scenarios

ENGINES = (*points(), *expand("proposals,systems"))

Parts = tuple[list[str], list[str], list[str]]

ROOT = Path(__file__).resolve().parents[2]


def unexplained(trace: Trace) -> list[StepTrace]:
    """The refused steps that have neither a line of the log that complains nor a reason."""
    return [
        step
        for step in trace.steps
        if step.result is not None
        and step.result.value != "0"
        and not step.result.reason
        and not any(isinstance(event, Log) and event.level in ("warn", "err") for event in step.events)
    ]


def test_the_corpus_says_why_everything_is_refused() -> None:
    goldens = list((ROOT / "goldens").rglob("*.trace"))
    assert len(goldens) > 1000
    wrong = [(path.name, step.text) for path in goldens for step in unexplained(from_text(path.read_text()))]
    assert not wrong


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(engine=st.sampled_from(ENGINES), parts=scenarios())
def test_no_scenario_is_refused_without_a_word(engine: str, parts: Parts) -> None:
    text = "\n".join(line for part in parts for line in part)
    assert not unexplained(execute(load_text(text, "random"), engine).trace)


def last_result(text: str, engine: str) -> str:
    result = execute(load_text(text, "test"), engine).trace.steps[-1].result
    assert result is not None
    return f"{result.value} ({result.reason})"


INSIDE = "task t1 in f; load p1{} {{ f{} }}; enable p1"


@pytest.mark.parametrize(
    ("engine", "text", "why"),
    [
        ("v4.0", INSIDE.format("", ""), "nothing waits for tasks"),
        ("v4.12", INSIDE.format(" immediate", ""), "'p1' is immediate"),
        ("v4.12", INSIDE.format("", " immediate"), "'p1' has f immediate"),
        ("v6.12", "task t1 in f; apply p1 { f }; force; tick", "it was forced"),
        ("v6.12", "task t1; t1: call f, exit slowly; apply p1 { f }", "it has left the task list"),
        ("kgraft", "task t1 in f; load p1 { f }; force; tick 2", "it was forced"),
        ("kgraft", "kthread t1 in f; load p1 { f }; t1: resched; tick 2", "it has passed a safe point"),
        ("kpatch-core", "task t1 in f; load p1 { f immediate }", "'p1' has f forced"),
    ],
)
def test_why_it_completed_although_a_task_is_inside(engine: str, text: str, why: str) -> None:
    assert last_result(text, engine) == f"0 (t1 is still inside vmlinux f of original: {why})"


def test_nobody_is_surprised_where_nobody_is_inside() -> None:
    assert last_result("task t1 in g; apply p1 { f }", "v6.12") == "0 ()"


def test_many_surprises_are_counted() -> None:
    tasks = "; ".join(f"task t{n} in f" for n in range(1, 6))
    assert last_result(f"{tasks}; load p1 {{ f }}; enable p1", "v4.0").endswith("; and 2 more)")
