"""How fast every order is taken: the corpus' own race, and tasks that call and return for ever beside an operator."""

import os
from collections.abc import Iterator

from klpdsl.explore.bounds import SearchBounds
from klpdsl.explore.exploration import PathSearch
from klpdsl.explore.paths import Paths
from klpdsl.run.session import load_file, load_text
from klpdsl.semantics.engines import resolve

_RACE = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scenarios", "language", "interleave.klp"
)
_OPERATOR = "operator { apply p1; unload p1; enable p1; disable p1; reverse; tick }"


def _forever(tasks: int) -> str:
    threads = "\n".join(f"t{n} {{ call f; return; run; sleep }}" for n in range(1, tasks + 1))
    return f"patch p1 {{ f }}\ninterleave {{\n{_OPERATOR}\n{threads}\n}}\n"


def run() -> Iterator[str]:
    """Explore each on one engine, and say how many states and steps a second that is."""
    runs = [("interleave.klp", load_file(_RACE).program, 0)]
    runs += [
        (f"{n} tasks for ever, depth 1", load_text(_forever(n), "benchmark").program, 1) for n in (2, 3, 4)
    ]
    for what, program, depth in runs:
        observe = "final" if depth else "results"
        found = PathSearch(Paths(program, resolve("v4.14").semantics, observe, depth=depth)).run(
            SearchBounds()
        )
        effort = found.effort
        yield (
            f"{what} on v4.14: {effort.states:,} states, {effort.steps:,} steps in {effort.seconds:.2f} s "
            f"({effort.steps / effort.seconds:,.0f} steps/s, {effort.memory} MiB)"
        )
