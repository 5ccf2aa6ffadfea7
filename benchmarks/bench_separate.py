"""Separating engines: how fast pairs of worlds are gone through, and how long all changes of mainline take."""

import time
from collections.abc import Iterator

from klpdsl.semantics.engines import resolve
from klpdsl.semantics.lineage import before_and_after
from klpdsl.semantics.table import change, order
from klpdsl.separate.alphabets import alphabets
from klpdsl.separate.pairs import Bounds, Search
from klpdsl.separate.separation import separate

#: Engines that behave alike over the alphabet: while the worlds are equal one run serves both; and with every axis read
#: on its own, both are run.
_ALIKE = [("v4.18", "v4.19", "unreliable"), ("v5.1", "v5.2", "replace"), ("v6.18", "v6.19", "tasks")]
_PAIRS = 2_000


def run() -> Iterator[str]:
    """Measure, and say what was measured."""
    known = alphabets()
    for left, right, name in _ALIKE:
        alphabet = known[name]
        semantics = resolve(left).semantics, resolve(right).semantics
        search = Search(alphabet.loaded.program, alphabet.actions, *semantics, "behaviour")
        began = time.perf_counter()
        gone = search.run(Bounds(pairs=_PAIRS))
        seconds = time.perf_counter() - began
        yield (
            f"{left} and {right} over {name}: {gone.pairs:,} pairs, {gone.steps:,} steps in {seconds:.2f} s "
            f"({gone.pairs / seconds:,.0f} pairs/s, {gone.steps / seconds:,.0f} steps/s)"
        )
    shown = [name for name in order() if change(name).shown]
    began = time.perf_counter()
    lengths = []
    for name in shown:
        found = separate(*before_and_after(name), "full", bounds=Bounds(pairs=20_000))
        lengths += [one.step for one in found.findings]
    seconds = time.perf_counter() - began
    yield f"{len(lengths)} of {len(shown)} changes of mainline separated in {seconds:.1f} s (target 60 s)"
