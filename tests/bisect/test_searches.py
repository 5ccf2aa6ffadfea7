"""The searches by themselves: binary search with three verdicts, and delta debugging."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klpdsl.bisect.ddmin import ddmin
from klpdsl.bisect.search import Kind, Probe, SearchResult, Verdict, search, steps_left, turns


def run(truth: Sequence[Kind], width: int = 1) -> tuple[SearchResult, list[int]]:
    """Search a row of which only the search does not know the verdicts; return also what it asked for, in order."""
    asked: list[int] = []

    def judge(indices: Sequence[int]) -> list[Verdict]:
        asked.extend(indices)
        return [Verdict(truth[index]) for index in indices]

    return search(len(truth), judge, width=width), asked


def _row(good: int, bad: int) -> list[Kind]:
    kinds: list[Kind] = ["good"]
    kinds *= good
    kinds += ("bad" for _ in range(bad))
    return kinds


@given(count=st.integers(2, 300), data=st.data())
def test_the_first_bad_one_is_found_in_the_fewest_probes(count: int, data: st.DataObject) -> None:
    first_bad = data.draw(st.integers(1, count - 1))
    outcome, asked = run(_row(first_bad, count - first_bad))
    assert (outcome.good, outcome.bad) == (first_bad - 1, first_bad)
    assert len(asked) <= steps_left(count - 1)
    assert len(set(asked)) == len(asked)


@given(count=st.integers(2, 60), data=st.data(), width=st.integers(1, 4))
def test_the_first_bad_one_is_in_the_range_whatever_cannot_be_judged(
    count: int, data: st.DataObject, width: int
) -> None:
    first_bad = data.draw(st.integers(1, count - 1))
    truth: list[Kind] = _row(first_bad, count - first_bad)
    for index in data.draw(st.sets(st.integers(1, count - 2))) if count > 2 else ():
        truth[index] = "unknown"
    outcome, asked = run(truth, width)
    assert outcome.good < first_bad <= outcome.bad
    # Whatever is left in between was asked, and nobody could tell.
    assert all(truth[index] == "unknown" and index in asked for index in range(outcome.good + 1, outcome.bad))


def test_the_order_of_the_probes_is_fixed() -> None:
    truth: list[Kind] = _row(11, 6)
    truth[8] = truth[7] = "unknown"
    assert run(truth)[1] == [8, 7, 9, 12, 10, 11]
    assert run(truth, width=3)[1] == [4, 8, 12, 6, 7, 10, 11]


@given(count=st.integers(2, 200), data=st.data())
def test_preferred_points_are_probed_where_that_costs_nothing(count: int, data: st.DataObject) -> None:
    first_bad = data.draw(st.integers(1, count - 1))
    preferred = data.draw(st.sets(st.integers(0, count - 1)))
    truth: list[Kind] = _row(first_bad, count - first_bad)
    probed: list[int] = []

    def judge(indices: Sequence[int]) -> list[Verdict]:
        probed.extend(indices)
        return [Verdict(truth[index]) for index in indices]

    outcome = search(count, judge, prefer=preferred.__contains__)
    assert outcome.bad == first_bad
    assert len(probed) <= steps_left(count - 1)


def test_a_point_beside_the_middle_is_taken_when_it_is_preferred() -> None:
    probed: list[int] = []

    def judge(indices: Sequence[int]) -> list[Verdict]:
        probed.extend(indices)
        return [Verdict("bad") for _ in indices]

    # 60 changes, six steps: either side may hold 32 of them.
    search(61, judge, prefer=lambda index: index in (31, 33))
    assert probed[0] == 31


def test_what_is_left_is_said_before_each_probe() -> None:
    told: list[Probe] = []
    truth: list[Kind] = ["good", "good", "good", "bad", "bad", "bad", "bad", "bad", "bad"]
    search(len(truth), lambda indices: [Verdict(truth[index]) for index in indices], tell=told.append)
    assert [(probe.place, probe.candidates, probe.steps) for probe in told] == [
        (4, 8, 3),
        (2, 4, 2),
        (3, 2, 1),
    ]


def test_a_stretch_is_silent_when_only_its_equal_ends_were_run() -> None:
    kinds: dict[int, Kind] = {0: "good", 4: "good", 5: "bad", 6: "bad", 9: "bad"}
    outcome = SearchResult(4, 5, {index: Verdict(kind) for index, kind in kinds.items()})
    assert list(outcome.silent_stretches()) == [(0, 4), (6, 9)]


def test_every_turn_is_told_and_unknown_ones_are_passed_over() -> None:
    kinds: list[Kind] = ["good", "unknown", "bad", "bad", "good", "unknown", "good"]
    assert list(turns({i: Verdict(kind) for i, kind in enumerate(kinds)})) == [(0, 2), (3, 4)]


@given(parts=st.lists(st.integers(), unique=True, max_size=40), data=st.data())
def test_ddmin_finds_exactly_the_parts_that_matter(parts: list[int], data: st.DataObject) -> None:
    matter = set(data.draw(st.lists(st.sampled_from(parts), max_size=5))) if parts else set()
    assert ddmin(parts, lambda kept: matter <= set(kept)) == [part for part in parts if part in matter]


def test_ddmin_leaves_no_single_part_that_could_go() -> None:
    # Either 2 and 17, or 30 alone: what is found depends on the order, but nothing more can be left out of it.
    def holds(kept: list[int]) -> bool:
        return {2, 17} <= set(kept) or 30 in kept

    found = ddmin(range(40), holds)
    assert holds(found)
    assert not any(holds([other for other in found if other != part]) for part in found)


@pytest.mark.parametrize(
    ("candidates", "steps"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (61, 6), (64, 6), (65, 7)]
)
def test_steps_left(candidates: int, steps: int) -> None:
    assert steps_left(candidates) == steps
