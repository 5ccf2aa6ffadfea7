"""A suite: a folder with `scenarios/` and `goldens/`, and the scenarios in it."""

from __future__ import annotations

import os
import stat

from klpdsl._checkout import SCENARIOS, is_below, repository_above, stranger, suite_above
from klpdsl._errors import KlpdslError
from klpdsl._git import git

GOLDENS = "goldens"
STATE = ".klpdsl"
EVIDENCE = "evidence"
JOURNAL = ".journal"
SUFFIX = ".klp"
COMMON = "common"


class SuiteError(KlpdslError):
    """There is no suite where one was looked for, or a path is not part of it."""


class Suite:
    """One suite, by the path of its folder."""

    __slots__ = ("real", "root")

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)
        #: Where that is, without links on the way.
        self.real = os.path.realpath(root)

    @property
    def goldens(self) -> str:
        """The folder of the goldens."""
        return os.path.join(self.root, GOLDENS)

    @property
    def scenarios(self) -> str:
        """The folder of the scenarios."""
        return os.path.join(self.root, SCENARIOS)

    @property
    def state(self) -> str:
        """The folder of what is pending; git ignores it, and nothing in it is worth a backup."""
        return os.path.join(self.root, STATE)

    def scenario_path(self, name: str) -> str:
        """The file of the scenario of that name (its path below `scenarios/`, without the suffix)."""
        return os.path.join(self.scenarios, *name.split("/")) + SUFFIX

    def relative(self, path: str) -> str:
        """A path as reports name it: from the suite's folder, with slashes."""
        return os.path.relpath(path, self.root).replace(os.sep, "/")

    def has(self, name: str) -> bool:
        """Whether there is a scenario of that name. Raises OSError where that cannot be known."""
        if COMMON in name.split("/")[:-1]:
            return False
        try:
            return stat.S_ISREG(os.stat(self.scenario_path(name)).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def names(self, paths: list[str]) -> list[str]:
        """The scenarios at or below the given paths, all of them when there are none, sorted.

        A golden, or a folder of goldens, stands for its scenarios. Files that other scenarios import live in
        folders called `common` and are none themselves.
        Raises `SuiteError` for a path that does not exist or lies outside.
        """
        found: set[str] = set()
        for path in paths or [self.scenarios]:
            absolute = os.path.realpath(path) if os.path.exists(path) else os.path.abspath(path)
            root = self.real
            base = os.path.join(root, SCENARIOS)
            if absolute == root:
                absolute = base
            if is_below(absolute, os.path.join(root, GOLDENS)):
                found.update(self._of_goldens(os.path.relpath(absolute, os.path.join(root, GOLDENS))))
                continue
            if not os.path.exists(absolute) and os.path.isfile(absolute + SUFFIX):
                absolute += SUFFIX
            if not os.path.exists(absolute):
                raise SuiteError(f"there is no file or folder {path}")
            if not is_below(absolute, base):
                raise SuiteError(f"{path} is not below {base}")
            files = [absolute] if os.path.isfile(absolute) else below(absolute, skip=COMMON)
            start = len(base) + 1
            found.update(file[start : -len(SUFFIX)] for file in files if file.endswith(SUFFIX))
        return sorted(found)

    def _of_goldens(self, below: str) -> list[str]:
        """The scenarios that a path below goldens/ belongs to."""
        parts = [] if below == "." else below.split(os.sep)
        if parts and parts[-1].endswith(".trace"):
            parts.pop()
        name = "/".join(parts)
        if name and self.has(name):
            return [name]
        prefix = f"{name}/" if name else ""
        return [other for other in self.names([]) if other.startswith(prefix)]


def below(folder: str, skip: str = "") -> list[str]:
    """Every file below a folder, but for those whose name, or a folder's on the way, is `skip` or begins with a dot."""
    files: list[str] = []
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        with os.scandir(current) as entries:
            for entry in entries:
                if entry.name[0] == ".":
                    continue
                if not entry.is_dir(follow_symlinks=False):
                    files.append(entry.path)
                elif entry.name != skip:
                    waiting.append(entry.path)
    return files


def find_suite(paths: list[str]) -> Suite:
    """The suite that the first path, or else the current folder, lies in: the nearest folder above with scenarios/.

    It is not looked for above the repository, and it belongs to us, or to somebody whom git was told to trust there
    (`safe.directory`). Raises `SuiteError` when there is none.
    """
    import shlex

    start = os.path.abspath(paths[0] if paths else os.curdir)
    folder = suite_above(start)
    if not folder:
        raise SuiteError(
            f"no folder with {SCENARIOS}/ at or above {start}{_not_above(start)} (klpdsl init makes a project)"
        )
    for name in ("", SCENARIOS, GOLDENS, STATE):
        path = os.path.join(folder, name) if name else folder
        owner = stranger(path)
        if owner and not _is_safe(folder):
            raise SuiteError(
                f"{path} belongs to {owner}: klpdsl reads no suite of somebody else's, for it is told there what to "
                f"do; if it is to be trusted: git config --global --add safe.directory {shlex.quote(folder)}"
            )
    return Suite(folder)


def _not_above(start: str) -> str:
    top = repository_above(start)
    return f" (nor is any looked for above the repository {top})" if top else ""


def _is_safe(folder: str) -> bool:
    """Whether git was told, by the user or for the machine, to trust whoever owns the repository or the folder."""
    told: list[str] = []
    for whose in ("--system", "--global"):
        told += (git(os.sep, "config", whose, "--get-all", "safe.directory") or "").splitlines()
    real = os.path.realpath(folder)
    safe = False
    for one in told:
        if not one:  # an empty one takes back those before
            safe = False
            continue
        top = os.path.realpath(os.path.expanduser(one.removesuffix("/*")))
        inside = is_below(real, top) if one.endswith("/*") else top in (real, repository_above(real))
        safe = safe or one == "*" or inside
    return safe
