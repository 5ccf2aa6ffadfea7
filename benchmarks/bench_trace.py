"""What it costs to write and to read traces: all of this repository's goldens, and one step with many events."""

import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.growth import per_doubling
from klpdsl.trace.events import Log, Result, StepTrace, Trace
from klpdsl.trace.jsonl import from_jsonl, to_jsonl
from klpdsl.trace.reading import from_text
from klpdsl.trace.text import to_text

_GOLDENS = Path(__file__).resolve().parent.parent / "goldens"
_ROUNDS = 5
_SIZES = (20_000, 40_000, 80_000)


def _best(action: Callable[[], object]) -> float:
    taken = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return min(taken)


def run() -> Iterator[str]:
    """Time each direction over all goldens, and how it grows with the events of one step (target: below 2.3)."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(_GOLDENS.rglob("*.trace"))]
    traces = [from_text(text) for text in texts]
    events = sum(len(step.events) for trace in traces for step in trace.steps)
    yield f"{len(texts)} goldens with {events:,} events"
    written = [to_jsonl(trace) for trace in traces]
    for what, action in (
        ("writing text", lambda: [to_text(trace) for trace in traces]),
        ("reading text", lambda: [from_text(text) for text in texts]),
        ("writing JSON lines", lambda: [to_jsonl(trace) for trace in traces]),
        ("reading JSON lines", lambda: [from_jsonl(text) for text in written]),
    ):
        seconds = _best(action)
        yield f"{what}: {seconds * 1000:.0f} ms, {seconds / events * 1e6:.2f} us per event"
    for name, read, write in (("text", from_text, to_text), ("JSON lines", from_jsonl, to_jsonl)):
        seconds_by_size = []
        for size in _SIZES:
            log = tuple(Log("debug", f"line {number}") for number in range(size))
            text = write(Trace((StepTrace(1, 0, "show", log, Result("0")),)))
            seconds_by_size.append(_best(functools.partial(read, text)))
        yield f"one step with {_SIZES[-1]:,} events as {name}: {per_doubling(seconds_by_size)}"
