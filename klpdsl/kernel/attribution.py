"""Which changes of the history the kernels have borne out: those without which the model would contradict one.

That a kernel agrees in a scenario says something about a change only if the model without that change would have
shown something else there. So each confirmed scenario is played twice more for each change: without those that
build on it, and without it as well. What the change adds to a step and what it takes away is the difference of these
two; where the kernel has all of the one and none of the other, it bears the change out.
"""

from __future__ import annotations

from collections.abc import Iterable

from klpdsl.goldens.suite import Suite
from klpdsl.kernel import evidence
from klpdsl.kernel.distribution import engine_of_release
from klpdsl.kernel.observable import VisibleStep, lines_of, visible_steps
from klpdsl.run.session import Loaded, execute, load_file
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.records import Engine, EngineError
from klpdsl.semantics.table import change as record


def _needing(change: str, present: Iterable[str]) -> set[str]:
    """The changes among `present` that cannot be without `change`, directly or by way of others."""
    gone: set[str] = {change}
    grown = True
    while grown:
        grown = False
        for name in set(present) - gone:
            # A group is met by any of its names.
            if any(set(group.split("|")) & set(present) <= gone for group in record(name).requires):
                gone.add(name)
                grown = True
    return gone - {change}


def _pairs(whole: Engine) -> dict[str, tuple[Engine, Engine]]:
    """For each change of a kernel's engine: that engine without what needs the change, and without the change too."""
    found = {}
    for change in whole.changes:
        needing = _needing(change, whole.changes)
        try:
            pair = (
                resolve(whole.name, (), (), tuple(needing)),
                resolve(whole.name, (), (), (*needing, change)),
            )
        except EngineError:
            continue
        if pair[0].semantics != pair[1].semantics:
            found[change] = pair
    return found


def borne_out(suite: Suite, names: Iterable[str], kernel: str) -> dict[str, list[str]]:
    """Return, for each change that the kernel named `kernel` bears out, the scenarios in which it does."""
    engines: dict[str, tuple[Engine, dict[str, tuple[Engine, Engine]]]] = {}
    found: dict[str, list[str]] = {}
    for name in names:
        row = evidence.read(suite, name).get(kernel)
        if row is None or row.state != "confirmed":
            continue
        if row.release not in engines:
            # What a confirmed scenario's kernel showed is what the model of that kernel shows.
            whole = engine_of_release(row.release)
            engines[row.release] = whole, _pairs(whole)
        whole, pairs = engines[row.release]
        loaded = load_file(suite.scenario_path(name))
        shown: dict[str, tuple[VisibleStep, ...]] = {}

        def show(
            engine: Engine, loaded: Loaded = loaded, shown: dict[str, tuple[VisibleStep, ...]] = shown
        ) -> tuple[VisibleStep, ...]:
            if engine.name not in shown:
                shown[engine.name] = visible_steps(execute(loaded, engine).trace)
            return shown[engine.name]

        for change, (with_it, without) in pairs.items():
            if _shows(show(whole), show(with_it), show(without)):
                found.setdefault(change, []).append(name)
    return found


def _shows(
    real: tuple[VisibleStep, ...], with_it: tuple[VisibleStep, ...], without: tuple[VisibleStep, ...]
) -> bool:
    """Whether in some step what was real has all that a change adds and nothing of what it takes away."""
    for steps in zip(real, with_it, without, strict=False):
        there, new, old = (set(lines_of(step)) for step in steps)
        if new != old and new - old <= there and not (old - new) & there:
            return True
    return False
