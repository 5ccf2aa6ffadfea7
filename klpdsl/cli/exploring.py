"""What `explore` and `verify` share: the scenario, the engines, the bounds, and the line that tells how far it is."""

from __future__ import annotations

import argparse
import math
import sys

from klpdsl.cli import scenario_options
from klpdsl.cli.common import CANNOT_JUDGE, MISMATCH, OK
from klpdsl.cli.engine_options import add_engines, asked_engines
from klpdsl.explore.bounds import Effort, SearchBounds
from klpdsl.run.session import Loaded, check_steps
from klpdsl.semantics.records import Engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple


class ScenarioChoice(NamedTuple):
    """What is to be explored: a scenario, on engines."""

    loaded: Loaded
    engines: tuple[Engine, ...]


def add_scenario(p: argparse.ArgumentParser) -> None:
    """Add the arguments that say what to explore, and on what."""
    scenario_options.add_scenario(p)
    add_engines(p, "where to explore it (default: the newest it is meant for)")


def add_bounds(p: argparse.ArgumentParser) -> None:
    """Add the bounds of a search; a bound that is hit is never a yes."""
    p.add_argument("--max-states", type=_positive, default=1_000_000, metavar="N", help="default: 1000000")
    p.add_argument("--max-seconds", type=_seconds, default=0, metavar="S", help="default: no bound")
    p.add_argument("--max-memory", type=_positive, default=2048, metavar="MIB", help="default: 2048")
    p.add_argument("--progress", action="store_true", help="tell on standard error how far the search is")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a bound is 1 at least")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError("a bound is a number above 0")
    return seconds


def bounds_of(arguments: argparse.Namespace) -> SearchBounds:
    """The bounds that the command line asks for."""
    return SearchBounds(arguments.max_states, arguments.max_seconds, arguments.max_memory)


def progress_of(arguments: argparse.Namespace) -> Callable[[Effort], None] | None:
    """Who is told how far the search is, twice a second; nobody unless asked."""
    if not arguments.progress:
        return None
    last = [0.0]

    def tell(effort: Effort) -> None:
        if effort.seconds - last[0] < 0.5:
            return
        last[0] = effort.seconds
        print(
            f"{effort.states:,} states, {effort.frontier:,} waiting, {effort.steps / effort.seconds:,.0f} steps/s, "
            f"{effort.memory:,} MiB, {effort.seconds:.0f} s",
            file=sys.stderr,
            flush=True,
        )

    return tell


def worst_of(codes: Iterable[int]) -> int:
    """The exit code of several searches: what is violated somewhere is known, whatever stopped the others."""
    return max(codes, key=(OK, CANNOT_JUDGE, MISMATCH).index, default=OK)


def scenario_of(arguments: argparse.Namespace) -> ScenarioChoice:
    """Read what is to be explored. Raises `ScenarioError`, `EngineError` and `NoScenarioError`."""
    loaded = scenario_options.loaded_of(arguments.file, arguments.text)
    check_steps(loaded)
    asked = arguments.engine or [loaded.engine_names()[-1] if loaded.engines else "mainline"]
    return ScenarioChoice(loaded, tuple(one.engine for one in asked_engines(asked)))
