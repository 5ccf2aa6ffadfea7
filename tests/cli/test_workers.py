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


def test_the_threads_of_a_pool_take_no_signal() -> None:
    results = _workers.in_processes(2, abs, [(number,) for number in range(-4, 0)])
    assert next(results) == 4
    ending = sum(1 << number - 1 for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    blocked = {
        thread.name: int((thread / "status").read_text().partition("SigBlk:")[2].split()[0], 16) & ending
        for thread in Path("/proc/self/task").iterdir()
    }
    main = str(threading.main_thread().native_id)
    assert blocked.pop(main) == 0
    pool = {
        thread.native_id
        for thread in threading.enumerate()
        if "Queue" in thread.name or "Executor" in thread.name
    }
    assert pool
    assert {blocked[str(number)] for number in pool} == {ending}
    assert list(results) == [3, 2, 1]


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
