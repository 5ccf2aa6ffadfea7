"""What lies in a checkout is read within bounds: regular files only, below the suite, and not without end."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from klpdsl._reading import OutsideError, UnreadableError, read_file, read_folder, read_start
from klpdsl.goldens import suite as suites
from klpdsl.goldens.suite import SuiteError, find_suite
from tests.goldens.project import Project

SECRET = "token-of-somebody"


def pipe(path: Path) -> None:
    os.mkfifo(path)


def zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


def outside(path: Path) -> None:
    secret = path.parent.parent.parent.parent / "secret"
    secret.write_text(f"{SECRET}\n")
    path.symlink_to(secret)


HOSTILE = (pipe, zero, folder, outside)


def timed(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command, which is not to wait; nothing that is outside may be in what it says."""
    done = subprocess.run(
        project.command(*arguments),
        cwd=project.root,
        env=project.env(),
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert "Traceback" not in done.stderr
    assert "bug of klpdsl" not in done.stderr, done.stderr
    assert SECRET not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("kind", HOSTILE, ids=lambda kind: kind.__name__)
def test_one_reader_for_regular_files(tmp_path: Path, kind: Callable[[Path], None]) -> None:
    top = tmp_path / "a" / "b" / "c"
    top.mkdir(parents=True)
    path = top / "x"
    kind(path)
    with pytest.raises(UnreadableError):
        read_start(str(path), 100, str(tmp_path / "a"))
    with pytest.raises(UnreadableError):
        read_folder(str(top), "x", 100, str(tmp_path / "a"))


def test_the_reader_stops_at_its_bound_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for size in (0, 1, 1 << 14, (1 << 14) + 1, 1 << 20):
        path.write_bytes(b"x" * size)
        assert len(read_start(str(path), size)) == size
        assert len(read_file(str(path), size, str(tmp_path))) == size
        if size:
            assert len(read_start(str(path), size - 1)) == size
            with pytest.raises(UnreadableError, match="too large"):
                read_file(str(path), size - 1)


def test_the_reader_does_not_tell_what_there_is_outside(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "there").write_text(SECRET)
    said = set()
    for name in ("there", "not-there"):
        with pytest.raises(OutsideError) as error:
            read_file(str(inside / ".." / name), 100, str(inside))
        said.add(error.value.strerror)
    assert len(said) == 1
    (inside / ".hidden").write_text(SECRET)
    with pytest.raises(OutsideError):
        read_file(str(inside / ".hidden"), 100, str(inside))


def test_without_proc_the_reader_keeps_its_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/x").write_text("x")
    (tmp_path / "in/link").symlink_to(tmp_path / "y")
    (tmp_path / "y").write_text("y")
    monkeypatch.setattr("klpdsl._reading._PROC", "/nowhere/")
    assert read_file(str(tmp_path / "in/x"), 10, str(tmp_path / "in")) == b"x"
    with pytest.raises(OutsideError):
        read_file(str(tmp_path / "in/link"), 10, str(tmp_path / "in"))
    with pytest.raises(UnreadableError):
        read_file("/dev/zero", 10)


@pytest.mark.parametrize("kind", HOSTILE, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "place",
    [
        "scenarios/deep/new.klp",
        "goldens/first/v5.1.trace",
        "goldens/.journal/2026-01-01-0.toml",
        "evidence/first.toml",
    ],
)
def test_nothing_in_a_suite_hangs_a_check_or_leaks(
    project: Project, kind: Callable[[Path], None], place: str
) -> None:
    path = project.root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    kind(path)
    done = timed(project, "check", "--verbose")
    assert done.returncode in (0, 2, 3)
    if "first/v5" in place or (place.startswith("evidence") and kind is not folder):
        assert f"{place}: cannot be read: it is " in done.stdout + done.stderr
        assert done.returncode != 0
    golden = max((project.root / "goldens/first").iterdir())
    assert timed(project, "blame", str(golden)).returncode in (0, 2)


def test_evidence_with_a_conflict_in_it_is_an_error_of_its_file(project: Project) -> None:
    path = project.root / "evidence/first.toml"
    path.parent.mkdir()
    path.write_text('<<<<<<< ours\n["6.1"]\n=======\n>>>>>>> theirs\n')
    for options in ([], ["--format", "json"], ["--format", "github"]):
        done = project.run("check", *options)
        assert done.returncode == 2
        assert "evidence/first.toml: this is no evidence: " in done.stdout


@pytest.mark.parametrize("kind", HOSTILE, ids=lambda kind: kind.__name__)
def test_an_import_in_a_comment_is_no_way_out(project: Project, kind: Callable[[Path], None]) -> None:
    kind(project.root / "scenarios/deep/bait.klp")
    project.scenario(
        "third", '# import "deep/bait.klp" import "/dev/zero" import "../../../../dev/zero"\nload p1\n'
    )
    assert timed(project, "check", "scenarios/third.klp").returncode == 1


@pytest.mark.parametrize("kind", HOSTILE, ids=lambda kind: kind.__name__)
def test_an_engine_file_named_in_a_header_stays_inside(
    project: Project, kind: Callable[[Path], None]
) -> None:
    (project.root / "engines").mkdir()
    (project.root / "engines/deep").mkdir()
    kind(project.root / "engines/deep/e.toml")
    project.scenario("third", 'engines "./engines/deep/e.toml"\nload p1\n')
    assert timed(project, "check", "scenarios/third.klp").returncode == 2
    assert timed(project, "run", "scenarios/third.klp").returncode == 2
    if kind is outside:
        (project.root.parent / "e.toml").write_text(f'base = "{SECRET}"\n')
        for header in ("../e.toml", "../absent.toml", "v5.1, ../e.toml"):
            names = ", ".join(f'"{name}"' for name in header.split(", "))
            project.scenario("third", f"engines {names}\nload p1\n")
            assert "an engine file stays below" in timed(project, "run", "scenarios/third.klp").stderr
        (project.root / "chain.toml").write_text('base = "../e.toml"\n')
        assert (
            "an engine file stays below"
            in timed(project, "run", "-c", "load p1", "-e", "./chain.toml").stderr
        )


def test_the_golden_of_an_engine_file_lies_among_the_others(project: Project) -> None:
    # Its name is a path, and was one for the golden, too: accept wrote to wherever that led.
    (project.root / "engines").mkdir()
    for name, base in (("mine", "v6.1"), ("100%", "v4.12")):
        (project.root / f"engines/{name}.toml").write_text(f'base = "{base}"\n')
    header = 'engines v5.1, "./engines/../../project/engines/mine.toml", "engines/100%.toml"\n'
    project.scenario("third", f"{header}load p1\n")
    outside_before = {
        path for path in project.root.parent.rglob("*.trace") if project.root not in path.parents
    }
    project.ok("accept", "scenarios/third.klp")
    project.ok("check")
    assert [path.parent.name for path in (project.root / "goldens").rglob("*.trace")].count("third") == 3
    assert {
        p for p in project.root.parent.rglob("*.trace") if project.root not in p.parents
    } == outside_before


# --- where a suite is found -----------------------------------------------------------------------------------------


def test_a_suite_is_not_found_above_the_repository(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    inner = tmp_path / "repository" / "deep"
    inner.mkdir(parents=True)
    assert find_suite([str(inner)]).root == str(tmp_path)
    (tmp_path / "repository/.git").mkdir()
    with pytest.raises(SuiteError, match="nor is any looked for above the repository"):
        find_suite([str(inner)])
    (tmp_path / "repository/scenarios").mkdir()
    assert find_suite([str(inner)]).root == str(tmp_path / "repository")


@pytest.mark.parametrize("name", ["", "scenarios", "goldens", ".klpdsl"])
def test_a_suite_of_somebody_else_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    root = tmp_path / "suite"
    for part in ("scenarios", "goldens", ".klpdsl"):
        (root / part).mkdir(parents=True)
    theirs = str(root / name).rstrip("/")
    real = os.lstat

    def lstat(path: str) -> os.stat_result:
        found = list(real(path))
        found[4] = 12345 if str(path) == theirs else os.geteuid()
        return os.stat_result(found)

    monkeypatch.setattr(os, "lstat", lstat)
    told: list[str] = []
    monkeypatch.setattr(
        suites, "git", lambda *words: "".join(f"{one}\n" for one in told) if "--global" in words else None
    )
    with pytest.raises(SuiteError, match=r"belongs to user 12345: .*safe\.directory"):
        find_suite([str(root)])
    for safe, taken in (("*", True), (str(root), True), (f"{tmp_path}/*", True), (str(tmp_path), False)):
        told[:] = [safe]
        if taken:
            assert find_suite([str(root)]).root == str(root)
        else:
            with pytest.raises(SuiteError):
                find_suite([str(root)])
    told[:] = ["*", ""]
    with pytest.raises(SuiteError):
        find_suite([str(root)])
