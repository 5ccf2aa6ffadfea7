"""`make distances`: how far every two proposals are apart, and every two releases, by search.

What is found is kept in klpdsl/semantics/data/distances.toml, since a search of all pairs takes long.
"""

from __future__ import annotations

import itertools
import sys

from klpdsl._workers import in_processes
from klpdsl._writing import replace_file
from klpdsl.semantics.distances import ALIKE, UNKNOWN, Distance
from klpdsl.semantics.engines import expand, resolve
from klpdsl.semantics.table import proposal
from klpdsl.separate.pairs import Bounds
from klpdsl.separate.separation import separate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from klpdsl.semantics.records import Engine
    from klpdsl.separate.view import Level

PAIRS = 300
"""For each alphabet, and no bound on time: what is found must not depend on the machine."""


def measure(left: str, right: str) -> Distance:
    """How far two engines are apart at each level."""
    one, other = resolve(left), resolve(right)
    behaviour = _steps(one, other, "behaviour", None)
    # What differs in behaviour differs in everything, after as many steps at most.
    full = _steps(one, other, "full", behaviour if behaviour > 0 else None)
    return Distance(full, behaviour, _steps(one, other, "outcome", None))


def _steps(left: Engine, right: Engine, level: Level, depth: int | None) -> int:
    found = separate(left, right, level, bounds=Bounds(depth, PAIRS))
    if found.findings:
        return found.findings[0].step
    return ALIKE if found.closed else UNKNOWN


def wanted() -> list[tuple[str, str]]:
    """The pairs to measure: proposals and mutants with one another and with what they stand on, and releases."""
    proposed = [resolve(name).name for name in expand("proposals,mutants")]
    bases = [resolve(proposal(name).base).name for name in proposed]
    releases = [resolve(name).name for name in expand("v4.0..latest")]
    groups = (tuple(dict.fromkeys((*bases, "v7.3", *proposed))), tuple(dict.fromkeys(releases)))
    pairs = {pair: None for group in groups for pair in itertools.combinations(group, 2)}
    return list(pairs)


def render(rows: Iterable[tuple[tuple[str, str], Distance]]) -> str:
    """The table as it is kept."""
    lines = [
        "# Made by `make distances`: steps at the levels full, behaviour and outcome to where two engines differ.",
        f"# 0: nowhere, at any length; -1: none was found. Over klpdsl's own alphabets, {PAIRS} pairs each.",
    ]
    lines += [f'"{left} {right}" = [{", ".join(map(str, found))}]' for (left, right), found in rows]
    return "\n".join(lines) + "\n"


def main(path: str, jobs: int) -> None:
    """Make the table anew."""
    pairs = wanted()
    found = in_processes(jobs, measure, pairs)
    replace_file(path, render(zip(pairs, found, strict=True)).encode("utf-8"))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
