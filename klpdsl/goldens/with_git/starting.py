"""The first files of a project, and of a scenario in it. What is there already stays as it is."""

from __future__ import annotations

import os
import re

from klpdsl._errors import KlpdslError
from klpdsl._writing import open_folder
from klpdsl.goldens.suite import COMMON, SUFFIX, Suite
from klpdsl.goldens.with_git.setup import WORKFLOW, WORKFLOW_PATH
from klpdsl.syntax.layout import format_scenario

FIRST = """\
# A task sleeps in f while p1 is enabled. The transition waits until t1 has left it, and t1 runs the old code until
# then. What is said here is why the golden beside it is right.
scenario "a sleeper holds the transition"
engines v4.12 ..

task t1 in f
patch p1 { f }

apply p1 -> 0
expect t1 patch_state = unpatched
t1: return
settle
expect transition = none
"""
_PRE_COMMIT = """\
# For pre-commit (https://pre-commit.com), with the klpdsl that is installed.
repos:
  - repo: local
    hooks:
      - id: klpdsl-fmt
        name: klpdsl fmt
        entry: klpdsl fmt --check
        language: system
        files: (^|/)scenarios/.*\\.klp$
      - id: klpdsl-check
        name: klpdsl check
        entry: klpdsl check
        language: system
        files: (^|/)(scenarios|goldens)/
        pass_filenames: false
"""
FILES = {
    f"scenarios/first{SUFFIX}": FIRST,
    ".pre-commit-config.yaml": _PRE_COMMIT,
    WORKFLOW_PATH.replace(os.sep, "/"): WORKFLOW,
}
"""What a project begins with, by the path in it."""

_NEW = """\
# What happens here, and why is it right? Say where it comes from: a commit, a mail, the documentation, a report.
# Whoever accepts its golden answers for that.
scenario {title}
engines v4.12 ..

task t1 in f
patch p1 {{ f }}

apply p1 -> 0
expect t1 patch_state = unpatched
"""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class StartError(KlpdslError):
    """A project or a scenario that can not begin there, with the reason."""


def begin(root: str) -> list[tuple[str, bool]]:
    """Make a project of a folder; returns each file with whether it was written. Raises OSError."""
    os.makedirs(root, exist_ok=True)
    made = []
    for path, text in FILES.items():
        first = path.startswith("scenarios/")
        there = os.path.lexists(os.path.join(root, *path.split("/")))
        # A suite that has scenarios needs no first one.
        if there or (first and os.path.isdir(os.path.join(root, "scenarios"))):
            made.append((path, False))
            continue
        _write(root, path, text)
        made.append((path, True))
    return made


def new_scenario(suite: Suite, name: str) -> str:
    """Write a scenario to fill in, of that name below scenarios/; returns its path. Raises OSError and StartError."""
    name = name.removeprefix("scenarios/").removesuffix(SUFFIX)
    parts = name.split("/")
    unfit = next((part for part in parts if not _NAME.fullmatch(part)), None)
    if unfit is not None or COMMON in parts[:-1]:
        reason = (
            f"`{COMMON}` is for files that others import" if unfit is None else "use letters, digits, - and _"
        )
        raise StartError(f"no scenario can be called {name!r}: {reason}")
    path = f"scenarios/{name}{SUFFIX}"
    if os.path.lexists(os.path.join(suite.root, path)):
        raise StartError(f"there is a {path} already")
    title = f'"{parts[-1].replace("-", " ").replace("_", " ")}"'
    _write(suite.root, path, format_scenario(_NEW.format(title=title), path))
    return path


def _write(root: str, path: str, text: str) -> None:
    *folders, name = path.split("/")
    with open_folder(root, folders, make=True) as folder:
        folder.write(name, text.encode())
