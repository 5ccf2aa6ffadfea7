"""A scenario on a command line: a file, `-` for standard input, or a text with -c, in every command that takes one."""

from __future__ import annotations

import os
import sys

from klpdsl._errors import KlpdslError
from klpdsl.run.session import Loaded, load_file, load_text
from klpdsl.syntax import load, tree
from klpdsl.syntax.files import read_bounded

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

COMMAND_LINE = "<command line>"
"""What messages call the text that came with -c."""


class NoScenarioError(KlpdslError):
    """None was named, or two; or one without a file where a file is needed."""


def add_scenario(p: argparse.ArgumentParser) -> None:
    """Add the file and -c, of which a command line has one."""
    p.add_argument("file", metavar="FILE", nargs="?", help="a scenario; - is standard input")
    add_text(p)


def add_text(p: argparse.ArgumentParser) -> None:
    """Add -c alone, for a command that takes several files."""
    p.add_argument("-c", dest="text", metavar="TEXT", help="a scenario as text")


def loaded_of(file: str | None, text: str | None) -> Loaded:
    """Return the scenario that was named. Raises ScenarioError, and NoScenarioError where it was not one."""
    source, content = _source(file, text)
    return load_file(source) if content is None else load_text(content, source)


def items_of(file: str | None, text: str | None) -> tuple[tree.Item, ...]:
    """Return its items, with those of the files it imports. Raises as `loaded_of` does."""
    source, content = _source(file, text)
    return (load.load_scenario(source) if content is None else load.load_text(content, source)).items


def file_of(file: str | None, text: str | None, why: str) -> str:
    """Return the file that was named, for what needs one, as `why` says. Raises NoScenarioError where there is none."""
    source, content = _source(file, text)
    if content is not None:
        raise NoScenarioError(f"{why} needs the scenario in a file")
    return source


def name_of(file: str | None) -> str:
    """Return what to call a scenario in a text: its file's name, without folders."""
    return os.path.basename(file) if file is not None and file != "-" else "scenario.klp"


def _source(file: str | None, text: str | None) -> tuple[str, str | bytes | None]:
    """Return what messages call the scenario, and its text where it lies in no file."""
    if (file is None) == (text is None):
        raise NoScenarioError("name one scenario: a file, - for standard input, or a text with -c")
    if text is not None:
        return COMMAND_LINE, text
    if file == "-":
        return "-", read_bounded(sys.stdin.buffer)
    return str(file), None
