"""What lies in .klpdsl/ may have come with the checkout: it writes nothing, removes nothing, and decides nothing."""

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from klpdsl._writing import UnfitPlaceError, open_folder, replace_file
from klpdsl.goldens.deciding import pending, transaction
from klpdsl.goldens.storage import sealed, writes
from klpdsl.goldens.suite import Suite
from tests.goldens.project import Project, replace

VICTIM = "what somebody else has written\n"


@pytest.fixture
def victim(project: Project) -> Path:
    """A file beside the project, which no command may change."""
    path = project.root.parent / "victim"
    path.write_text(VICTIM)
    return path


@pytest.fixture(autouse=True)
def _same_key(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test asks of the state, it asks as the user who has run the commands."""
    monkeypatch.setenv("HOME", project.environment["HOME"])
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)


def differing(project: Project) -> None:
    """Let one golden say something else, and leave that pending."""
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    project.ok("check", code=1)


def untouched(project: Project, victim: Path) -> None:
    assert victim.read_text() == VICTIM
    known = {"project", "state", "victim"}
    assert {path.name for path in project.root.parent.iterdir()} <= known


def operations(path: str, new: str | None) -> str:
    row = {
        "version": 1,
        "operations": [[path, new, ""]],
        "done": ["../../../victim"],
        "left": [],
        "decided": [],
    }
    return json.dumps(row)


@pytest.mark.parametrize(
    "path", ["../victim", "../new", "goldens/../../victim", "/tmp/x", ".git/hooks/pre-commit"]
)
@pytest.mark.parametrize("command", [["accept"], ["reject"], ["review"], ["prune", "--apply"]], ids=" ".join)
def test_a_transaction_that_came_with_the_checkout_does_nothing(
    project: Project, victim: Path, command: list[str], path: str
) -> None:
    (project.root / ".klpdsl/transaction.json").write_text(operations(path, "owned\n"))
    done = project.run(*command)
    assert done.returncode == 2
    assert "an accept that was not made here: nothing of it is done" in done.stderr
    assert "finished an accept" not in done.stdout
    untouched(project, victim)
    assert "was not made here: remove it" in project.ok("check", code=3)


@pytest.mark.parametrize(
    "name", ["../victim", "goldens/../../victim", "scenarios/first.klp", "victim", "goldens", ""]
)
def test_even_with_a_seal_nothing_is_written_elsewhere(project: Project, victim: Path, name: str) -> None:
    suite = Suite(str(project.root))
    acts: list[Callable[[], object]] = [
        lambda: writes.write(suite, name, b"x"),
        lambda: writes.remove(suite, name),
        lambda: sealed.write(suite, name, b"x"),
        lambda: writes.read(suite, name, 100),
    ]
    for act in acts:
        with pytest.raises(UnfitPlaceError):
            act()
    untouched(project, victim)


def test_a_folder_that_is_a_link_leads_nowhere(project: Project, victim: Path) -> None:
    outside = victim.with_name("state") / "outside"
    outside.mkdir()
    for place in ("goldens", ".klpdsl", "evidence", "goldens/deep"):
        path = project.root / place
        shutil.rmtree(path, ignore_errors=True)
        path.symlink_to(outside)
        with pytest.raises(UnfitPlaceError, match="it is a link, and no folder"):
            writes.write(Suite(str(project.root)), f"{place}/x", b"x")
        for command in (["accept", "scenarios"], ["prune", "--apply"], ["reject"], ["check"]):
            code = project.run(*command).returncode
            assert code != 0 or place == "evidence" or command[0] != "accept", (place, command)
        assert list(outside.iterdir()) == []
        path.unlink()
        path.mkdir()


def test_a_lock_that_is_a_link_is_not_written_through(project: Project, victim: Path) -> None:
    lock = project.root / ".klpdsl/lock"
    kinds: list[tuple[Callable[[], object], str]] = [
        (lambda: lock.symlink_to(victim), "it is a link, and no regular file"),
        (lambda: os.link(victim, lock), "it has another name somewhere"),
        (lambda: os.mkfifo(lock), "it is a pipe, and no regular file"),
    ]
    for make, said in kinds:
        lock.unlink(missing_ok=True)
        make()
        for command in (["accept", "scenarios"], ["reject"], ["prune", "--apply"]):
            done = project.run(*command)
            assert done.returncode == 2
            assert said in done.stderr
        untouched(project, victim)


def test_a_pending_change_that_came_with_the_checkout_does_not_count(project: Project, victim: Path) -> None:
    differing(project)
    suite = Suite(str(project.root))
    path = project.root / pending.path_of("first")
    seal, _, ours = path.read_text().partition("\n")
    right = project.golden("first", "v4.0").read_text().replace("refs 7", "refs 1")
    path.write_text(seal + "\n" + ours.replace("refs 1", "refs 8"))
    assert pending.read(suite, "first") is None
    # What is accepted is what klpdsl gives, not what lay there.
    project.ok("accept", "--reason", "x")
    assert project.golden("first", "v4.0").read_text() == right
    for name in ("../../../victim", "first"):
        row = json.loads(ours)
        row["scenario"] = "../../../victim"
        target = project.root / ".klpdsl/pending" / f"{Path(name).name}.json"
        target.write_text(json.dumps(row))
        project.run("accept", "--reason", "x")
        project.run("reject")
        untouched(project, victim)


def test_a_seal_is_good_for_one_place_and_one_name(project: Project, tmp_path: Path) -> None:
    differing(project)
    suite = Suite(str(project.root))
    record = project.root / pending.path_of("first")
    assert pending.read(suite, "first") is not None
    other = project.root / pending.path_of("deep/second")
    other.parent.mkdir(exist_ok=True)
    other.write_bytes(record.read_bytes())
    assert pending.read(suite, "deep/second") is None
    copy = tmp_path / "copy"
    shutil.copytree(project.root, copy)
    assert pending.read(Suite(str(copy)), "first") is None


def test_decisions_that_came_with_the_checkout_are_not_made(project: Project) -> None:
    differing(project)
    (id_,) = {entry[0] for entry in pending.read(Suite(str(project.root)), "first").entries}  # type: ignore[union-attr]
    (project.root / pending.DECISIONS).write_text(json.dumps({id_: ["accept", "looks fine"]}))
    assert pending.decisions(Suite(str(project.root))) == {}
    assert "decision" not in project.ok("check", code=1)


def test_state_that_git_tracks_is_refused(project: Project) -> None:
    project.git("init", "-q")
    differing(project)
    project.git("add", "-f", ".klpdsl/pending")
    for command in (["accept", "--reason", "x"], ["reject"], ["prune", "--apply"]):
        done = project.run(*command)
        assert done.returncode == 2
        assert "git tracks .klpdsl/pending" in done.stderr
    project.git("rm", "-r", "-q", "--cached", ".klpdsl")
    project.ok("accept", "--reason", "x")


def test_the_key_is_nobody_elses(project: Project) -> None:
    differing(project)
    key = Path(project.environment["HOME"]) / ".local/state/klpdsl/key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    first = key.read_bytes()
    assert len(first) == 32
    assert [path.name for path in key.parent.iterdir()] == ["key"]
    # One that others could have read is no key any more.
    key.chmod(0o644)
    done = project.run("accept", "--reason", "x", process=True)
    assert done.returncode == 0, done.stderr
    assert key.read_bytes() != first
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_without_a_home_the_key_lies_in_the_git_folder(project: Project) -> None:
    project.git("init", "-q")
    home = {"HOME": "nowhere", "XDG_STATE_HOME": ""}
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    assert project.run("check", env=home).returncode == 1
    assert (project.root / ".git/klpdsl/key").stat().st_size == 32
    assert project.run("accept", "--reason", "x", env=home).returncode == 0
    shutil.rmtree(project.root / ".git")
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    assert project.run("check", env=home, process=True).returncode == 1
    # Nobody remembers the key: what was pending is found anew.
    assert project.run("accept", "--reason", "x", env=home, process=True).returncode == 0


# --- success is claimed only for what was done ----------------------------------------------------------------------


def too_long(project: Project) -> list[str]:
    project.scenario("x" * 251, "engines v5.1\nload p1\n")
    return ["accept", "scenarios"]


def no_folder(project: Project) -> list[str]:
    project.scenario("third", "engines v5.1\nload p1\n")
    shutil.rmtree(project.root / ".klpdsl")
    (project.root / ".klpdsl").mkdir()
    (project.root / ".klpdsl/pending").write_text("in the way")
    return ["accept", "scenarios"]


def nor_without_a_path(project: Project) -> list[str]:
    no_folder(project)
    return ["accept"]


@pytest.mark.parametrize("arrange", [too_long, no_folder, nor_without_a_path], ids=lambda one: one.__name__)
def test_an_accept_that_cannot_write_does_not_say_that_all_is_well(
    project: Project, arrange: Callable[[Project], list[str]]
) -> None:
    command = arrange(project)
    before = project.snapshot()
    done = project.run(*command)
    assert done.returncode == 2
    assert ".klpdsl/pending" in done.stderr
    assert "nothing" not in done.stdout
    assert project.snapshot() == before
    told = project.run("check")
    assert told.returncode == 1
    assert "what differs is not left pending: .klpdsl/pending" in told.stderr


# --- files that the user names --------------------------------------------------------------------------------------


def test_a_named_file_that_is_a_link_gives_way(project: Project, victim: Path) -> None:
    for option in ("--junit", "--summary", "--bundle"):
        path = project.root / "report"
        path.unlink(missing_ok=True)
        path.symlink_to(victim)
        project.ok("check", option, "report")
        assert not path.is_symlink()
        assert path.stat().st_size > 10
        untouched(project, victim)


def test_a_named_file_is_not_written_through_a_folder_that_leads_out(project: Project, victim: Path) -> None:
    (project.root / "out").symlink_to(victim.parent)
    done = project.run("check", "--junit", "out/victim")
    assert done.returncode == 2
    assert "a link on the way leads out of" in done.stderr
    untouched(project, victim)


def test_a_file_is_whole_or_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path = tmp_path / "own"
    tmp_path.mkdir()
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o640)
    replace_file(str(path), b"new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    # What a killed process has left goes with the next write of the same file.
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        patched.setattr(os, "unlink", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            replace_file(str(path), b"newer")
    assert path.read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 2
    replace_file(str(path), b"newest")
    assert [one.read_text() for one in tmp_path.iterdir()] == ["newest"]


def test_where_no_file_is_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path = tmp_path / "own"
    tmp_path.mkdir()
    real = os.open

    def unsupported(path: str, flags: int, *rest: int, **named: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(95, "Operation not supported")
        return real(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", unsupported)
    with open_folder(str(tmp_path)) as folder:
        folder.write("x", b"1")
        folder.write("x", b"2")
    assert [one.read_text() for one in tmp_path.iterdir()] == ["2"]


def test_a_pipe_gets_the_data_and_one_that_nobody_reads_is_told(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="No such device"):
        replace_file(str(path), b"x")
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    replace_file(str(path), b"x")
    assert os.read(handle, 10) == b"x"
    os.close(handle)


def test_what_is_staged_and_not_used_goes_with_the_next_command(project: Project) -> None:
    staged = project.root / transaction.STAGED
    staged.mkdir(exist_ok=True)
    (staged / "17").write_text("left by somebody who was killed")
    project.ok("accept")
    assert list(staged.iterdir()) == []
