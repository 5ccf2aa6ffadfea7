"""`klpdsl explore`: every order of a scenario's threads, every branch, and what they end in."""

from __future__ import annotations

import json
import os
import re
import sys

from klpdsl._reading import read_start
from klpdsl._writing import UnfitPlaceError, check_folder, replace_file
from klpdsl.cli.common import CANNOT_JUDGE, MISMATCH, OK, USAGE, complain, parser
from klpdsl.cli.exploring import ScenarioChoice, add_bounds, add_scenario, bounds_of, progress_of, scenario_of
from klpdsl.cli.graphing import add_graph, draw, graph_for
from klpdsl.explore import outcome_report, witness
from klpdsl.explore.exploration import Exploration, PathSearch
from klpdsl.explore.paths import Paths
from klpdsl.semantics.records import Engine
from klpdsl.syntax import tree

_HEAD = 1 << 10
_OURS = re.compile(r"# (Outcome [A-Z]+ of |[^\n]* (holds|fails|is violated) in this order of )")
"""How a witness begins. Over anything else none is written."""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "explore",
        "Take all orders of every `interleave` and all branches of every `choose`, and print every distinct outcome:\n"
        "how many orders lead to it, and by how few steps. Each `expect` is judged over all orders.",
        "klpdsl explore race.klp --engine v6.12 --out witnesses",
    )
    add_scenario(p)
    p.add_argument(
        "--observe",
        choices=("results", "final", "trace"),
        default="results",
        help="what an outcome is: how each step ended, what it ran and what is there at the end (results, the "
        "default); what is there at the end alone (final); the whole trace",
    )
    p.add_argument(
        "--out", metavar="DIR", help="write a shortest witness of each outcome there, as a scenario"
    )
    p.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")
    p.add_argument(
        "--no-reduce",
        action="store_true",
        help="take each order by itself: go on again from states that are the same, do not exchange equal tasks",
    )
    p.add_argument("--no-symmetry", action="store_true", help="do not exchange tasks that are alike")
    add_graph(p)
    add_bounds(p)
    arguments = p.parse_args(argv)
    chosen = scenario_of(arguments)
    last = chosen.loaded.program.statements[-1:]
    if any(isinstance(one, tree.Interleave) and one.forever for one in last):
        complain(
            f"klpdsl explore: {chosen.loaded.source}: the orders of an `interleave forever` have no end "
            "(`klpdsl verify` takes it)"
        )
        return USAGE
    code = OK
    undrawn = False
    told: list[object] = []
    for engine in chosen.engines:
        symmetric = not arguments.no_symmetry and not arguments.no_reduce
        paths = Paths(chosen.loaded.program, engine.semantics, arguments.observe, symmetric=symmetric)
        graph = graph_for(arguments)
        search = PathSearch(paths, merge=not arguments.no_reduce, graph=graph)
        found = search.run(bounds_of(arguments), progress_of(arguments))
        code = max(code, _code(found))
        title = f"{os.path.basename(chosen.loaded.source)} on {engine.name}"
        if arguments.format == "json":
            told.append(outcome_report.to_json(found, paths, chosen.loaded.source, engine.name))
        else:
            print(outcome_report.to_text(found, paths, title), end="" if len(chosen.engines) == 1 else "\n")
        if graph is not None:
            several = len(chosen.engines) > 1
            undrawn |= not draw(arguments.graph, graph, found, paths, engine, several=several)
        if arguments.out is not None:
            _write(arguments.out, found, paths, engine, chosen)
    if arguments.format == "json":
        json.dump(told if len(told) != 1 else told[0], sys.stdout, indent=2, ensure_ascii=False)
        print()
    return USAGE if undrawn else code


def _code(found: Exploration) -> int:
    """1 where an expectation can fail; else 125 where not all orders were taken."""
    if any(judgement.failed for judgement in found.judgements.values()):
        return MISMATCH
    return OK if not found.stopped else CANNOT_JUDGE


def _write(folder: str, found: Exploration, paths: Paths, engine: Engine, chosen: ScenarioChoice) -> None:
    name = os.path.splitext(os.path.basename(chosen.loaded.source))[0].strip("<>").replace(" ", "-")
    stem = name if len(chosen.engines) == 1 else f"{name}.{engine.name}"
    texts: dict[str, str] = {}
    for number, ending in enumerate(found.endings):
        orders = (
            ""
            if ending.orders is None
            else f", to which {outcome_report.counted(ending.orders, 'order')} lead"
        )
        comment = (
            f"Outcome {outcome_report.letter(number)} of {name} on {engine.name}{orders}; a shortest way there.\n"
            + "\n".join(f"  {what}: {value}" for what, value in outcome_report.lines_of(ending.seen))
        )
        texts[f"{stem}.{outcome_report.letter(number)}.klp"] = witness.outcome_scenario(
            paths, engine, ending.way, comment
        )
    for place, ((node, check), judgement) in enumerate(sorted(found.judgements.items()), 1):
        said = outcome_report.check_text(paths, node, check)
        for holds, way in ((True, judgement.held), (False, judgement.failed)):
            if way is not None and judgement.failed is not None:
                comment = f"{said}: {'holds' if holds else 'fails'} in this order of {name} on {engine.name}."
                text = witness.check_scenario(paths, engine, way, comment, (check, holds))
                texts[f"{stem}.expect{place}.{'holds' if holds else 'fails'}.klp"] = text
    for property_, broken in sorted(found.broken.items()):
        comment = (
            f"{property_} is violated in this order of {name} on {engine.name}:\n{broken.violation.text}"
        )
        text = witness.violation_scenario(paths, engine, broken.way, property_, comment)
        texts[f"{stem}.{_file_name(property_)}.klp"] = text
    check_folder(folder)
    for file in texts:
        path = os.path.join(folder, file)
        if os.path.lexists(path) and not _OURS.match(read_start(path, _HEAD).decode("utf-8", "replace")):
            raise UnfitPlaceError(path, "it is there, and no witness: give another folder")
    os.makedirs(folder, exist_ok=True)
    for file, text in texts.items():
        replace_file(os.path.join(folder, file), text.encode("utf-8", "surrogateescape"))
    complain(f"{outcome_report.counted(len(texts), 'scenario')} written to {folder}")


def _file_name(property_: str) -> str:
    return "".join(letter if letter.isalnum() or letter == "-" else "-" for letter in property_)[:60]
