"""A suite: a folder with `scenarios/` and `goldens/`, and the scenarios in it."""

from __future__ import annotations

import os

SCENARIOS = "scenarios"
GOLDENS = "goldens"
SUFFIX = ".klp"


class SuiteError(Exception):
    """There is no suite where one was looked for, or a path is not part of it."""


class Suite:
    """One suite, by the path of its folder."""

    __slots__ = ("root",)

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)

    @property
    def goldens(self) -> str:
        """The folder of the goldens."""
        return os.path.join(self.root, GOLDENS)

    def scenario_path(self, name: str) -> str:
        """The file of the scenario of that name (its path below `scenarios/`, without the suffix)."""
        return os.path.join(self.root, SCENARIOS, *name.split("/")) + SUFFIX

    def names(self, paths: list[str]) -> list[str]:
        """The scenarios at or below the given paths, all of them when there are none, sorted.

        Files that other scenarios import live in folders called `common` and are none themselves.
        Raises `SuiteError` for a path that does not exist or lies outside.
        """
        base = os.path.join(self.root, SCENARIOS)
        found: set[str] = set()
        for path in paths or [base]:
            absolute = os.path.abspath(path)
            if absolute == self.root:
                absolute = base
            if not os.path.exists(absolute):
                raise SuiteError(f"there is no file or folder {path}")
            if os.path.commonpath([absolute, base]) != base:
                raise SuiteError(f"{path} is not below {base}")
            files = [absolute] if os.path.isfile(absolute) else _below(absolute)
            for file in files:
                if file.endswith(SUFFIX):
                    found.add(os.path.relpath(file, base).removesuffix(SUFFIX).replace(os.sep, "/"))
        return sorted(found)


def _below(folder: str) -> list[str]:
    files = []
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "common" and not name.startswith(".")]
        files += [os.path.join(base, name) for name in names]
    return files


def find_suite(paths: list[str]) -> Suite:
    """The suite that the first path, or else the current folder, lies in: the nearest folder above with scenarios/.

    Raises `SuiteError` when there is none.
    """
    start = os.path.abspath(paths[0] if paths else os.curdir)
    folder = start
    while True:
        if os.path.isdir(os.path.join(folder, SCENARIOS)):
            return Suite(folder)
        parent = os.path.dirname(folder)
        if parent == folder:
            raise SuiteError(f"no folder with {SCENARIOS}/ at or above {start}")
        folder = parent
