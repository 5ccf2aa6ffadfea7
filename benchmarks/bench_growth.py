"""How what we do grows with what it is done on: each at three sizes, the times per doubling (target: below 2.3)."""

import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.growth import per_doubling
from klpdsl.run.session import execute, load_text

_SCRIPT = os.path.join(os.path.dirname(sys.executable), "klpdsl")


def run() -> Iterator[str]:
    """Functions of a patch, tasks of a transition, and files of a check without a cache."""
    yield _grown("functions of one patch", (4_500, 9_000, 18_000), _functions)
    yield _grown("tasks of one transition", (1_000, 2_000, 4_000), _tasks)
    yield _grown("files checked, without a cache", (500, 1_000, 2_000), _files)


def _grown(what: str, sizes: tuple[int, ...], seconds: Callable[[int], float]) -> str:
    taken = [min(seconds(size) for _ in range(5)) for size in sizes]
    return f"{sizes[-1]:,} {what}: {per_doubling(taken)}"


def _played(text: str) -> float:
    loaded = load_text(text, "benchmark")
    gc.collect()
    gc.disable()  # as the command does
    try:
        start = time.perf_counter()
        execute(loaded, "v6.12")
        return time.perf_counter() - start
    finally:
        gc.enable()


def _functions(count: int) -> float:
    names = ", ".join(f"f{number}" for number in range(count))
    return _played(f"load p1 {{ {names} }}\nsettle\ndisable p1\nsettle\n")


def _tasks(count: int) -> float:
    tasks = "".join(f"task t{number}\n" for number in range(count))
    return _played(f"{tasks}load p1\nsettle\ndisable p1\nsettle\n")


def _files(count: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        scenarios = Path(folder, "scenarios")
        scenarios.mkdir()
        for number in range(count):
            (scenarios / f"s{number}.klp").write_text(
                f"engines v6.12\nload p{number}\nsettle\n", encoding="utf-8"
            )
        command = [sys.executable, _SCRIPT, "check", "-j", "1"]
        environment = {**os.environ, "KLPDSL_NO_CACHE": "1"}
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, check=False, capture_output=True, env=environment)
        return time.perf_counter() - start
