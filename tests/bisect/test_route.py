"""The way from one engine to another: every point is an engine, and the moves say all that happens between."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from klpdsl.bisect.route import axis_moves, mainline, returning_axes, visible, way
from klpdsl.bisect.subsets import combine, minimal_set
from klpdsl.semantics.engines import expand, resolve
from klpdsl.semantics.table import change, table

NAMES = sorted(
    {*expand("all"), *table()["proposals"], "v4.0~3", "v5.1^no-stacking", "v4.14+replace=patch+retire=flag"}
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_the_way_leads_from_one_engine_to_the_other(first: str, last: str) -> None:
    points = way(resolve(first), resolve(last))
    assert points[0].engine == resolve(first)
    assert points[-1].engine == resolve(last)
    assert points[0].moves == ()
    for before, after in itertools.pairwise(points):
        assert resolve(after.name).semantics == after.engine.semantics
        moved = {
            axis
            for move in after.moves
            for axis, _ in (change(move.change).set if move.change else ((move.setting.axis, ""),))  # type: ignore[union-attr]
        }
        assert {row.axis for row in axis_moves(before.engine.semantics, after.engine.semantics)} <= moved
        assert after.moves


@settings(max_examples=60, deadline=None)
@example("v5.1^no-stacking", "klp-always")
@given(st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_all_moves_together_make_the_other_engine(first: str, last: str) -> None:
    start, end = resolve(first), resolve(last)
    if start.semantics.system != end.semantics.system:
        return
    moves = [move for point in way(start, end) for move in point.moves]
    assert combine(start, end, moves).semantics == end.semantics


def test_along_mainline_every_change_is_a_step() -> None:
    assert way(resolve("v4.0~3"), resolve("mainline")) == mainline()
    back = way(resolve("mainline"), resolve("v4.0~3"))
    assert [point.engine for point in back] == [point.engine for point in reversed(mainline())]


def test_points_that_cannot_differ_are_left_out() -> None:
    points = visible(mainline())
    assert all(a.engine.semantics != b.engine.semantics for a, b in itertools.pairwise(points))
    assert {point.engine.semantics for point in points} == {point.engine.semantics for point in mainline()}


def test_axes_of_a_proposal_are_steps_of_their_own_unless_they_only_make_sense_together() -> None:
    titles = [[move.title for move in point.moves] for point in way(resolve("v4.13"), resolve("baron-v2"))]
    assert ["replace=patch"] in titles
    assert ["retire=flag"] in titles


def test_axes_that_only_make_sense_together_are_one_step() -> None:
    # A patch that is still registered is retired by a flag, and has no-ops since it was; a freed one has neither.
    together = ["api=register", "disabled_patch=keep", "retire=flag", "put_when=first", "nop_create=register"]
    points = way(resolve("v5.1"), resolve(f"v5.1+{'+'.join(together)}+nop_free=patched+unregister"))
    assert any(len(point.moves) > 1 for point in points)
    for point in points:
        assert resolve(point.name).semantics == point.engine.semantics


def test_an_axis_that_goes_and_comes_back() -> None:
    points = mainline()
    names = [point.name for point in points]
    stretch = points[names.index("v4.9") : names.index("v4.17") + 1]
    assert ("immediate", "v4.12@immediate-flags", "v4.16") in returning_axes(stretch)
    assert "immediate" not in {axis for axis, *_ in returning_axes(points[names.index("v4.12") :])}


def test_a_minimal_set_has_what_it_needs_and_nothing_else() -> None:
    points = way(resolve("v4.0"), resolve("mainline"))
    found = minimal_set(points, lambda engine: engine.semantics.disabled_patch == "free")
    titles = [move.title for move in found.moves]
    assert titles[-1] == "auto-free-on-disable"
    assert {move.title for move in found.needed} == set(titles[:-1])
    assert "single-call-api" in titles


@pytest.mark.parametrize(
    ("one", "other"), [("immediate-flags", "callbacks"), ("force-sysfs", "transition-notices")]
)
def test_two_that_work_only_together_are_both_found(one: str, other: str) -> None:
    points = way(resolve("v4.0"), resolve("v4.16"))
    found = minimal_set(points, lambda engine: {one, other} <= set(engine.changes))
    assert {move.title for move in found.moves if move not in found.needed} >= {one, other}
    assert all(move.title in {one, other} or move in found.needed for move in found.moves)
