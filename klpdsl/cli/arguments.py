"""Argparse with klpdsl's manners. Apart from `common`, since a plain `klpdsl run` gets by without it."""

from __future__ import annotations

import argparse
import os


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Argparse's own formatter, told the width: asking for it would import shutil, and with it half the library."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width())


def _width() -> int:
    try:
        return int(os.environ.get("COLUMNS") or os.get_terminal_size().columns) - 2
    except (OSError, ValueError):
        return 100


def make_parser(command: str, description: str, example: str) -> argparse.ArgumentParser:
    """A parser that shows an example in its help and wraps nothing the author has laid out."""
    return argparse.ArgumentParser(
        prog=f"klpdsl {command}",
        description=description,
        epilog=f"example: {example}",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
