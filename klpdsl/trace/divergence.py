"""Where two traces part: found in one way, whatever of them is compared.

Steps are held against each other by their place, and the lines of a step are aligned; the first group of lines that one
has and the other has not is where they part. What a line is, is the caller's: a typed event, the text of one (a trace
of another revision of klpdsl may hold events that this one does not know), what of it a real kernel can show.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Generic, NamedTuple, TypeVar

Line = TypeVar("Line", bound=Hashable)


class ComparedStep(NamedTuple, Generic[Line]):
    """What is compared of a step: its number, its statement, and its lines in their order."""

    number: str
    statement: str
    lines: tuple[Line, ...]


class Divergence(NamedTuple, Generic[Line]):
    """The first place at which two traces differ: the step at `position`, counted from 0.

    `before` and `after` are the step in both; one of them is None where a trace has ended. `gone` and `come` are the
    first lines that only one of them has; both are empty where the statements differ, or a step is missing. `place` is
    where `come` begins (or would) among the lines of `after`; `here` counts the other lines of the step that differ.
    """

    position: int
    before: ComparedStep[Line] | None
    after: ComparedStep[Line] | None
    gone: tuple[Line, ...] = ()
    come: tuple[Line, ...] = ()
    place: int = 0
    here: int = 0

    @property
    def step(self) -> ComparedStep[Line]:
        """The step: the first trace's, or the other's if the first has ended."""
        step = self.before or self.after
        assert step is not None
        return step

    @property
    def in_lines(self) -> bool:
        """Whether both traces have the step, with the same statement: it is lines that differ."""
        return bool(self.gone or self.come)

    @property
    def moved(self) -> bool:
        """Whether only one has lines there, and the other has the first of them too, further down in the step."""
        if self.before is None or self.after is None or not self.in_lines:
            return False
        return (not self.come and self.gone[0] in self.after.lines) or (
            not self.gone and self.come[0] in self.before.lines
        )


def first_divergence(
    old: Iterable[ComparedStep[Line]], new: Iterable[ComparedStep[Line]]
) -> Divergence[Line] | None:
    """Return where the second trace leaves the first; None when they say the same."""
    for index, (before, after) in enumerate(zip_longest(old, new)):
        if before == after:
            continue
        if before is None or after is None or before[:2] != after[:2]:
            return Divergence(index, before, after)
        return _in_lines(index, before, after)
    return None


def _in_lines(index: int, before: ComparedStep[Line], after: ComparedStep[Line]) -> Divergence[Line]:
    matcher = SequenceMatcher(None, before.lines, after.lines, autojunk=False)
    hunks = [op for op in matcher.get_opcodes() if op[0] != "equal"]
    _, i1, i2, j1, j2 = hunks[0]
    lines = sum(max(op[2] - op[1], op[4] - op[3]) for op in hunks)
    return Divergence(index, before, after, before.lines[i1:i2], after.lines[j1:j2], j1, lines - 1)
