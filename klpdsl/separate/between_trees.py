"""Whether two trees of klpdsl are the same in what their rules do: the shortest scenario that tells them apart."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
import textwrap
import time

from klpdsl.separate.pairs import Bounds
from klpdsl.separate.trees import TreeError, TreeQuestion, search_trees
from klpdsl.syntax.wording import format_statement, line_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from klpdsl.separate.alphabets import Alphabet
    from klpdsl.separate.trees import Tree, TreesSearched
    from klpdsl.separate.view import Level
else:
    from klpdsl._records import NamedTuple

_PASSES = (300, 3_000)
_WIDTH = 98


class Scope(NamedTuple):
    """Over what two trees are to be separated: at which level, on which engines, over which alphabets, how far."""

    level: Level
    engines: tuple[str, ...]
    alphabets: tuple[Alphabet, ...]
    bounds: Bounds


class TreesSeparated(NamedTuple):
    """What can be said of two trees on some engines, over some alphabets.

    `scenario` is empty when no difference was found; `asked` are all searches, by engine and alphabet. `same_code`: no
    search was needed.
    """

    scenario: str
    engine: str
    statement: str
    left: str
    right: str
    asked: tuple[tuple[str, str, TreesSearched], ...]
    same_code: bool

    @property
    def closed(self) -> bool:
        """Whether every search has closed: then what was not found is not there, over these alphabets."""
        return self.same_code or all(search.closed for _, _, search in self.asked)


def separate_trees(one: Tree, other: Tree, scope: Scope) -> TreesSeparated:
    """Look for the shortest scenario on which two trees differ, on one of the engines. Raises `TreeError`."""
    if code_digest(one.path) == code_digest(other.path):
        return TreesSeparated("", "", "", "", "", (), same_code=True)
    bounds = scope.bounds
    deadline = None if bounds.seconds is None else time.monotonic() + bounds.seconds
    asked: dict[tuple[str, str], TreesSearched] = {}
    with tempfile.TemporaryDirectory(prefix="klpdsl-separate-") as folder:
        files = {
            alphabet.name: _written(alphabet, folder, place) for place, alphabet in enumerate(scope.alphabets)
        }
        limit = bounds.depth
        best: tuple[str, Alphabet, TreesSearched] | None = None
        for pairs in (*(n for n in _PASSES if bounds.pairs is None or n < bounds.pairs), bounds.pairs):
            for engine in scope.engines:
                for alphabet in scope.alphabets:
                    before = asked.get((engine, alphabet.name))
                    if before is not None and (before.closed or before.path is not None):
                        continue
                    seconds = None if deadline is None else deadline - time.monotonic()
                    if seconds is not None and seconds <= 0 and before is not None:
                        continue
                    question = TreeQuestion(files[alphabet.name], engine, scope.level, bounds.nesting)
                    found = search_trees(one, other, question, Bounds(limit, pairs, seconds, bounds.nesting))
                    asked[engine, alphabet.name] = found
                    if found.path is not None:
                        best = engine, alphabet, found
                        limit = len(found.path) - 1
            if best is not None:
                break
        every = tuple((engine, name, search) for (engine, name), search in asked.items())
        if best is None:
            return TreesSeparated("", "", "", "", "", every, same_code=False)
        shown = _found(scope.level, best, every)
        _confirm(one, other, shown.scenario, folder)
        return shown


def code_digest(tree: str) -> str:
    """A digest of all code and data of a tree that a run can depend on."""
    digest = hashlib.sha256()
    for top in ("klpdsl", "grammar"):
        for folder, folders, names in os.walk(os.path.join(tree, top)):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    digest.update(f"{os.path.relpath(path, tree)}\n".encode() + file.read() + b"\0")
    return digest.hexdigest()


def _written(alphabet: Alphabet, folder: str, place: int) -> str:
    """An alphabet as a file that any tree can read."""
    path = os.path.join(folder, f"alphabet-{place}.klp")
    lines = [*map(line_of, alphabet.loaded.program.declarations), *map(format_statement, alphabet.actions)]
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
    return path


def _found(
    level: Level, best: tuple[str, Alphabet, TreesSearched], asked: tuple[tuple[str, str, TreesSearched], ...]
) -> TreesSeparated:
    engine, alphabet, search = best
    assert search.path is not None
    steps = [format_statement(alphabet.actions[place]) for place in search.path]
    declared = list(map(line_of, alphabet.loaded.program.declarations))
    body = "\n".join([*declared, *([""] if declared else []), *steps]) + "\n"
    left, right = _only(search.left, search.right)
    prose = (
        f"The shortest difference between two revisions of klpdsl at the level `{level}`, found by search on {engine}. "
        f"In step {len(steps)}, `{steps[-1]}`, the first has `{left}`, the second `{right}`."
    )
    text = "".join(f"# {line}\n" for line in textwrap.wrap(prose, _WIDTH)) + f"engines {engine}\n\n{body}"
    return TreesSeparated(text, engine, steps[-1], left, right, asked, same_code=False)


def _only(left: str, right: str) -> tuple[str, str]:
    """The first line of each side that the other does not have."""
    mine, theirs = left.splitlines(), right.splitlines()
    return (
        next((line for line in mine if line not in theirs), "no line of its own"),
        next((line for line in theirs if line not in mine), "no line of its own"),
    )


def _confirm(one: Tree, other: Tree, text: str, folder: str) -> None:
    """Run what was found in both trees, as their users would. Raises `TreeError` if it shows nothing there."""
    path = os.path.join(folder, "found.klp")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    printed = []
    for tree in (one, other):
        done = subprocess.run(
            [tree.python, "-m", "klpdsl", "run", path],
            cwd=tree.path,
            env=tree.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        printed.append((done.returncode, done.stdout))
    if printed[0] == printed[1]:
        raise TreeError(f"what the search found shows nothing in a plain run, a fault of klpdsl:\n{text}")
