"""Work in several processes, none of which outlives the one that asked for it.

Two things see to that. A worker holds the reading end of a pipe whose writing end only the parent keeps: whatever
becomes of the parent, the pipe ends, and the worker with it. And a command that is told to end (SIGTERM, SIGHUP) ends
the processes that it has started before it goes: compilers, guests, other revisions.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess
    from types import FrameType
    from typing import Any, TypeVar

    Result = TypeVar("Result")


#: So many calls are given out before the first result: 4 bytes each, and a pipe holds a page even where it holds least.
_AHEAD = 1000
_SIZE = 4


def in_processes(
    jobs: int, work: Callable[..., Result], calls: Iterable[tuple[Any, ...]]
) -> Iterator[Result]:
    """Yield what `work` returns for each of the calls' arguments, in their order, worked out in `jobs` processes.

    No thread of this process has a part in it, unlike in concurrent.futures: signals come to the one thread that
    answers them, and what a worker had half sent when nobody wanted it any more keeps nobody waiting.

    Errors: what `work` raises, with the worker's traceback as a note; ChildProcessError where a worker is killed.
    """
    import multiprocessing
    import signal

    # The workers are forked with the calls in them. They are told which ones to do, by number.
    given = list(calls)
    context = multiprocessing.get_context("fork")
    alive = os.pipe()
    numbers = os.pipe()
    workers: dict[Connection[Any, Any], ForkProcess] = {}
    # What Python does around a fork swallows the exception that Ctrl-C raises in it.
    ending = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, ending)
        try:
            for _ in range(min(jobs, len(given))):
                reading, writing = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(alive, numbers, writing, work, given))
                process.start()
                workers[reading] = process
                # Whose writing end is in no other process either: the pipe ends when the worker does.
                writing.close()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ending)
        yield from _in_order(len(given), numbers[1], workers)
    finally:
        for reading, process in workers.items():
            process.kill()
            process.join()
            reading.close()
        for end in (*alive, *numbers):
            os.close(end)


def _in_order(calls: int, numbers: int, workers: Mapping[Connection[Any, Any], ForkProcess]) -> Iterator[Any]:
    """Give the numbers of the calls out, and yield the results in their order."""
    from multiprocessing.connection import wait

    out = min(calls, _AHEAD)
    os.write(numbers, b"".join(number.to_bytes(_SIZE) for number in range(out)))
    done: dict[int, tuple[Any, BaseException | None]] = {}
    for next_one in range(calls):
        while next_one not in done:
            connection: Any  # `wait` takes sockets and numbers too, and its type says so
            for connection in wait(list(workers)):
                try:
                    number, result, error = connection.recv()
                except (EOFError, ConnectionError):
                    raise _ended(workers[connection]) from None
                done[number] = (result, error)
                if out < calls:
                    os.write(numbers, out.to_bytes(_SIZE))
                    out += 1
        result, error = done.pop(next_one)
        if error is not None:
            raise error
        yield result


def _ended(worker: ForkProcess) -> ChildProcessError:
    worker.join()
    code = worker.exitcode or 0
    how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    return ChildProcessError(f"a process that did a part of the work ended without a result ({how})")


def _work(
    alive: tuple[int, int],
    numbers: tuple[int, int],
    results: Connection[Any, Any],
    work: Callable[..., Any],
    calls: Sequence[tuple[Any, ...]],
) -> None:
    """In a worker: do one call after the other, until the parent has all that it wants and ends it, or is no more."""
    _hold_on(*alive)
    os.close(numbers[1])
    while number := os.read(numbers[0], _SIZE):
        at = int.from_bytes(number)
        answer: tuple[Any, BaseException | None]
        try:
            answer = (work(*calls[at]), None)
        except Exception as error:  # noqa: BLE001 - the parent raises it
            import traceback

            error.add_note(traceback.format_exc())
            answer = (None, error)
        results.send((at, *answer))


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
