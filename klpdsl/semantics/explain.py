"""Why an engine is as it is: where an axis got its value, and which kernel commit added or removed a feature."""

from __future__ import annotations

from klpdsl.semantics.records import Change, EngineError
from klpdsl.semantics.spelling import spell
from klpdsl.semantics.table import change, order, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import NamedTuple

    from klpdsl.semantics.records import Engine, Value
else:
    from klpdsl._records import NamedTuple

# What the systems beside livepatch are called in a sentence.
_SYSTEMS = {"kgraft": "kGraft", "kgraft-early": "the first kGraft", "kpatch": "kpatch's core"}


class AxisValue(NamedTuple):
    """One step in an axis's history: the value it got, and from what.

    `kind` is `change` (`by` is its id), `set` (`by` whom), or `root` (what livepatch was before the first change).
    """

    value: Value
    kind: str
    by: str


def history(engine: Engine, axis: str) -> tuple[AxisValue, ...]:
    """Return how the axis came to its value in this engine, oldest first; the last step has the value it has."""
    known = table()
    root = dict(known["root"])
    start = root.get(axis, _default(axis))
    steps = [AxisValue(start, "root", "")]
    for name in engine.changes:
        for moved, value in Change(*known["changes"][name]).set:
            if moved == axis and value != steps[-1].value:
                steps.append(AxisValue(value, "change", name))
    for setting in engine.settings:
        if setting.axis == axis and setting.value != steps[-1].value:
            steps.append(AxisValue(setting.value, "set", setting.by))
    return tuple(steps)


def _default(axis: str) -> Value:
    from klpdsl.semantics.axes import Semantics

    if axis not in Semantics._fields:
        raise EngineError(f"there is no axis {axis}")
    value: Value = getattr(Semantics(), axis)
    return value


def origin(engine: Engine, axis: str) -> str:
    """Return `axis=value (from …)`: what an error says of an axis."""
    step = history(engine, axis)[-1]
    said = f"{axis}={spell(step.value)}"
    if step.kind == "change":
        return f"{said} (since {step.by})"
    if step.kind == "set":
        return f"{said} (from {step.by})"
    return said


def explain_missing(engine: Engine, axis: str, wanted: Collection[Value] = ()) -> str:
    """Return why the engine lacks a feature, naming the kernel commit that removed or later added it.

    The feature is an axis's being anything but `false`, `none` or `no`; or, where that says too little, its being
    one of `wanted`.
    """
    system = engine.semantics.system
    if system != "klp" and axis != "system":
        return f"{_SYSTEMS[system]} does not have it"
    steps = history(engine, axis)
    if _has(steps[-1].value, wanted):
        raise EngineError(f"{engine.name} does have {axis}={spell(steps[-1].value)}: nothing is missing")
    for older, newer in zip(reversed(steps[:-1]), reversed(steps[1:]), strict=True):
        if _has(older.value, wanted):
            return _removed(newer)
    left_out = [name for name in engine.without if _gives(name, axis, wanted)]
    if left_out:
        return f"left out by --without {left_out[-1]}: {change(left_out[-1]).cite()}"
    for name in order():
        if name not in engine.changes and _gives(name, axis, wanted):
            found = change(name)
            return f"added in {found.release} by {found.cite()}"
    return "mainline never had it"


def _removed(step: AxisValue) -> str:
    if step.kind == "set":
        return f"switched off by {step.by}"
    found = change(step.by)
    return f"removed in {found.release} by {found.cite()}"


def _has(value: Value, wanted: Collection[Value]) -> bool:
    return value in wanted if wanted else value not in {False, "none", "no"}


def _gives(name: str, axis: str, wanted: Collection[Value]) -> bool:
    return any(moved == axis and _has(value, wanted) for moved, value in change(name).set)
