"""Binary search with three verdicts, on a row of points of which only the two ends are known.

It knows neither kernels nor git. The order of the probes depends on nothing but the number of points, what the
probes say, and how many may run at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["good", "bad", "unknown"]


class Verdict(NamedTuple):
    """What a probe says: like the good end, like the bad end, or nothing, and then why."""

    kind: Kind
    why: str = ""


class Probe(NamedTuple):
    """A verdict at a place in the row; before it, so many points could still be it, in so many steps at most."""

    place: int
    verdict: Verdict
    candidates: int
    steps: int


class SearchResult(NamedTuple):
    """What a search found.

    The first bad point is one of `good + 1` to `bad`. There is only one, unless points between cannot be judged.
    `verdicts` are those of all points that were run, the ends included.
    """

    good: int
    bad: int
    verdicts: Mapping[int, Verdict]

    @property
    def exact(self) -> bool:
        """Whether there is only one point left."""
        return self.bad == self.good + 1

    def silent_stretches(self) -> Iterator[tuple[int, int]]:
        """Stretches of which only both ends were judged, and alike: what came and went inside was not seen."""
        judged = sorted(index for index, verdict in self.verdicts.items() if verdict.kind != "unknown")
        for first, last in pairwise(judged):
            if last > first + 1 and self.verdicts[first].kind == self.verdicts[last].kind:
                yield first, last


Judge: TypeAlias = Callable[[Sequence[int]], Iterable[Verdict]]
"""Judges several points at once; the verdicts come in the order of the points."""


def steps_left(candidates: int) -> int:
    """Return how many probes a search among so many candidates takes, if all can be judged."""
    return max(0, candidates - 1).bit_length()


def search(
    count: int,
    judge: Judge,
    *,
    width: int = 1,
    prefer: Callable[[int], bool] = lambda _: True,
    tell: Callable[[Probe], None] = lambda _: None,
) -> SearchResult:
    """Find the first bad one of `count` points, the first of which is known to be good and the last to be bad.

    `width` points are judged at a time. A point that cannot be judged is gone round, nearest to the middle first.
    Points that `prefer` names are taken instead of the middle where that costs no step more in the end.
    """
    verdicts: dict[int, Verdict] = {0: Verdict("good"), count - 1: Verdict("bad")}
    good, bad = 0, count - 1
    budget = steps_left(count - 1)
    free = range(1, count - 1)
    while chosen := _choose(good, bad, [index for index in free if index not in verdicts], width):
        if width == 1:
            most = 1 << max(0, budget - 1)
            near = range(max(good + 1, bad - most), min(bad - 1, good + most) + 1)
            offered = [index for index in near if index not in verdicts and prefer(index)]
            chosen = _choose(good, bad, offered, width) or chosen
        budget -= 1
        candidates = bad - good
        for index, verdict in zip(chosen, judge(chosen), strict=True):
            verdicts[index] = verdict
            tell(Probe(index, verdict, candidates, steps_left(candidates)))
        good, bad = _narrow(verdicts, good, bad)
    return SearchResult(good, bad, verdicts)


def _choose(good: int, bad: int, offered: Sequence[int], width: int) -> list[int]:
    """The points that cut what lies between good and bad most evenly into one part more than `width`."""
    free = [index for index in offered if good < index < bad]
    chosen: list[int] = []
    for part in range(1, width + 1):
        middle = good + (bad - good) * part // (width + 1)
        left = [index for index in free if index not in chosen]
        if left:
            chosen.append(min(left, key=lambda index: (abs(index - middle), index)))
    return sorted(chosen)


def _narrow(verdicts: Mapping[int, Verdict], good: int, bad: int) -> tuple[int, int]:
    """The first bad point, and the last good one before it."""
    judged = [index for index in sorted(verdicts) if good <= index <= bad]
    bad = next(index for index in judged if verdicts[index].kind == "bad")
    good = max(index for index in judged if index < bad and verdicts[index].kind == "good")
    return good, bad


def turns(verdicts: Mapping[int, Verdict]) -> Iterator[tuple[int, int]]:
    """Yield each pair of neighbouring judged points with different verdicts: all that `--all` has to show."""
    judged = sorted(index for index, verdict in verdicts.items() if verdict.kind != "unknown")
    for first, last in pairwise(judged):
        if verdicts[first].kind != verdicts[last].kind:
            yield first, last
