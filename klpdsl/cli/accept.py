"""`klpdsl accept`: make what scenarios give now their goldens."""

from __future__ import annotations

import argparse
import os
import shlex

from klpdsl.cli.common import MISMATCH, NOTHING_SELECTED, OK, USAGE, complain, default_jobs, parser
from klpdsl.cli.golden import add_class_argument, add_write_arguments, check_anew, may_write, tell, writing
from klpdsl.goldens.checking.findings import ScenarioReport
from klpdsl.goldens.deciding import accepting, pending, transaction
from klpdsl.goldens.deciding.accepting import Accepted, Choice
from klpdsl.goldens.deciding.pending import Record
from klpdsl.goldens.deciding.transaction import Operation
from klpdsl.goldens.suite import Suite, find_suite


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    arguments = _arguments(argv)
    code = OK if arguments.dry_run else may_write("accept", arguments)
    if code:
        return code
    suite = find_suite(arguments.paths)
    names = suite.names(arguments.paths) if arguments.paths else None
    if names == []:
        complain("klpdsl accept: no scenarios here (klpdsl new NAME writes one to begin with)")
        return NOTHING_SELECTED
    with writing(suite):
        return _accept(suite, names, arguments)


def _arguments(argv: list[str]) -> argparse.Namespace:
    p = parser(
        "accept",
        "Make what scenarios give now their goldens: one file for each engine at which the trace changes.\n"
        "Scenarios that were not checked since they changed are checked first. Without PATH, all that is pending\n"
        "is accepted. It is one transaction: after a crash, the next accept finishes it.\n\n"
        "Goldens that exist change only for a --reason, which klpdsl blame shows later. Refused are scenarios whose\n"
        "expectations do not hold, and those whose goldens somebody has changed since the check.",
        "klpdsl accept scenarios/replace --reason 'no-ops are freed when the transition completes'",
    )
    p.add_argument("paths", nargs="*", metavar="PATH", help="scenarios or folders of them")
    add_class_argument(p)
    p.add_argument("--reason", default="", metavar="TEXT", help="why the goldens that exist change")
    p.add_argument(
        "--with-violations", action="store_true", help="also traces that violate a property by surprise"
    )
    p.add_argument("--dry-run", action="store_true", help="only say what would be written")
    p.add_argument("--jobs", "-j", type=int, default=default_jobs(), help="how many processes to use")
    add_write_arguments(p)
    return p.parse_args(argv)


def _accept(suite: Suite, names: list[str] | None, arguments: argparse.Namespace) -> int:
    records, reports = gather(suite, names, arguments.jobs)
    code = OK
    for report in reports:
        if report.error:
            complain(report.error)
            code = USAGE
    known = {one.id for one in pending.classes(records)}
    unknown = [id_ for id_ in arguments.classes if id_ not in known]
    if unknown:
        complain(f"klpdsl accept: no class of pending differences is called {', '.join(unknown)}")
        return USAGE
    # Read from the classes rather than asked for at once: what is not altered needs no reason.
    choice = Choice(arguments.classes or None, {"": arguments.reason.strip()}, arguments.with_violations)
    accepted = accepting.plan(suite, records, choice)
    refused = _refused(suite, reports) + list(accepted.refused)
    for sentence in refused:
        complain(sentence)
    if accepted.want_reason:
        _ask_for_reason(accepted, arguments.paths)
    tidying = () if arguments.classes else _tidy(suite, reports)
    plan = accepted.plan._replace(operations=(*accepted.plan.operations, *tidying))
    if arguments.dry_run:
        for operation in plan.operations:
            print(f"would {'remove' if operation.new is None else 'write'} {_shown(suite, operation)}")
    elif plan.operations or plan.done:
        finished = transaction.commit(suite, plan)
        tell(suite, finished)
        if finished.moved:
            return MISMATCH
    elif code == OK and not refused and not accepted.want_reason:
        print("nothing to accept: all is as the goldens say" if names else "nothing is pending")
    return code or (MISMATCH if refused or accepted.want_reason else OK)


def gather(suite: Suite, names: list[str] | None, jobs: int) -> tuple[list[Record], list[ScenarioReport]]:
    """The pending changes of scenarios (None: of all that have any), those that are out of date made anew.

    A record whose goldens have changed stays as it is, so that it is refused: somebody should look again.
    """
    wanted = pending.names(suite) if names is None else names
    stale = []
    for name in wanted:
        record = pending.read(suite, name)
        if record is None or (not accepting.fresh(suite, record) and not pending.moved(suite, record)):
            stale.append(name)
    reports = check_anew(suite, [name for name in stale if suite.has(name)], jobs)
    for name in stale:
        if not suite.has(name):
            pending.drop(suite, name)
    return list(pending.iterate(suite, wanted)), reports


def _refused(suite: Suite, reports: list[ScenarioReport]) -> list[str]:
    """Scenarios whose goldens agree, and whose author did not mean it so."""
    sentences = []
    for report in reports:
        if pending.read(suite, report.name) is None:
            broken = [f"{case.engine}: {what}" for case in report.cases for what in case.run.broken]
            if broken:
                sentences.append(f"{report.name}: its author's intent does not hold on {broken[0]}")
    return sentences


def _tidy(suite: Suite, reports: list[ScenarioReport]) -> tuple[Operation, ...]:
    """Scenarios in which nothing is pending, and whose files are not as they should lie."""
    return tuple(
        operation
        for report in reports
        if (report.redundant or report.unmeant) and not report.cases and not report.error and report.complete
        for operation in accepting.tidy(suite, report.name, report.engines)
    )


def _ask_for_reason(accepted: Accepted, paths: list[str]) -> None:
    complain("goldens that exist would change, and nobody has said why:")
    for one in accepted.want_reason:
        scenarios = len(one.scenarios)
        complain(f"  {one.id}  {one.title}")
        complain(
            f"            {len(one.members)} runs of {scenarios} scenario{'s' if scenarios > 1 else ''}: "
            f"{one.specimen.cause_text}"
        )
    where = " ".join(map(shlex.quote, paths))
    complain(f"look at them with: klpdsl review {where}".rstrip())
    complain(f"accept them with:  klpdsl accept {where + ' ' if where else ''}--reason '…'")
    if len(accepted.want_reason) > 1:
        complain(
            f"or one by one:     klpdsl accept {where + ' ' if where else ''}"
            f"--class {accepted.want_reason[0].id} --reason '…'"
        )


def _shown(suite: Suite, operation: Operation) -> str:
    return os.path.relpath(os.path.join(suite.root, operation.path))
