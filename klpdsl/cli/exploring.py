"""What `explore` and `verify` share: the scenario, the engines, the bounds, and the line that tells how far it is."""

from __future__ import annotations

import argparse
import sys

from klpdsl.cli.common import complain
from klpdsl.explore.bounds import Effort, SearchBounds
from klpdsl.run.session import Loaded, load_file, load_text
from klpdsl.semantics.engines import expand, resolve
from klpdsl.semantics.records import Engine
from klpdsl.syntax.files import read_bounded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple


class ScenarioChoice(NamedTuple):
    """What is to be explored: a scenario, on engines."""

    loaded: Loaded
    engines: tuple[Engine, ...]


def add_scenario(p: argparse.ArgumentParser) -> None:
    """Add the arguments that say what to explore, and on what."""
    p.add_argument("file", nargs="?", metavar="FILE", help="a scenario; - is standard input")
    p.add_argument("-c", dest="text", metavar="TEXT", help="a scenario as text")
    p.add_argument(
        "--engine",
        "-e",
        action="append",
        help="an engine, a range (v4.12..v5.1) or all; may be repeated (default: the newest it is meant for)",
    )


def add_bounds(p: argparse.ArgumentParser) -> None:
    """Add the bounds of a search; a bound that is hit is never a yes."""
    p.add_argument("--max-states", type=_positive, default=1_000_000, metavar="N", help="default: 1000000")
    p.add_argument("--max-seconds", type=float, default=0, metavar="S", help="default: no bound")
    p.add_argument("--max-memory", type=_positive, default=2048, metavar="MIB", help="default: 2048")
    p.add_argument("--progress", action="store_true", help="tell on standard error how far the search is")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a bound is 1 at least")
    return number


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


def scenario_of(arguments: argparse.Namespace, command: str) -> ScenarioChoice | None:
    """Read what is to be explored; None after saying that the command line does not name it.

    Raises `ScenarioError` and `EngineError`.
    """
    if (arguments.file is None) == (arguments.text is None):
        complain(f"klpdsl {command}: name one file, - for standard input, or give a scenario with -c")
        return None
    if arguments.text is not None:
        loaded = load_text(arguments.text, "<command line>")
    elif arguments.file == "-":
        loaded = load_text(read_bounded(sys.stdin.buffer), "-")
    else:
        loaded = load_file(arguments.file)
    return ScenarioChoice(loaded, tuple(map(resolve, _names(arguments.engine or [], loaded))))


def _names(asked: list[str], loaded: Loaded) -> list[str]:
    if not asked:
        return [loaded.engine_names()[-1]] if loaded.engines else ["mainline"]
    names: dict[str, None] = {}
    for spec in asked:
        several = not spec.endswith(".toml") and (
            ".." in spec or "," in spec or not any(map(str.isdigit, spec))
        )
        names.update(dict.fromkeys(expand(spec) if several else (spec,)))
    return list(names)
