"""`klpdsl verify --kept`: whether the claims of a suite are still what their verdicts say."""

from __future__ import annotations

import argparse
import difflib
import os
import time

from klpdsl.cli.common import CANNOT_JUDGE, MISMATCH, NOTHING_SELECTED, OK, USAGE, Progress, complain
from klpdsl.cli.engine_options import names_of
from klpdsl.cli.exploring import bounds_of
from klpdsl.cli.golden import may_write, tell, writing
from klpdsl.explore.claims import ClaimReport, claim_reports, keeping
from klpdsl.explore.outcome_report import counted
from klpdsl.goldens.deciding import transaction
from klpdsl.goldens.deciding.transaction import Plan
from klpdsl.goldens.storage import store
from klpdsl.goldens.suite import Suite, find_suite


def verify_kept(arguments: argparse.Namespace) -> int:
    """Judge the claims at or below the paths, and compare, or keep what was found; returns the exit code."""
    if arguments.update:
        if arguments.engine:
            complain(
                "klpdsl verify: --update keeps what holds on all engines that a claim is meant for, so no --engine"
            )
            return USAGE
        code = may_write("verify --update", arguments)
        if code:
            return code
    suite = find_suite(arguments.file)
    names = suite.names(arguments.file)
    if not arguments.update:
        return _told(suite, _judged(suite, names, arguments))
    with writing(suite):
        return _update(suite, _judged(suite, names, arguments))


class _Judged:
    """The reports on what was asked for, how many scenarios that were, and how long it took."""

    def __init__(self, reports: list[ClaimReport], seconds: float) -> None:
        self.errors = [report.error for report in reports if report.error]
        self.claims = [report for report in reports if report.verdicts]
        self.seconds = seconds

    def code(self) -> int:
        """The exit code as far as it does not depend on what is kept."""
        for error in self.errors:
            complain(error)
        if not self.errors and not self.claims:
            complain(
                "klpdsl verify: no claims here: a claim is a scenario with `never` or `always` and an `interleave`"
            )
            return NOTHING_SELECTED
        for report in self.claims:
            if report.unknown:
                verdict = dict(report.verdicts)[report.unknown[0]]
                why = next(one.said for one in verdict.claims if one.stopped)
                complain(f"{report.name} on {', '.join(report.unknown)}: {why}")
        if self.errors:
            return USAGE
        return CANNOT_JUDGE if any(report.unknown for report in self.claims) else OK

    def summary(self) -> str:
        """How much was judged, and with how much work."""
        verdicts = [one for report in self.claims for one in report.verdicts]
        searched = {
            (report.name, verdict.like): verdict.states
            for report in self.claims
            for _, verdict in report.verdicts
        }
        engines = len({name for name, _ in verdicts})
        states = counted(sum(searched.values()), "state")
        return (
            f"{counted(len(self.claims), 'claim')} on {counted(engines, 'engine')}: "
            f"{counted(len(verdicts), 'verdict')} from {len(searched):,} searches of {states}"
        )


def _judged(suite: Suite, names: list[str], arguments: argparse.Namespace) -> _Judged:
    started = time.monotonic()
    progress = Progress(len(names), "scenarios")
    reports = []
    try:
        only = tuple(names_of(arguments.engine))
        for report in claim_reports(suite, names, arguments.jobs, only, bounds_of(arguments)):
            reports.append(report)
            progress.show(len(reports))
    finally:
        progress.end()
    return _Judged(reports, time.monotonic() - started)


def _told(suite: Suite, judged: _Judged) -> int:
    code = judged.code()
    if code == NOTHING_SELECTED:
        return code
    differ = 0
    for report in judged.claims:
        for engines, old, new in report.differing:
            differ += len(engines)
            print(f"{report.name} on {', '.join(engines)}: " + ("not as kept" if old else "nothing is kept"))
            lines = list(difflib.unified_diff(_body(old), _body(new), n=0, lineterm=""))[2:]
            print("".join(f"  {line[0]} {line[1:]}\n" for line in lines if line[0] != "@"))
        for engine in report.needless:
            differ += 1
            path = os.path.join(store.folder(suite, report.name), store.file_of(engine, store.VERDICT))
            print(f"{suite.relative(path)}: says nothing that is needed\n")
    said = (
        f"{differ:,} not as kept (klpdsl verify --kept --update keeps what was found)"
        if differ
        else "all as kept"
    )
    print(
        f"{judged.summary()}; {said if code == OK or differ else 'the others as kept'}  [{judged.seconds:.1f} s]"
    )
    if code == USAGE:
        return code
    return MISMATCH if differ else code


def _body(text: str) -> list[str]:
    return text.splitlines()[2:]


def _update(suite: Suite, judged: _Judged) -> int:
    code = judged.code()
    if code != OK:
        if code != NOTHING_SELECTED:
            complain("klpdsl verify: nothing was written: what is not known can not be kept")
        return code
    operations = [operation for report in judged.claims for operation in keeping(suite, report)]
    if operations:
        finished = transaction.commit(suite, Plan(tuple(operations)))
        tell(suite, finished)
        if finished.moved:
            return MISMATCH
    said = "" if operations else "; all as it was kept"
    print(f"{judged.summary()}{said}  [{judged.seconds:.1f} s]")
    return OK
