"""How long the command takes to start, as a ratio to the bare interpreter: target for the one-liner, 5 times."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

_ROUNDS = 30
# The installed script, as users start it: `python -m klpdsl` would add the cost of runpy.
_SCRIPT = os.path.join(os.path.dirname(sys.executable), "klpdsl")
# The modules' byte code is what Python keeps by itself; without it this would time its compiler.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_COMMANDS = {
    "klpdsl --version": [_SCRIPT, "--version"],
    "klpdsl run -c ONE-LINER": [
        _SCRIPT,
        "run",
        "-c",
        "load p1 immediate; enable p1; load p2 replace; reverse",
        "--engine",
        "baron-v2",
    ],
}


def _seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=_ENVIRONMENT)
    return time.perf_counter() - start


def run() -> Iterator[str]:
    """Time each command in turn with the bare interpreter, and compare the fastest of each."""
    for arguments in _COMMANDS.values():
        _seconds(arguments)  # the first run fills the cache of parsed scenarios and resolved engines
    bare: list[float] = []
    taken: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    for _ in range(_ROUNDS):
        bare.append(_seconds(["-c", "pass"]))
        for name, arguments in _COMMANDS.items():
            taken[name].append(_seconds(arguments))
    yield f"python -c pass: {min(bare) * 1000:.1f} ms"
    for name, seconds in taken.items():
        yield f"{name}: {min(seconds) * 1000:.1f} ms, {min(seconds) / min(bare):.2f} times that"
