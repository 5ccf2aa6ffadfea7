"""Checking many scenarios: in several processes, each result as soon as it is there, in the order of the names."""

from __future__ import annotations

from klpdsl.goldens.checking.findings import ScenarioReport
from klpdsl.goldens.checking.scenario_check import check_scenario
from klpdsl.goldens.runs import cases, known_clean
from klpdsl.goldens.storage import store
from klpdsl.goldens.suite import Suite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

#: Scenarios that a process gets at a time, and the number from which more than one process is worth its start.
_CHUNK = 4
_WORTH = 4


def check_all(
    suite: Suite,
    names: list[str],
    jobs: int,
    only: Collection[str] = (),
    *,
    explain: bool = True,
    cache: bool = True,
    tell: Callable[[int, ScenarioReport], None] | None = None,
) -> list[ScenarioReport]:
    """Check the scenarios. `tell` hears of each, with how many there were so far."""
    known = known_clean.load(suite) if cache and not only else {}
    found = {name: report for name in names if name in known and (report := _known(suite, name, known[name]))}
    left = [name for name in names if name not in found]
    count = len(found)
    for report in _results(suite, left, jobs, only, explain=explain, cache=cache):
        found[report.name] = report
        count += 1
        if tell:
            tell(count, report)
    if left and cache and not only:
        clean = {
            name: (report.key, report.engines)
            for name in left
            if (report := found[name]).key and report.clean
        }
        known_clean.remember(suite, known, clean)
    return [found[name] for name in names]


def _known(suite: Suite, name: str, entry: tuple[str, tuple[str, ...]]) -> ScenarioReport | None:
    """The report on a scenario of which all is as it was when it was found clean."""
    expected, engines = entry
    contents = cases.inputs(suite, name)
    try:
        goldens = store.read_bytes(suite, name)
    except OSError:
        return None  # the check itself says why
    if known_clean.key(contents, goldens) != expected:
        return None
    return ScenarioReport(name, (), len(engines), engines, cached=True, key=expected)


def _results(
    suite: Suite, names: list[str], jobs: int, only: Collection[str], *, explain: bool, cache: bool
) -> Iterator[ScenarioReport]:
    if jobs <= 1 or len(names) < _WORTH:
        for name in names:
            yield check_scenario(suite, name, only, explain=explain, cache=cache)
        return
    # What workers need is imported before they are forked, so that it is not done in each of them.
    import klpdsl.goldens.causes.why  # noqa: F401
    from klpdsl._workers import in_processes

    chunks = [names[i : i + _CHUNK] for i in range(0, len(names), _CHUNK)]
    calls = ((suite, chunk, tuple(only), explain, cache) for chunk in chunks)
    for reports in in_processes(min(jobs, len(names)), _check_some, calls):
        yield from reports


def _check_some(
    suite: Suite, names: list[str], only: tuple[str, ...], explain: bool, cache: bool
) -> list[ScenarioReport]:
    return [check_scenario(suite, name, only, explain=explain, cache=cache) for name in names]
