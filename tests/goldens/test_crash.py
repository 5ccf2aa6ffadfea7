"""An accept that is killed at any of its writes: no golden is lost or half, and the next accept finishes the job.

The points are not chosen: every call that changes something on the disk is counted, in a first run, and then one run is
made for each of them which dies just there. A write is also cut in half.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from klpdsl.cli import accept
from klpdsl.goldens.deciding import pending
from klpdsl.goldens.suite import Suite
from tests.calls import call
from tests.goldens.project import Project
from tests.thorough import THOROUGH

#: All through which klpdsl.goldens.storage.writes changes the disk.
CHANGING = ("open", "write", "fsync", "link", "replace", "unlink", "mkdir", "rmdir", "ftruncate", "pwrite")


#: Die when the first golden is about to take its place.
IN_THE_MIDDLE = -1


def is_of_a_golden(name: str, named: dict[str, Any]) -> bool:
    return name == "replace" and "/goldens/" in os.readlink(f"/proc/self/fd/{named['dst_dir_fd']}") + "/"


def concerns(root: Path, what: object) -> bool:
    """Whether a path, or a file that is open, is of the project: a cache or byte code is nobody's golden."""
    path = os.readlink(f"/proc/self/fd/{what}") if isinstance(what, int) else os.path.abspath(str(what))
    return f"{path}/".startswith(f"{root}/")


def makes_a_file(flags: int) -> bool:
    # O_TMPFILE has the bit of O_DIRECTORY in it, with which folders are opened too.
    return bool(flags & os.O_CREAT) or flags & os.O_TMPFILE == os.O_TMPFILE


@contextmanager
def counted(root: Path, stop_at: int, half: bool) -> Iterator[list[str]]:
    """Count the calls that change the project; die before the one of that number, or in the middle of it."""
    calls: list[str] = []
    real = {name: getattr(os, name) for name in CHANGING}

    def wrapper(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if name == "open" and not (len(arguments) > 1 and makes_a_file(arguments[1])):
                return real[name](*arguments, **named)
            if not concerns(root, named.get("dst_dir_fd", named.get("dir_fd", arguments[0]))):
                return real[name](*arguments, **named)
            calls.append(name)
            if len(calls) == stop_at or (stop_at == IN_THE_MIDDLE and is_of_a_golden(name, named)):
                if half and name == "write":
                    real[name](arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real[name](*arguments, **named)

        return call

    for name in CHANGING:
        setattr(os, name, wrapper(name))
    try:
        yield calls
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def in_child(root: Path, arguments: list[str], stop_at: int = 0, half: bool = False) -> tuple[int, int]:
    """Run `klpdsl accept` in a process of its own; returns how it ended, and how many writes it made."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.chdir(root)
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            with counted(root, stop_at, half) as calls:
                code = accept.main(arguments)
            os.write(writer, str(len(calls)).encode())
        finally:
            sys.stdout.flush()
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), int(told or 0)


def goldens(root: Path) -> dict[str, bytes]:
    folder = root / "goldens"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def arranged(tmp_path: Path, fresh: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    # A kill takes no power away: what counts here is the order of writes, and memory is quick.
    if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK):
        memory = Path("/dev/shm") / f"klpdsl-test-{os.getpid()}-{tmp_path.name}"
        shutil.copytree(fresh.root, memory)
        fresh.root = memory
    monkeypatch.setenv("KLPDSL_CACHE_DIR", fresh.environment["KLPDSL_CACHE_DIR"])
    monkeypatch.setenv("HOME", fresh.environment["HOME"])
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("CI", raising=False)
    yield fresh
    for folder in (fresh.root, fresh.root.with_name(fresh.root.name + ".start")):
        shutil.rmtree(folder, ignore_errors=True)


def prepare(project: Project, scenarios: int) -> None:
    """Goldens for many scenarios, then an edit of each that alters, adds and removes some."""
    for number in range(scenarios):
        project.scenario(f"many/s{number}", "engines v4.9, v4.12, v5.1, v5.4\nload p1\nt1: syscall f\n")
    project.ok("accept", "scenarios")
    for number in range(scenarios):
        engines = ("v4.9, v4.12, v5.1, v6.1", "v4.9, v5.1", "v4.12..")[number % 3]
        project.scenario(f"many/s{number}", f"engines {engines}\nload p2\nt1: syscall f\n")
    # In this process, so that what it imports is there in every one that is forked from it.
    check = ["check", "--jobs", "1"]
    assert call(check, cwd=project.root, environment=project.env()).returncode == 1


def interrupt_everywhere(project: Project, *, every: int = 1) -> int:
    arguments = ["--reason", "the scenarios were edited", "--jobs", "1"]
    old = goldens(project.root)
    start = project.root.with_name(project.root.name + ".start")
    shutil.copytree(project.root, start)
    code, writes = in_child(project.root, arguments)
    assert code == 0
    new = goldens(project.root)
    assert new != old
    points = 0
    for stop_at in range(1, writes + 1, every):
        for half in (False, True):
            shutil.rmtree(project.root)
            shutil.copytree(start, project.root)
            code, _ = in_child(project.root, arguments, stop_at, half)
            assert code == -signal.SIGKILL, f"write {stop_at} of {writes} was not reached"
            check_one(project, old, new, arguments, f"write {stop_at} of {writes}, half: {half}")
            points += 1
    return points


def check_one(
    project: Project, old: dict[str, bytes], new: dict[str, bytes], arguments: list[str], where: str
) -> None:
    now = goldens(project.root)
    for path in {*old, *new, *now}:
        assert now.get(path) in (old.get(path), new.get(path)), f"{where}: {path} is neither old nor new"
    untouched = now == old
    # Nothing of what was pending is lost either: it is still there, or in the transaction, or done.
    left = pending.names(Suite(str(project.root)))
    assert left or now == new or (project.root / ".klpdsl/transaction.json").exists(), where
    code, _ = in_child(project.root, arguments)
    assert code == 0, f"{where}: the second accept exits with {code}"
    finished = goldens(project.root)
    assert finished == new, f"{where}: {set(finished.items()) ^ set(new.items())} (untouched: {untouched})"
    assert pending.names(Suite(str(project.root))) == [], where
    assert not (project.root / ".klpdsl/transaction.json").exists(), where


def test_killed_at_every_write_of_a_small_accept(arranged: Project) -> None:
    prepare(arranged, 2)
    assert interrupt_everywhere(arranged) > 60


@pytest.mark.slow
def test_killed_at_every_write_of_an_accept(arranged: Project) -> None:
    prepare(arranged, 12)
    assert interrupt_everywhere(arranged, every=1 if THOROUGH else 9) > (300 if THOROUGH else 34)


@pytest.mark.slow
def test_killed_at_writes_of_an_accept_over_200_goldens(arranged: Project) -> None:
    prepare(arranged, 75)
    changed = sum(1 for _ in (arranged.root / "goldens/many").rglob("*.trace"))
    assert changed >= 200
    assert interrupt_everywhere(arranged, every=17 if THOROUGH else 199) > (100 if THOROUGH else 8)


def test_check_says_that_an_accept_was_interrupted(arranged: Project) -> None:
    prepare(arranged, 3)
    code, _ = in_child(arranged.root, ["--reason", "x", "--jobs", "1"], IN_THE_MIDDLE)
    assert code == -signal.SIGKILL
    assert (arranged.root / ".klpdsl/transaction.json").exists()
    assert "an accept was interrupted: klpdsl accept finishes it" in arranged.run("check").stdout
    assert "finished an accept that was interrupted" in arranged.ok("accept")
    arranged.ok("check")


def test_what_somebody_changed_after_the_crash_is_left_alone(arranged: Project) -> None:
    prepare(arranged, 3)
    code, _ = in_child(arranged.root, ["--reason", "x", "--jobs", "1"], IN_THE_MIDDLE)
    assert code == -signal.SIGKILL
    touched = max((arranged.root / "goldens/many/s2").iterdir())
    touched.write_text("mine\n", encoding="utf-8")
    done = arranged.run("accept")
    assert "somebody has changed it in the meantime" in done.stderr
    assert done.returncode == 1, "what was not done is no success"
    assert touched.read_text(encoding="utf-8") == "mine\n"
