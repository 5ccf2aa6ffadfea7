"""From the reports of a check to its summary: classes, what lies about, and what stays pending."""

from __future__ import annotations

import time

from klpdsl.goldens.checking import classes, inventory
from klpdsl.goldens.checking.findings import ScenarioReport
from klpdsl.goldens.deciding import pending, transaction
from klpdsl.goldens.deciding.locking import BusyError, ForeignStateError, lock
from klpdsl.goldens.reporting.check_report import Summary
from klpdsl.goldens.suite import STATE, Suite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: How long a check waits for an accept: it has its answer already.
_PATIENCE = 2.0


def summarise(
    suite: Suite, reports: Sequence[ScenarioReport], *, whole: bool, started: float, keep: bool
) -> Summary:
    """Sum up. `whole`: all of the suite was checked, so that its inventory is taken; `keep`: leave changes pending."""
    unkept = _leave(suite, reports) if keep else ""
    return Summary(
        suite,
        tuple(reports),
        classes.from_reports(reports),
        inventory.take(suite) if whole else None,
        _notes(suite, {report.name for report in reports}) if whole else (),
        len({engine for report in reports for engine in report.engines}),
        time.monotonic() - started,
        unkept,
    )


def _leave(suite: Suite, reports: Sequence[ScenarioReport]) -> str:
    """Leave pending what differs; returns why that could not be. A tree that cannot be written can be checked."""
    differs = any(report.cases for report in reports)
    problem = "what differs is not left pending" if differs else "what is pending is as it was"
    try:
        if not transaction.in_progress(suite) and pending.changes(suite, reports):
            with lock(suite, _PATIENCE):
                # Anew, for whoever had the lock may have accepted or rejected something.
                pending.make(suite, pending.changes(suite, reports))
    except OSError as error:
        where = f"{suite.relative(error.filename)}: " if isinstance(error.filename, str) else ""
        return f"{problem}: {where}{error.strerror or error}"
    except (BusyError, ForeignStateError) as error:
        return f"{problem}: {error}"
    return ""


def _notes(suite: Suite, checked: set[str]) -> tuple[str, ...]:
    try:
        return tuple(_undecided(suite, checked))
    except OSError as error:
        where = suite.relative(error.filename) if isinstance(error.filename, str) else STATE
        return (f"{where}: {error.strerror}",)


def _undecided(suite: Suite, checked: set[str]) -> list[str]:
    notes = []
    if transaction.in_progress(suite):
        notes.append("an accept was interrupted: klpdsl accept finishes it")
    elif transaction.foreign(suite):
        notes.append(f"{transaction.TRANSACTION} is left from an accept that was not made here: remove it")
    gone = [name for name in pending.names(suite) if name not in checked]
    if gone:
        notes.append(f"changes are pending for {', '.join(gone)}, which is no scenario (klpdsl reject)")
    decided = len(pending.decisions(suite))
    if decided:
        word = "decision is" if decided == 1 else "decisions are"
        notes.append(f"{decided} {word} made and not carried out (klpdsl review goes on)")
    return notes
