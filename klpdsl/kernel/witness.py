"""Which changes of the history the kernels have borne out: those without which the model would contradict one.

That a kernel agrees in a scenario says something about a change only if the model without that change would have
shown something else there. So each confirmed scenario is played once more for each change, without it.
"""

from __future__ import annotations

from collections.abc import Iterable

from klpdsl.goldens.suite import Suite
from klpdsl.kernel import evidence
from klpdsl.kernel.distribution import BACKPORTS
from klpdsl.kernel.project import project
from klpdsl.run.session import execute, load_file
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.records import Engine, EngineError


def _engines_without(version: str) -> dict[str, Engine]:
    """The engine of a kernel without one change each, where that makes sense."""
    backports = BACKPORTS.get(version, ())
    found = {}
    for change in resolve(version, (), backports, ()).changes:
        try:
            added = tuple(name for name in backports if name != change)
            removed = () if change in backports else (change,)
            found[change] = resolve(version, (), added, removed)
        except EngineError:
            continue
    return found


def witnesses(suite: Suite, names: Iterable[str], kernel: str) -> dict[str, list[str]]:
    """Return, for each change that the kernel named `kernel` bears out, the scenarios in which it does."""
    version = f"v{kernel}"
    engine = resolve(version, (), BACKPORTS.get(version, ()), ())
    without = _engines_without(version)
    found: dict[str, list[str]] = {}
    for name in names:
        row = evidence.read(suite, name).get(kernel)
        if row is None or row.state != "confirmed":
            continue
        loaded = load_file(suite.scenario_path(name))
        with_all = project(execute(loaded, engine).trace)
        for change, other in without.items():
            if other.semantics != engine.semantics and project(execute(loaded, other).trace) != with_all:
                found.setdefault(change, []).append(name)
    return found
