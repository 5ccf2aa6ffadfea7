"""What the corpus shows: for each engine beside mainline and each value of an axis, a scenario that tells it apart.

The goldens are compared: a golden is what its engine does. Only where an engine's scenario is not meant for what it
stands on, that is run.
"""

from __future__ import annotations

from functools import cache

from klpdsl.goldens.storage import store
from klpdsl.run.session import execute, load_file
from klpdsl.semantics.axes import Semantics, differing
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.spelling import spell
from klpdsl.semantics.table import proposal, table
from klpdsl.trace.text import to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NamedTuple

    from klpdsl.goldens.suite import Suite
else:
    from klpdsl._records import NamedTuple


class ShownBy(NamedTuple):
    """A scenario whose traces on two engines differ; `axes`: those in which the engines differ."""

    scenario: str
    left: str
    right: str
    axes: tuple[str, ...]


class CorpusCoverage(NamedTuple):
    """What shows each engine beside mainline (against what it stands on), and each value of an axis; None: nothing."""

    proposals: dict[str, ShownBy | None]
    values: dict[str, ShownBy | None]


def corpus_coverage(suite: Suite) -> CorpusCoverage:
    """Find out what the suite's goldens show. Of several scenarios the one whose engines differ in least is taken."""
    bases = {name: resolve(proposal(name).base).name for name in table()["proposals"]}
    proposals: dict[str, ShownBy | None] = dict.fromkeys(bases)
    values: dict[str, ShownBy | None] = {
        f"{axis}={spell(value)}": None for axis in Semantics._fields for value in table()["allowed"][axis]
    }
    for one in _differences(suite, bases):
        left, right = resolve(one.left).semantics, resolve(one.right).semantics
        for axis in one.axes:
            for side in (left, right):
                _keep(values, f"{axis}={spell(getattr(side, axis))}", one)
        for name, base in ((one.right, one.left), (one.left, one.right)):
            if bases.get(name) == base:
                _keep(proposals, name, one)
    return CorpusCoverage(proposals, values)


def _keep(found: dict[str, ShownBy | None], name: str, one: ShownBy) -> None:
    known = found[name]
    if known is None or len(one.axes) < len(known.axes):
        found[name] = one


def _differences(suite: Suite, bases: dict[str, str]) -> Iterator[ShownBy]:
    """Every scenario with each two of its engines whose traces differ, what its engines stand on among them."""
    for name in suite.names([]):
        loaded = load_file(suite.scenario_path(name))
        said = store.meant(suite, name, loaded)
        for base in sorted({bases[each] for each in said if each in bases} - set(said)):
            said[base] = to_text(execute(loaded, resolve(base)).trace)
        known = list(said)
        for place, left in enumerate(known):
            for right in known[place + 1 :]:
                if said[left] != said[right]:
                    yield ShownBy(name, left, right, _axes(left, right))


@cache
def _axes(left: str, right: str) -> tuple[str, ...]:
    return differing(resolve(left).semantics, resolve(right).semantics)
