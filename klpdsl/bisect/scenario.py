"""Scenarios as this room needs them: read once, run on many engines, and taken apart for reduction."""

from __future__ import annotations

import os
from collections.abc import Iterable

from klpdsl._errors import KlpdslError
from klpdsl.run.session import Loaded, execute
from klpdsl.semantics.axes import Semantics
from klpdsl.semantics.records import Engine
from klpdsl.syntax import load, tree
from klpdsl.syntax.diagnostics import ScenarioError
from klpdsl.syntax.place import NOWHERE
from klpdsl.syntax.resolve import resolve
from klpdsl.syntax.wording import line_of
from klpdsl.trace.events import Trace
from klpdsl.trace.text import to_text


class RunError(KlpdslError):
    """An engine could not run the scenario; the text says why."""


class Runner:
    """Runs one scenario on engines, each distinct semantics once. `runs` counts what was really run."""

    def __init__(self, items: Iterable[tree.Item]) -> None:
        items = tuple(items)
        scenario = tree.ScenarioTree(items, (), NOWHERE)
        self._loaded = Loaded(load.Analysis(scenario, items, resolve(items), ("",), ""))
        self._traces: dict[tuple[Semantics, tuple[str, ...]], Trace | RunError] = {}
        self.runs = 0

    def text(self, engine: Engine, *, lines: bool = False) -> str:
        """Return the text of the trace on an engine, with the scenario's line numbers if wanted. Raises `RunError`."""
        # What is unsupported says since when or until when: that depends on the changes, not only on the axes.
        key = (engine.semantics, engine.changes)
        if key not in self._traces:
            self.runs += 1
            self._traces[key] = self._run(engine)
        found = self._traces[key]
        if isinstance(found, RunError):
            raise found
        return to_text(found, lines=lines)

    def _run(self, engine: Engine) -> Trace | RunError:
        try:
            return execute(self._loaded, engine).trace
        except ScenarioError as error:  # a run without end
            return RunError("; ".join(diagnostic.message for diagnostic in error.diagnostics))


def header_engines(items: Iterable[tree.Item]) -> tuple[tree.EngineRange, ...]:
    """Return what the scenario's `engines` line says; nothing without one."""
    return tuple(span for item in items if isinstance(item, tree.Engines) for span in item.ranges)


def title(items: Iterable[tree.Item]) -> str:
    """Return the scenario's title; empty without one."""
    return next((item.text for item in items if isinstance(item, tree.Title)), "")


def read_items(path: str) -> tuple[tree.Item, ...]:
    """Read a scenario's items from a file, with those of the files it imports. Raises ScenarioError."""
    return load.load_scenario(path).items


def find_scenarios(paths: Iterable[str]) -> list[str]:
    """Return the scenarios at and below the given paths. What others import lies in `common` folders and is none."""
    found: dict[str, None] = {}
    for path in paths:
        if not os.path.isdir(path):
            found[path] = None
            continue
        for base, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if name != "common" and not name.startswith("."))
            found.update(
                dict.fromkeys(os.path.join(base, name) for name in sorted(names) if name.endswith(".klp"))
            )
    return list(found)


def text_of(items: Iterable[tree.Item]) -> str:
    """Return items as text, one on a line."""
    return "".join(f"{line_of(item)}\n" for item in items)
