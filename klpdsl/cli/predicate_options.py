"""What of two traces is compared: the options that `bisect` and `reduce` share."""

from __future__ import annotations

import argparse

from klpdsl.bisect.predicates import (
    Command,
    LinePresent,
    Predicate,
    SomeEvents,
    StepResult,
    Violated,
    WholeTrace,
)
from klpdsl.cli.scenario_options import file_of


def add_predicates(p: argparse.ArgumentParser, title: str) -> None:
    """Add the options; `title` says what they choose."""
    what = p.add_argument_group(title).add_mutually_exclusive_group()
    what.add_argument(
        "--property", metavar="NAME", help="whether this property is violated (stale-code, mixed, …)"
    )
    what.add_argument(
        "--expect", metavar="LINE", help="whether the trace has this line, or these words of one"
    )
    what.add_argument(
        "--result", metavar="STEP=RESULT", help="how a step ends; STEP is its number or statement"
    )
    what.add_argument("--events", metavar="KIND,…", help="only events of these kinds (call, result, hook, …)")
    what.add_argument(
        "--run",
        metavar="CMD",
        help="a command that judges the trace on its standard input, as in `git bisect run`",
    )


def predicate_of(arguments: argparse.Namespace) -> Predicate:
    """Return what the options say. Raises PredicateError."""
    if arguments.property is not None:
        return Violated(arguments.property)
    if arguments.expect is not None:
        return LinePresent(arguments.expect)
    if arguments.result is not None:
        return StepResult(arguments.result)
    if arguments.events is not None:
        return SomeEvents(arguments.events)
    if arguments.run is not None:
        return Command(arguments.run, file_of(arguments.file, arguments.text, "--run"))
    return WholeTrace()
