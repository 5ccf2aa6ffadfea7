"""Where a run stands, as data: what may come next in `choose` and `interleave`."""

from __future__ import annotations

from klpdsl.run.flow import MAIN, Flow, Position
from klpdsl.run.session import execute, load_text
from klpdsl.syntax.wording import format_statement


def flow_of(text: str) -> Flow:
    return Flow(load_text(text, "test").program.statements)


def orders(flow: Flow, place: Position | None = None) -> list[list[str]]:
    """Every way through, as the statements in their order."""
    place = flow.start if place is None else place
    found: list[list[str]] = [[]] if flow.may_end(place) else []
    for move in flow.moves(place):
        leaf = flow.leaf(move.node)
        said = [format_statement(leaf.statement), *map(format_statement, leaf.checks)]
        found += [[*said, *rest] for rest in orders(flow, move.after)]
    return found


def test_branches_go_on_behind_the_choice() -> None:
    flow = flow_of("choose { reverse } or { } or { tick; settle }; show")
    assert sorted(orders(flow)) == [["reverse", "show"], ["show"], ["tick", "settle", "show"]]


def test_threads_take_turns_in_every_way() -> None:
    flow = flow_of("interleave { operator { reverse; tick }; t1 { call f; return } }; settle")
    found = orders(flow)
    assert len(found) == 6
    assert len({tuple(order) for order in found}) == 6
    assert all(order[-1] == "settle" and len(order) == 5 for order in found)


def test_what_is_expected_belongs_to_the_step_before_it() -> None:
    flow = flow_of("interleave { operator { reverse; expect transition = none }; t1 { call f } }")
    assert sorted(orders(flow)) == [
        ["reverse", "expect transition = none", "t1: call f"],
        ["t1: call f", "reverse", "expect transition = none"],
    ]


def test_threads_that_may_be_over_lead_on() -> None:
    flow = flow_of(
        "interleave { operator { choose { } or { tick } }; t1 { } }; interleave { t2 { } }; settle"
    )
    assert sorted(orders(flow)) == [["settle"], ["tick", "settle"]]


def test_an_empty_program_is_over() -> None:
    flow = flow_of("task t1")
    assert flow.moves(flow.start) == ()
    assert flow.may_end(flow.start)


def test_thousands_of_choices_in_a_row() -> None:
    flow = flow_of("\n".join(["choose { } or { tick }"] * 3000))
    assert len(flow.moves(flow.start)) == 3000
    assert all(move.thread == MAIN for move in flow.moves(flow.start))
    flow = flow_of("\n".join(["interleave { t1 { } }"] * 3000))
    assert flow.may_end(flow.start)


def test_a_plain_run_lets_who_waits_for_the_mutex_wait() -> None:
    text = (
        "task t1 in f; patch p1 { f }; apply p1; t1: return; t1: enter f; tick\n"
        "interleave { operator { disable p1 }; t1 { continue; return } }"
    )
    steps = [
        (step.text, step.result and step.result.value)
        for step in execute(load_text(text, "t"), "v4.14").trace.steps
    ]
    assert steps[-3:] == [("t1: continue", "0"), ("disable p1", "0"), ("t1: return", "0")]
