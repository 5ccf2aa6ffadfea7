"""Running scenarios on the engines they are meant for, and comparing with the goldens. Writes nothing."""

from __future__ import annotations

from typing import NamedTuple

from klpdsl.goldens import store
from klpdsl.goldens.suite import Suite
from klpdsl.run.session import execute, load_file
from klpdsl.syntax.diagnostics import ScenarioError
from klpdsl.trace.text import to_text


class Case(NamedTuple):
    """One scenario on one engine: what it gave, and what its golden says (`golden_engine` is whose file that is)."""

    engine: str
    trace: str
    ok: bool
    golden: str | None
    golden_engine: str

    @property
    def matches(self) -> bool:
        """Whether the run gave what the golden says."""
        return self.trace == self.golden


class ScenarioReport(NamedTuple):
    """All cases of one scenario; `error` is set instead when it does not parse."""

    name: str
    cases: tuple[Case, ...]
    error: str = ""
    redundant: tuple[str, ...] = ()


def check_scenario(suite: Suite, name: str) -> ScenarioReport:
    """Run one scenario on every engine that it is meant for."""
    try:
        loaded = load_file(suite.scenario_path(name))
        engines = loaded.engine_names()
        results = {engine: execute(loaded, engine) for engine in engines}
    except ScenarioError as error:
        return ScenarioReport(name, (), error.render())
    goldens = store.read(suite, name)
    cases = []
    for engine, result in results.items():
        nearest = store.nearest(goldens, engine)
        cases.append(Case(engine, to_text(result.trace), result.ok, goldens.get(nearest), nearest))
    return ScenarioReport(name, tuple(cases), redundant=tuple(_redundant(goldens)))


def _redundant(goldens: dict[str, str]) -> list[str]:
    """Files that say what their nearest ancestor's says already."""
    redundant = []
    for engine, text in goldens.items():
        ancestor = store.nearest((other for other in goldens if other != engine), engine)
        if ancestor and goldens[ancestor] == text:
            redundant.append(engine)
    return redundant
