"""What a check has found, for people: each class with its cause first, then the structure, then the text."""

from __future__ import annotations

from klpdsl.goldens.checking.classes import Class, Member
from klpdsl.goldens.checking.findings import ScenarioReport
from klpdsl.goldens.checking.inventory import Inventory
from klpdsl.goldens.reporting.paint import Paint
from klpdsl.goldens.suite import SUFFIX, Suite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple

PLAIN = Paint()
_TEXT_LINES = 24
_STRUCTURE_LINES = 10
_NAMES = 12


class Summary(NamedTuple):
    """A finished check: the reports, the classes of their differences, and what lies about below goldens/.

    `inventory` is None when only a part of the suite was looked at. `notes` are other things to be tidied up,
    `unkept` says why what differs is not left pending, `damaged` are files that are not what they should be.
    """

    suite: Suite
    reports: tuple[ScenarioReport, ...]
    classes: tuple[Class, ...]
    inventory: Inventory | None
    notes: tuple[str, ...]
    engines: int
    seconds: float
    unkept: str = ""
    damaged: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """The numbers that prove that the suite ran."""
        cases = [case for report in self.reports for case in report.cases]
        return {
            "scenarios": len(self.reports) - len(self.claims),
            "claims": len(self.claims),
            "runs": sum(report.runs for report in self.reports),
            "engines": self.engines,
            "differ": sum(not case.matches and case.golden is not None for case in cases),
            "new": sum(case.golden is None for case in cases),
            "failed": sum(bool(case.run.broken) for case in cases),
            "errors": sum(bool(report.error) for report in self.reports),
            "conflicts": len(self.inventory.conflicts) if self.inventory else 0,
            "housekeeping": len(self.housekeeping()),
            "cached": sum(report.cached for report in self.reports),
        }

    @property
    def claims(self) -> tuple[str, ...]:
        """The scenarios that are claims about every order: nothing of them is looked at here."""
        return tuple(one.name for one in self.reports if not one.engines and not one.error)

    def housekeeping(self) -> list[str]:
        """What is to be tidied up, one sentence each."""
        found = []
        for report in self.reports:
            for word, engines in (
                ("says what its ancestor's says", report.redundant),
                ("is for an engine that the scenario is not meant for", report.unmeant),
            ):
                if engines:
                    plural = "golden" if len(engines) == 1 else "goldens"
                    found.append(
                        f"{report.name}: the {plural} for {', '.join(engines)} {word} (klpdsl prune)"
                    )
        if self.inventory:
            for one in self.inventory.orphans:
                hint = f"; it seems to be {one.renamed} now" if one.renamed else ""
                found.append(f"goldens/{one.name}/: goldens without a scenario{hint} (klpdsl prune)")
            found += [
                f"{self.suite.relative(path)}: no golden (klpdsl prune)" for path in self.inventory.stray
            ]
        return [*found, *self.notes]

    @property
    def code(self) -> int:
        """The exit code."""
        counts = self.counts
        if counts["errors"] or self.damaged:
            return 2
        if counts["differ"] or counts["new"] or counts["failed"] or counts["conflicts"]:
            return 1
        return 3 if counts["housekeeping"] else 0


def counts_line(summary: Summary) -> str:
    """The last line of every check."""
    n = summary.counts
    ran = f"{n['scenarios']} scenarios, {n['runs']} runs on {n['engines']} engines"
    if n["claims"]:
        ran += f" (and {n['claims']} claim{'s' if n['claims'] > 1 else ''}, for klpdsl verify --kept)"
    cached = f", {n['cached']} scenarios from the cache" if n["cached"] else ""
    parts = [f"{n['differ']} differ from their golden"]
    if n["new"]:
        parts.append(f"{n['new']} have no golden")
    parts.append(f"{n['failed']} fail an expectation")
    if n["errors"]:
        parts.append(f"{n['errors']} scenarios cannot run")
    if n["conflicts"]:
        parts.append(f"{n['conflicts']} files are in conflict")
    if n["housekeeping"]:
        parts.append(f"{n['housekeeping']} to be tidied up")
    if len(summary.classes) and n["differ"] + n["new"]:
        word = "class" if len(summary.classes) == 1 else "classes"
        parts[0] += (
            f" (with those that have none: {len(summary.classes)} {word})"
            if n["new"]
            else (f" ({len(summary.classes)} {word})")
        )
    return f"{ran}: {', '.join(parts)}  [{summary.seconds:.1f} s{cached}]"


def text(summary: Summary, paint: Paint = PLAIN, *, verbose: bool = False) -> str:
    """The whole report."""
    lines: list[str] = []
    for report in summary.reports:
        if report.error:
            lines += [report.error, ""]
    if summary.inventory:
        lines += [
            f"{path}: git holds this for unmerged (resolve it; klpdsl accept recomputes a golden)"
            for path in summary.inventory.conflicts
        ]
    for number, one in enumerate(summary.classes, 1):
        lines += [*class_lines(one, number, paint, verbose=verbose), ""]
    lines += failures(summary.reports, paint)
    lines += summary.damaged
    lines += summary.housekeeping()
    lines.append(counts_line(summary))
    return "\n".join(lines) + "\n"


def failures(reports: Iterable[ScenarioReport], paint: Paint) -> list[str]:
    """What of the authors' intent does not hold, told once where several engines agree."""
    lines = []
    for report in reports:
        told: dict[str, list[str]] = {}
        for case in report.cases:
            for what in (
                *case.run.broken,
                *(f"violation of {name}, which nobody expects" for name in case.surprising),
            ):
                told.setdefault(what, []).append(case.engine)
        lines += [
            f"{paint(report.name, 'bold')} on {_listed(engines)}: {paint(what, 'red')}"
            for what, engines in told.items()
        ]
    return lines


def class_lines(
    one: Class, number: int, paint: Paint, *, verbose: bool = False, text: bool = True
) -> list[str]:
    """A class: its title and count, the cause, a specimen, the odd ones out, all members."""
    members = len(one.members)
    count = f"{several(members, 'run')} of {several(len(one.scenarios), 'scenario')}"
    lines = [f"{number}. {paint(one.title, 'bold')}", f"   class {paint(one.id, 'cyan')}, {count}"]
    if one.cause.kind == "new":
        lines += _members(one, paint, verbose=verbose)
        return lines
    specimen = one.specimen
    lines.append(f"   why: {specimen.cause_text}")
    lines += [f"   {line}" for line in specimen_lines(specimen, paint, text=text)]
    if one.odd:
        lines.append("   not quite the same:")
        for member in one.odd:
            lines.append(
                f"     {member.scenario} on {member.engine}, step {member.at.step if member.at else '?'}:"
            )
            lines += [f"       {line}" for line in changed_lines(member, paint)]
    lines += _members(one, paint, verbose=verbose)
    return lines


def _members(one: Class, paint: Paint, *, verbose: bool) -> list[str]:
    listed = list(one.engines_by_scenario().items())
    lines = [f"   {name}: {' '.join(engines)}" for name, engines in listed]
    if one.blocked:
        lines.append(paint(f"   {len(one.blocked)} of them fail an expectation: not to be accepted", "red"))
    return (
        lines
        if verbose or len(lines) <= 60
        else [*lines[:58], f"   … and {len(lines) - 58} more (--verbose)"]
    )


def changed_lines(member: Member, paint: Paint) -> list[str]:
    """The first line that differs, as it was and as it is."""
    if member.at is None:
        return []
    old, new = (
        paint.pair(member.at.old, member.at.new)
        if member.at.old and member.at.new
        else (
            paint(member.at.old, "red"),
            paint(member.at.new, "green"),
        )
    )
    return [
        *([f"{paint('-', 'red')} {old}"] if member.at.old else []),
        *([f"{paint('+', 'green')} {new}"] if member.at.new else []),
    ]


def specimen_lines(member: Member, paint: Paint, *, text: bool = True) -> list[str]:
    """One member in full: the first event that diverges, what follows, the structural difference, the text."""
    path = f"scenarios/{member.scenario}{SUFFIX}"
    at = member.at
    golden = f"the golden of {member.golden_engine}"
    if at is None:
        return [f"{path} on {member.engine} ({golden})", *text_lines(member, paint)]
    place = f"{path}:{at.line}" if at.line else path
    lines = [f"{place} on {member.engine} ({golden})"]
    lines.append(f"  first at step {at.step}: {at.statement}")
    lines += [f"    {line}" for line in changed_lines(member, paint)]
    follow = []
    if at.here:
        follow.append(f"{at.here} more line{'s' if at.here > 1 else ''} of this step")
    if at.later:
        follow.append(f"{at.later} later step{'s' if at.later > 1 else ''}")
    if follow:
        lines.append(f"  what follows it: {' and '.join(follow)} differ too")
    structure = structure_lines(member)
    lines.append("  structure:")
    lines += [f"    {line}" for line in structure[:_STRUCTURE_LINES]]
    if len(structure) > _STRUCTURE_LINES:
        lines.append(f"    … and {len(structure) - _STRUCTURE_LINES} more")
    if text:
        lines.append("  text:")
        lines += [f"    {line}" for line in text_lines(member, paint)]
    return lines


def structure_lines(member: Member) -> list[str]:
    """The structural difference of a member's golden and run."""
    from klpdsl.goldens.causes.structure import structural
    from klpdsl.trace.reading import TraceError, from_text

    if member.golden is None:
        return []
    try:
        return structural(from_text(member.golden), from_text(member.text))
    except TraceError as error:
        return [f"the golden is no trace: {error}"]


def text_lines(
    member: Member, paint: Paint, limit: int = _TEXT_LINES, names: tuple[str, str] = ("golden", "this run")
) -> list[str]:
    """The difference of the texts, with the words that changed emphasised."""
    import difflib

    old = (member.golden or "").splitlines()
    new = member.text.splitlines()
    lines = list(difflib.unified_diff(old, new, *names, lineterm="", n=2))
    painted: list[str] = []
    index = 0
    while index < len(lines):
        line = lines[index]
        following = lines[index + 1] if index + 1 < len(lines) else ""
        before = lines[index - 1] if index else ""
        single = line.startswith("-") and following.startswith("+") and not before.startswith("-")
        if (
            single
            and not line.startswith("---")
            and not (lines[index + 2 : index + 3] or [""])[0].startswith("+")
        ):
            left, right = paint.pair(line[1:], following[1:])
            painted += [paint("-", "red") + left, paint("+", "green") + right]
            index += 2
            continue
        style = {"-": ("red",), "+": ("green",), "@": ("cyan",)}.get(line[:1], ())
        painted.append(paint(line, *style))
        index += 1
    return painted if len(painted) <= limit else [*painted[:limit], f"… {len(painted) - limit} more lines"]


def several(number: int, what: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _listed(names: list[str]) -> str:
    if len(names) <= _NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: _NAMES - 1])} and {len(names) - _NAMES + 1} more"
