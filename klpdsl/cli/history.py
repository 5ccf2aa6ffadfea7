"""`klpdsl history`: print the changes at which a scenario's trace changes."""

from __future__ import annotations

import argparse
import json
import os

from klpdsl._workers import in_processes
from klpdsl.bisect import history_report as report
from klpdsl.bisect.history import Asked, Matrix, passages_of, row_or_error
from klpdsl.bisect.scenario import find_scenarios
from klpdsl.cli.common import NOTHING_SELECTED, OK, USAGE, complain, parser
from klpdsl.cli.engine_options import add_engines
from klpdsl.cli.scenario_options import COMMAND_LINE, add_text, items_of


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "history",
        "Print every point of the lineage at which a scenario's trace changes, with the kernel commit and the first\n"
        "lines that differ. For a folder: which scenario shows which change, and which changes none shows.",
        "klpdsl history scenarios/changes/atomic-replace.klp --from v4.19 --to v5.5",
    )
    p.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="a scenario (- is standard input), or several and folders of them",
    )
    add_text(p)
    p.add_argument("--from", dest="first", metavar="ENGINE", help="begin here (default: the oldest kernel)")
    p.add_argument("--to", dest="last", metavar="ENGINE", help="end here (default: the newest kernel)")
    add_engines(p, "also the branches to these engines beside mainline")
    search = p.add_argument_group(
        "without a scenario: where behaviour turns, found by search (docs/separate.md)"
    )
    search.add_argument(
        "--alphabet",
        action="append",
        default=[],
        metavar="ALPHABET|FILE",
        help="the actions to choose from, as in klpdsl separate --within (default: those that can touch what differs)",
    )
    search.add_argument(
        "--level", choices=("full", "behaviour", "outcome"), help="what counts (default: behaviour)"
    )
    search.add_argument(
        "--pairs",
        type=int,
        default=20_000,
        metavar="N",
        help="look at no more than N pairs at a point (20000)",
    )
    search.add_argument(
        "--seconds", type=float, default=30.0, metavar="S", help="search no longer at a point (30)"
    )
    p.add_argument("--format", choices=("text", "json", "markdown"), default="text", help="how to print it")
    p.add_argument(
        "--jobs", "-j", type=int, default=min(4, os.cpu_count() or 1), help="processes for a folder"
    )
    arguments = p.parse_args(argv)
    if arguments.engine and (arguments.first or arguments.last):
        complain(
            "klpdsl history: --engine adds branches to all of mainline; with --from and --to it has no place"
        )
        return USAGE
    if arguments.alphabet or arguments.level:
        if arguments.paths or arguments.text is not None:
            complain(
                "klpdsl history: with --level or --alphabet scenarios are searched for; to take the steps of one, "
                "name it in --alphabet"
            )
            return USAGE
        from klpdsl.cli.turning import turns

        arguments.level = arguments.level or "behaviour"
        return turns(arguments)
    if not arguments.paths or arguments.text is not None or len(arguments.paths) == 1:
        path = arguments.paths[0] if arguments.paths else None
        if path is None or not os.path.isdir(path):
            return _one(path, arguments)
    return _many(arguments)


def _one(file: str | None, arguments: argparse.Namespace) -> int:
    path = file or COMMAND_LINE
    passages = passages_of(items_of(file, arguments.text), _asked(arguments))
    if arguments.format == "json":
        print(json.dumps(report.json(path, passages), indent=2, ensure_ascii=False))
    else:
        lines = report.markdown(path, passages) if arguments.format == "markdown" else report.text(passages)
        print("\n".join(lines))
    return OK


def _asked(arguments: argparse.Namespace) -> Asked:
    return Asked(tuple(arguments.engine), arguments.first, arguments.last)


def _many(arguments: argparse.Namespace) -> int:
    files = find_scenarios(arguments.paths)
    if not files:
        complain("klpdsl history: no scenarios here")
        return NOTHING_SELECTED
    asked = _asked(arguments)
    if arguments.jobs > 1 and len(files) > 1:
        rows = list(in_processes(arguments.jobs, row_or_error, ((file, asked) for file in files)))
    else:
        rows = [row_or_error(file, asked) for file in files]
    common = os.path.commonpath([os.path.dirname(os.path.abspath(file)) for file in files])
    names = [os.path.relpath(os.path.abspath(file), common) for file in files]
    matrix = Matrix(
        {name: titles for name, (titles, error) in zip(names, rows, strict=True) if not error},
        {name: error for name, (_, error) in zip(names, rows, strict=True) if error},
    )
    if arguments.format == "json":
        print(json.dumps(report.matrix_json(matrix), indent=2, ensure_ascii=False))
    elif arguments.format == "markdown":
        print("\n".join(report.matrix_markdown(matrix)))
    else:
        print("\n".join(report.matrix_text(matrix)))
    for error in matrix.errors.values():
        complain(error)
    return USAGE if matrix.errors else OK
