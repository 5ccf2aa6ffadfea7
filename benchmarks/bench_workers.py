"""How soon no process is left of a check that is told to end (target: a second)."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_SCRIPT = os.path.join(os.path.dirname(sys.executable), "klpdsl")
_JOBS = 8
_LONG = "".join(f"task t{i} in f\n" for i in range(60)) + "load p1\n" + "tick 500\n" * 8


def run() -> Iterator[str]:
    """Start a check with eight workers, tell it to end in each way, and look at its session until nobody is in it."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL):
        worst = max(_seconds(number) for _ in range(5))
        yield f"{number.name}: nobody is left after {worst * 1000:.0f} ms, the worst of five"


def _seconds(number: signal.Signals) -> float:
    with tempfile.TemporaryDirectory() as folder:
        scenarios = Path(folder, "scenarios")
        scenarios.mkdir()
        for copy in range(600):
            (scenarios / f"{copy}.klp").write_text(_LONG, encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, _SCRIPT, "check", "-j", str(_JOBS)],
            cwd=folder,
            env={**os.environ, "KLPDSL_NO_CACHE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while len(_session(process.pid)) <= _JOBS:
            time.sleep(0.01)
        start = time.perf_counter()
        process.send_signal(number)
        process.wait()
        while _session(process.pid):
            time.sleep(0.001)
        return time.perf_counter() - start


def _session(leader: int) -> list[int]:
    """The processes of a session that have not ended."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            fields = Path(f"/proc/{entry}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if fields[0] != "Z" and int(fields[3]) == leader:
            found.append(int(entry))
    return found
