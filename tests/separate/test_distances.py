"""How far engines are apart: the table that is kept is what a search finds, and what is said of it is no more."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from klpdsl.semantics.distances import ALIKE, UNKNOWN, Distance, distance, measured, said
from klpdsl.semantics.engines import resolve
from klpdsl.separate.measuring import measure, render, wanted
from tests.calls import call
from tests.thorough import THOROUGH

ROOT = Path(__file__).resolve().parents[2]
PAIRS = measured()
#: Those that are quickly found, another few for each day's tests would not be the same tests.
SAMPLE = [pair for pair in Random(15).sample(PAIRS, 200) if min(distance(*pair) or (0,)) > 0][:25]
UNDECIDED = [pair for pair in PAIRS if min(distance(*pair) or (0,)) <= 0]


def test_every_pair_is_measured_once() -> None:
    assert list(PAIRS) == wanted()
    assert len({frozenset(pair) for pair in PAIRS}) == len(PAIRS)
    assert all(resolve(name).name == name for pair in PAIRS for name in pair)


@pytest.mark.parametrize(("left", "right"), SAMPLE)
def test_it_is_what_a_search_finds(left: str, right: str) -> None:
    assert measure(left, right) == distance(left, right) == distance(right, left)


@pytest.mark.slow
@pytest.mark.parametrize(("left", "right"), PAIRS if THOROUGH else UNDECIDED[:3])
def test_all_of_it_is(left: str, right: str) -> None:
    assert measure(left, right) == distance(left, right)


def test_who_sees_less_sees_it_no_sooner() -> None:
    for pair in PAIRS:
        known = distance(*pair)
        assert known is not None
        steps = [one for one in known if one > 0]
        assert steps == sorted(steps), pair
        if known.full == ALIKE:
            assert known == Distance(ALIKE, ALIKE, ALIKE), pair


def test_the_words() -> None:
    assert [said(one) for one in (3, ALIKE, UNKNOWN)] == ["3", "=", "?"]
    assert render([(("a", "b"), Distance(1, UNKNOWN, ALIKE))]).endswith('\n"a b" = [1, -1, 0]\n')
    assert distance("v6.19", "kgraft") is None


NONE = "none was found over klpdsl's alphabets, and the search did not close"


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        ("v6.16", "v6.19", "v6.16 and v6.19 differ, after 2 steps ({ask})"),
        (
            "v5.2",
            "v5.3",
            (
                "v5.2 and v5.3 differ in what is logged or shown in sysfs, after 1 step ({ask} --level full); another "
                "difference: {none}"
            ),
        ),
        (
            "v5.8",
            "v5.11",
            "a difference of v5.8 and v5.11: over klpdsl's alphabets there is none of any length ({ask} --level full)",
        ),
        (
            "baron-v2",
            "baron-kobj-del",
            "a difference of baron-v2 and baron-kobj-del: {none} ({ask} --level full)",
        ),
        ("kgraft", "kgraft-early", "not known ({ask})"),
    ],
)
def test_compare_says_what_is_known_elsewhere(left: str, right: str, said: str, tmp_path: Path) -> None:
    done = call(["compare", "-c", "task t1", "-e", f"{left},{right}"], cwd=tmp_path, environment={})
    line = said.format(ask=f"klpdsl separate {left} {right}", none=NONE)
    assert done.stdout.splitlines()[-1] == f"elsewhere: {line}"


def test_compare_says_nothing_of_elsewhere_where_it_has_a_difference(tmp_path: Path) -> None:
    done = call(["compare", "-c", "apply p1", "-e", "v5.0,v5.1"], cwd=tmp_path, environment={})
    assert "elsewhere" not in done.stdout
    many = call(["compare", "-c", "task t1", "-e", "v5.0..v6.19"], cwd=tmp_path, environment={})
    assert "elsewhere" not in many.stdout
