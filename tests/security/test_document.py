"""docs/security.md says what is so: each test that it names exists, each command has its row, and one writer writes."""

import ast
import re
from pathlib import Path

from klpdsl.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/security.md").read_text(encoding="utf-8")

#: Who may open, move or remove files by itself, and why that is not the writer's business.
WRITERS = {
    "_cache.py",  # the cache, which may be lost at any time
    "_writing.py",
    "goldens/storage/writes.py",
    "goldens/storage/sealed.py",  # the key, in the user's own folder
    "cli/check.py",  # appends to the runner's own summary
    "goldens/with_git/starting.py",  # makes the folder that the user has named
    "cli/explore.py",  # the folder that the user has named
    "cli/reduce.py",  # the same
    "cli/selftest.py",  # the same
    "goldens/with_git/merging.py",  # a folder of its own, in the git directory or below /tmp
    "goldens/with_git/setup.py",  # a repository that lives for a second, below /tmp
    "bisect/environments.py",  # environments, in the cache
    "bisect/revisions.py",  # trees of revisions, in the cache
    "bisect/keeping.py",  # below /tmp
    "separate/between_trees.py",  # below /tmp
    "bisect/predicates.py",  # below /tmp
    "kernel/kernels.py",  # kernels, in the cache
    "kernel/kbuild.py",  # builds, below /tmp and in the cache
    "kernel/machine.py",  # below /tmp
    "view/document.py",  # the project's own documents, by make docs
}
_CHANGING = {
    "replace", "rename", "unlink", "remove", "rmdir", "mkdir", "makedirs", "link", "symlink", "truncate",
    "rmtree", "copyfile", "extractall", "write_text", "write_bytes",
}  # fmt: skip


def named() -> list[tuple[str, str]]:
    return re.findall(r"`(test_\w+\.py)::(test_\w+)`", DOCUMENT)


def test_each_test_that_is_named_exists() -> None:
    known = {
        (path.name, node.name)
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    assert len(named()) > 25
    assert [one for one in named() if one not in known] == []


def test_each_threat_names_a_test() -> None:
    table = DOCUMENT.partition("## Threats")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 15
    assert [row for row in rows if "::test_" not in row] == []


def test_each_command_says_what_it_writes() -> None:
    table = DOCUMENT.partition("## What each command may write")[2].partition("\n## ")[0]
    words = set(re.findall(r"[\w-]+", " ".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))))
    assert set(COMMANDS) - words == set()


def changes_files(source: str) -> bool:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in _CHANGING:
            of = function.value.id if isinstance(function.value, ast.Name) else ""
            if of in ("os", "shutil") or function.attr in ("write_text", "write_bytes", "extractall"):
                return True
        if isinstance(function, ast.Name) and function.id == "open" and len(node.args) > 1:
            mode = node.args[1]
            if not (isinstance(mode, ast.Constant) and str(mode.value).startswith("r")):
                return True
    return False


def test_nobody_else_writes() -> None:
    found = {
        path.relative_to(ROOT / "klpdsl").as_posix()
        for path in (ROOT / "klpdsl").rglob("*.py")
        if changes_files(path.read_text(encoding="utf-8"))
    }
    assert found - WRITERS == set(), "let klpdsl._writing do it, or say here why not"
    assert changes_files("import os\nos.replace(a, b)")
    assert changes_files("open(path, 'w')")
    assert not changes_files("open(path, 'rb')")
