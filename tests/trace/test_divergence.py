"""Where two traces part, whatever is compared of them."""

from hypothesis import given
from hypothesis import strategies as st

from klpdsl.trace.divergence import ComparedStep, first_divergence

LINES = st.lists(st.sampled_from("abc"), max_size=5).map(tuple)
STEPS = st.lists(
    st.builds(ComparedStep, st.sampled_from("12"), st.sampled_from(["tick", "load p1"]), LINES), max_size=4
)


@given(STEPS, STEPS)
def test_everything_before_is_the_same_and_that_step_is_not(
    old: list[ComparedStep[str]], new: list[ComparedStep[str]]
) -> None:
    found = first_divergence(old, new)
    assert (found is None) == (old == new)
    if found is None:
        return
    assert old[: found.position] == new[: found.position]
    assert found.before == (old[found.position] if found.position < len(old) else None)
    assert found.after == (new[found.position] if found.position < len(new) else None)
    assert found.before != found.after
    assert found.step in (found.before, found.after)
    if found.in_lines:
        assert found.before is not None
        assert found.after is not None
        assert found.after.lines[found.place : found.place + len(found.come)] == found.come
        # What is aligned before the first difference is as long in both.
        assert found.before.lines[: found.place] == found.after.lines[: found.place]
        assert found.before.lines[found.place : found.place + len(found.gone)] == found.gone


def step(*lines: str) -> ComparedStep[str]:
    return ComparedStep("1", "tick", lines)


def test_a_line_that_is_further_down_has_moved() -> None:
    found = first_divergence([step("a", "b", "c")], [step("b", "c", "a")])
    assert found is not None
    assert (found.gone, found.come, found.place, found.here, found.moved) == (("a",), (), 0, 1, True)


def test_a_line_in_place_of_another_has_not() -> None:
    found = first_divergence([step("a", "b")], [step("a", "c", "d")])
    assert found is not None
    assert (found.gone, found.come, found.place, found.here, found.moved) == (("b",), ("c", "d"), 1, 1, False)
