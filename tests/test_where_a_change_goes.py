"""docs/architecture.md says which files a change touches: here such changes are made, in a copy of this tree.

Made as the page says, nothing is missed by any test that looks at tables. With a part left out, one test names it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
CHANGES: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (ROOT / "tests" / "data" / "example-changes.toml").read_text(encoding="utf-8")
)
#: The tests that look at what changes of that kind might miss.
LOOKING = {
    "event": ("tests/trace", "-k", "declared or document or every_room or form"),
    "verb": ("tests/test_vocabulary.py", "tests/test_language_document.py"),
    "release": ("tests/changes/test_changes.py", "-k", "there_is_one_scenario"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the tests of tables need."""
    copy = tmp_path / "klpdsl"
    skip = shutil.ignore_patterns("__pycache__", ".*cache")
    for part in ("klpdsl", "grammar", "docs", "tests", "scenarios", "goldens", "evidence", "benchmarks"):
        shutil.copytree(ROOT / part, copy / part, ignore=skip)
    for part in ("pyproject.toml", "README.md", "CONTRIBUTING.md", "Makefile"):
        shutil.copy(ROOT / part, copy)
    return copy


def make(copy: Path, edits: Iterable[dict[str, Any]]) -> None:
    for edit in edits:
        file, before, after = copy / edit["file"], edit.get("before", ""), edit["after"]
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        assert before in text, f"{edit['file']} has no {before!r} any more: adapt this change, and the page"
        file.write_text(text.replace(before, after, 1) if before else text + after, encoding="utf-8")


def unmake(copy: Path, edits: Iterable[dict[str, Any]]) -> None:
    for file in {edit["file"] for edit in edits}:
        if (ROOT / file).exists():
            shutil.copy(ROOT / file, copy / file)
        else:
            (copy / file).unlink(missing_ok=True)


def run(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    # The nearest klpdsl wins: that of the copy.
    environment = {**os.environ, "PYTHONPATH": str(copy), "KLPDSL_CACHE_DIR": str(copy / ".cache"), "CI": ""}
    arguments = [sys.executable, "-m", *command]
    return subprocess.run(arguments, cwd=copy, env=environment, capture_output=True, text=True, check=False)


def failing(copy: Path, *paths: str) -> tuple[set[str], str]:
    """The tests that fail, by their names, and what they say."""
    done = run(copy, "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "--tb=short", *paths)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return set(re.findall(r"^(?:FAILED|ERROR) \S+?::(\w+)", done.stdout, re.MULTILINE)), done.stdout


def files(change: str) -> set[str]:
    """The files that a change touches beside the documents."""
    return {edit["file"] for edit in CHANGES[change] if not edit.get("docs")}


@pytest.mark.slow
def test_an_event_is_one_file(copy: Path) -> None:
    assert len(files("event")) == 1
    make(copy, CHANGES["event"])
    failed, said = failing(copy, "tests/trace", "tests/kernel/test_observable.py")
    assert failed == set(), said


@pytest.mark.slow
def test_a_verb_is_four_files(copy: Path) -> None:
    assert len(files("verb")) == 4
    make(copy, CHANGES["verb"])
    others = ("tests/syntax", "tests/engine/test_systems.py", "tests/kernel/test_plan.py")
    failed, said = failing(copy, *LOOKING["verb"], *others)
    assert failed == set(), said
    scenario = "task grab in g; patch p2; apply p1; grab p1; grab: return; grab p2; settle; unload p1"
    done = run(copy, "klpdsl", "run", "-c", scenario, "--engine", "v4.20,kgraft,kpatch-core")
    assert (done.returncode, done.stderr) == (0, "")
    steps = re.findall(r"^\d+ (.*)\n(?:    .*\n)*  = (.*)", done.stdout, re.MULTILINE)
    assert [result for text, result in steps if text.startswith("grab p")] == ["0", "ENOENT"] * 3


@pytest.mark.slow
def test_a_release_is_data_a_value_of_an_axis_and_a_scenario(copy: Path) -> None:
    data = {"klpdsl/semantics/data/mainline.toml", "klpdsl/semantics/axes.py"}
    shown = {"scenarios/changes/symbol-length-160.klp", "tests/changes/effects.toml"}
    assert files("release") == data | shown
    make(copy, CHANGES["release"])
    for command in (
        ("klpdsl", "accept", "scenarios/changes", "--reason", "v7.4"),
        ("klpdsl", "check"),
        ("klpdsl.semantics.fidelity", "docs/fidelity.md"),
    ):
        done = run(copy, *command)
        assert done.returncode == 0, done.stdout + done.stderr
    names = ("semantics", "selftests", "test_lineage.py", "test_readme.py", "test_api.py", "test_claims.py")
    bisection = ("tests/bisect/test_bisect.py", "tests/bisect/test_history.py")
    failed, said = failing(copy, "tests/changes", *(f"tests/{name}" for name in names), *bisection)
    assert failed == set(), said


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_what_is_forgotten_is_named_by_one_test(copy: Path, change: str) -> None:
    """Of what has no `forgotten`, the first use says so: a rule of the grammar, a class, a function, data."""
    edits = CHANGES[change]
    for left_out in edits:
        if "forgotten" not in left_out:
            continue
        make(copy, [edit for edit in edits if edit is not left_out])
        failed, said = failing(copy, *LOOKING[change])
        assert failed == {left_out["forgotten"]}, said
        assert re.search("wakeup|grab|symbol-length-160", said, re.IGNORECASE)
        unmake(copy, edits)
