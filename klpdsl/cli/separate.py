"""`klpdsl separate`: the shortest scenario on which two engines differ, or that there is none."""

from __future__ import annotations

import json
import sys

from klpdsl.cli.common import CANNOT_JUDGE, MISMATCH, OK, USAGE, complain, parser
from klpdsl.cli.engine_options import add_engines
from klpdsl.semantics.engines import expand, resolve
from klpdsl.semantics.lineage import before_and_after
from klpdsl.semantics.table import change, order
from klpdsl.separate.alphabets import Alphabet, alphabets, named
from klpdsl.separate.pairs import Bounds
from klpdsl.separate.separation import Separation, separate
from klpdsl.separate.verdict import verdict
from klpdsl.separate.view import LEVELS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from klpdsl.semantics.records import Engine


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code: 0 none, and that is certain; 1 separated; 125 a bound was hit."""
    arguments = _parser().parse_args(argv)
    if arguments.alphabets:
        print(_listed())
        return OK
    chosen = named(arguments.within)
    if arguments.changes:
        return _changes(arguments, chosen)
    if arguments.all_pairs:
        return _all_pairs(arguments, chosen)
    if arguments.git:
        from klpdsl.cli.separate_git import main_git

        return main_git(arguments, chosen)
    if arguments.engine:
        complain("klpdsl separate: --engine is for --git; two engines are named as they are")
        return USAGE
    if len(arguments.engines) != 2:
        complain("klpdsl separate: name two engines (--help says more)")
        return USAGE
    left, right = map(resolve, arguments.engines)
    found = _separate(left, right, arguments, chosen)
    if arguments.format == "json":
        print(json.dumps(_record(left, right, found), indent=2, ensure_ascii=False))
    else:
        _tell(left, right, found, arguments.nesting)
    return MISMATCH if found.findings else OK if found.closed else CANNOT_JUDGE


def _parser() -> argparse.ArgumentParser:
    p = parser(
        "separate",
        "Find the shortest scenario on which two engines differ, by a search over pairs of worlds to which the same\n"
        "actions are given. Where the search ends with every pair looked at, there is none of any length.\n"
        "exit codes: 0 none, and that is certain (over the alphabets named); 1 separated; 125 a bound was hit",
        "klpdsl separate v5.0 v5.1 --level outcome",
    )
    p.add_argument("engines", nargs="*", metavar="ENGINE", help="two engines, or with --git two revisions")
    p.add_argument(
        "--level",
        choices=tuple(LEVELS),
        default="behaviour",
        help="what counts; " + "; ".join(f"{name}: {what}" for name, what in LEVELS.items()),
    )
    p.add_argument(
        "--within",
        action="append",
        default=[],
        metavar="ALPHABET|FILE",
        help="the actions to choose from: alphabets with commas (--alphabets lists them), or a scenario's steps "
        "(default: those that can touch what differs, and all others for what is shorter)",
    )
    p.add_argument("--alphabets", action="store_true", help="list the alphabets")
    p.add_argument("--depth", type=int, metavar="N", help="try sequences of at most N actions")
    p.add_argument(
        "--pairs",
        type=int,
        default=100_000,
        metavar="N",
        help="look at no more than N pairs in each alphabet",
    )
    p.add_argument(
        "--seconds", type=float, default=60.0, metavar="S", help="search for no longer (default: 60)"
    )
    p.add_argument(
        "--nesting",
        type=int,
        default=2,
        metavar="N",
        help="do not follow tasks that are inside more functions (2)",
    )
    p.add_argument("--all", action="store_true", dest="every", help="all scenarios of the shortest length")
    p.add_argument("--classes", action="store_true", help="a shortest scenario for each class of difference")
    p.add_argument(
        "--changes", action="store_true", help="separate each change of mainline from the point before it"
    )
    p.add_argument(
        "--all-pairs", metavar="ENGINES", help="a table of all pairs: engines, ranges and groups with commas"
    )
    git = p.add_argument_group("revisions of klpdsl instead of engines")
    git.add_argument(
        "--git",
        action="store_true",
        help="the two are revisions, or folders with a tree: does a change of the rules change what they do?",
    )
    git.add_argument(
        "--repo", metavar="PATH", default=".", help="a clone of klpdsl (default: the current folder)"
    )
    add_engines(git, "on these engines (default: mainline)")
    p.add_argument("--format", choices=("text", "json"), default="text", help="how to print it")
    return p


def _separate(
    left: Engine, right: Engine, arguments: argparse.Namespace, chosen: list[Alphabet]
) -> Separation:
    bounds = Bounds(arguments.depth, arguments.pairs, arguments.seconds, arguments.nesting)
    return separate(
        left, right, arguments.level, chosen, bounds, every=arguments.every, classes=arguments.classes
    )


def _listed() -> str:
    known = alphabets().values()
    width = max(len(one.name) for one in known)
    return "\n".join(f"{one.name:{width}}  {len(one.actions):2} actions: {one.what}" for one in known)


# --- two engines ----------------------------------------------------------------------------------------------


def _tell(left: Engine, right: Engine, found: Separation, nesting: int) -> None:
    """The scenarios on standard output, so that they can be kept; what the search was on standard error."""
    if found.findings:
        print("\n".join(one.text for one in found.findings), end="")
        sys.stdout.flush()
        complain(_searched(found))
        return
    print(verdict(left.name, right.name, found, nesting))


def _searched(found: Separation) -> str:
    over = ", ".join(one.alphabet for one in found.asked)
    pairs = sum(one.searched.pairs for one in found.asked)
    return f"separated at step {found.findings[0].step}, level {found.level}; searched {over}: {pairs} pairs"


def _record(left: Engine, right: Engine, found: Separation) -> dict[str, Any]:
    return {
        "left": left.name,
        "right": right.name,
        "level": found.level,
        "axes": list(found.axes),
        "closed": found.closed,
        "untouched": list(found.untouched),
        "findings": [
            {**one._asdict(), "left": list(one.left), "right": list(one.right)} for one in found.findings
        ],
        "asked": [
            {"alphabet": one.alphabet, "actions": one.actions, **_searched_record(one.searched._asdict())}
            for one in found.asked
        ],
    }


def _searched_record(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "partings"}


# --- many -----------------------------------------------------------------------------------------------------


def _changes(arguments: argparse.Namespace, chosen: list[Alphabet]) -> int:
    """Each change against the point before it: the length of the shortest scenario, and what it ends with."""
    undecided = 0
    width = max(map(len, order()))
    for name in order():
        before, after = before_and_after(name)
        found = _separate(before, after, arguments, chosen)
        if found.findings:
            one = found.findings[0]
            said = f"{one.step:2} steps, the last `{one.statement}`: {one.kind}"
        elif found.closed:
            pairs = sum(one.searched.pairs for one in found.asked)
            said = f"none, closed, {pairs} pairs" if found.asked else "none: no axis differs"
        else:
            undecided += 1
            said = "none found; not closed"
        hidden = "" if change(name).shown else "  (said to be invisible)"
        print(f"{name:{width}}  {said}{hidden}", flush=True)
    return CANNOT_JUDGE if undecided else OK


def _all_pairs(arguments: argparse.Namespace, chosen: list[Alphabet]) -> int:
    """A table: for each pair how many steps apart they are, `=` where there is certainly nothing, `?` where not."""
    names = expand(arguments.all_pairs)
    engines = [resolve(name) for name in names]
    width = max(map(len, names))
    undecided = False
    print(" " * width + "  " + " ".join(f"{i + 1:3}" for i in range(len(names))))
    for row, left in enumerate(engines):
        cells = []
        for right in engines[: row + 1]:
            if right is left:
                cells.append("  .")
                continue
            found = _separate(right, left, arguments, chosen)
            undecided |= not found.findings and not found.closed
            cells.append(f"{found.findings[0].step if found.findings else '=' if found.closed else '?':>3}")
        print(f"{names[row]:{width}}  {' '.join(cells)}", flush=True)
    print(
        "steps to the first difference; =: none of any length, over the alphabets; ?: none found, not closed"
    )
    return CANNOT_JUDGE if undecided else OK
