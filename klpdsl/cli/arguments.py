"""Argparse with klpdsl's manners. Apart from `common`, since a plain `klpdsl run` gets by without it."""

from __future__ import annotations

import argparse
import importlib
import os
import re
from collections.abc import Iterable
from typing import Any, NoReturn


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Argparse's own formatter, told the width: asking for it would import shutil, and with it half the library."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width())


def _width() -> int:
    try:
        return int(os.environ.get("COLUMNS") or os.get_terminal_size().columns) - 2
    except (OSError, ValueError):
        return 100


class _Taken(BaseException):
    """Carries a command's parser to who asked for it, past all that the command would do with its answer."""

    def __init__(self, parser: _Parser) -> None:
        super().__init__()
        self.parser = parser


_wanted: list[bool] = []


class _Parser(argparse.ArgumentParser):
    """Argparse's own, which also says what a mistyped option or value may have meant."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if _wanted:
            raise _Taken(self)
        return super().parse_known_args(args, namespace)

    def _get_values(self, action: Any, arg_strings: Any) -> Any:
        # `--option=--`: argparse takes the dashes for the end of the options, and would hand over a list.
        if action.option_strings and action.nargs is None and arg_strings == ["--"]:
            raise argparse.ArgumentError(action, "expected one argument")
        return super()._get_values(action, arg_strings)

    def error(self, message: str) -> NoReturn:
        super().error(message + self._meant(message))

    def _meant(self, message: str) -> str:
        unknown = re.match(r"unrecognized arguments: (--?[^\s=]+)", message)
        if unknown:
            return _hint(unknown[1], self._option_string_actions)
        choice = re.match(r"argument [^:]+: invalid choice: '([^']*)' \(choose from (.*)\)", message)
        return _hint(choice[1], re.findall(r"[\w-]+", choice[2])) if choice else ""


def asked_parser(command: str) -> argparse.ArgumentParser:
    """Return the parser of a command, which is made where it is used: the command is called, and stopped there."""
    module = importlib.import_module(f"klpdsl.cli.{command.replace('-', '_')}")
    _wanted.append(True)
    try:
        module.main(["--help"])
    except _Taken as taken:
        return taken.parser
    finally:
        _wanted.clear()
    raise AssertionError(f"{command} parsed nothing")


def _hint(word: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def make_parser(command: str, description: str, example: str) -> argparse.ArgumentParser:
    """A parser that shows an example in its help and wraps nothing the author has laid out."""
    return _Parser(
        prog=f"klpdsl {command}",
        description=description,
        epilog=f"example: {example}",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
