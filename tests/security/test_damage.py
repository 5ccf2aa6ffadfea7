"""A damaged file is an error of that file: named, with what is wrong with it and exit code 2, and no bug of klpdsl.

Each row is one example of a kind; `test_fuzz.py` has many of each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from klpdsl.goldens.deciding import pending
from klpdsl.goldens.storage import sealed
from klpdsl.goldens.suite import Suite
from tests.goldens.project import Project, replace

ROOT = Path(__file__).resolve().parents[2]
DEEP = "[" * 100_000
CONFLICT = "<<<<<<< ours\na = 1\n=======\n>>>>>>> theirs\n"
GOLDEN = "goldens/first/v5.1.trace"
RUN = ("run", "-c", "load p1", "-e", "./mine.toml")


class Damage(NamedTuple):
    """What lies where (None: a folder), how each of these commands ends, and what they say among other things."""

    name: str
    file: str
    content: str | None
    commands: str
    code: int
    said: str


#: Commands that read an engine file, a bundle, a scenario.
ENGINE = "run -c load -e ./mine.toml; engines ./mine.toml; compare -c show -e v5.0,./mine.toml"
BUNDLE = "review --bundle b.json"
SCENARIO = (
    "run x.klp; explore x.klp; verify x.klp; fmt x.klp; selftest x.klp --kernel v6.12; compare x.klp -e v5.0"
)
ALPHABET = "separate v5.0 v5.1 --within x.klp"

TABLE = [
    Damage("evidence in conflict", "evidence/first.toml", CONFLICT, "check", 2, "evidence/first.toml: "),
    Damage("evidence of another type", "evidence/first.toml", "a = [1]", "check", 2, "evidence/first.toml: "),
    Damage("a typo in an engine file", "mine.toml", 'name = "x\n', ENGINE, 2, "./mine.toml: "),
    Damage("an engine file in conflict", "mine.toml", CONFLICT, ENGINE, 2, "./mine.toml: "),
    Damage("an engine file of another type", "mine.toml", "base = 5\n", ENGINE, 2, "./mine.toml: "),
    Damage("an engine file too deep", "mine.toml", f"a = {DEEP[:50_000]}", ENGINE, 2, "nested too deep"),
    Damage("an engine file too large", "mine.toml", f"a = {DEEP}", ENGINE, 2, "./mine.toml: it is too large"),
    Damage("an unknown base", "mine.toml", 'base = "v5.l"\n', ENGINE, 2, "v5.l"),
    Damage("an engine file that is a folder", "mine.toml", None, ENGINE, 2, "./mine.toml: "),
    Damage("a bundle that is no JSON", "b.json", "{", BUNDLE, 2, "b.json is no review bundle: "),
    Damage("a bundle of another type", "b.json", "[1]", BUNDLE, 2, "b.json is no review bundle"),
    Damage(
        "a bundle too deep", "b.json", DEEP, BUNDLE, 2, "b.json is no review bundle: it is nested too deep"
    ),
    Damage(
        "a bundle with half a character",
        "b.json",
        '{"klpdsl-bundle": 1, "records": [{"version": 1, "scenario": "\\ud800"}]}',
        BUNDLE,
        2,
        "`scenario` should be a text",
    ),
    Damage("a bundle that is a folder", "b.json", None, BUNDLE, 2, "b.json: "),
    Damage("a golden that is a folder", GOLDEN, None, "check; accept scenarios; prune", 2, f"{GOLDEN}: "),
    Damage(
        "a golden to blame that is a folder", GOLDEN, None, f"blame {GOLDEN}", 2, f"{GOLDEN}: it is a folder"
    ),
    Damage("a golden in conflict", GOLDEN, CONFLICT, "check", 1, "the golden is no trace"),
    Damage(
        "a scenario that is a folder", "x.klp", None, "run x.klp; explore x.klp; verify x.klp", 2, "x.klp:1:1"
    ),
    Damage("a scenario too deep", "x.klp", "choose { " * 5_000, SCENARIO, 2, "x.klp:1:"),
    Damage("a scenario of another kind", "x.klp", "a = [1]\n", SCENARIO, 2, "x.klp:1:"),
    Damage("an alphabet that is a folder", "x.klp", None, ALPHABET, 2, "x.klp:1:1"),
    Damage("an alphabet too deep", "x.klp", "choose { " * 5_000, ALPHABET, 2, "x.klp:1:"),
    Damage("a journal in conflict", "goldens/.journal/2026-01-01-0.toml", CONFLICT, f"blame {GOLDEN}", 0, ""),
    Damage("attributes that are a folder", ".gitattributes", None, "git-setup", 2, ".gitattributes"),
]


@pytest.mark.parametrize("damage", TABLE, ids=lambda damage: damage.name.replace(" ", "-"))
def test_a_damaged_file_is_named(damage: Damage, project: Project) -> None:
    if "git" in damage.file:
        project.git("init", "-q")
    path = project.root / damage.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if damage.content is None:
        path.mkdir()
    else:
        path.write_text(damage.content, encoding="utf-8")
    for command in damage.commands.split("; "):
        done = project.run(*command.split())
        assert (done.returncode, "bug of klpdsl" in done.stderr) == (damage.code, False), (command, done)
        assert damage.said in done.stdout + done.stderr, (command, done)


@pytest.mark.parametrize("content", ["", "{", "[1]", "5", '{"entries": 5}', DEEP], ids=lambda text: text[:12])
@pytest.mark.parametrize("name", [pending.path_of("first"), pending.DECISIONS], ids=["pending", "decisions"])
def test_state_of_a_wrong_type_is_found_anew(project: Project, name: str, content: str) -> None:
    """Though it bears our own seal, as after a crash of an older klpdsl: no decision is taken from it."""
    replace(project.root / "scenarios/first.klp", "show", "unload p1")
    project.ok("check", code=1)
    reference = project.run("check", "--format", "json")
    sealed.write(Suite(str(project.root)), name, content.encode())
    done = project.run("check", "--format", "json")
    assert (done.returncode, "first" in done.stdout) == (reference.returncode, True)
    sealed.write(Suite(str(project.root)), name, content.encode())
    done = project.run("review")
    assert done.returncode in (0, 3), done
    assert "bug of klpdsl" not in done.stderr
    done = project.run("accept", "--reason", "x")
    assert done.returncode in (0, 2), done
    assert project.run("accept", "scenarios", "--reason", "x").returncode == 0
    project.ok("check")


# --- what git says of a repository that it can not use ----------------------------------------------------------


def garbage(name: str) -> Callable[[Path], None]:
    def write(git: Path) -> None:
        (git / name).write_text("[[[ garbage\n")

    return write


def without_objects(git: Path) -> None:
    shutil.rmtree(git / "objects")
    (git / "objects").mkdir()


def elsewhere(git: Path) -> None:
    shutil.rmtree(git)
    git.write_text("gitdir: /nowhere\n")


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (garbage("HEAD"), "not a git repository"),
        (garbage("index"), "index file smaller than expected"),
        (garbage("config"), "bad config line 1 in file .git/config"),
        (without_objects, "it does not have the commit "),
        (elsewhere, "not a git repository: /nowhere"),
    ],
    ids=["head", "index", "config", "objects", "elsewhere"],
)
def test_what_is_wrong_with_a_repository_is_said_in_gits_words(
    project: Project, damage: Callable[[Path], None], why: str
) -> None:
    project.git("init", "-q")
    project.git("add", "-A")
    project.git("commit", "-qm", "x")
    assert why not in project.run("doctor").stdout
    damage(project.root / ".git")
    done = project.run("doctor")
    assert done.returncode == 3
    first = done.stdout.partition("\n")[0]
    assert first.startswith(f"no  git: git does not use the repository {project.root}: ")
    assert why in first
    assert "safe.directory" not in done.stdout, "it is no question of trust"
    before = project.snapshot()
    for command in (("git-setup",), ("git-setup", "--check"), ("blame", GOLDEN)):
        done = project.run(*command)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert why in done.stderr
    # What can do without git does.
    for command in (("check",), ("accept", "scenarios"), ("prune", "--apply")):
        project.ok(*command)
    assert project.snapshot() == before


def test_a_golden_that_git_does_not_know_has_no_commit(project: Project) -> None:
    assert "commit: none yet" in project.ok("blame", f"{GOLDEN}:1")
    project.git("init", "-q")
    assert "commit: none yet" in project.ok("blame", f"{GOLDEN}:1")
    (project.root / "x").write_text("x")
    project.git("add", "x")
    project.git("commit", "-qm", "x")
    assert "commit: none yet" in project.ok("blame", f"{GOLDEN}:1")


# --- a place that is gone, and a start that is interrupted ------------------------------------------------------

EVERY_ONE = (
    "check; accept; review; reject; prune; doctor; git-setup; fmt .; run -c load; explore -c load; verify -c load; "
    "separate v5.0 v5.1; compare x -e v5.0; selftest -c load --kernel v6.12"
)


@pytest.mark.parametrize("command", EVERY_ONE.split("; "))
def test_a_working_folder_that_is_gone(project: Project, command: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(gone)
        gone.rmdir()
        # Not by `cwd`: nobody can change into a folder that is gone, but stay there.
        done = subprocess.run(
            project.command(*command.split()), env=project.env(), capture_output=True, text=True, check=False
        )
    finally:
        os.fchdir(here)
        os.close(here)
    assert done.returncode == 2, done
    assert done.stderr.endswith("No such file or directory\n")
    assert "the folder that it was called in" in done.stderr or "x:1:1" in done.stderr


@pytest.mark.parametrize("module", [1, 2, 3, 5, 8, 13, 21, 34, 55, 80])
def test_an_interrupt_at_the_start_is_no_traceback(module: int, tmp_path: Path) -> None:
    """It comes while one of the modules is imported, whichever; before the first of ours, it is Python's to tell."""
    program = (
        "import signal, sys\n"
        "from klpdsl.__main__ import main\n"
        "class Finder:\n"
        "    left = int(sys.argv.pop(1))\n"
        "    def find_spec(self, *_):\n"
        "        Finder.left -= 1\n"
        "        if not Finder.left:\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "sys.exit(main())\n"
    )
    environment = {**os.environ, "KLPDSL_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(module), "explore", "-c", "load p1", "-e", "v6.14"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130, f"there are no {module} modules to import any more: {done}"
    assert done.stderr in ("klpdsl: interrupted\n", ""), done.stderr
