"""Two engines side by side on one scenario."""

from __future__ import annotations

from typing import Any, NamedTuple

from klpdsl.goldens.causes.difference import first_difference
from klpdsl.goldens.causes.responsible import Responsible, axes_between, responsible, way
from klpdsl.goldens.causes.structure import structural
from klpdsl.goldens.causes.why import Cause, Why
from klpdsl.goldens.checking.classes import Member, at
from klpdsl.goldens.reporting import check_report
from klpdsl.goldens.reporting.paint import Paint
from klpdsl.run.session import Loaded, execute
from klpdsl.semantics.engines import resolve
from klpdsl.trace.text import to_text


class EngineDiff(NamedTuple):
    """What one scenario gives on two engines, and the changes between them that it shows."""

    first: str
    second: str
    member: Member
    structure: tuple[str, ...]
    responsible: tuple[Responsible, ...]
    axes: tuple[str, ...]
    passed: int

    @property
    def same(self) -> bool:
        """Whether the traces are the same."""
        return self.member.golden == self.member.text

    def lines(self, paint: Paint) -> list[str]:
        """The comparison, for people."""
        if self.same:
            undone = ""
            if self.responsible:
                undone = f", though it changes {len(self.responsible)} times between them (klpdsl history)"
            return [f"no difference between {self.first} and {self.second}{undone}"]
        lines = [f"{paint(self.first, 'red')} and {paint(self.second, 'green')} differ, by"]
        lines += [f"  {one.sentence()}" for one in self.responsible]
        if self.member.at:
            lines.append(f"first at step {self.member.at.step}: {self.member.at.statement}")
            lines += [f"  {line}" for line in check_report.changed_lines(self.member, paint)]
        lines += ["structure:", *(f"  {line}" for line in self.structure)]
        text = check_report.text_lines(self.member, paint, limit=100_000, names=(self.first, self.second))
        return [*lines, "text:", *(f"  {line}" for line in text)]

    def as_json(self) -> dict[str, Any]:
        """The comparison, for programs."""
        return {
            "engines": [self.first, self.second],
            "same": self.same,
            "first": self.member.at._asdict() if self.member.at else None,
            "responsible": [
                {
                    "between": [one.older, one.newer],
                    "changes": list(one.changes),
                    "axes": [moved._asdict() for moved in one.axes],
                }
                for one in self.responsible
            ],
            "axes": list(self.axes),
            "structure": list(self.structure),
        }


def compare(loaded: Loaded, first: str, second: str) -> EngineDiff:
    """Run a scenario on two engines and on all between them."""
    old, new = execute(loaded, first).trace, execute(loaded, second).trace
    found = first_difference(old, new)
    place = at(Why(Cause("lineage", "", ""), "", found))
    member = Member(loaded.source, second, first, to_text(old), to_text(new), place, "")
    axes = tuple(map(str, axes_between(resolve(first), resolve(second))))
    passed = way(first, second)
    return EngineDiff(
        first,
        second,
        member,
        tuple(structural(old, new)),
        responsible(loaded, first, second),
        axes,
        len(passed),
    )
