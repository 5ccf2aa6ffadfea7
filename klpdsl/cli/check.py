"""`klpdsl check`: compare every scenario's traces with the goldens. It has no way to write a golden."""

from __future__ import annotations

import argparse
import os
import sys
import time

from klpdsl._checkout import is_folder
from klpdsl._output import raw
from klpdsl._writing import replace_file
from klpdsl.cli.common import (
    NOTHING_SELECTED,
    Progress,
    colours,
    complain,
    default_jobs,
    in_ci,
    parser,
)
from klpdsl.cli.engine_options import add_engines, names_of
from klpdsl.goldens.checking.findings import ScenarioReport
from klpdsl.goldens.checking.suite_check import check_all
from klpdsl.goldens.suite import Suite, find_suite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.goldens.reporting.check_report import Summary


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    arguments = _arguments(argv)
    suite = find_suite(arguments.paths)
    names = suite.names(arguments.paths)
    only = tuple(names_of(arguments.engine))
    if not names:
        complain("klpdsl check: no scenarios here (klpdsl new NAME writes one to begin with)")
        return NOTHING_SELECTED
    summary = _run(suite, names, only, arguments)
    meant = {engine for report in summary.reports for engine in report.engines}
    own = [name for name in only if name not in meant and _is_own(name)]
    for name in own:
        complain(_no_golden_for(name, arguments.paths))
    if only and not sum(report.runs for report in summary.reports) and not summary.counts["errors"]:
        if len(own) < len(only):
            complain(f"klpdsl check: no scenario here is meant for {', '.join(arguments.engine)}")
        return NOTHING_SELECTED
    return _tell(summary, arguments)


def _is_own(name: str) -> bool:
    from klpdsl.semantics.engines import resolve

    return resolve(name).kind == "custom"


def _no_golden_for(name: str, paths: list[str]) -> str:
    """What to do in place of a check, where nobody has ever said what is right."""
    import shlex

    from klpdsl._checkout import SCENARIOS
    from klpdsl.semantics.engines import ancestors, resolve

    base = next(one for one in ancestors(name) if resolve(one).kind != "custom")
    what = shlex.join([*(paths or [f"{SCENARIOS}/"]), "--engines", f"{base},{name}"])
    return (
        f"klpdsl check: no golden is meant for {name}: goldens are for engines that have a name of their own, and for "
        f"those that a scenario names\n    klpdsl compare {what}\nshows what it does differently"
    )


def _arguments(argv: list[str]) -> argparse.Namespace:
    p = parser(
        "check",
        "Run every scenario on every engine that it is meant for, and compare the traces with the goldens.\n"
        "All differences are shown, by class: what made them differ, a specimen, how many there are.\n"
        "No golden is written; what differs is left pending for klpdsl review and klpdsl accept.\n\n"
        "exit codes: 0 clean, 1 differences or failed expectations, 2 a scenario cannot run, 3 only tidying up,\n"
        "5 nothing selected",
        "klpdsl check scenarios/replace --engine v5.1..v5.5",
    )
    p.add_argument(
        "paths", nargs="*", metavar="PATH", help="scenarios or folders of them (default: the whole suite)"
    )
    add_engines(p, "only on these")
    p.add_argument("--jobs", "-j", type=int, default=default_jobs(), help="how many processes to use")
    p.add_argument(
        "--no-cache", action="store_true", help="run everything, whatever is known from earlier runs"
    )
    p.add_argument(
        "--format", choices=("text", "json", "github"), default="text", help="how to print what was found"
    )
    p.add_argument("--junit", metavar="FILE", help="also write the results as JUnit XML")
    p.add_argument("--summary", metavar="FILE", help="also write a summary in Markdown")
    p.add_argument(
        "--bundle", metavar="FILE", help="also write what is pending into a file for klpdsl review --bundle"
    )
    p.add_argument("--verbose", "-v", action="store_true", help="list everything, however long")
    return p.parse_args(argv)


def _run(suite: Suite, names: list[str], only: tuple[str, ...], arguments: argparse.Namespace) -> Summary:
    started = time.monotonic()
    progress = Progress(len(names), "scenarios")
    wrong = 0

    def tell(done: int, report: ScenarioReport) -> None:
        nonlocal wrong
        wrong += bool(report.cases or report.error)
        progress.show(done, f", {wrong} to look at" if wrong else "")

    cache = not arguments.no_cache
    try:
        reports = check_all(suite, names, arguments.jobs, only, cache=cache, tell=tell)
    finally:
        progress.end()
    from klpdsl.goldens.reporting.summary import summarise

    summary = summarise(suite, reports, whole=not arguments.paths, started=started, keep=not in_ci())
    if not is_folder(os.path.join(suite.root, "evidence")):
        return summary  # most suites have none, and need not wait for the import
    from klpdsl.kernel.evidence_notes import look_over

    found = look_over(suite, {report.name: report.key if cache else "" for report in reports})
    return summary._replace(notes=(*summary.notes, *found.stale), damaged=found.damaged)


def _tell(summary: Summary, arguments: argparse.Namespace) -> int:
    from klpdsl.goldens.reporting import check_report

    if arguments.format == "text":
        from klpdsl.goldens.reporting.paint import Paint

        print(check_report.text(summary, Paint(colours()), verbose=arguments.verbose), end="")
    else:
        from klpdsl.goldens.reporting import formats

        if arguments.format == "json":
            print(formats.json_text(summary), end="")
        else:
            raw(sys.stdout, formats.github(summary))
    for path, what in (
        (arguments.junit, "junit"),
        (arguments.summary, "markdown"),
        (arguments.bundle, "bundle"),
    ):
        if path:
            from klpdsl.goldens.reporting import formats

            _write(path, getattr(formats, what)(summary))
    sys.stdout.flush()
    if summary.unkept:
        complain(f"klpdsl check: {summary.unkept}")
    return summary.code


def _write(path: str, text: str) -> None:
    data = text.encode("utf-8", "backslashreplace")
    if os.path.abspath(path) == os.path.abspath(os.environ.get("GITHUB_STEP_SUMMARY") or "\0"):
        # Several steps share it; it is the runner's own, and lies outside of every checkout.
        with open(path, "ab") as file:
            file.write(data)
        return
    replace_file(path, data)
