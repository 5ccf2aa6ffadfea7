"""Classes of differences: same cause, same shape. What is to be understood is a class; a golden is only a member."""

from __future__ import annotations

from collections import Counter

from klpdsl.goldens.checking.findings import ScenarioReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NamedTuple

    from klpdsl.goldens.causes.why import Cause, Why
else:
    from klpdsl._records import NamedTuple

#: How many of a class's unusual members are shown.
ODD = 3


class At(NamedTuple):
    """The place where a run leaves its golden, as text: what a report shows of a FirstDifference."""

    kind: str
    step: int
    line: int
    statement: str
    old: str
    new: str
    here: int
    later: int


class Member(NamedTuple):
    """One scenario on one engine that differs from its golden, or has none (`golden` is None).

    `blocked` says why it cannot be accepted: what of the author's intent does not hold. `violations` are the
    violations that nobody expects; they block it as well unless somebody says that they are right.
    """

    scenario: str
    engine: str
    golden_engine: str
    golden: str | None
    text: str
    at: At | None
    cause_text: str
    blocked: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()

    @property
    def variant(self) -> tuple[str, str]:
        """What distinguishes members of one class: the very words of the first line that differs."""
        return (self.at.old, self.at.new) if self.at else ("", "")


class Class(NamedTuple):
    """Differences of one cause and shape."""

    id: str
    cause: Cause
    shape: str
    members: tuple[Member, ...]

    @property
    def alters(self) -> bool:
        """Whether a golden that exists would be another."""
        return any(member.golden is not None for member in self.members)

    @property
    def scenarios(self) -> tuple[str, ...]:
        """The scenarios of the members, sorted."""
        return tuple(sorted({member.scenario for member in self.members}))

    @property
    def specimen(self) -> Member:
        """The member that shows it with the least around it, of the most common variant."""
        common = Counter(member.variant for member in self.members).most_common(1)[0][0]
        fitting = (member for member in self.members if member.variant == common)
        return min(fitting, key=lambda member: (len(member.text), member.scenario))

    @property
    def odd(self) -> tuple[Member, ...]:
        """One member of each of the rarest other variants."""
        counted = Counter(member.variant for member in self.members)
        usual = self.specimen.variant
        first = {member.variant: member for member in reversed(self.members)}
        rare = sorted((n, variant) for variant, n in counted.items() if variant != usual)
        return tuple(first[variant] for _, variant in rare[:ODD])

    @property
    def blocked(self) -> tuple[Member, ...]:
        """The members that cannot be accepted."""
        return tuple(member for member in self.members if member.blocked)

    @property
    def title(self) -> str:
        """The class in one line."""
        if self.cause.kind == "new":
            return "no golden yet"
        return f"{self.cause.label}: {self.shape}"

    def engines_by_scenario(self) -> dict[str, list[str]]:
        """The members, as reports list them."""
        listed: dict[str, list[str]] = {}
        for member in self.members:
            listed.setdefault(member.scenario, []).append(member.engine)
        return listed


def at(why: Why) -> At | None:
    """The place of a difference, as text."""
    from klpdsl.goldens.causes.difference import shown

    found = why.first
    if found is None:
        return None
    old = f"step `{found.text}`" if found.kind == "statement" and found.text else shown(found.old)
    new = f"step `{found.statement}`" if found.kind == "statement" and found.statement else shown(found.new)
    return At(found.kind, found.step, found.line, found.statement, old, new, found.here, found.later)


def group(members: Iterable[tuple[str, Cause, str, Member]]) -> tuple[Class, ...]:
    """Classes of members given as (class id, cause, shape, member): what alters goldens first, the largest first."""
    found: dict[str, tuple[Cause, str, list[Member]]] = {}
    for class_id, cause, form, member in members:
        found.setdefault(class_id, (cause, form, []))[2].append(member)
    classes = [Class(id_, cause, form, tuple(listed)) for id_, (cause, form, listed) in found.items()]
    return tuple(sorted(classes, key=lambda one: (not one.alters, -len(one.members), one.id)))


def from_reports(reports: Iterable[ScenarioReport]) -> tuple[Class, ...]:
    """The classes of what a check has found."""
    return group(
        (case.why.class_id, case.why.cause, case.why.shape, member_of(report, index))
        for report in reports
        for index, case in enumerate(report.cases)
        if case.why is not None
    )


def member_of(report: ScenarioReport, index: int) -> Member:
    """One of a report's cases, as member of its class."""
    case = report.cases[index]
    assert case.why is not None, "a case that is as its golden says belongs to no class"
    return Member(
        report.name,
        case.engine,
        case.golden_engine,
        case.golden,
        case.run.text,
        at(case.why),
        case.why.cause.text,
        case.run.broken,
        case.surprising,
    )
