"""What the commands share: exit codes, the parser's manners, where errors go."""

from __future__ import annotations

import argparse
import sys

OK = 0
MISMATCH = 1
USAGE = 2
HOUSEKEEPING = 3
NOTHING_SELECTED = 5
CANNOT_JUDGE = 125


def parser(command: str, description: str, example: str) -> argparse.ArgumentParser:
    """A parser that shows an example in its help and wraps nothing the author has laid out."""
    return argparse.ArgumentParser(
        prog=f"klpdsl {command}",
        description=description,
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def complain(text: str) -> None:
    """An error, for the user's eyes."""
    print(text, file=sys.stderr)
