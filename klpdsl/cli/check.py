"""`klpdsl check`: compare every scenario's traces with the goldens. Writes nothing, anywhere."""

from __future__ import annotations

import difflib
import os
from concurrent.futures import ProcessPoolExecutor

from klpdsl.cli.common import HOUSEKEEPING, MISMATCH, NOTHING_SELECTED, OK, USAGE, complain, parser
from klpdsl.goldens.check import Case, ScenarioReport, check_scenario
from klpdsl.goldens.suite import Suite, SuiteError, find_suite


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "check",
        "Run every scenario on every engine that it is meant for, and compare the traces with the goldens.",
        "klpdsl check scenarios/replace",
    )
    p.add_argument(
        "paths", nargs="*", metavar="PATH", help="scenarios or folders of them (default: the whole suite)"
    )
    p.add_argument("--jobs", "-j", type=int, default=os.cpu_count() or 1, help="how many processes to use")
    arguments = p.parse_args(argv)
    try:
        suite = find_suite(arguments.paths)
        names = suite.names(arguments.paths)
    except SuiteError as error:
        complain(f"klpdsl check: {error}")
        return USAGE
    if not names:
        complain("klpdsl check: no scenarios here")
        return NOTHING_SELECTED
    return _report(_run(suite, names, arguments.jobs))


def _run(suite: Suite, names: list[str], jobs: int) -> list[ScenarioReport]:
    if jobs == 1 or len(names) == 1:
        return [check_scenario(suite, name) for name in names]
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(check_scenario, [suite] * len(names), names, chunksize=4))


def _report(reports: list[ScenarioReport]) -> int:
    code = OK
    mismatches = failed = redundant = 0
    for report in reports:
        if report.error:
            complain(report.error)
            code = USAGE
        for case in report.cases:
            if not case.matches:
                mismatches += 1
                _show(report.name, case)
            if not case.ok:
                failed += 1
                print(f"{report.name} on {case.engine}: an expectation does not hold")
        for engine in report.redundant:
            redundant += 1
            print(
                f"{report.name}: the golden for {engine} says what its ancestor's says (klpdsl accept removes it)"
            )
    cases = sum(len(report.cases) for report in reports)
    print(
        f"{len(reports)} scenarios, {cases} runs: {mismatches} differ from their golden, {failed} fail an expectation"
    )
    if code == OK and (mismatches or failed):
        return MISMATCH
    return HOUSEKEEPING if code == OK and redundant else code


def _show(name: str, case: Case) -> None:
    if case.golden is None:
        print(f"{name} on {case.engine}: there is no golden (klpdsl accept writes it)")
        return
    print(f"{name} on {case.engine} differs from its golden ({case.golden_engine}):")
    difference = difflib.unified_diff(
        case.golden.splitlines(), case.trace.splitlines(), "golden", "this run", lineterm="", n=2
    )
    print("\n".join(f"    {line}" for line in difference))
