"""`klpdsl completion`: a script that lets a shell complete commands, options, engines, axes, changes and properties.

shtab makes it from the commands' own parsers. What an option takes is told by what it is called (`_TAKES`), so that a
new option of a known kind completes by itself. The lists are those of this version.
"""

from __future__ import annotations

import argparse
import importlib
import types

from klpdsl._properties import IN_TRACES, PROPERTIES
from klpdsl.cli.arguments import asked_parser
from klpdsl.cli.commands import COMMANDS, HIDDEN
from klpdsl.cli.common import OK, USAGE, complain, parser
from klpdsl.cli.general_options import WHEN
from klpdsl.semantics.spelling import spell
from klpdsl.semantics.table import distributions, order, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHELLS = ("bash", "zsh", "fish")
"""The shells that a script is made for."""

_GROUPS = ("all", "proposals", "mutants", "systems", "distributions", "stable")
_FILES = frozenset({"FILE", "PATH", "FILE[:LINE]"})
_FOLDERS = frozenset({"DIR", "FOLDER"})


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "completion",
        "Print a script for a shell that completes commands, options, engines, axes, changes, properties and files.\n\n"
        "  bash: klpdsl completion bash > ~/.local/share/bash-completion/completions/klpdsl\n"
        "  zsh:  klpdsl completion zsh > a folder of $fpath, as _klpdsl\n"
        "  fish: klpdsl completion fish > ~/.config/fish/completions/klpdsl.fish\n\n"
        "It is made with shtab: pip install 'klpdsl[completion]'.",
        "klpdsl completion bash > ~/.local/share/bash-completion/completions/klpdsl",
    )
    p.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}")
    arguments = p.parse_args(argv)
    try:
        shtab = importlib.import_module("shtab")
    except ModuleNotFoundError:
        complain("klpdsl completion: it needs shtab: pip install 'klpdsl[completion]'")
        return USAGE
    print(shtab.complete(_whole(shtab), shell=arguments.shell))
    return OK


def _whole(shtab: types.ModuleType) -> argparse.ArgumentParser:
    """Return one parser for all commands, which knows what each option takes."""
    whole = argparse.ArgumentParser(prog="klpdsl")
    whole.add_argument("--version", action="store_true", help="print the version")
    commands = whole.add_subparsers(dest="command", metavar="COMMAND")
    for name, what in COMMANDS.items():
        if name in HIDDEN:
            continue
        own = asked_parser(name)
        for one in (own, *_below(own)):
            one.add_argument("--color", nargs="?", choices=WHEN, help="whether to colour")
            one.add_argument("--no-pager", action="store_true", help="print at once, however long it is")
            _tell(one, shtab)
        commands.add_parser(name, help=what, parents=[own], add_help=False)
    helped = commands.add_parser("help", help="say what a command does")
    helped.add_argument("about", nargs="?", choices=[name for name in COMMANDS if name not in HIDDEN])
    return whole


def _below(p: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield the parsers of a command's own commands (`kernel run`)."""
    for action in p._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def _tell(p: argparse.ArgumentParser, shtab: types.ModuleType) -> None:
    """Say what each option and argument of a parser takes."""
    for action in p._actions:
        takes = action.metavar if isinstance(action.metavar, str) else ""
        if action.choices is not None or action.nargs == 0:
            continue
        if isinstance(action.metavar, tuple) or (takes in {"ENGINE", "NAME"} and p.prog.endswith("engines")):
            takes = "ENGINE"
        if takes in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # how shtab is told
        elif takes in _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]  # likewise
        elif found := words_for(takes, action.option_strings):
            action.choices = found


def words_for(takes: str, options: Sequence[str]) -> list[str]:
    """Return the words that can stand where an option takes an engine, a change, an axis or a property."""
    known = table()
    if takes == "ENGINE":
        beside = [*known["proposals"], *(one.id for one in distributions()), *known["aliases"]]
        return [*known["releases"], *beside, *_GROUPS]
    if takes == "CHANGE":
        return list(order())
    if takes == "AXIS=VALUE":
        return [f"{axis}={spell(value)}" for axis, values in known["allowed"].items() for value in values]
    if takes == "PROPERTY" or "--property" in options:
        # Only `verify`, which has a short form of it, judges those that no trace violates.
        return list(PROPERTIES if "-p" in options else IN_TRACES)
    return []
