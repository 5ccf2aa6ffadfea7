"""Merging goldens: not their texts, but what the merged scenario gives under the merged rules.

git calls the driver while it merges, before it has changed the working tree. So the merged scenarios are put together
in a folder of their own below .git, once per merge. They are played by the klpdsl that is installed, and by no other:
code that a branch brings is read, never run. Where the repository holds klpdsl itself and the merged one is not the one
that is installed, nobody can say yet what the golden will be.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

import klpdsl
from klpdsl._cache import digest
from klpdsl._checkout import SCENARIOS
from klpdsl._git import git
from klpdsl._resources import grammar_path
from klpdsl._writing import open_folder
from klpdsl.goldens.storage.store import SUFFIX as TRACE
from klpdsl.goldens.suite import GOLDENS
from klpdsl.goldens.suite import SUFFIX as SCENARIO
from klpdsl.goldens.with_git.setup import within

#: What decides a trace where klpdsl's own code lies in the repository: its folders, and the files that count.
_CODE = ("klpdsl", "grammar")
_CODE_SUFFIXES = (".py", ".toml", ".lark")
_PLAIN_FILES = ("100644", "100755")


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
    problem = within((git(os.curdir, "rev-parse", "--show-toplevel") or "").rstrip("\n"))
    if problem:
        return Merged(None, f"{problem}; for now, run klpdsl accept when the merge is done")
    folder, conflicts = _tree(prefix, sides)
    inner = [conflict for conflict in conflicts if _decides(conflict, scenario, prefix)]
    if inner:
        return Merged(None, f"{inner[0]} is in conflict itself; resolve it, then run klpdsl accept")
    if not os.path.isfile(os.path.join(folder, scenario)):
        return Merged(None, f"{scenario} is gone after the merge")
    if os.path.isdir(os.path.join(folder, _CODE[0])) and _code_of(folder) != _own_code():
        return Merged(
            None,
            "the merged klpdsl is not the one that is installed; run the merged one's accept when the merge is done",
        )
    return _run(folder, scenario, engine)


def _code_of(folder: str) -> dict[str, bytes]:
    """What decides a trace of the klpdsl in a folder. It is read, and nothing more."""
    found: dict[str, bytes] = {}
    for part in _CODE:
        for base, _, names in os.walk(os.path.join(folder, part)):
            for name in names:
                path = os.path.join(base, name)
                if name.endswith(_CODE_SUFFIXES):
                    with open(path, "rb") as file:
                        found[os.path.relpath(path, folder)] = file.read()
    return found


def _own_code() -> dict[str, bytes]:
    top = os.path.dirname(os.path.dirname(os.path.realpath(klpdsl.__file__)))
    found = {path: data for path, data in _code_of(top).items() if path.startswith(f"{_CODE[0]}/")}
    # A wheel carries the grammar inside the package.
    found.pop("klpdsl/_grammar/klp.lark", None)
    with open(grammar_path(), "rb") as file:
        found["grammar/klp.lark"] = file.read()
    return found


def _decides(conflict: str, scenario: str, prefix: str) -> bool:
    if conflict.startswith(tuple(f"{part}/" for part in _CODE)):
        return True
    common = "/".join(filter(None, [prefix, SCENARIOS]))
    return conflict == scenario or (conflict.startswith(common) and "/common/" in conflict)


def _run(folder: str, scenario: str, engine: str) -> Merged:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "klpdsl", "run", scenario, "--engine", engine],
        cwd=folder,
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
    listing = os.path.join(folder, _CONFLICTS)
    if not os.path.isfile(listing):
        shutil.rmtree(os.path.abspath(top), ignore_errors=True)
        os.makedirs(folder)
        wanted = ["/".join(filter(None, [prefix, SCENARIOS])), *_CODE]
        conflicts = _fill(folder, wanted, sides)
        with open_folder(folder) as opened:
            opened.write(
                _CONFLICTS, "".join(f"{path}\n" for path in conflicts).encode("utf-8", "surrogateescape")
            )
    with open(listing, encoding="utf-8", errors="surrogateescape") as file:
        return folder, file.read().splitlines()


_CONFLICTS = ".conflicts"


def _fill(folder: str, wanted: list[str], sides: Sides) -> list[str]:
    """Put the merged files into the folder; returns those that could not be merged. Links are left out."""
    base, ours, theirs = (_listed(commit, wanted) for commit in sides)
    conflicts = []
    merged: dict[str, str | bytes] = {}
    for path in sorted({*base, *ours, *theirs}):
        if ours.get(path) == base.get(path) or ours.get(path) == theirs.get(path):
            if path in theirs:
                merged[path] = theirs[path]
        elif theirs.get(path) == base.get(path):
            if path in ours:
                merged[path] = ours[path]
        else:
            text = _merged_text(base.get(path), ours.get(path), theirs.get(path))
            if text is None:
                conflicts.append(path)
            merged[path] = ours.get(path, "") if text is None else text
    contents = _contents([blob for blob in merged.values() if isinstance(blob, str) and blob])
    for path, blob in merged.items():
        *parts, name = path.split("/")
        with open_folder(folder, parts, make=True) as opened:
            opened.create(name, blob if isinstance(blob, bytes) else contents.get(blob, b""))
    return conflicts


def _listed(commit: str, wanted: list[str]) -> dict[str, str]:
    """The files of a commit below the wanted folders: the object of each, by path."""
    listed = (_bytes("ls-tree", "-r", "-z", commit, "--", *wanted) or b"").decode("utf-8", "surrogateescape")
    found = {}
    for entry in filter(None, listed.split("\0")):
        about, _, path = entry.partition("\t")
        mode, _, blob = about.split(" ")
        if mode in _PLAIN_FILES:
            found[path] = blob
    return found


def _contents(blobs: list[str]) -> dict[str, bytes]:
    """What is in objects, by their names."""
    asked = "".join(f"{blob}\n" for blob in dict.fromkeys(blobs)).encode()
    told = subprocess.run(["git", "cat-file", "--batch"], input=asked, capture_output=True, check=True).stdout
    found: dict[str, bytes] = {}
    at = 0
    while at < len(told):
        end = told.index(b"\n", at)
        blob, _, size = told[at:end].decode().split(" ")
        at = end + 1 + int(size)
        found[blob] = told[end + 1 : at]
        at += 1
    return found


def _merged_text(base: str | None, ours: str | None, theirs: str | None) -> bytes | None:
    """The text that three objects make; None where that is a conflict."""
    if base is None or ours is None or theirs is None:
        return None
    contents = _contents([base, ours, theirs])
    with tempfile.TemporaryDirectory(prefix="klpdsl-") as folder:
        sides = [os.path.join(folder, side) for side in ("ours", "base", "theirs")]
        for path, blob in zip(sides, (ours, base, theirs), strict=True):
            with open(path, "wb") as file:
                file.write(contents[blob])
        return _bytes("merge-file", "-p", "-q", *sides)


def _bytes(*arguments: str) -> bytes | None:
    done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None
