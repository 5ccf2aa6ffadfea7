"""`klpdsl bisect`: find the change, or the commit of ours, that makes the difference."""

from __future__ import annotations

import argparse
import json

from klpdsl.bisect import bisect_report as report
from klpdsl.bisect.bisection import BisectError, Culprit, Lineage, bisect
from klpdsl.bisect.predicates import Predicate, WholeTrace
from klpdsl.bisect.scenario import Runner, header_engines
from klpdsl.bisect.search import Probe
from klpdsl.bisect.subsets import MinimalSet, minimal_set
from klpdsl.cli.common import OK, USAGE, complain, parser
from klpdsl.cli.engine_options import add_engines
from klpdsl.cli.predicate_options import add_predicates, predicate_of
from klpdsl.cli.scenario_options import add_scenario, items_of, name_of
from klpdsl.semantics.engines import expand, resolve
from klpdsl.semantics.points import points
from klpdsl.semantics.records import Engine
from klpdsl.syntax import tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.separate.view import Level


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = _parser()
    arguments = p.parse_args(argv)
    if arguments.output and not arguments.reduce:
        complain(
            "klpdsl bisect: --output is where --reduce writes; without --reduce there is nothing to write"
        )
        return USAGE
    if arguments.reduce and arguments.format == "json":
        complain("klpdsl bisect: --reduce prints a scenario; leave --format json out")
        return USAGE
    if arguments.alphabet or arguments.level:
        return _searched(arguments)
    if arguments.git:
        from klpdsl.cli.bisect_git import main_git

        return main_git(arguments, predicate_of(arguments))
    return _lineage(arguments)


def _parser() -> argparse.ArgumentParser:
    p = parser(
        "bisect",
        "Find the change between two engines that makes a scenario's trace another one, or with --git the commit of a\n"
        "klpdsl repository that does. What cannot be run counts as neither good nor bad.",
        "klpdsl bisect scenarios/changes/force-only-removed.klp --good v5.5 --bad v6.12",
    )
    add_scenario(p)
    p.add_argument(
        "--good", metavar="ENGINE", help="one end (default: the first engine the scenario is meant for)"
    )
    p.add_argument("--bad", metavar="ENGINE", help="the other end (default: the last engine it is meant for)")
    p.add_argument("--all", action="store_true", help="run every point, and print every place where it turns")
    p.add_argument(
        "--minimal-set",
        action="store_true",
        help="also find the smallest set of changes that makes the difference",
    )
    p.add_argument(
        "--reduce", action="store_true", help="also find the smallest scenario that shows the difference"
    )
    p.add_argument("--output", "-o", metavar="FILE", help="with --reduce: write the scenario there")
    p.add_argument("--format", choices=("text", "json"), default="text", help="how to print the answer")
    add_predicates(p, "what is compared (default: the whole trace)")
    searched = p.add_argument_group(
        "without a scenario: the shortest on which the ends differ is searched for"
    )
    searched.add_argument(
        "--alphabet",
        action="append",
        default=[],
        metavar="ALPHABET|FILE",
        help="the actions to choose from, as in klpdsl separate --within (default: those that can touch what differs)",
    )
    searched.add_argument(
        "--level", choices=("full", "behaviour", "outcome"), help="what counts (default: behaviour)"
    )
    git = p.add_argument_group("revisions of klpdsl instead of engines")
    git.add_argument("--git", metavar="GOOD..BAD", help="search these revisions")
    git.add_argument(
        "--repo", metavar="PATH", default=".", help="a clone of klpdsl (default: the current folder)"
    )
    add_engines(git, "run on these (default: all that the scenario is meant for)")
    git.add_argument("--jobs", "-j", type=int, default=1, metavar="N", help="try N revisions at a time")
    git.add_argument(
        "--timeout", type=float, default=60, metavar="SECONDS", help="give up on a revision after that"
    )
    return p


def _ends(arguments: argparse.Namespace, items: tuple[tree.Item, ...]) -> tuple[Engine, Engine]:
    names = [
        name
        for span in header_engines(items)
        for name in expand(span.first if span.first == span.last else f"{span.first}..{span.last}")
    ] or points()
    return resolve(arguments.good or names[0]), resolve(arguments.bad or names[-1])


def _searched(arguments: argparse.Namespace) -> int:
    """Find the shortest scenario on which the ends differ, print it, and bisect with it."""
    from klpdsl.separate.alphabets import named
    from klpdsl.separate.pairs import Bounds
    from klpdsl.separate.separation import separate
    from klpdsl.separate.verdict import verdict
    from klpdsl.separate.view import kinds_at

    if arguments.file is not None or arguments.text is not None or arguments.git:
        complain(
            "klpdsl bisect: with --level or --alphabet the scenario is searched for; give none, and no --git"
        )
        return USAGE
    good, bad = resolve(arguments.good or points()[0]), resolve(arguments.bad or points()[-1])
    bounds = Bounds(pairs=100_000, seconds=60)
    level: Level = arguments.level or "behaviour"
    found = separate(good, bad, level, named(arguments.alphabet), bounds)
    if not found.findings:
        raise BisectError(verdict(good.name, bad.name, found, bounds.nesting), cannot_judge=not found.closed)
    arguments.text = found.findings[0].text
    arguments.good, arguments.bad = good.name, bad.name
    if isinstance(predicate_of(arguments), WholeTrace) and level != "full":
        arguments.events = ",".join(kinds_at(level))
    if arguments.format == "text":
        print(arguments.text)
    return _lineage(arguments)


def _lineage(arguments: argparse.Namespace) -> int:
    items = items_of(arguments.file, arguments.text)
    predicate = predicate_of(arguments)
    lineage = Lineage(Runner(items), predicate, *_ends(arguments, items))
    loud = arguments.format == "text"
    if loud:
        print(report.plan(lineage.points, lineage.question))

    def tell(probe: Probe) -> None:
        if loud:
            print(report.probe_line(probe, lineage.points[probe.place].name), flush=True)

    found = bisect(lineage, everything=arguments.all, tell=tell)
    minimal = _minimal_set(lineage, found.culprits[0]) if arguments.minimal_set else None
    if loud:
        print("\n".join(report.text(found)))
        if minimal is not None:
            print("\n".join(report.set_text(minimal)))
    else:
        print(json.dumps(report.json(found, minimal), indent=2, ensure_ascii=False))
    if arguments.reduce:
        return _reduce(arguments, items, predicate, found.culprits[0])
    return OK


def _reduce(
    arguments: argparse.Namespace, items: tuple[tree.Item, ...], predicate: Predicate, culprit: Culprit
) -> int:
    """Print the smallest scenario that shows what the culprit does, or write it to a file."""
    from klpdsl.bisect.keeping import KeepDifference
    from klpdsl.bisect.reduction import reduce
    from klpdsl.cli.reduce import deliver

    keep = KeepDifference(items, culprit.before.engine, culprit.after.engine, predicate)
    found = reduce(items, keep, name_of(arguments.file))
    if not arguments.output:
        print()
    return deliver(found.text, arguments.output, f"{len(items)} statements to {len(found.items)}")


def _minimal_set(lineage: Lineage, culprit: Culprit) -> MinimalSet:
    """The smallest set of the moves up to the culprit that makes the difference that it makes."""
    reached = lineage.points[: lineage.points.index(culprit.after) + 1]
    return minimal_set(reached, lambda engine: lineage.same_difference(engine, culprit.after.engine))
