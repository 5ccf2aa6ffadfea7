"""`klpdsl fmt`: rewrite scenarios in their canonical form."""

from __future__ import annotations

import os
import sys

from klpdsl._checkout import may_be_named, root_of
from klpdsl._reading import read_start
from klpdsl._writing import UnfitPlaceError, replace_file
from klpdsl.cli.common import MISMATCH, OK, EachAlone, parser
from klpdsl.syntax import limits
from klpdsl.syntax.files import read_bounded
from klpdsl.syntax.layout import format_scenario


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "fmt",
        "Rewrite scenarios in their canonical form. Comments stay; the meaning never changes.",
        "klpdsl fmt --check scenarios",
    )
    p.add_argument(
        "paths", nargs="+", metavar="PATH", help="files, folders of them, or - (from stdin to stdout)"
    )
    p.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 and list what is not canonical"
    )
    arguments = p.parse_args(argv)
    code = OK
    each = EachAlone("fmt")
    for path in _files(arguments.paths):
        with each:
            code = max(code, _one(path, check=arguments.check))
    return max(code, each.code)


def _files(paths: list[str]) -> list[str]:
    files: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            os.path.abspath(path)  # which there is none of where the folder that we are in is gone
            for base, folders, names in os.walk(path, onerror=_fail):
                folders.sort()
                files += [os.path.join(base, name) for name in sorted(names) if name.endswith(".klp")]
        else:
            files.append(path)
    return files


def _fail(error: OSError) -> None:
    raise error


def _one(path: str, *, check: bool) -> int:
    # Bytes, in and out: what the locale makes of a text is nobody's business here.
    target = ""
    if path == "-":
        data = read_bounded(sys.stdin.buffer)
    else:
        target = _target(path)
        data = read_start(path, limits.FILE_BYTES)
    canonical = format_scenario(data, path).encode()
    if check:
        if canonical == data:
            return OK
        print(f"{path}: not in canonical form")
        return MISMATCH
    if path == "-":
        sys.stdout.buffer.write(canonical)
        sys.stdout.buffer.flush()
        return OK
    if canonical == data:
        return OK
    replace_file(target, canonical)
    print(path)
    return OK


def _target(path: str) -> str:
    """Return the file that is to be written: a link stays one, but none leads out of the checkout."""
    target = os.path.realpath(path)
    if os.path.islink(path) and not may_be_named(target, root_of(path)):
        raise UnfitPlaceError(path, "it is a link that leads out of the checkout")
    return target
