"""What many scenarios do on engines beside a base: as text, as markdown for a mail, and as JSON."""

from __future__ import annotations

import json
import re

from klpdsl.compare.corpus import Against, Apart, Corpus
from klpdsl.goldens.checking.classes import Class, Member
from klpdsl.goldens.reporting.check_report import changed_lines, several, structure_lines
from klpdsl.goldens.reporting.paint import Paint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

PLAIN = Paint()
_STRUCTURE_LINES = 10
#: How many scenarios of one way are listed, and how many are named as examples.
_LISTED = 20
_NAMED = 3


def summary(base: str, one: Against) -> str:
    """The comparison with one engine, in a line."""
    pair = f"{base} and {one.engine}"
    if not one.differences:
        return f"{pair}: no difference in {several(one.same, 'scenario')}"
    ways = f"in {several(len(one.ways), 'way')}"
    if not one.same:
        return f"{pair}: every scenario differs ({len(one.scenarios)}), {ways}"
    differ = f"{several(len(one.scenarios), 'scenario')} differ{'s' if len(one.scenarios) == 1 else ''}"
    return f"{pair}: {differ}, {ways}; no difference for the other {one.same}"


def to_text(found: Corpus, paint: Paint = PLAIN, *, brief: bool = False, verbose: bool = False) -> str:
    """Each engine with its ways to differ.

    `brief` leaves out what a specimen looks like in full; `verbose` lists every scenario, however many there are.
    """
    lines: list[str] = []
    for one in found.against:
        lines += [paint(summary(found.base, one), "bold"), ""]
        for number, way in enumerate(one.ways, 1):
            lines += [f"{number}. {paint(way.title, 'bold')}"]
            lines += [f"   {line}" for line in _way_lines(one, way, paint, brief=brief, verbose=verbose)]
            lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _way_lines(one: Against, way: Class, paint: Paint, *, brief: bool, verbose: bool) -> list[str]:
    specimen = way.specimen
    lines = [
        f"class {paint(way.id, 'cyan')}, {several(len(way.members), 'scenario')}",
        f"why: {specimen.cause_text}",
    ]
    if not brief:
        lines += _specimen_lines(specimen, paint)
    lines += [paint(line, "red") for line in _consequences(one.of(way))]
    names = way.scenarios
    if verbose or len(names) <= _LISTED:
        return [*lines, *names]
    return [*lines, *names[: _LISTED - 1], f"… and {len(names) - _LISTED + 1} more (--verbose)"]


def _specimen_lines(member: Member, paint: Paint) -> list[str]:
    """One scenario: where it first differs, what follows, and the structure of the whole difference."""
    at = member.at
    if at is None:
        return [member.scenario]
    lines = [f"{member.scenario}:{at.line}, first at step {at.step}: {at.statement}"]
    lines += [f"  {line}" for line in changed_lines(member, paint)]
    follow = []
    if at.here:
        follow.append(f"{several(at.here, 'more line')} of this step")
    if at.later:
        follow.append(several(at.later, "later step"))
    if follow:
        lines.append(f"  what follows it: {' and '.join(follow)} differ too")
    structure = structure_lines(member)
    lines += ["  structure:", *(f"    {line}" for line in structure[:_STRUCTURE_LINES])]
    if len(structure) > _STRUCTURE_LINES:
        lines.append(f"    … and {len(structure) - _STRUCTURE_LINES} more")
    return lines


def _consequences(differences: Iterable[Apart]) -> list[str]:
    """What follows for whoever uses it: steps that end otherwise, what is violated on one side alone, what fails."""
    found: dict[str, list[str]] = {}
    for one in differences:
        told = [
            f"a step that ended with {old or 'nothing'} ends with {new or 'nothing'}" for old, new in one.ends
        ]
        told += [f"violates {name}" for name in one.violations]
        told += [f"no longer violates {name}" for name in one.cured]
        told += ["fails an expectation"] if one.broken else []
        for what in dict.fromkeys(told):
            found.setdefault(what, []).append(one.member.scenario)
    return [
        f"{what}: {several(len(files), 'scenario')} ({_some(files)})"
        for what, files in sorted(found.items(), key=lambda one: (-len(one[1]), one[0]))
    ]


def _some(files: list[str]) -> str:
    return ", ".join(files) if len(files) <= _NAMED else f"{', '.join(files[:_NAMED])}, …"


# --- for a mail -------------------------------------------------------------------------------------------------


def to_markdown(found: Corpus) -> str:
    """The same with markdown: a heading for each engine, a numbered way, what changes first, the scenarios."""
    blocks: list[str] = []
    for one in found.against:
        blocks.append(f"**{_plain(summary(found.base, one))}**")
        for number, way in enumerate(one.ways, 1):
            blocks += _way_blocks(one, way, number)
    return "\n\n".join(blocks) + "\n"


def _way_blocks(one: Against, way: Class, number: int) -> list[str]:
    specimen = way.specimen
    where = f", as in {_code(specimen.scenario)}"
    if specimen.at:
        where += f", step {specimen.at.step} ({_code(specimen.at.statement)})"
    blocks = [f"{number}. {_code(way.title)}{where}: {_plain(specimen.cause_text)}"]
    changed = changed_lines(specimen, PLAIN)
    if changed:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", "\n".join(changed))), default=0))
        blocks.append("\n".join(f"   {line}" for line in (f"{fence}diff", *changed, fence)))
    blocks += [f"   - {_plain(line)}" for line in _consequences(one.of(way))]
    listed = [_code(name) for name in way.scenarios[:_LISTED]]
    more = f" and {len(way.scenarios) - _LISTED} more" if len(way.scenarios) > _LISTED else ""
    blocks.append(f"   {several(len(way.scenarios), 'scenario')}: {', '.join(listed)}{more}")
    return blocks


def _code(text: str) -> str:
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    edge = " " if "`" in text else ""
    return f"{fence}{edge}{text}{edge}{fence}"


def _plain(text: str) -> str:
    """A text whose signs are no markup."""
    return re.sub(r"([\\`*_<\[\]|])", r"\\\1", text)


# --- for programs -----------------------------------------------------------------------------------------------


def to_json(found: Corpus, asked: Mapping[str, tuple[str, ...]]) -> str:
    """One object: the base, and for each engine its ways, with the files of each; `asked`: the names used."""
    value = {
        "base": found.base,
        "scenarios": found.ran,
        "errors": list(found.errors),
        "asked": {name: list(names) for name, names in asked.items() if names != (name,)},
        "engines": [
            {
                "engine": one.engine,
                "differ": len(one.scenarios),
                "same": one.same,
                "ways": [_way_record(one, way) for way in one.ways],
            }
            for one in found.against
        ],
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _way_record(one: Against, way: Class) -> dict[str, Any]:
    return {
        "class": way.id,
        "shape": way.shape,
        "cause": {"label": way.cause.label, "text": way.cause.text, "axes": list(way.cause.axes)},
        "scenarios": [
            {
                "file": found.member.scenario,
                "first": found.member.at._asdict() if found.member.at else None,
                "ends": [list(pair) for pair in found.ends],
                "violates": list(found.violations),
                "cures": list(found.cured),
                "fails": list(found.broken),
            }
            for found in one.of(way)
        ],
    }
