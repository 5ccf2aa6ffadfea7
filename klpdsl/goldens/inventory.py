"""The static inventory: what lies below goldens/, held against the scenarios that there are.

Nothing here looks at what a run has touched. What a run did not touch may be needed all the same.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from klpdsl.goldens import store
from klpdsl.goldens.changed import git
from klpdsl.goldens.journal import FOLDER as JOURNAL
from klpdsl.goldens.suite import Suite


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
    orphans, stray = [], []
    held = set()
    for base, folders, files in os.walk(suite.goldens):
        folders.sort()
        if base == suite.goldens and JOURNAL in folders:
            folders.remove(JOURNAL)
        name = os.path.relpath(base, suite.goldens).replace(os.sep, "/")
        traces = tuple(sorted(file for file in files if file.endswith(store.SUFFIX)))
        stray += [os.path.join(base, file) for file in sorted(files) if not file.endswith(store.SUFFIX)]
        if traces and name in names:
            held.add(name)
        elif traces:
            orphans.append(Orphans(name, traces))
    without = sorted(names - held)
    guessed = tuple(one._replace(renamed=_renamed(suite, one, without)) for one in orphans)
    stray = [path for path in stray if os.path.basename(path) not in (".gitattributes", "README.md")]
    return Inventory(guessed, tuple(stray), conflicts(suite))


def _renamed(suite: Suite, orphans: Orphans, without: list[str]) -> str:
    """The scenario without goldens whose statements are those of the orphaned goldens, if there is one only."""
    from klpdsl.goldens import cases
    from klpdsl.syntax.diagnostics import ScenarioError
    from klpdsl.trace.reading import TraceError, from_text

    path = os.path.join(suite.goldens, *orphans.name.split("/"), orphans.files[0])
    try:
        with open(path, encoding="utf-8", newline="") as file:
            steps = [step.text for step in from_text(file.read()).steps]
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
