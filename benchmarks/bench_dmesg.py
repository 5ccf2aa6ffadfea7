"""How long it takes to read a machine's log, and to find the run of the model that gives its lines."""

import time
from collections.abc import Iterator

from klpdsl.dmesg.fitting import fit
from klpdsl.dmesg.log_lines import read_log
from klpdsl.dmesg.story import tell_story
from klpdsl.semantics.engines import resolve

_LINES = 100_000
_STUCK = (
    "livepatch: enabling patch 'p1'",
    "livepatch: 'p1': starting patching transition",
    "livepatch: signaling remaining tasks",
    "livepatch: 'p1': patching complete",
    "livepatch: 'p1': starting unpatching transition",
    "livepatch: signaling remaining tasks",
)


def run() -> Iterator[str]:
    """Time each of them."""
    noise = "[{:12.6f}] usb 1-1: new high-speed USB device number {} using xhci_hcd\n"
    ours = "[{:12.6f}] livepatch: klp_try_switch_task: task{}:{} is sleeping on function f\n"
    for share, what in ((1000, "one in a thousand"), (2, "every second")):
        lines = [(ours if n % share == 0 else noise).format(n / 10, n % 50, n % 50) for n in range(_LINES)]
        start = time.perf_counter()
        log = read_log(lines)
        tell_story(log)
        seconds = time.perf_counter() - start
        yield f"a log of {_LINES} lines, {what} livepatch's: {seconds * 1000:.0f} ms"
    log = read_log(f"[{n}.000000] {text}\n" for n, text in enumerate(_STUCK))
    texts = [line.text for line in log.lines]
    start = time.perf_counter()
    found = fit(tell_story(log), texts, resolve("v6.12"))
    seconds = time.perf_counter() - start
    yield f"a run for {len(texts)} lines without debug: {seconds * 1000:.0f} ms, {found.states} states"
