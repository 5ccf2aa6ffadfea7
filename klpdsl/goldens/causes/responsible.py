"""Between two engines: the way along the lineage, and the changes on it that make a scenario's trace change."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from klpdsl.goldens.storage.store import descent
from klpdsl.run.session import Loaded, execute
from klpdsl.semantics.axes import Semantics
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.records import Engine, EngineError
from klpdsl.semantics.spelling import spell
from klpdsl.semantics.table import change, order, table
from klpdsl.trace.text import to_text

if TYPE_CHECKING:
    from klpdsl.semantics.records import Value


class Moved(NamedTuple):
    """An axis that has another value."""

    axis: str
    old: Value
    new: Value

    def __str__(self) -> str:
        return f"{self.axis}: {spell(self.old)} -> {spell(self.new)}"


class Responsible(NamedTuple):
    """A step of the lineage at which the trace changes: `older` and `newer` are neighbours on the way.

    `changes` are the kernel's changes between them; `axes` those that the trace depends on, or all that moved where
    none of them alone makes the difference.
    """

    older: str
    newer: str
    changes: tuple[str, ...]
    axes: tuple[Moved, ...]

    def label(self) -> str:
        """What is responsible in a few words: the change, or the engine beside mainline, and the axes."""
        who = "+".join(self.changes) or self.newer
        return f"{who} ({', '.join(moved.axis for moved in self.axes)})"

    def sentence(self) -> str:
        """What is responsible, for a reader who knows the kernel."""
        moved = "; ".join(map(str, self.axes))
        if not self.changes:
            return f"between {self.older} and {self.newer}: {moved}"
        cited = ", ".join(f"{name}, {change(name).release}, {change(name).cite()}" for name in self.changes)
        # On the way down to a common ancestor the changes are those that the next engine does not have.
        undone = self.changes[0] not in resolve(self.newer).changes
        return f"{'not any more ' if undone else ''}{cited}: {moved}"


def way(first: str, second: str) -> tuple[str, ...]:
    """The engines passed on the way from one to another: down to their common ancestor, and up again."""
    down, up = (first, *descent(first)), (second, *descent(second))
    shared = next((name for name in down if name in set(up)), "")
    if not shared:
        return (first, second)
    return (*down[: down.index(shared)], *reversed(up[: up.index(shared) + 1]))


def axes_between(first: Engine, second: Engine) -> tuple[Moved, ...]:
    """The axes in which two engines differ."""
    pairs = zip(Semantics._fields, first.semantics, second.semantics, strict=True)
    return tuple(Moved(axis, old, new) for axis, old, new in pairs if old != new)


def responsible(loaded: Loaded, first: str, second: str) -> tuple[Responsible, ...]:
    """Every step on the way at which the scenario's trace changes, in order."""
    found = []
    passed = way(first, second)
    previous = passed[0]
    before = to_text(execute(loaded, previous).trace)
    for name in passed[1:]:
        after = to_text(execute(loaded, name).trace)
        if after != before:
            found.append(_name_it(loaded, resolve(previous), resolve(name), before, after))
        previous, before = name, after
    return tuple(found)


def _name_it(loaded: Loaded, older: Engine, newer: Engine, before: str, after: str) -> Responsible:
    moved = axes_between(older, newer)
    changes = tuple(name for name in newer.changes if name not in older.changes) or tuple(
        name for name in older.changes if name not in newer.changes
    )
    if len(moved) > 1:
        telling = tuple(one for one in moved if _without(loaded, newer, one, before, after))
        moved = telling or moved
    return Responsible(older.name, newer.name, changes, moved)


def _without(loaded: Loaded, newer: Engine, moved: Moved, before: str, after: str) -> bool:
    """Whether putting this one axis back makes the difference go away, or at least makes another one."""
    try:
        altered = resolve(newer.name, [f"{moved.axis}={spell(moved.old)}"])
    except EngineError:
        return False
    text = to_text(execute(loaded, altered).trace)
    return text == before or text != after


# --- engines that a golden may come from ------------------------------------------------------------------------


class AsIf(NamedTuple):
    """An alteration of an engine under which it gives what a golden says: changes put in or taken out, or an axis."""

    added: str = ""
    removed: str = ""
    setting: str = ""

    def resolved(self, engine: str) -> Engine:
        """The altered engine. Raises EngineError where that makes no sense."""
        return resolve(
            engine,
            [self.setting] if self.setting else (),
            [self.added] if self.added else (),
            [self.removed] if self.removed else (),
        )

    def sentence(self, engine: str) -> str:
        """What the golden fits, for a reader."""
        if self.setting:
            axis, _, value = self.setting.partition("=")
            now = spell(getattr(resolve(engine).semantics, axis))
            return f"the golden is what {engine} gives with {axis}={value}; now it has {axis}={now}"
        name = self.added or self.removed
        word = "with" if self.added else "without"
        cited = f"{change(name).cite()}: {', '.join(axis for axis, _ in change(name).set)}"
        return f"the golden is what {engine} gives {word} {name}, {cited}"

    def label(self) -> str:
        """The alteration in a word."""
        if self.setting:
            return self.setting.partition("=")[0]
        return self.added or self.removed


def as_if(loaded: Loaded, engine: str, golden: str, first: tuple[AsIf, ...] = ()) -> AsIf | None:
    """An alteration of the engine's semantics under which the scenario gives what the golden says.

    `first` are tried before all others. Changes of the kernel go before single axes.
    """
    seen = {resolve(engine).semantics}
    for candidate in (*first, *_alterations(engine)):
        try:
            altered = candidate.resolved(engine)
        except EngineError:
            continue
        if altered.semantics in seen:
            continue
        seen.add(altered.semantics)
        if to_text(execute(loaded, altered).trace) == golden:
            return candidate
    return None


def _alterations(engine: str) -> tuple[AsIf, ...]:
    present = set(resolve(engine).changes)
    found = [AsIf(removed=name) for name in reversed(order()) if name in present and change(name).shown]
    found += [AsIf(added=name) for name in order() if name not in present and change(name).shown]
    for axis, values in table()["allowed"].items():
        if axis != "system":
            found += [AsIf(setting=f"{axis}={spell(value)}") for value in values]
    return tuple(found)
