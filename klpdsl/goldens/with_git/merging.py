"""Merging goldens: not their texts, but what the merged scenario gives under the merged rules.

git calls the driver while it merges, before it has changed the working tree. So the merged scenarios, and the merged
klpdsl where that lies in the same repository, are put together in a folder of their own below .git, once per merge.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from typing import NamedTuple

from klpdsl._cache import digest
from klpdsl._checkout import SCENARIOS
from klpdsl._git import git
from klpdsl.goldens.storage.store import SUFFIX as TRACE
from klpdsl.goldens.suite import GOLDENS
from klpdsl.goldens.suite import SUFFIX as SCENARIO

#: What decides a trace where klpdsl's own code lies in the repository.
_CODE = ("klpdsl", "grammar")


class Merged(NamedTuple):
    """What the driver found: the golden's text (None: it cannot know), and a sentence about it."""

    text: str | None
    said: str


class Sides(NamedTuple):
    """The three commits of a merge."""

    base: str
    ours: str
    theirs: str


def merge(path: str) -> Merged:
    """The merged golden. `path` is the golden's, from the top of the working tree, which is the current folder."""
    parts = path.split("/")
    try:
        cut = len(parts) - 1 - parts[::-1].index(GOLDENS)
    except ValueError:
        return Merged(None, f"{path} is no golden")
    prefix = "/".join(parts[:cut])
    name, engine = "/".join(parts[cut + 1 : -1]), parts[-1].removesuffix(TRACE)
    scenario = "/".join(filter(None, [prefix, SCENARIOS, name])) + SCENARIO
    sides = _sides()
    if sides is None:
        return Merged(
            None, "which commits are merged is not known here; run klpdsl accept when the merge is done"
        )
    folder, conflicts = _tree(prefix, sides)
    inner = [conflict for conflict in conflicts if _decides(conflict, scenario, prefix)]
    if inner:
        return Merged(None, f"{inner[0]} is in conflict itself; resolve it, then run klpdsl accept")
    if not os.path.isfile(os.path.join(folder, scenario)):
        return Merged(None, f"{scenario} is gone after the merge")
    return _run(folder, scenario, engine)


def _decides(conflict: str, scenario: str, prefix: str) -> bool:
    if conflict.startswith(tuple(f"{part}/" for part in _CODE)):
        return True
    common = "/".join(filter(None, [prefix, SCENARIOS]))
    return conflict == scenario or (conflict.startswith(common) and "/common/" in conflict)


def _run(folder: str, scenario: str, engine: str) -> Merged:
    environment = dict(os.environ)
    if os.path.isfile(os.path.join(folder, "klpdsl", "__init__.py")):
        environment["PYTHONPATH"] = folder
    done = subprocess.run(
        [sys.executable, "-P", "-m", "klpdsl", "run", scenario, "--engine", engine],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        return Merged(None, f"{scenario} cannot be judged after the merge; run klpdsl check when it is done")
    return Merged(done.stdout.decode("utf-8", "surrogateescape"), f"recomputed on {engine}")


# --- the commits ------------------------------------------------------------------------------------------------


def _sides() -> Sides | None:
    ours = _commit("HEAD")
    theirs = [name.removeprefix("GITHEAD_") for name in os.environ if name.startswith("GITHEAD_")]
    if ours and len(theirs) == 1 and (commit := _commit(theirs[0])):
        base = (git(os.curdir, "merge-base", ours, commit) or "").strip()
        return Sides(base, ours, commit) if base else None
    picked = _picked()
    base = _commit(f"{picked}^") if picked else ""
    return Sides(base, ours, picked) if picked and ours and base else None


def _commit(name: str) -> str:
    return (git(os.curdir, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") or "").strip()


def _picked() -> str:
    """The commit that a rebase is applying: the last line of what it has done, which it writes before it begins."""
    where = (git(os.curdir, "rev-parse", "--git-path", "rebase-merge/done") or "").strip()
    try:
        with open(where, encoding="utf-8", errors="replace") as file:
            words = file.read().splitlines()[-1].split()
    except (OSError, IndexError):
        return ""
    return (
        _commit(words[1]) if len(words) > 1 and words[0] in {"pick", "p", "reword", "r", "edit", "e"} else ""
    )


# --- the merged tree --------------------------------------------------------------------------------------------


def _tree(prefix: str, sides: Sides) -> tuple[str, list[str]]:
    """The folder with the merged scenarios and code, and the files in it that could not be merged."""
    top = (git(os.curdir, "rev-parse", "--git-path", "klpdsl-merge") or "").strip()
    folder = os.path.abspath(
        os.path.join(top, digest(prefix.encode(), *(one.encode() for one in sides))[:16])
    )
    listing = os.path.join(folder, ".conflicts")
    if not os.path.isfile(listing):
        shutil.rmtree(os.path.abspath(top), ignore_errors=True)
        os.makedirs(folder)
        wanted = ["/".join(filter(None, [prefix, SCENARIOS]))]
        wanted += [
            part for part in _CODE if git(os.curdir, "cat-file", "-e", f"{sides.ours}:{part}") is not None
        ]
        found = _fill(folder, wanted, sides)
        with open(listing, "w", encoding="utf-8") as file:
            file.write("".join(f"{path}\n" for path in found))
    with open(listing, encoding="utf-8") as file:
        return folder, file.read().splitlines()


def _fill(folder: str, wanted: list[str], sides: Sides) -> list[str]:
    archive = _bytes("archive", "--format=tar", sides.ours, "--", *wanted)
    with tarfile.open(fileobj=io.BytesIO(archive or b"")) as tar:
        # It is git's own archive; the filter is for Pythons that warn without one.
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        tar.extractall(folder, **safe)  # type: ignore[arg-type]
    conflicts = []
    changed = (
        _bytes("diff", "--name-only", "--no-renames", "-z", sides.base, sides.theirs, "--", *wanted) or b""
    )
    for path in filter(None, changed.decode("utf-8", "surrogateescape").split("\0")):
        base, ours, theirs = (_bytes("cat-file", "blob", f"{commit}:{path}") for commit in sides)
        target = os.path.join(folder, path)
        if ours == base:
            _put(target, theirs)
        elif ours != theirs and not _merge_file(target, base, ours, theirs):
            conflicts.append(path)
    return conflicts


def _put(target: str, content: bytes | None) -> None:
    if content is None:
        if os.path.exists(target):
            os.unlink(target)
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(content)


def _merge_file(target: str, base: bytes | None, ours: bytes | None, theirs: bytes | None) -> bool:
    """Merge one file's text in place; False where that is a conflict."""
    if base is None or ours is None or theirs is None:
        return False
    sides = [f"{target}.{side}" for side in ("ours", "base", "theirs")]
    for path, content in zip(sides, (ours, base, theirs), strict=True):
        _put(path, content)
    merged = _bytes("merge-file", "-p", "-q", *sides)
    for path in sides:
        os.unlink(path)
    if merged is None:
        return False
    _put(target, merged)
    return True


def _bytes(*arguments: str) -> bytes | None:
    done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None
