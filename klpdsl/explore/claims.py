"""The claims of a suite, which say what never or always is so in several orders, and the verdicts kept beside them."""

from __future__ import annotations

from klpdsl.explore.judging import Judge, cannot_judge, is_claim
from klpdsl.goldens.deciding.transaction import Operation
from klpdsl.goldens.runs import cases
from klpdsl.goldens.storage import store
from klpdsl.run.session import check_steps
from klpdsl.semantics.engines import resolve
from klpdsl.syntax.diagnostics import ScenarioError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import NamedTuple

    from klpdsl.explore.bounds import SearchBounds
    from klpdsl.explore.judging import EngineVerdict
    from klpdsl.goldens.suite import Suite
else:
    from klpdsl._records import NamedTuple

_WORTH = 2
"""Scenarios from which on more than one process is worth its start."""


class ClaimReport(NamedTuple):
    """A scenario of a suite: what holds of it on each engine that was asked, and what is kept of it.

    `kept` has the text for each engine for which there is one, `files` what lies there. `whole`: all engines were asked
    that it is meant for. No `verdicts` and no `error`: it is no claim.
    """

    name: str
    verdicts: tuple[tuple[str, EngineVerdict], ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    whole: bool = True
    error: str = ""

    @property
    def unknown(self) -> tuple[str, ...]:
        """The engines on which a bound stopped the search."""
        return tuple(engine for engine, verdict in self.verdicts if not verdict.closed)

    @property
    def differing(self) -> tuple[tuple[tuple[str, ...], str, str], ...]:
        """What is another than is kept: the engines, what is kept for them (empty: nothing), and what was found."""
        kept = dict(self.kept)
        found: dict[tuple[str, str], list[str]] = {}
        for engine, verdict in self.verdicts:
            old = kept.get(engine, "")
            if verdict.closed and verdict.text != old:
                found.setdefault((old, verdict.text), []).append(engine)
        return tuple((tuple(engines), old, new) for (old, new), engines in found.items())

    @property
    def needless(self) -> tuple[str, ...]:
        """The engines whose file says nothing that is needed, where all engines were asked."""
        if not self.whole or self.unknown:
            return ()
        needed = store.needed({engine: verdict.text for engine, verdict in self.verdicts})
        return tuple(engine for engine, _ in self.files if engine not in needed)


def claim_report(suite: Suite, name: str, only: Collection[str], bounds: SearchBounds) -> ClaimReport:
    """Judge one scenario of a suite on every engine that it is meant for, or on those of `only`."""
    try:
        loaded = cases.load(suite, name)
        check_steps(loaded)
    except ScenarioError as error:
        return ClaimReport(name, error=error.render())
    if not is_claim(loaded.program):
        return ClaimReport(name)
    if problem := cannot_judge(loaded.program):
        return ClaimReport(name, error=f"{suite.relative(suite.scenario_path(name))}: {problem}")
    try:
        files = store.read(suite, name, store.VERDICT)
    except OSError as error:
        where = suite.relative(str(error.filename))
        return ClaimReport(name, error=f"{where}: cannot be read: {error.strerror}")
    meant = loaded.engine_names()
    asked = tuple(engine for engine in meant if not only or engine in only)
    judge = Judge(loaded.program, bounds)
    verdicts = tuple((engine, judge.on(resolve(engine))) for engine in asked)
    kept = tuple(store.effective(files, asked).items())
    return ClaimReport(name, verdicts, kept, tuple(files.items()), len(asked) == len(meant))


def claim_reports(
    suite: Suite, names: list[str], jobs: int, only: Collection[str], bounds: SearchBounds
) -> Iterator[ClaimReport]:
    """Judge the claims among these scenarios, in the order of their names."""
    if jobs <= 1 or len(names) < _WORTH:
        yield from (claim_report(suite, name, only, bounds) for name in names)
        return
    from klpdsl._workers import in_processes

    calls = ((suite, name, tuple(only), bounds) for name in names)
    yield from in_processes(min(jobs, len(names)), claim_report, calls)


def keeping(suite: Suite, report: ClaimReport) -> list[Operation]:
    """What has to be written so that what was found is kept: one file for each engine at which the verdict changes.

    All engines were asked, and of all of them everything is known.
    """
    old = dict(report.files)
    new = store.needed({engine: verdict.text for engine, verdict in report.verdicts})
    operations = []
    for engine in sorted(old.keys() | new.keys()):
        text = new.get(engine)
        if text != old.get(engine):
            path = f"{store.folder(suite, report.name)}/{store.file_of(engine, store.VERDICT)}"
            before = store.fingerprint(old[engine].encode()) if engine in old else ""
            operations.append(Operation(suite.relative(path), text, before))
    return operations
