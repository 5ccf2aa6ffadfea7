"""No worker outlives the command that asked for it, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from klpdsl import _workers

ROOT = Path(__file__).resolve().parents[2]
#: Seconds that a process has to end. It does so at once on a machine that has nothing else to do.
PATIENCE = 20
#: A scenario of some tenths of a second, and so many of it that no worker is done while a test has patience.
COPIES = 600
LONG = "".join(f"task t{i} in f\n" for i in range(60)) + "load p1\n" + "tick 500\n" * 8


def children(pid: int) -> set[int]:
    found: set[int] = set()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found.update(map(int, (thread / "children").read_text().split()))
    return found


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def as_a_shell_does() -> None:
    """Before a program starts: what nohup or a shell in the background has ignored in us is not ignored in it."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize(
    "command", [("check", "-j", "2"), ("history", "-j", "2", "scenarios")], ids=lambda c: c[0]
)
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL], ids=lambda n: n.name
)
def test_no_worker_is_left(command: tuple[str, ...], number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    for copy in range(COPIES):
        (tmp_path / "scenarios" / f"{copy}.klp").write_text(LONG, encoding="utf-8")
    environment = {**os.environ, "KLPDSL_NO_CACHE": "1", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "klpdsl", *command],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=as_a_shell_does,  # noqa: PLW1509 - no thread of ours runs meanwhile
    )
    assert process.stdout is not None
    assert wait_until(lambda: len(children(process.pid)) == 2, 30), "there are no workers"
    workers = children(process.pid)
    process.send_signal(number)
    try:
        assert wait_until(lambda: not any(map(is_there, workers)), PATIENCE), f"left: {workers}"
        # They held its output open, too: whoever reads it would wait for them.
        assert process.stdout.read() == b""
        assert process.wait(PATIENCE) == (130 if number == signal.SIGINT else -number)
    finally:
        for pid in (*workers, process.pid):
            if is_there(pid):
                os.kill(pid, signal.SIGKILL)
        process.stdout.close()
        process.wait()


def test_a_thread_that_ends_meanwhile_hides_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        real = os.listdir
        # The first of this process's threads has ended since they were listed.
        monkeypatch.setattr(
            os,
            "listdir",
            lambda folder: ["0", *real(folder)] if str(os.getpid()) in folder else real(folder),
        )
        assert child.pid in _workers._descendants(os.getpid())
    finally:
        child.kill()
        child.wait()


def test_results_come_in_order_without_a_thread_of_ours() -> None:
    """Python's handlers of signals run in the main thread, which has to be the one that gets them."""
    results = _workers.in_processes(2, _after, [(0.3, "a"), (0.0, "b"), (0.0, "c"), (0.0, "d")])
    before = threading.active_count()
    assert next(results) == "a"
    assert threading.active_count() == before
    assert list(results) == ["b", "c", "d"]


def test_more_calls_than_are_given_out_ahead() -> None:
    calls = [(number,) for number in range(-3 * _workers._AHEAD, 0)]
    assert list(_workers.in_processes(2, abs, calls)) == [-number for (number,) in calls]


def test_nothing_to_do_takes_no_process() -> None:
    assert list(_workers.in_processes(2, abs, [])) == []


def test_what_a_worker_raises_is_raised_with_where_it_was() -> None:
    results = _workers.in_processes(2, int, [("1",), ("x",), ("2",)])
    assert next(results) == 1
    with pytest.raises(ValueError, match="invalid literal") as caught:
        next(results)
    assert "in _work" in "".join(caught.value.__notes__)


def test_a_worker_that_is_killed_is_told_of() -> None:
    """As the kernel does where memory ends."""
    results = _workers.in_processes(2, signal.raise_signal, [(signal.SIGKILL,)])
    with pytest.raises(ChildProcessError, match="killed by signal 9"):
        next(results)


ENOUGH = """
from klpdsl._workers import in_processes
results = in_processes(2, bytes, [(50_000_000,)] * 20)
print(len(next(results)))
results.close()
"""


def test_what_is_half_sent_keeps_nobody_waiting() -> None:
    """A worker is in the middle of a long result nearly all the time when the command has had enough of them."""
    command = [sys.executable, "-c", ENOUGH]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert (ended.stdout, ended.stderr) == ("50000000\n", "")


def _after(seconds: float, answer: str) -> str:
    time.sleep(seconds)
    return answer


def test_what_a_command_has_started_ends_with_it(tmp_path: Path) -> None:
    """A command of the user's, called by `reduce --keep-run`, stands for compilers, guests and other revisions."""
    (tmp_path / "a.klp").write_text("load p1\n", encoding="utf-8")
    mark = tmp_path / "pid"
    command = f"echo $$ > {mark}.new && mv {mark}.new {mark} && exec sleep 60"
    process = subprocess.Popen(
        [sys.executable, "-m", "klpdsl", "reduce", "a.klp", "--keep-run", command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=as_a_shell_does,  # noqa: PLW1509 - no thread of ours runs meanwhile
    )
    assert wait_until(mark.exists, 30)
    pid = int(mark.read_text())
    process.terminate()
    assert wait_until(lambda: not is_there(pid), PATIENCE)
    assert process.wait(PATIENCE) == -signal.SIGTERM
