"""What a check finds: the cases of a scenario that are not as their goldens say, and what else is to be said of it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from klpdsl.goldens.causes.why import Why
    from klpdsl.goldens.runs.cases import Run
else:
    from klpdsl._records import NamedTuple


class Case(NamedTuple):
    """One scenario on one engine: what it gave, and what its golden says.

    `golden_engine` is whose file the golden is, empty when there is none. `why` explains a difference; it is None
    for a case that is as its golden says.
    """

    run: Run
    golden: str | None
    golden_engine: str
    why: Why | None = None

    @property
    def engine(self) -> str:
        """The engine's name."""
        return self.run.engine

    @property
    def matches(self) -> bool:
        """Whether the run gave what the golden says."""
        return self.run.text == self.golden

    @property
    def surprising(self) -> tuple[str, ...]:
        """The violations that neither the scenario expects nor the golden has."""
        return tuple(
            name
            for name in self.run.violations
            if self.golden is None or f"\n    violation {name}:" not in self.golden
        )


class ScenarioReport(NamedTuple):
    """All cases of one scenario that are not as they should be, and how many there were.

    `error` is the report on a scenario that cannot run, `line` the place of its first error. `complete` says whether
    every engine was run that the scenario is meant for; `engines` are those that it is meant for. `key` stands for
    all that the report follows from, and is empty where that is not to be relied on.
    """

    name: str
    cases: tuple[Case, ...]
    runs: int = 0
    engines: tuple[str, ...] = ()
    error: str = ""
    line: int = 0
    complete: bool = True
    inputs: str = ""
    base: tuple[tuple[str, str], ...] = ()
    redundant: tuple[str, ...] = ()
    unmeant: tuple[str, ...] = ()
    cached: bool = False
    key: str = ""

    @property
    def clean(self) -> bool:
        """Whether there is nothing to say about the scenario."""
        return not (self.error or self.cases or self.redundant or self.unmeant)
