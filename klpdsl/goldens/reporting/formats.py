"""What a check has found, for programs: JSON, GitHub's annotations, JUnit XML, Markdown, and the review bundle."""

from __future__ import annotations

import json
import os
import re
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from klpdsl._checkout import SCENARIOS
from klpdsl._output import visible
from klpdsl.goldens.checking.classes import Class
from klpdsl.goldens.checking.findings import Case, ScenarioReport
from klpdsl.goldens.deciding import pending
from klpdsl.goldens.reporting.check_report import (
    PLAIN,
    Summary,
    counts_line,
    several,
    specimen_lines,
    structure_lines,
    text_lines,
)
from klpdsl.goldens.reporting.paint import Paint
from klpdsl.goldens.runs.cases import code_digest
from klpdsl.goldens.suite import SUFFIX

#: What XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MEMBERS = 30


# --- JSON -----------------------------------------------------------------------------------------------------


def json_text(summary: Summary) -> str:
    """Everything, as one JSON object."""
    return json.dumps(as_json(summary), ensure_ascii=False, indent=2) + "\n"


def as_json(summary: Summary) -> dict[str, Any]:
    """Everything, as plain values."""
    return {
        "version": 1,
        "exit_code": summary.code,
        "counts": summary.counts,
        "classes": [_class(one) for one in summary.classes],
        "failures": [
            {
                "scenario": report.name,
                "engine": case.engine,
                "failed": list(case.run.broken),
                "violations": list(case.surprising),
            }
            for report in summary.reports
            for case in report.cases
            if case.run.broken or case.surprising
        ],
        "errors": [
            {"scenario": report.name, "line": report.line, "text": report.error}
            for report in summary.reports
            if report.error
        ],
        "conflicts": list(summary.inventory.conflicts) if summary.inventory else [],
        "damaged": list(summary.damaged),
        "housekeeping": summary.housekeeping(),
    }


def _class(one: Class) -> dict[str, Any]:
    specimen = one.specimen
    cause = one.cause
    return {
        "id": one.id,
        "cause": {**cause._asdict(), "axes": list(cause.axes), "text": specimen.cause_text},
        "shape": one.shape,
        "alters": one.alters,
        "specimen": {
            "scenario": specimen.scenario,
            "engine": specimen.engine,
            "golden_engine": specimen.golden_engine,
            "first": specimen.at._asdict() if specimen.at else None,
            "structure": structure_lines(specimen),
            "text": text_lines(specimen, PLAIN),
        },
        "members": [
            {"scenario": m.scenario, "engine": m.engine, "line": m.at.line if m.at else 0}
            for m in one.members
        ],
    }


# --- GitHub ---------------------------------------------------------------------------------------------------


def github(summary: Summary) -> str:
    """Workflow commands that annotate the lines of the scenarios, the specimens of the classes first."""
    lines = [
        _annotation(summary, report.name, report.line, "cannot run", report.error)
        for report in summary.reports
        if report.error
    ]
    told = set()
    for one in summary.classes:
        specimen = one.specimen
        told.add((one.id, specimen.scenario))
        text = "\n".join(_strip([f"why: {specimen.cause_text}", *specimen_lines(specimen, PLAIN)]))
        if one.cause.kind == "new":
            text = "there is no golden: klpdsl accept writes it"
        title = f"class {one.id} ({several(len(one.members), 'run')}): {one.title}"
        line = specimen.at.line if specimen.at else 0
        lines.append(_annotation(summary, specimen.scenario, line, title, text))
    for one in summary.classes:
        for member in one.members:
            if (one.id, member.scenario) not in told:
                told.add((one.id, member.scenario))
                line = member.at.line if member.at else 0
                engines = ", ".join(one.engines_by_scenario()[member.scenario])
                title = f"class {one.id}: {one.title}"
                lines.append(_annotation(summary, member.scenario, line, title, f"on {engines}"))
    for report in summary.reports:
        broken: dict[str, list[str]] = {}
        for case in report.cases:
            for what in (*case.run.broken, *(f"unexpected violation of {v}" for v in case.surprising)):
                broken.setdefault(what, []).append(case.engine)
        for what, where in broken.items():
            place = re.match(r"line (\d+)", what)
            text = f"{what}\non {', '.join(where)}"
            title = "an expectation does not hold"
            lines.append(_annotation(summary, report.name, int(place[1]) if place else 0, title, text))
    if summary.inventory:
        lines += [f"::error::{_data(f'{path}: unmerged')}" for path in summary.inventory.conflicts]
    lines += [f"::error::{_data(text)}" for text in summary.damaged]
    lines += [f"::warning::{_data(text)}" for text in summary.housekeeping()]
    level = "notice" if summary.code in {0, 3} else "error"
    lines.append(f"::{level} title=klpdsl check::{_data(counts_line(summary))}")
    return "\n".join(lines) + "\n"


def _annotation(summary: Summary, name: str, line: int, title: str, text: str) -> str:
    # GitHub wants paths from the repository's top, which is where its steps run.
    path = os.path.relpath(summary.suite.scenario_path(name), os.environ.get("GITHUB_WORKSPACE") or os.curdir)
    place = f"file={_property(path)}" + (f",line={line}" if line else "")
    return f"::error {place},title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    return visible(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _strip(lines: list[str]) -> list[str]:
    return [line.rstrip() for line in lines]


# --- JUnit ----------------------------------------------------------------------------------------------------


def junit(summary: Summary) -> str:
    """JUnit XML: a suite for each scenario, a case for each engine."""
    n = summary.counts
    bodies = [_junit_suite(report) for report in summary.reports]
    failures = sum(body.count("<failure ") for body in bodies)
    head = (
        f'<testsuites name="klpdsl" tests="{n["runs"] + n["errors"]}" failures="{failures}" '
        f'errors="{n["errors"]}" time="{summary.seconds:.3f}">'
    )
    return "\n".join(['<?xml version="1.0" encoding="utf-8"?>', head, *bodies, "</testsuites>"]) + "\n"


def _junit_suite(report: ScenarioReport) -> str:
    if report.error:
        where = f"name={_attribute(report.name)}"
        return (
            f'  <testsuite {where} tests="1" failures="0" errors="1">\n'
            f'    <testcase classname={_attribute(report.name)} name="read">'
            f'<error message="the scenario cannot run">{_xml(report.error)}</error></testcase>\n  </testsuite>'
        )
    wrong = {case.engine: case for case in report.cases}
    ran = report.engines if report.complete else tuple(wrong)
    lines = [_junit_case(report, engine, wrong.get(engine)) for engine in ran]
    # A run of some engines only does not name those that are fine: they are counted.
    lines += [
        f'    <testcase classname={_attribute(report.name)} name="as its golden says ({index + 1})"/>'
        for index in range(report.runs - len(ran))
    ]
    failures = sum("<failure " in line for line in lines)
    head = (
        f'  <testsuite name={_attribute(report.name)} tests="{len(lines)}" failures="{failures}" errors="0">'
    )
    return "\n".join([head, *lines, "  </testsuite>"])


def _junit_case(report: ScenarioReport, engine: str, case: Case | None) -> str:
    path = f"{SCENARIOS}/{report.name}{SUFFIX}"
    head = (
        f"    <testcase classname={_attribute(report.name)} name={_attribute(engine)} file={_attribute(path)}"
    )
    if case is None:
        return head + "/>"
    message, text = case_text(report, case)
    return f"{head}><failure message={_attribute(message)}>{_xml(text)}</failure></testcase>"


def case_text(report: ScenarioReport, case: Case, paint: Paint = PLAIN) -> tuple[str, str]:
    """What is wrong with one case: a sentence, and the whole story."""
    from klpdsl.goldens.checking.classes import member_of

    told = [*case.run.broken, *(f"violation of {name}, which nobody expects" for name in case.surprising)]
    if case.matches:
        return told[0], "\n".join(told)
    if case.golden is None:
        return "there is no golden", "\n".join(["there is no golden: klpdsl accept writes it", *told])
    assert case.why is not None, "a report of differences has their reasons"
    member = member_of(report, report.cases.index(case))
    lines = [f"class {case.why.class_id}: {case.why.cause.label}: {case.why.shape}"]
    lines += [f"why: {case.why.cause.text}", *specimen_lines(member, paint), *told]
    return f"differs from its golden: {case.why.cause.label}", "\n".join(lines)


def _xml(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", visible(text)))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", visible(text)))


# --- Markdown -------------------------------------------------------------------------------------------------


def markdown(summary: Summary) -> str:
    """A summary for a pull request: the counts, each class with a specimen in a folded block, the engine changes."""
    n = summary.counts
    verdict = {0: "all is as the goldens say", 3: "only tidying up is left"}.get(
        summary.code, "to be looked at"
    )
    lines = [f"## klpdsl check: {verdict}", "", "| | |", "|---|---:|"]
    for key, what in (
        ("scenarios", "scenarios"),
        ("runs", "runs"),
        ("engines", "engines"),
        ("differ", "runs that differ from their golden"),
        ("new", "runs without a golden"),
        ("failed", "runs that fail an expectation"),
        ("errors", "scenarios that cannot run"),
        ("conflicts", "files in conflict"),
        ("housekeeping", "things to be tidied up"),
    ):
        lines.append(f"| {what} | {n[key]} |")
    changes = sorted({one.cause.change for one in summary.classes if one.cause.change})
    rules = sorted({one.cause.function for one in summary.classes if one.cause.function})
    if changes:
        lines += ["", f"Engine changes involved: {', '.join(f'`{name}`' for name in changes)}"]
    if rules:
        lines += ["", f"Rules involved: {', '.join(f'`{name}`' for name in rules)}"]
    for one in summary.classes:
        lines += ["", *_markdown_class(one)]
    for report in summary.reports:
        if report.error:
            lines += ["", f"### {_cell(report.name)} cannot run", "", *_fenced(report.error.splitlines())]
    failed = [
        f"- {_cell(report.name)} on {case.engine}: {_cell(what)}"
        for report in summary.reports
        for case in report.cases
        for what in (*case.run.broken, *(f"unexpected violation of {name}" for name in case.surprising))
    ]
    if failed:
        lines += ["", "### What its author did not mean", "", *failed[:_MEMBERS]]
        if len(failed) > _MEMBERS:
            lines.append(f"- … and {len(failed) - _MEMBERS} more")
    if summary.damaged:
        lines += ["", "### Damaged files", "", *(f"- {_cell(text)}" for text in summary.damaged)]
    if summary.housekeeping():
        lines += ["", "### To be tidied up", "", *(f"- {_cell(text)}" for text in summary.housekeeping())]
    return "\n".join(lines) + "\n"


def _markdown_class(one: Class) -> list[str]:
    scenarios = one.engines_by_scenario()
    count = f"{several(len(one.members), 'run')} of {several(len(scenarios), 'scenario')}"
    lines = [f"### Class `{one.id}`: {_cell(one.title)}", "", f"{count}. {_cell(one.specimen.cause_text)}"]
    if one.cause.kind != "new":
        lines += ["", "<details><summary>one of them</summary>", ""]
        lines += [*_fenced(_strip(specimen_lines(one.specimen, PLAIN)), "diff"), "", "</details>"]
    listed = [f"- {_cell(name)}: {', '.join(engines)}" for name, engines in scenarios.items()]
    lines += ["", "<details><summary>all of them</summary>", "", *listed[:_MEMBERS]]
    if len(listed) > _MEMBERS:
        lines.append(f"- … and {len(listed) - _MEMBERS} more scenarios")
    return [*lines, "", "</details>"]


def _fenced(lines: list[str], language: str = "") -> list[str]:
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence + language, *map(visible, lines), fence]


def _cell(text: str) -> str:
    """Text that Markdown leaves alone."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", visible(text)).replace("\n", " ")


# --- bundle ---------------------------------------------------------------------------------------------------


def bundle(summary: Summary) -> str:
    """The pending changes of a check, for a reviewer elsewhere."""
    records = [record for record in map(pending.record_of, summary.reports) if record]
    row = {
        "klpdsl-bundle": pending.VERSION,
        "code": code_digest(),
        "counts": counts_line(summary),
        "records": [pending.to_json(record) for record in records],
    }
    return json.dumps(row, ensure_ascii=False, indent=1) + "\n"
