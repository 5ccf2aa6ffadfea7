"""How fast every order is taken: the corpus' own race, and tasks that call and return for ever beside an operator.

Beside the last, where SPIN is installed, a model of one transition that was written by hand for it (`transition.pml`):
it has no signals, references, sysfs or module, and no nesting, and is compiled.
"""

import os
import shutil
import subprocess
import tempfile
import time
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


def _transition(tasks: int, depth: int) -> str:
    threads = "\n".join(f"t{n} {{ call f; return }}" for n in range(1, tasks + 1))
    declared = "".join(f"task t{n}\n" for n in range(1, tasks + 1))
    operator = "operator { apply p1; enable p1; disable p1; reverse; force p1; tick }"
    return f"{declared}patch p1 {{ f }}\ninterleave forever {depth} {{\n{operator}\n{threads}\n}}\n"


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
    for tasks, depth, engine in ((6, 1, "v4.16"), (6, 1, "v6.12"), (10, 1, "v4.16"), (6, 2, "v4.16")):
        program = load_text(_transition(tasks, depth), "benchmark").program
        paths = Paths(program, resolve(engine).semantics, "final", depth=depth)
        effort = PathSearch(paths).run(SearchBounds()).effort
        rate = effort.steps / effort.seconds
        yield (
            f"a transition, {tasks} tasks, depth {depth}, on {engine}: {effort.states:,} states, "
            f"{effort.steps:,} steps in {effort.seconds:.2f} s ({rate:,.0f} steps/s, {effort.memory} MiB)"
        )
    yield from (_spin(tasks) for tasks in (6, 10))


def _spin(tasks: int) -> str:
    """SPIN on the model that was written by hand."""
    if not shutil.which("spin") or not shutil.which("gcc"):
        return f"the same by SPIN, {tasks} tasks, depth 1: needs spin and gcc"
    model = os.path.join(os.path.dirname(os.path.abspath(__file__)), "transition.pml")
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        for command in (
            ["spin", "-a", f"-DN={tasks}", model],
            ["gcc", "-w", "-O2", "-DSAFETY", "-DMEMLIM=4000", "-o", "pan", "pan.c"],
        ):
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
        built = time.monotonic()
        done = subprocess.run(
            ["./pan", "-m1000000", "-w24"], cwd=folder, check=True, capture_output=True, text=True
        )
        states, steps = (
            int(done.stdout.split(what)[0].split()[-1]) for what in (" states, stored", " transitions")
        )
        return (
            f"the same by SPIN, by hand, {tasks} tasks, depth 1: {states:,} states, {steps:,} steps "
            f"in {time.monotonic() - built:.2f} s, {built - began:.2f} s to build"
        )
