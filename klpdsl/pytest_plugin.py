"""Scenarios as pytest items: `pytest scenarios/` runs each scenario on each engine that it is meant for.

An item is called `scenarios/replace/nops.klp::v5.1`. A failure shows what `klpdsl check` shows. Nothing is ever
written: goldens are accepted with `klpdsl accept`, by somebody who has looked. Collected are the scenarios of a suite
(what lies below a folder `scenarios`), except what others import (folders called `common`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _pytest._code.code import ExceptionInfo, TerminalRepr

    from klpdsl.goldens.suite import Suite
    from klpdsl.run.session import Loaded


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's options."""
    group = parser.getgroup("klpdsl", "klpdsl scenarios")
    group.addoption(
        "--klp-engine",
        action="append",
        default=[],
        metavar="ENGINE",
        help="run scenarios only on these engines (v6.12, v5.1..v5.5); may be repeated",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Resolve the engines asked for at once, so that a wrong name is told before anything runs."""
    specs = config.getoption("--klp-engine")
    engines: tuple[str, ...] = ()
    if specs:
        from klpdsl.semantics.engines import expand
        from klpdsl.semantics.records import EngineError

        try:
            engines = tuple(dict.fromkeys(name for spec in specs for name in expand(spec)))
        except EngineError as error:
            raise pytest.UsageError(f"--klp-engine: {error}") from error
    config.stash[_ENGINES] = engines


_ENGINES: pytest.StashKey[tuple[str, ...]] = pytest.StashKey()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a scenario that is part of a suite."""
    if file_path.suffix != ".klp":
        return None
    from klpdsl.goldens.suite import SuiteError, find_suite

    try:
        suite = find_suite([str(file_path)])
        names = suite.names([str(file_path)])
    except SuiteError:
        return None
    if not names or not suite.has(names[0]):
        return None
    collector: KlpFile = KlpFile.from_parent(parent, path=file_path)
    collector.suite = suite
    collector.scenario = names[0]
    return collector


class KlpFile(pytest.File):
    """One scenario."""

    suite: Suite
    scenario: str

    def collect(self) -> Iterator[KlpItem]:
        """One item for each engine, in the order of the scenario's header."""
        from klpdsl.goldens.runs import cases
        from klpdsl.syntax.diagnostics import ScenarioError

        try:
            loaded = cases.load(self.suite, self.scenario)
            engines = loaded.engine_names()
        except ScenarioError as error:
            raise self.CollectError(error.render()) from None
        wanted = self.config.stash[_ENGINES]
        for engine in engines:
            if not wanted or engine in wanted:
                item: KlpItem = KlpItem.from_parent(self, name=engine)
                item.loaded = loaded
                yield item


class MismatchError(Exception):
    """A run is not as its golden says, or not as its author means it."""


class KlpItem(pytest.Item):
    """One scenario on one engine."""

    parent: KlpFile
    loaded: Loaded

    def runtest(self) -> None:
        """Run the scenario, and compare."""
        from klpdsl.goldens.checking.scenario_check import check_scenario
        from klpdsl.goldens.reporting import formats

        suite, scenario = self.parent.suite, self.parent.scenario
        # The cache of whole scenarios is for those who run all engines; nor does a test run leave anything behind.
        report = check_scenario(suite, scenario, (self.name,), cache=False)
        if report.error:
            raise MismatchError(report.error)
        for case in report.cases:
            raise MismatchError(formats.case_text(report, case)[1])

    def repr_failure(self, excinfo: ExceptionInfo[BaseException], style: object = None) -> str | TerminalRepr:
        """The difference, without a traceback of the plugin."""
        if isinstance(excinfo.value, MismatchError):
            from klpdsl._output import visible

            return visible(str(excinfo.value))
        return super().repr_failure(excinfo, style)  # type: ignore[arg-type]

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the item is, for reports."""
        return self.path, 0, f"{self.parent.scenario} on {self.name}"


def pytest_report_header(config: pytest.Config) -> Iterable[str]:
    """Say which engines were asked for."""
    engines = config.stash[_ENGINES]
    return [f"klpdsl engines: {', '.join(engines)}"] if engines else []
