"""Every call to the system fails once, and every change is where the process dies once: old or new, and no lie.

`accept`, `check`, `prune`, `merge-golden` and `fmt`, with no space, a broken disk, a lack of rights, and killed. What
is left is in each file the old content or the new one; the exit code says which; and to do it again does it.
"""

import errno
import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.goldens.project import Project, replace
from tests.security.injection import ERRORS, Ended, Fault, again, files, run
from tests.thorough import THOROUGH

ENGINES = "engines v4.9, v5.1\n"
SIGNALS = (signal.SIGKILL, signal.SIGTERM)


class Work(NamedTuple):
    """A project made ready for a command, and where to find it as it was."""

    project: Project
    arguments: list[str]
    start: Path
    environment: dict[str, str]

    def run(self, fault: Fault = Fault()) -> Ended:  # noqa: B008 (a value)
        home = Path(self.project.environment["HOME"])
        again(self.project.root, self.start / "project")
        again(home, self.start / "home")
        return self.once_more(fault)

    def once_more(self, fault: Fault = Fault()) -> Ended:  # noqa: B008
        home = Path(self.project.environment["HOME"])
        roots = [self.project.root, home]
        return run(self.arguments, self.project.root, self.environment, fault, roots)


@pytest.fixture
def quick(tmp_path: Path, empty: Project) -> Iterator[Project]:
    """A project that lies in memory: what counts is the order of calls."""
    if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK):
        memory = Path("/dev/shm") / f"klpdsl-test-{os.getpid()}-{tmp_path.name}"
        shutil.rmtree(memory, ignore_errors=True)
        memory.mkdir()
        shutil.move(empty.root, memory / "project")
        empty.root = memory / "project"
        home = memory / "home"
        home.mkdir()
        empty.environment["HOME"] = str(home)
        yield empty
        shutil.rmtree(memory, ignore_errors=True)
    else:
        yield empty


def goldens(project: Project) -> None:
    for name in ("a", "deep/b"):
        project.scenario(name, f"{ENGINES}load p1\n")
    project.ok("accept", "scenarios")


def accept(project: Project) -> list[str]:
    goldens(project)
    project.scenario("a", f"{ENGINES}load p2\n")
    project.scenario("deep/b", "engines v5.1\nload p2\n")
    project.scenario("new/c", f"{ENGINES}load p1\n")
    project.ok("check", code=1)
    return ["accept", "scenarios", "--reason", "edited", "--jobs", "1"]


def accept_pending(project: Project) -> list[str]:
    accept(project)
    return ["accept", "--reason", "edited", "--jobs", "1"]


def check(project: Project) -> list[str]:
    goldens(project)
    project.scenario("a", f"{ENGINES}load p2\n")
    return ["check", "--jobs", "1"]


def check_clean(project: Project) -> list[str]:
    goldens(project)
    return ["check", "--jobs", "1"]


def prune(project: Project) -> list[str]:
    goldens(project)
    (project.root / "scenarios/deep/b.klp").unlink()
    return ["prune", "--apply"]


def fmt(project: Project) -> list[str]:
    for name in ("a", "deep/b"):
        project.scenario(name, "load   p1\nload p2\n")
    return ["fmt", "scenarios"]


def merge_golden(project: Project) -> list[str]:
    project.git("init", "-q", "-b", "main")
    lines = [ENGINES.strip(), *(f"load p{number}" for number in range(1, 8))]

    def commit(these: list[str]) -> None:
        project.scenario("a", "\n".join(these) + "\n")
        project.ok("accept", "scenarios", "--reason", "x")
        project.git("add", "-A")
        project.git("commit", "-qm", "x")

    commit(lines)
    project.git("checkout", "-qb", "side")
    commit([*lines, "t1: syscall f"])
    side = project.git("rev-parse", "HEAD").strip()
    project.git("checkout", "-q", "main")
    commit([lines[0], "load p0", *lines[1:]])
    project.environment[f"GITHEAD_{side}"] = "side"
    for name in ("base", "ours", "theirs"):
        (project.root / name).write_text(f"{name}\n")
    return ["merge-golden", "base", "ours", "theirs", "goldens/a/v5.1.trace"]


COMMANDS = {
    one.__name__: one for one in (accept, accept_pending, check, check_clean, prune, fmt, merge_golden)
}


@pytest.fixture
def work(request: pytest.FixtureRequest, quick: Project) -> Work:
    arguments = COMMANDS[request.param](quick)
    start = quick.root.parent / "start"
    shutil.copytree(quick.root, start / "project", symlinks=True)
    shutil.copytree(quick.environment["HOME"], start / "home")
    return Work(quick, arguments, start, quick.env())


def without_time(text: str) -> str:
    return re.sub(r"\[\d+\.\d s[^\]]*\]", "", text)


class Reference(NamedTuple):
    """What the command does when nothing fails."""

    ended: Ended
    old: dict[str, bytes]
    new: dict[str, bytes]


def reference(work: Work, *, changing: bool) -> Reference:
    ended = work.run(Fault(changing=changing))
    assert ended.code in (0, 1), ended
    assert ended.calls > 0, "nothing was counted"
    return Reference(ended, files(work.start / "project"), files(work.project.root))


def check_fault(work: Work, right: Reference, fault: Fault) -> None:
    ended = work.run(fault)
    where = f"{os.strerror(fault.number)} at call {fault.at}, {ended.failed}:\n{ended.out}\n{ended.err}"
    now = files(work.project.root)
    assert "Traceback" not in ended.err, where
    assert "bug of klpdsl" not in ended.err, where
    whole(right, now, where)
    told = os.strerror(fault.number) in ended.out + ended.err
    if ended.code == right.ended.code and not (told and work.arguments[0] == "check"):
        # It says that all went well, and so it has.
        assert now == right.new, where
        assert without_time(ended.out) == without_time(right.ended.out), where
    elif work.arguments[0] == "check":
        # What is wrong with the state is told beside what the goldens say, which is not less true.
        assert told or (ended.code == 2 and ended.err), where
        assert ended.code in (right.ended.code, 1, 2, 3, 4), where
    else:
        assert ended.code in (1, 2, 4), where
        assert ended.code != 1 or ended.err, where
        assert ended.err, where
        if now not in (right.old, right.new) and work.arguments[0] != "fmt":
            assert (work.project.root / ".klpdsl/transaction.json").exists(), where
            assert "the next klpdsl accept finishes it" in ended.err, where
    mended(work, right, where)


def check_death(work: Work, right: Reference, fault: Fault) -> None:
    ended = work.run(fault)
    where = f"signal {fault.number} at change {fault.at}"
    assert ended.code == -fault.number, f"{where}: {ended}"
    now = files(work.project.root)
    for path in now:
        # One that has no place yet may be left; nothing that has one is half.
        if path in right.old or path in right.new:
            assert now[path] in (right.old.get(path), right.new.get(path)), f"{where}: {path}"
        else:
            assert Path(path).name.startswith(".klpdsl-"), f"{where}: {path}"
    mended(work, right, where)


def whole(right: Reference, now: dict[str, bytes], where: str) -> None:
    for path in {*right.old, *right.new, *now}:
        assert now.get(path) in (right.old.get(path), right.new.get(path)), (
            f"{where}\n{path} is neither old nor new"
        )


def mended(work: Work, right: Reference, where: str) -> None:
    """Without the fault, the command does what was asked for; and leaves nothing lying about."""
    ended = work.once_more()
    assert ended.code in (right.ended.code, 0), f"{where}\nand then: {ended}"
    assert files(work.project.root) == right.new, f"{where}\nand then: {ended}"
    staged = work.project.root / ".klpdsl/new"
    if work.arguments[0] in ("accept", "prune") and staged.exists():
        assert list(staged.iterdir()) == [], where


def points(calls: int, most: int) -> range:
    """The numbers of so many calls, spread over all."""
    return range(1, calls + 1, max(1, calls // most)) if most else range(1, calls + 1)


def fail_everywhere(work: Work, most: int = 0) -> None:
    right = reference(work, changing=False)
    for turn, at in enumerate(points(right.ended.calls, most)):
        # With a sample, each error has its turn.
        for number in ERRORS if not most else (ERRORS[turn % len(ERRORS)],):
            check_fault(work, right, Fault(at, number))


def die_everywhere(work: Work, most: int = 0) -> None:
    right = reference(work, changing=True)
    for turn, at in enumerate(points(right.ended.calls, most)):
        for number in SIGNALS if not most else (SIGNALS[turn % len(SIGNALS)],):
            check_death(work, right, Fault(at, number, kills=True, changing=True))


@pytest.mark.parametrize("work", COMMANDS, indirect=True)
def test_a_call_that_fails(work: Work) -> None:
    fail_everywhere(work, 9)


@pytest.mark.parametrize("work", ["accept", "check", "prune", "fmt", "merge_golden"], indirect=True)
def test_a_process_that_dies(work: Work) -> None:
    die_everywhere(work, 6)


@pytest.mark.slow
@pytest.mark.parametrize("work", COMMANDS, indirect=True)
def test_each_call_that_fails(work: Work) -> None:
    fail_everywhere(work, 0 if THOROUGH else 25)


@pytest.mark.slow
@pytest.mark.parametrize("work", ["accept", "check", "prune", "fmt", "merge_golden"], indirect=True)
def test_each_change_at_which_a_process_dies(work: Work) -> None:
    die_everywhere(work, 0 if THOROUGH else 25)


def test_the_layer_fails_what_it_says(quick: Project) -> None:
    arguments = fmt(quick)
    ended = run(arguments, quick.root, quick.env(), Fault(1, errno.EIO, changing=True), [quick.root])
    assert (ended.code, ended.calls) == (4, ended.calls)
    assert "Input/output error" in ended.err
    assert ended.failed.startswith("open ")
    replace(quick.root / "scenarios/a.klp", "load   p1", "load  p1")
