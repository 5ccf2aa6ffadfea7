"""The static inventory: what lies below goldens/, held against the scenarios that there are.

Nothing here looks at what a run has touched. What a run did not touch may be needed all the same.
"""

from __future__ import annotations

import os

from klpdsl._git import git
from klpdsl._reading import GOLDEN_BYTES, read_file
from klpdsl.goldens.storage import store
from klpdsl.goldens.suite import Suite, below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple


class Orphans(NamedTuple):
    """A folder of goldens without a scenario. `renamed` is the scenario that seems to be it under a new name."""

    name: str
    files: tuple[str, ...]
    renamed: str = ""


class Inventory(NamedTuple):
    """What lies there and should not: goldens without scenario, files that are no goldens, merge conflicts."""

    orphans: tuple[Orphans, ...]
    stray: tuple[str, ...]
    conflicts: tuple[str, ...]


def take(suite: Suite) -> Inventory:
    """Look at all of goldens/."""
    names = set(suite.names([]))
    found: dict[str, list[str]] = {}
    stray = []
    start = len(suite.goldens) + 1
    for path in _below_goldens(suite):
        folder, _, file = path[start:].rpartition("/")
        if folder and (store.is_golden(file) or store.is_golden(file, store.VERDICT)):
            found.setdefault(folder, []).append(file)
        elif file != "README.md":
            stray.append(path)
    held = found.keys() & names
    orphans = [Orphans(name, tuple(sorted(found[name]))) for name in sorted(found.keys() - names)]
    without = sorted(names - held)
    guessed = tuple(one._replace(renamed=_renamed(suite, one, without)) for one in orphans)
    return Inventory(guessed, tuple(sorted(stray)), conflicts(suite))


def _below_goldens(suite: Suite) -> list[str]:
    try:
        return below(suite.goldens)
    except FileNotFoundError:
        return []


def _renamed(suite: Suite, orphans: Orphans, without: list[str]) -> str:
    """The scenario without goldens whose statements are those of the orphaned goldens, if there is one only."""
    from klpdsl.goldens.runs import cases
    from klpdsl.syntax.diagnostics import ScenarioError
    from klpdsl.trace.reading import TraceError, from_text

    traces = [file for file in orphans.files if store.is_golden(file)]
    if not traces:
        return ""
    path = os.path.join(suite.goldens, *orphans.name.split("/"), traces[0])
    try:
        golden = read_file(path, GOLDEN_BYTES, suite.real).decode()
        steps = [step.text for step in from_text(golden).steps]
    except (OSError, ValueError, TraceError):
        return ""
    fitting = []
    for name in without:
        try:
            loaded = cases.load(suite, name)
            run = cases.execute(loaded, loaded.engine_names()[0])
        except ScenarioError:
            continue
        if [step.text for step in from_text(run.text).steps] == steps:
            fitting.append(name)
    return fitting[0] if len(fitting) == 1 else ""


def conflicts(suite: Suite) -> tuple[str, ...]:
    """The goldens and scenarios that git holds for unmerged, as paths from the suite's folder."""
    listed = git(suite.root, "ls-files", "-u", "-z", "--", suite.goldens, suite.scenarios)
    if not listed:
        return ()
    return tuple(sorted({entry.partition("\t")[2] for entry in listed.split("\0") if entry}))
