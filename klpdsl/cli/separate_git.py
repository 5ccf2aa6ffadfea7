"""`klpdsl separate --git`: whether two revisions of klpdsl, or of one's own change to it, do the same."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack

from klpdsl.bisect import environments
from klpdsl.bisect.revisions import Repository, Workshop
from klpdsl.cli.common import CANNOT_JUDGE, MISMATCH, OK, USAGE, complain
from klpdsl.semantics.engines import expand
from klpdsl.separate.alphabets import alphabets
from klpdsl.separate.between_trees import Scope, separate_trees
from klpdsl.separate.pairs import Bounds
from klpdsl.separate.trees import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from klpdsl.separate.alphabets import Alphabet
    from klpdsl.separate.between_trees import TreesSeparated


def main_git(arguments: argparse.Namespace, chosen: list[Alphabet]) -> int:
    """Separate two revisions; returns the exit code, as for two engines."""
    if len(arguments.engines) != 2:
        complain("klpdsl separate: --git takes two revisions, or folders with a tree of klpdsl")
        return USAGE
    engines = [name for spec in arguments.engine or ["mainline"] for name in expand(spec)]
    asked = chosen or list(alphabets().values())
    bounds = Bounds(arguments.depth, arguments.pairs, arguments.seconds, arguments.nesting)
    scope = Scope(arguments.level, tuple(engines), tuple(asked), bounds)
    with ExitStack() as stack:
        one, other = (_tree(name, arguments.repo, stack) for name in arguments.engines)
        found = separate_trees(one, other, scope)
    if arguments.format == "json":
        print(json.dumps(_record(arguments, found), indent=2, ensure_ascii=False))
    elif found.scenario:
        print(found.scenario, end="")
        sys.stdout.flush()
        complain(f"separated on {found.engine}; searched {_searched(found)}")
    else:
        print(_verdict(found, arguments.nesting))
    return MISMATCH if found.scenario else OK if found.closed else CANNOT_JUDGE


def _tree(name: str, repo: str, stack: ExitStack) -> Tree:
    """A folder as it is, with what is not committed; anything else is a revision of the repository."""
    if os.path.isdir(os.path.join(name, "klpdsl", "engine")):
        return stack.enter_context(Tree(os.path.abspath(name)))
    repository = Repository(repo)
    commit = repository.commit(name)
    workshop = stack.enter_context(Workshop())
    path = os.path.join(workshop.path, commit)
    repository.write_tree(commit, path)
    return stack.enter_context(
        Tree(path, environments.python_for(repository.content(commit, environments.LOCK)))
    )


def _searched(found: TreesSeparated) -> str:
    engines = ", ".join(dict.fromkeys(engine for engine, _, _ in found.asked))
    over = ", ".join(dict.fromkeys(name for _, name, _ in found.asked))
    pairs = sum(search.pairs for _, _, search in found.asked)
    return f"{engines} over {over}: {pairs} pairs"


def _verdict(found: TreesSeparated, nesting: int) -> str:
    if found.same_code:
        return "none, at any length: the code and the data are the same"
    assumed = f"tasks at most {nesting} functions deep, nothing followed after a crash"
    if found.closed:
        return f"none, at any length, on {_searched(found)}, closed ({assumed})"
    open_ = [f"{engine} {name} {one.stopped}" for engine, name, one in found.asked if not one.closed]
    depth = min(one.depth for _, _, one in found.asked if not one.closed)
    return (
        f"none found up to {depth} actions on {_searched(found)} ({assumed}); not closed: {', '.join(open_)}"
    )


def _record(arguments: argparse.Namespace, found: TreesSeparated) -> dict[str, object]:
    return {
        "revisions": list(arguments.engines),
        "level": arguments.level,
        "closed": found.closed,
        "same_code": found.same_code,
        "scenario": found.scenario or None,
        "engine": found.engine or None,
        "left": found.left,
        "right": found.right,
        "asked": [
            {
                "engine": engine,
                "alphabet": name,
                "pairs": one.pairs,
                "depth": one.depth,
                "closed": one.closed,
                "stopped": one.stopped,
            }
            for engine, name, one in found.asked
        ],
    }
