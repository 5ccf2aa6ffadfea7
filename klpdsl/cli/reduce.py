"""`klpdsl reduce`: the smallest scenario that still shows a difference."""

from __future__ import annotations

import argparse
import os

from klpdsl._writing import replace_file
from klpdsl.bisect.keeping import (
    Items,
    Keep,
    KeepCondition,
    KeepDifference,
    KeepLine,
    KeepRun,
    KeepViolation,
)
from klpdsl.bisect.reduction import reduce
from klpdsl.bisect.scenario import header_engines
from klpdsl.cli.common import OK, USAGE, complain, parser
from klpdsl.cli.engine_options import add_engines, names_of
from klpdsl.cli.predicate_options import add_predicates, predicate_of
from klpdsl.cli.scenario_options import add_scenario, items_of, name_of
from klpdsl.semantics.engines import expand, resolve
from klpdsl.semantics.records import EngineError
from klpdsl.syntax import tree
from klpdsl.syntax.parse import parse


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "reduce",
        "Print the smallest scenario that still shows the same difference between two engines (or the same violation,\n"
        "condition, line, verdict), with a comment that says what it shows. The result is the same every time.",
        "klpdsl reduce big.klp --keep-difference v4.13 v5.1 -o scenarios/replace/small.klp",
    )
    add_scenario(p)
    what = p.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--keep-difference", nargs=2, metavar=("A", "B"), help="these engines differ first in the same way"
    )
    what.add_argument("--keep-violation", metavar="PROPERTY", help="this property is violated")
    what.add_argument("--keep", metavar="CONDITION", help="this holds at the end, as in `expect CONDITION`")
    what.add_argument("--keep-line", metavar="LINE", help="the trace has this line, or these words of one")
    what.add_argument("--keep-run", metavar="CMD", help="this command, given $KLPDSL_SCENARIO, exits with 0")
    add_engines(p, "where it is violated, or holds (default: the last engine it is meant for)")
    p.add_argument("--output", "-o", metavar="FILE", help="write the scenario there instead of printing it")
    add_predicates(
        p, "with --keep-difference, what of the traces must differ (default: where they first part)"
    )
    arguments = p.parse_args(argv)
    asked = any(
        value is not None
        for value in (arguments.property, arguments.expect, arguments.result, arguments.events, arguments.run)
    )
    if asked and not arguments.keep_difference:
        complain(
            "klpdsl reduce: --property, --expect, --result, --events and --run go with --keep-difference"
        )
        return USAGE
    if arguments.engine and arguments.keep_difference:
        complain("klpdsl reduce: --keep-difference names its engines itself; leave --engine out")
        return USAGE
    items = items_of(arguments.file, arguments.text)
    found = reduce(items, _keep(arguments, items), name_of(arguments.file))
    return deliver(found.text, arguments.output, f"{len(items)} statements to {len(found.items)}")


def _keep(arguments: argparse.Namespace, items: Items) -> Keep:
    if arguments.keep_difference:
        one, other = arguments.keep_difference
        return KeepDifference(items, resolve(one), resolve(other), predicate_of(arguments))
    asked = list(names_of(arguments.engine or [_last_engine(items)]))
    if len(asked) > 1:
        raise EngineError(
            f"a violation or a line is kept on one engine, and {', '.join(asked)} are {len(asked)}"
        )
    engine = resolve(asked[0])
    if arguments.keep_violation:
        return KeepViolation(items, engine, arguments.keep_violation)
    if arguments.keep_line:
        return KeepLine(items, engine, arguments.keep_line)
    if arguments.keep_run:
        return KeepRun(items, arguments.keep_run, (engine.name,))
    (expectation,) = parse(f"expect {arguments.keep}", "<--keep>").items
    assert isinstance(expectation, tree.Expect)
    return KeepCondition(items, engine, expectation)


def _last_engine(items: Items) -> str:
    spans = header_engines(items)
    if not spans:
        return "mainline"
    last = spans[-1]
    return expand(last.first if last.first == last.last else f"{last.first}..{last.last}")[-1]


def deliver(text: str, output: str | None, summary: str) -> int:
    """Print a reduced scenario, or write it to a file and say so."""
    if output is None:
        print(text, end="")
        return OK
    folder = os.path.dirname(os.path.abspath(output))
    os.makedirs(folder, exist_ok=True)
    replace_file(output, text.encode("utf-8", "surrogateescape"))
    print(f"{output}: {summary}; klpdsl accept {output} writes its goldens")
    return OK
