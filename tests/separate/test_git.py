"""Separating two trees of klpdsl: a change of the rules, and one that changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from klpdsl.semantics.engines import resolve
from tests.calls import call

ROOT = Path(__file__).resolve().parents[2]
NEWEST = resolve("mainline").name
RULE = "    if task.patch_state == k.w.target_state:\n"


def klpdsl(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    done = call(("separate", "--git", *arguments), cwd=cwd, environment={})
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree as it is; one with a comment more; one in which a task that has switched is looked at again."""
    folder = tmp_path_factory.mktemp("trees")
    for name in ("plain", "comment", "altered", "broken"):
        for part in ("klpdsl", "grammar"):
            shutil.copytree(ROOT / part, folder / name / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name, old, new in (
        ("comment", RULE, "    # A remark.\n" + RULE),
        ("altered", RULE, RULE.replace("==", "!=")),
        ("broken", RULE, "    raise ZeroDivisionError\n" + RULE),
    ):
        path = folder / name / "klpdsl" / "engine" / "transition.py"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")
    (folder / "small.klp").write_text(
        "task t1 in f\npatch p1 { f }\napply p1\ndisable p1\nt1: return\ntick\n", encoding="utf-8"
    )
    return folder


def test_the_same_code_needs_no_search(trees: Path) -> None:
    assert klpdsl("plain", "plain", cwd=trees) == (
        0,
        "none, at any length: the code and the data are the same\n",
        "",
    )


def test_a_remark_changes_nothing(trees: Path) -> None:
    code, out, err = klpdsl("plain", "comment", "--within", "small.klp", "--level", "full", cwd=trees)
    assert (code, err) == (0, "")
    assert out == (
        f"none, at any length, on {NEWEST} over small.klp: 39 pairs, closed "
        "(tasks at most 2 functions deep, nothing followed after a crash)\n"
    )
    code, out, _ = klpdsl("plain", "comment", "--within", "small.klp", "--depth", "1", cwd=trees)
    assert code == 125
    assert out.startswith(f"none found up to 1 actions on {NEWEST} over small.klp: ")
    assert "at any length" not in out


def test_a_change_of_a_rule_is_found_and_shown(trees: Path) -> None:
    code, out, err = klpdsl("plain", "altered", "--within", "small.klp", "-e", "v6.1,v4.12", cwd=trees)
    assert code == 1
    assert err.startswith("separated on v6.1; searched v6.1, v4.12 over small.klp: ")
    assert out.startswith(
        "# The shortest difference between two revisions of klpdsl at the level `behaviour`"
    )
    assert "engines v6.1\n" in out
    assert out.splitlines()[-1] == "apply p1"
    code, out, _ = klpdsl("plain", "altered", "--within", "small.klp", "--format", "json", cwd=trees)
    assert code == 1
    assert json.loads(out)["engine"] == NEWEST


def test_a_rule_that_fails_is_an_answer(trees: Path) -> None:
    code, _, err = klpdsl("plain", "broken", "--within", "small.klp", cwd=trees)
    assert code == 125
    assert "ZeroDivisionError" in err
    assert "Traceback" not in err


def test_wrong_use_is_told(trees: Path) -> None:
    code, _, err = klpdsl("plain", cwd=trees)
    assert (code, err) == (
        2,
        "klpdsl separate: --git takes two revisions, or folders with a tree of klpdsl\n",
    )
    done = call(("separate", "v6.1", "v6.12", "-e", "v5.0"), cwd=trees, environment={})
    assert done.returncode == 2
    code, _, err = klpdsl("plain", "no-such-revision", "--repo", str(trees), cwd=trees)
    assert code == 2


@pytest.mark.slow
def test_a_revision_and_the_working_tree(trees: Path, tmp_path: Path) -> None:
    repository = tmp_path / "clone"
    shutil.copytree(trees / "plain", repository)
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-C", str(repository)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    shutil.copy(
        trees / "altered" / "klpdsl" / "engine" / "transition.py",
        repository / "klpdsl" / "engine" / "transition.py",
    )
    small = os.fspath(trees / "small.klp")
    code, out, _ = klpdsl("HEAD", ".", "--within", small, cwd=repository)
    assert code == 1
    assert "apply p1" in out
