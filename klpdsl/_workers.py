"""Work in several processes, none of which outlives the one that asked for it.

Two things see to that. A worker holds the reading end of a pipe whose writing end only the parent keeps: whatever
becomes of the parent, the pipe ends, and the worker with it. And a command that is told to end (SIGTERM, SIGHUP) ends
the processes that it has started before it goes: compilers, guests, other revisions.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType
    from typing import Any, TypeVar

    Result = TypeVar("Result")


def in_processes(
    jobs: int, work: Callable[..., Result], calls: Iterable[tuple[Any, ...]]
) -> Iterator[Result]:
    """Yield what `work` returns for each of the calls' arguments, in their order, worked out in `jobs` processes."""
    import multiprocessing
    import signal
    from concurrent.futures import ProcessPoolExecutor

    reading, writing = os.pipe()
    pool = ProcessPoolExecutor(
        jobs, multiprocessing.get_context("fork"), initializer=_hold_on, initargs=(reading, writing)
    )
    try:
        # The first one forks. What Python does around a fork swallows the exception that Ctrl-C raises in it. And it
        # starts the pool's threads, which take over what is blocked: Python's handlers run in the main thread, which
        # does not wake up from waiting for a result when another thread is the one that gets the signal.
        ending = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
        signal.pthread_sigmask(signal.SIG_BLOCK, ending)
        try:
            waiting = [pool.submit(work, *call) for call in calls]
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ending)
        for future in waiting:
            yield future.result()
        pool.shutdown()
    finally:
        os.close(writing)
        os.close(reading)
        pool.shutdown(wait=False, cancel_futures=True)


def _hold_on(reading: int, writing: int) -> None:
    """In a worker: end when the parent does. Ctrl-C goes to all processes of a terminal; only the parent answers."""
    import signal
    import threading

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    os.close(writing)
    threading.Thread(target=_until_the_end, args=(reading,), daemon=True).start()


def _until_the_end(reading: int) -> None:
    os.read(reading, 1)
    os._exit(1)


def end_together() -> None:
    """From here on, SIGTERM and SIGHUP end this process and all that it has started."""
    # The builtin one: importing `signal` would cost every start a millisecond.
    import _signal as signal  # type: ignore[import-not-found]

    for number in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup, SIGHUP is to be ignored.
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _: FrameType | None) -> None:
    import _signal as signal

    for pid in _descendants(os.getpid()):
        try:
            os.kill(pid, signal.SIGTERM)
        except OSError:
            continue  # it has just ended
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have, as far as /proc tells."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        folder = f"/proc/{waiting.pop()}/task"
        try:
            threads = os.listdir(folder)
        except OSError:
            continue  # the process has just ended
        for thread in threads:
            try:
                with open(f"{folder}/{thread}/children", "rb") as file:
                    children = [int(word) for word in file.read().split()]
            except OSError:
                continue  # the thread has; the others may have children all the same
            found += children
            waiting += children
    return found
