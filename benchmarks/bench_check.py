"""How many scenarios `klpdsl check` gets through in a second, over this repository's corpus."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_SCRIPT = os.path.join(os.path.dirname(sys.executable), "klpdsl")


def run() -> Iterator[str]:
    """Run the whole check a few times, and divide."""
    scenarios = sum(
        name.endswith(".klp") and "common" not in base.split(os.sep)
        for base, _, names in os.walk(os.path.join(_ROOT, "scenarios"))
        for name in names
    )
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, _SCRIPT, "check"], cwd=_ROOT, check=False, stdout=subprocess.DEVNULL)
        best = min(best, time.perf_counter() - start)
    yield f"{scenarios} scenarios on all their engines in {best:.2f} s: {scenarios / best:,.0f} scenarios/s"
