"""From the reports of a check to its summary: classes, what lies about, and what stays pending."""

from __future__ import annotations

import time

from klpdsl.goldens.checking import classes, inventory
from klpdsl.goldens.checking.findings import ScenarioReport
from klpdsl.goldens.deciding import pending, transaction
from klpdsl.goldens.reporting.check_report import Summary
from klpdsl.goldens.suite import Suite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def summarise(
    suite: Suite, reports: Sequence[ScenarioReport], *, whole: bool, started: float, keep: bool
) -> Summary:
    """Sum up. `whole`: all of the suite was checked, so that its inventory is taken; `keep`: leave changes pending."""
    if keep and not transaction.in_progress(suite):
        pending.leave(suite, reports)
    return Summary(
        suite,
        tuple(reports),
        classes.from_reports(reports),
        inventory.take(suite) if whole else None,
        _notes(suite, {report.name for report in reports}) if whole else (),
        len({engine for report in reports for engine in report.engines}),
        time.monotonic() - started,
    )


def _notes(suite: Suite, checked: set[str]) -> tuple[str, ...]:
    notes = []
    if transaction.in_progress(suite):
        notes.append("an accept was interrupted: klpdsl accept finishes it")
    gone = [name for name in pending.names(suite) if name not in checked]
    if gone:
        notes.append(f"changes are pending for {', '.join(gone)}, which is no scenario (klpdsl reject)")
    decided = len(pending.decisions(suite))
    if decided:
        word = "decision is" if decided == 1 else "decisions are"
        notes.append(f"{decided} {word} made and not carried out (klpdsl review goes on)")
    return tuple(notes)
