"""`klpdsl verify`: whether properties hold in every state, whatever the order."""

from __future__ import annotations

import argparse
import difflib

from klpdsl._properties import ENDLESS, IN_TRACES, PROPERTIES
from klpdsl.cli.common import CANNOT_JUDGE, MISMATCH, OK, USAGE, complain, default_jobs, parser
from klpdsl.cli.engine_options import add_engines
from klpdsl.cli.exploring import add_bounds, bounds_of, progress_of, scenario_of, worst_of
from klpdsl.cli.golden import add_write_arguments
from klpdsl.cli.graphing import add_graph, draw, graph_for
from klpdsl.cli.scenario_options import add_text
from klpdsl.explore import witness
from klpdsl.explore.exploration import Exploration, PathSearch
from klpdsl.explore.judging import conditions_of
from klpdsl.explore.outcome_report import counted
from klpdsl.explore.paths import FATAL, Paths
from klpdsl.semantics.records import Engine
from klpdsl.syntax import tree


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "verify",
        "Say whether properties hold in every state that any order leads to. Exit code 0: they hold, and the search\n"
        "has seen every state; 1: one is violated, and a shortest scenario shows it; 125: a bound stopped the search.",
        "klpdsl verify race.klp --engine v6.12 --property stale-code,mixed",
    )
    p.add_argument(
        "file",
        metavar="FILE",
        nargs="*",
        help="a scenario; - is standard input; with --kept, scenarios and folders",
    )
    add_text(p)
    add_engines(p, "where to verify it (default: the newest it is meant for; with --kept, all of them)")
    p.add_argument(
        "--property",
        "-p",
        action="append",
        metavar="NAME,…",
        help="the properties to verify (default: what the scenario's `always` and `never` say; where there are none, "
        "all that are built in)",
    )
    p.add_argument(
        "--forever",
        action="store_true",
        help="take the last `interleave` as an alphabet, as if it were `interleave forever`: each of its steps at any "
        "time, as often as one likes",
    )
    p.add_argument(
        "--depth", type=int, default=2, metavar="N", help="with --forever, how many functions deep tasks go"
    )
    p.add_argument(
        "--completes",
        action="store_true",
        help="of a scenario with an alphabet: does every transition complete at last, if tasks and time go on and the "
        "operator does nothing more? Who may hold it for ever, and what frees them then",
    )
    p.add_argument("--no-symmetry", action="store_true", help="do not exchange tasks that are alike")
    add_graph(p)
    add_bounds(p)
    p.add_argument(
        "--kept",
        action="store_true",
        help="compare what holds of the claims (scenarios with `never` or `always` and an `interleave`) in a suite, or "
        "at or below the paths, with the verdicts that are kept in goldens/",
    )
    p.add_argument("--update", action="store_true", help="with --kept: keep what was found")
    p.add_argument(
        "--jobs", "-j", type=int, default=default_jobs(), help="with --kept: how many processes to use"
    )
    add_write_arguments(p)
    arguments = p.parse_args(argv)
    if arguments.kept or arguments.update:
        return _kept(arguments)
    if len(arguments.file) > 1:
        complain("klpdsl verify: one scenario at a time; with --kept, the claims at or below several paths")
        return USAGE
    arguments.file = arguments.file[0] if arguments.file else None
    chosen = scenario_of(arguments)
    alphabet = _alphabet(chosen.loaded.program.statements)
    if arguments.forever and (arguments.depth < 1 or alphabet is None):
        complain(
            f"klpdsl verify: {chosen.loaded.source}: --forever asks for an `interleave` of steps alone as the last "
            "statement, and --depth for 1 or more"
        )
        return USAGE
    depth = arguments.depth if arguments.forever else alphabet.forever if alphabet else 0
    if arguments.completes:
        if arguments.property or arguments.graph:
            what = "--property asks another" if arguments.property else "it has no --graph"
            complain(f"klpdsl verify: --completes is a question of its own; {what}")
            return USAGE
        from klpdsl.cli.verifying_completion import verify_completion

        return verify_completion(arguments, chosen, depth)
    asked = [name for spec in arguments.property or [] for name in spec.split(",") if name]
    unknown = [name for name in asked if name not in PROPERTIES]
    for name in unknown:
        near = difflib.get_close_matches(name, PROPERTIES, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        complain(f"klpdsl verify: there is no property {name!r}{hint} (there are: {', '.join(PROPERTIES)})")
    if unknown:
        return USAGE
    named = frozenset(asked or conditions_of(chosen.loaded.program) or IN_TRACES)
    names = named.difference(ENDLESS)
    codes = []
    if named - names:
        from klpdsl.cli.verifying_completion import verify_completion

        codes.append(verify_completion(arguments, chosen, depth))
        if codes[0] == USAGE or not names:
            return codes[0]
    undrawn = False
    for engine in chosen.engines:
        symmetric = not arguments.no_symmetry
        paths = Paths(chosen.loaded.program, engine.semantics, "final", symmetric=symmetric, depth=depth)
        graph = graph_for(arguments)
        search = PathSearch(paths, stop_at=names, graph=graph)
        found = search.run(bounds_of(arguments), progress_of(arguments))
        codes.append(_tell(found, paths, engine, names))
        if graph is not None:
            several = len(chosen.engines) > 1
            undrawn |= not draw(arguments.graph, graph, found, paths, engine, several=several, names=names)
    return USAGE if undrawn else worst_of(codes)


def _alphabet(statements: tuple[tree.Statement, ...]) -> tree.Interleave | None:
    """The last statement, where it can be an alphabet."""
    last = statements[-1] if statements else None
    if not isinstance(last, tree.Interleave):
        return None
    plain = (isinstance(statement, tree.Step) for thread in last.threads for statement in thread.body)
    return last if all(plain) else None


def _kept(arguments: argparse.Namespace) -> int:
    single = {
        "-c": arguments.text,
        "--property": arguments.property,
        "--forever": arguments.forever,
        "--completes": arguments.completes,
        "--no-symmetry": arguments.no_symmetry,
        "--graph": arguments.graph,
    }
    unfit = [option for option, given in single.items() if given]
    if unfit:
        complain(
            f"klpdsl verify: {unfit[0]} is for one scenario, and --kept judges claims as their files say"
        )
        return USAGE
    arguments.engine = arguments.engine or []
    from klpdsl.cli.verifying_kept import verify_kept

    return verify_kept(arguments)


def _searched(paths: Paths) -> str:
    if not paths.flow.endless:
        return "every order was taken"
    deep = f"tasks up to {counted(paths.depth, 'function')} deep"
    return f"the steps in any order, as often as one likes, {deep}; the search has closed"


def _tell(found: Exploration, paths: Paths, engine: Engine, names: frozenset[str]) -> int:
    said = ", ".join(sorted(names))
    size = counted(found.effort.states, "state")
    broken = [found.broken[name] for name in sorted(names) if name in found.broken]
    if broken:
        first = min(broken, key=lambda one: len(one.way.nodes))
        name = first.violation.property
        print(
            f"{name}: violated on {engine.name}, after {counted(len(paths.steps(first.way.nodes)), 'step')} "
            f"({size} seen)\n"
        )
        comment = (
            f"{name} is violated on {engine.name}; no order does it in fewer steps.\n{first.violation.text}"
        )
        print(witness.violation_scenario(paths, engine, first.way, name, comment), end="")
        return MISMATCH
    if found.stopped:
        print(f"{said}: not known on {engine.name}: {found.stopped} stopped the search")
        print(f"{size} seen without a violation, {found.effort.frontier:,} not gone on from")
        return CANNOT_JUDGE
    print(f"{said}: {'holds' if len(names) == 1 else 'hold'} on {engine.name} in {size}: {_searched(paths)}")
    crashed = sorted(set(found.broken) & set(FATAL) - names)
    if crashed:
        print(
            f"(nothing was followed behind {', '.join(crashed)}, which was violated: the machine has crashed)"
        )
    return OK
