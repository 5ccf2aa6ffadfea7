"""`klpdsl accept`: make what scenarios give now their goldens."""

from __future__ import annotations

import os

from klpdsl.cli.common import MISMATCH, NOTHING_SELECTED, OK, USAGE, complain, parser
from klpdsl.goldens import store
from klpdsl.goldens.check import check_scenario
from klpdsl.goldens.suite import SuiteError, find_suite


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "accept",
        "Write the goldens of scenarios: one file for each engine at which the trace changes.\n"
        "A scenario with an expectation that does not hold is refused.",
        "klpdsl accept scenarios/replace/nops.klp",
    )
    p.add_argument("paths", nargs="+", metavar="PATH", help="scenarios or folders of them")
    p.add_argument("--dry-run", action="store_true", help="only say what would be written")
    arguments = p.parse_args(argv)
    try:
        suite = find_suite(arguments.paths)
        names = suite.names(arguments.paths)
    except SuiteError as error:
        complain(f"klpdsl accept: {error}")
        return USAGE
    if not names:
        complain("klpdsl accept: no scenarios here")
        return NOTHING_SELECTED
    code = OK
    for name in names:
        report = check_scenario(suite, name)
        if report.error:
            complain(report.error)
            code = USAGE
            continue
        failing = [case.engine for case in report.cases if not case.ok]
        if failing:
            complain(f"{name}: not accepted, an expectation does not hold on {', '.join(failing)}")
            code = code or MISMATCH
            continue
        files = store.needed({case.engine: case.trace for case in report.cases})
        if arguments.dry_run:
            print(f"{name}: {', '.join(files)}")
            continue
        for path in store.write(suite, name, files):
            print(os.path.relpath(path))
    return code
