"""The shortest scenario that shows each change of mainline and each value of an axis, found by machine and kept.

A change is separated from the point before it. A value is asked for on an engine that has it, against that engine with
another value in its place. What was found is kept in data/shortest.toml, which `make separators` writes: a search over
everything takes minutes, and who asks `klpdsl engines --coverage` should not wait for it.
"""

from __future__ import annotations

import sys
import tomllib
from importlib.resources import files

from klpdsl._writing import replace_file
from klpdsl.semantics.axes import Semantics
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.lineage import before_and_after
from klpdsl.semantics.points import points
from klpdsl.semantics.records import EngineError
from klpdsl.semantics.spelling import spell
from klpdsl.semantics.table import order, table
from klpdsl.separate.alphabets import alphabets, touching
from klpdsl.separate.pairs import Bounds
from klpdsl.separate.separation import separate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import NamedTuple

    from klpdsl.semantics.records import Engine
    from klpdsl.separate.separation import Separation
else:
    from klpdsl._records import NamedTuple

BOUNDS = Bounds(pairs=1_000)
"""For each alphabet. Pairs and no seconds: what is found must not depend on the machine."""


class Shortest(NamedTuple):
    """What is known of a change, or of a value (`axis=value`): engines that it separates, and by what.

    `steps` is the length of the shortest scenario, 0 where none was found; `verdict` then says over what was searched.
    """

    name: str
    left: str
    right: str
    steps: int
    kind: str
    scenario: str
    verdict: str

    @property
    def actions(self) -> tuple[str, ...]:
        """The steps of the scenario: its last lines, one for each."""
        return tuple(self.scenario.splitlines()[-self.steps :]) if self.steps else ()


def kept() -> dict[str, Shortest]:
    """Return what was found when the table was made, by the name of the change or value."""
    text = (files("klpdsl.separate") / "data" / "shortest.toml").read_text(encoding="utf-8")
    return {name: Shortest(name, **row) for name, row in tomllib.loads(text).items()}


def look_for_change(name: str, bounds: Bounds = BOUNDS) -> Shortest:
    """Separate a change from the point before it, at the level at which everything counts."""
    before, after = before_and_after(name)
    return _row(name, before, after, separate(before, after, "full", bounds=bounds))


def look_for_value(axis: str, word: str, bounds: Bounds = BOUNDS) -> Shortest:
    """Separate a value from the others of its axis, on the engines that have it, until one scenario shows it."""
    name = f"{axis}={word}"
    if not touching((axis,), alphabets()):
        return Shortest(name, "", "", 0, "", "", f"not searched: no alphabet touches {axis}")
    last: Shortest | None = None
    for left, right in _pairs(axis, word):
        last = _row(name, left, right, separate(left, right, "full", bounds=bounds))
        if last.steps:
            return last
    if last is not None:
        return last
    return Shortest(
        name, "", "", 0, "", "", "no engine has it with which another value would make a difference"
    )


def values() -> Iterator[tuple[str, str]]:
    """Return every axis with each of its values, spelled as --set takes it, the oldest kernel's first."""
    for axis, oldest in Semantics()._asdict().items():
        others = (value for value in table()["allowed"][axis] if value != oldest)
        for value in (oldest, *others):
            yield axis, spell(value)


_PAIRS = 3
"""How many pairs of engines a value is asked on at most: nearly all that can be shown are shown by the first."""


def _pairs(axis: str, word: str) -> Iterator[tuple[Engine, Engine]]:
    """An engine with that value, and the same one with each other. The newest of mainline first, then proposals."""
    count = 0
    seen: set[Semantics] = set()
    for name in (*reversed(points()), *table()["proposals"]):
        engine = resolve(name)
        if spell(getattr(engine.semantics, axis)) != word or engine.semantics in seen:
            continue
        seen.add(engine.semantics)
        for _, other in (one for one in values() if one[0] == axis and one[1] != word):
            try:
                altered = resolve(name, [f"{axis}={other}"])
            except EngineError:
                continue
            yield engine, altered
            count += 1
            if count == _PAIRS:
                return


def _row(name: str, left: Engine, right: Engine, found: Separation) -> Shortest:
    if found.findings:
        one = found.findings[0]
        return Shortest(name, left.name, right.name, one.step, one.kind, one.text, "")
    pairs = sum(one.searched.pairs for one in found.asked)
    if not found.axes:
        verdict = "no axis differs"
    elif found.closed:
        verdict = f"none of any length over {len(found.asked)} alphabets: closed, {pairs} pairs"
    else:
        depth = min(one.searched.depth for one in found.asked if not one.searched.closed)
        verdict = (
            f"none found up to {depth} actions over {len(found.asked)} alphabets: {pairs} pairs, not closed"
        )
    if found.untouched:
        verdict += f"; no alphabet touches {', '.join(found.untouched)}"
    return Shortest(name, left.name, right.name, 0, "", "", verdict)


def render(rows: Iterable[Shortest]) -> str:
    """Return the table as it is kept."""
    said = ["# Made by `make separators`. What each row means: klpdsl/separate/shortest.py.\n"]
    for row in rows:
        said.append(f"\n[{_quoted(row.name)}]\n")
        said += [
            f"{key} = {value if isinstance(value, int) else _quoted(value)}\n"
            for key, value in row._asdict().items()
            if key not in ("name", "scenario")
        ]
        if row.scenario:
            text = row.scenario.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
            said.append(f'scenario = """\n{text}"""\n')
        else:
            said.append('scenario = ""\n')
    return "".join(said)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def main(path: str) -> None:
    """Make the table anew."""
    rows = [look_for_change(name) for name in order()]
    rows += [look_for_value(axis, word) for axis, word in values()]
    replace_file(path, render(rows).encode("utf-8"))


if __name__ == "__main__":
    main(sys.argv[1])
