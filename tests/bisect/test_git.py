"""klpdsl bisect --git: which commit of ours changed a trace, in histories made for the purpose with real git."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from klpdsl.bisect import environments

ROOT = Path(__file__).parents[2]
ENGINE = "v6.12"
LOADED = "load p1 { f }\n"
DISABLED = "load p1 { f }\nsettle\ndisable p1\n"
MISSING = "patch p1 { f }\ndisable p1\nload p1\n"

INSTALLED = "".join(f"{name}=={metadata.version(name)}\n" for name in ("deepdiff", "lark"))

Write = Callable[..., Path]


class Clone:
    """A git repository with klpdsl in it, and what a test commits to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.subjects: list[str] = []
        for part in ("klpdsl", "grammar"):
            shutil.copytree(ROOT / part, path / part, ignore=shutil.ignore_patterns("__pycache__"))
        (path / "requirements").mkdir()
        self.lock()
        self.git("init", "-q", "-b", "main")
        self.commit("Begin")

    def git(self, *arguments: str) -> str:
        identity = {
            "GIT_AUTHOR_NAME": "A Developer",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "A Developer",
            "GIT_COMMITTER_EMAIL": "a@example.org",
            "GIT_AUTHOR_DATE": "2024-05-06T07:08:09+0000",
            "GIT_COMMITTER_DATE": "2024-05-06T07:08:09+0000",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        return subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={**os.environ, **identity},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def commit(self, subject: str, body: str = "") -> str:
        """Commit everything and return the commit."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", f"{subject}\n\n{body}")
        self.subjects.append(subject)
        return self.head()

    def lock(self, more: str = "") -> None:
        """Write a lock file that pins what is installed here, so that no environment need be built, and more."""
        (self.path / "requirements" / "runtime.lock").write_text(INSTALLED + more, encoding="utf-8")

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.path / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r}: adapt the test"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def append(self, file: str, text: str) -> None:
        with (self.path / file).open("a", encoding="utf-8") as stream:
            stream.write(text)


# Three changes of what the engine does, each of which one of the scenarios shows and the others do not.
SEMANTIC: dict[int, tuple[str, str, str]] = {
    9: ("klpdsl/engine/core.py", "enabling patch", "switching on patch"),
    20: ("klpdsl/engine/transition.py", ": starting {", ": beginning {"),
    31: ("klpdsl/engine/klp.py", '"ENOENT", f"module {name} is not', '"ENODEV", f"module {name} is not'),
}
BROKEN = {21: "klpdsl/engine/core.py", 15: "klpdsl/run/session.py"}
MENDED = {22, 16}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Forty commits: three change what the engine does, two do not even start, the others do nothing."""
    clone = Clone(tmp_path_factory.mktemp("history") / "klpdsl")
    for number in range(1, 41):
        if number in SEMANTIC:
            clone.replace(*SEMANTIC[number])
            clone.commit(f"Change what happens, {number}")
        elif number in BROKEN:
            clone.append(BROKEN[number], "\nthis is no Python\n")
            clone.commit(f"Break everything, {number}")
        elif number in MENDED:
            clone.replace(BROKEN[number - 1], "\nthis is no Python\n", "")
            clone.commit(f"Mend it, {number}")
        else:
            clone.append("klpdsl/errnos_notes.py" if number % 2 else "NEWS", f"# note {number}\n")
            clone.commit(f"Note something, {number}")
    return clone


def bisect(klpdsl: Any, *arguments: str | Path, **environment: str) -> dict[str, Any]:
    done = klpdsl("bisect", *arguments, "--engine", ENGINE, "--format", "json", **environment)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "case",
    [
        (LOADED, [], 9),
        # The commit right behind it is broken, which must not make that one the culprit.
        (DISABLED, ["--expect", "beginning unpatching transition"], 20),
        (MISSING, ["--result", "1=ENODEV"], 31),
    ],
    ids=["loading", "disabling", "missing"],
)
def test_the_right_commit_is_named(
    klpdsl: Any, scenario: Write, clone: Clone, case: tuple[str, list[str], int]
) -> None:
    text, what, number = case
    found = bisect(klpdsl, scenario(text), "--git", "HEAD~40..HEAD", "--repo", clone.path, *what)
    (culprit,) = found["culprits"]
    assert [row["subject"] for row in culprit["candidates"]] == [f"Change what happens, {number}"]
    assert culprit["exact"]
    assert found["revisions"] == 41
    judged_in_vain = sum(verdict["verdict"] == "unknown" for verdict in found["verdicts"])
    assert found["run"] <= math.ceil(math.log2(40)) + 2 + judged_in_vain
    assert culprit["difference"]


def test_revisions_that_do_not_start_are_unknown(klpdsl: Any, scenario: Write, clone: Clone) -> None:
    # 13 to 18, of which 15 is broken; the last is called bad by a command that knows its name.
    last = clone.git("rev-parse", "HEAD~22").strip()
    command = f"case $KLPDSL_REVISION in {last}) exit 1;; esac"
    arguments = ["--git", "HEAD~27..HEAD~22", "--repo", str(clone.path), "--all", "--run", command]
    found = bisect(klpdsl, scenario(LOADED), *arguments)
    assert [row["verdict"] for row in found["verdicts"]] == ["good", "good", "unknown", "good", "good", "bad"]
    (why,) = [row["why"] for row in found["verdicts"] if row["verdict"] == "unknown"]
    assert "SyntaxError" in why


def test_what_changed_while_nothing_ran_is_a_range(klpdsl: Any, scenario: Write, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "klpdsl")
    clone.append("klpdsl/engine/core.py", "\nthis is no Python\n")
    clone.commit("Break it")
    clone.replace(*SEMANTIC[9])
    clone.commit("Change it")
    clone.replace("klpdsl/engine/core.py", "\nthis is no Python\n", "")
    clone.commit("Mend it")
    clone.append("NEWS", "x\n")
    clone.commit("Note it")
    arguments = [str(scenario(LOADED)), "--git", "HEAD~4..HEAD", "--repo", str(clone.path)]
    (culprit,) = bisect(klpdsl, *arguments)["culprits"]
    assert not culprit["exact"]
    assert [row["subject"] for row in culprit["candidates"]] == ["Break it", "Change it", "Mend it"]
    shown = klpdsl("bisect", *arguments, "--engine", ENGINE).stdout
    assert (
        "One or more of these 3 revisions makes the difference; all but the last cannot be judged:" in shown
    )
    assert shown.endswith("5 of 5 revisions run, 2 of them could not be judged.\n")


def test_what_it_says_to_people(klpdsl: Any, scenario: Write, clone: Clone) -> None:
    done = klpdsl(
        "bisect", scenario(LOADED), "--git", "HEAD~33..HEAD~30", "--repo", clone.path, "--engine", ENGINE
    )
    commit = clone.git("rev-parse", "HEAD~31").strip()[:12]
    before = clone.git("rev-parse", "HEAD~32").strip()[:12]
    middle = clone.git("rev-parse", "HEAD~32").strip()[:12]
    head, probe, *rest = done.stdout.splitlines()
    assert head.startswith("HEAD~33 is good and HEAD~30 is bad: 3 revisions, 2 steps at most; on v6.12")
    assert probe == f"     3 left, 2 steps  {middle} Note something, 8: good"
    assert rest[0] == f"      2 left, 1 step  {commit} Change what happens, 9: bad"
    assert "\n".join(rest[1:]) == (
        f"\nThe difference comes with {commit}:\n"
        "  Change what happens, 9\n"
        "  A Developer, 2024-05-06\n"
        "    klpdsl/engine/core.py\n"
        f"{before} (-) and {commit} (+):\n"
        "  on v6.12:\n"
        "    1 load p1 { f }\n"
        "        sysfs p1/vmlinux/f,1/\n"
        "      - log notice livepatch: enabling patch 'p1'\n"
        "      + log notice livepatch: switching on patch 'p1'\n"
        "        sysfs p1/transition = 1\n"
        "\n4 of 4 revisions run."
    )


def test_the_repository_is_only_read_and_nothing_stays(
    klpdsl: Any, scenario: Write, clone: Clone, tmp_path: Path
) -> None:
    before = (
        clone.git("status", "--porcelain"),
        clone.git("for-each-ref"),
        sorted(os.listdir(clone.path / ".git")),
    )
    cache = str(tmp_path / "cache")
    where: list[str | Path] = ["--git", "HEAD~33..HEAD~30", "--repo", clone.path]
    bisect(klpdsl, scenario(LOADED), *where, KLPDSL_CACHE_DIR=cache)
    after = (
        clone.git("status", "--porcelain"),
        clone.git("for-each-ref"),
        sorted(os.listdir(clone.path / ".git")),
    )
    assert after == before
    assert len(clone.git("worktree", "list").splitlines()) == 1
    assert os.listdir(tmp_path / "cache" / "bisect") == []


def test_what_a_killed_bisection_left_goes_with_the_next(
    klpdsl: Any, scenario: Write, clone: Clone, tmp_path: Path
) -> None:
    left = tmp_path / "cache" / "bisect" / f"{2**22 + 1}-left"  # no process can have that number
    left.mkdir(parents=True)
    running = tmp_path / "cache" / "bisect" / f"{os.getpid()}-running"
    running.mkdir()
    where: list[str | Path] = ["--git", "HEAD~32..HEAD~31", "--repo", clone.path]
    bisect(klpdsl, scenario(LOADED), *where, KLPDSL_CACHE_DIR=str(tmp_path / "cache"))
    assert os.listdir(tmp_path / "cache" / "bisect") == [running.name]


def test_it_is_run_on_every_engine_that_the_scenario_is_meant_for(
    klpdsl: Any, scenario: Write, clone: Clone
) -> None:
    path = scenario("engines v4.12 .. v4.14, v6.12, baron\nload p1\nenable p1\n")
    shown = klpdsl("bisect", path, "--git", "HEAD~32..HEAD~31", "--repo", clone.path).stdout
    # Names stay as they are written: to another revision v6.12 may be more than what was there before it.
    assert shown.splitlines()[0].endswith("; on v4.12, v4.14, v6.12, baron")
    assert "  on v4.12, v4.14, baron:\n    2 enable p1\n" in shown
    assert "  on v6.12:\n    1 load p1\n" in shown


def test_several_at_a_time_find_the_same(klpdsl: Any, scenario: Write, clone: Clone) -> None:
    found = bisect(klpdsl, scenario(LOADED), "--git", "HEAD~40..HEAD~23", "--repo", clone.path, "--jobs", "3")
    assert [row["subject"] for row in found["culprits"][0]["candidates"]] == ["Change what happens, 9"]


def test_a_change_and_its_revert_are_warned_of(klpdsl: Any, scenario: Write, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "klpdsl")
    file, old, new = SEMANTIC[9]
    clone.replace(file, old, new)
    undone = clone.commit("Try something")
    clone.replace(file, new, old)
    revert = clone.commit('Revert "Try something"', f"This reverts commit {undone}.")
    for number in range(5):
        clone.append("NEWS", f"{number}\n")
        clone.commit(f"Note {number}")
    clone.replace(file, old, "putting in force")
    last = clone.commit("Do it another way")
    for number in range(3):
        clone.append("NEWS", f"{number}\n")
        clone.commit(f"Note {number} again")
    path = scenario(LOADED)
    done = klpdsl("bisect", path, "--git", "HEAD~11..HEAD", "--repo", clone.path, "--engine", ENGINE)
    assert f"The difference comes with {last[:12]}:" in done.stdout
    assert f"warning: {revert[:12]} reverts {undone[:12]}, and no revision between was run" in done.stdout
    found = bisect(klpdsl, path, "--git", "HEAD~11..HEAD", "--repo", clone.path, "--all")
    subjects = [[row["subject"] for row in culprit["candidates"]] for culprit in found["culprits"]]
    assert subjects == [["Try something"], ['Revert "Try something"'], ["Do it another way"]]
    assert found["undone"] == []


def test_a_merge_is_looked_into(klpdsl: Any, scenario: Write, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "klpdsl")
    clone.git("checkout", "-q", "-b", "topic")
    clone.append("NEWS", "topic\n")
    clone.commit("Prepare on the branch")
    clone.replace(*SEMANTIC[9])
    guilty = clone.commit("Change it on the branch")
    clone.append("NEWS", "more\n")
    clone.commit("Finish on the branch")
    clone.git("checkout", "-q", "main")
    clone.append("OTHER", "main\n")
    clone.commit("Go on")
    clone.git("merge", "-q", "--no-ff", "-m", "Merge the branch", "topic")
    merge = clone.head()
    clone.append("OTHER", "main\n")
    clone.commit("Go on again")
    arguments = [str(scenario(LOADED)), "--git", "HEAD~3..HEAD", "--repo", str(clone.path)]
    found = bisect(klpdsl, *arguments)
    assert [row["commit"] for row in found["culprits"][0]["candidates"]] == [merge]
    assert found["merged_from"] == guilty
    shown = klpdsl("bisect", *arguments, "--engine", ENGINE).stdout
    assert f"which merges it from {guilty[:12]}:\n  Change it on the branch\n" in shown


@pytest.mark.slow  # builds a virtual environment
def test_a_revision_whose_dependencies_are_not_to_be_had_is_unknown(
    klpdsl: Any, scenario: Write, tmp_path: Path
) -> None:
    clone = Clone(tmp_path / "klpdsl")
    clone.lock(f"no-such-thing==1.0 \\\n    --hash=sha256:{'0' * 64}\n")
    clone.commit("Depend on what is not there")
    clone.lock()
    clone.replace(*SEMANTIC[9])
    clone.commit("Change it")
    found = bisect(klpdsl, scenario(LOADED), "--git", "HEAD~2..HEAD", "--repo", clone.path, PIP_NO_INDEX="1")
    assert [row["verdict"] for row in found["verdicts"]] == ["good", "unknown", "bad"]
    assert "what its lock file pins could not be installed" in found["verdicts"][1]["why"]
    assert not found["culprits"][0]["exact"]


@pytest.mark.slow  # builds a virtual environment
def test_an_environment_is_built_once_from_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "tiny_dependency-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        info = "tiny_dependency-1.0.dist-info"
        archive.writestr("tiny_dependency.py", "ANSWER = 42\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-dependency\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = f"tiny-dependency==1.0 \\\n    --hash=sha256:{digest}\n"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("KLPDSL_CACHE_DIR", str(tmp_path / "cache"))
    python = environments.python_for(lock)
    shown = subprocess.run(
        [python, "-c", "import tiny_dependency; print(tiny_dependency.ANSWER)"],
        check=True,
        capture_output=True,
    )
    assert shown.stdout == b"42\n"
    # Built once: without the wheel it is there all the same, and another lock is another environment.
    wheel.unlink()
    assert environments.python_for(lock) == python
    with pytest.raises(environments.EnvironmentMissingError, match="could not be installed"):
        environments.python_for(lock.replace("1.0", "2.0"))
    # Nobody has used it for a long time: it goes.
    stamp = Path(python).parents[1] / "ready"
    os.utime(stamp, (0, 0))
    environments.sweep()
    assert not Path(python).exists()


def test_the_running_environment_is_used_where_it_is_the_same() -> None:
    assert environments.python_for(INSTALLED) == sys.executable
    other_systems = "colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n"
    assert environments.python_for(INSTALLED + other_systems) == sys.executable
    assert environments.python_for(None) == sys.executable


@pytest.mark.parametrize(
    "case",
    [
        (["--git", "nosuch..HEAD"], 2, "has no revision nosuch"),
        (["--git", "HEAD"], 2, "`HEAD` is no range"),
        (["--git", "HEAD...HEAD"], 2, "is no range"),
        (["--git", "HEAD..HEAD"], 2, "HEAD..HEAD is empty"),
        (["--git", "HEAD..HEAD~3"], 2, "HEAD is no ancestor of HEAD~3"),
        (["--git", "HEAD~2..HEAD"], 1, "are alike"),
    ],
)
def test_what_cannot_be_asked_is_said(
    klpdsl: Any, scenario: Write, clone: Clone, case: tuple[list[str], int, str]
) -> None:
    arguments, code, said = case
    done = klpdsl("bisect", scenario(LOADED), *arguments, "--repo", clone.path, "--engine", ENGINE, code=code)
    assert said in done.stderr


def test_a_folder_that_is_no_repository(klpdsl: Any, scenario: Write, tmp_path: Path) -> None:
    done = klpdsl(
        "bisect", scenario(LOADED), "--git", "a..b", code=2, GIT_CEILING_DIRECTORIES=str(tmp_path.parent)
    )
    assert "not a git repository" in done.stderr


def test_an_end_that_does_not_run(klpdsl: Any, scenario: Write, clone: Clone) -> None:
    done = klpdsl(
        "bisect",
        scenario(LOADED),
        "--git",
        "HEAD~25..HEAD",
        "--repo",
        clone.path,
        "--engine",
        ENGINE,
        code=125,
    )
    assert "cannot be judged: " in done.stderr
