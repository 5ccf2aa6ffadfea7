"""`klpdsl selftest`: a scenario as a test of the kernel's own livepatch selftests."""

from __future__ import annotations

import contextlib
import os

from klpdsl._errors import KlpdslError
from klpdsl._reading import read_start
from klpdsl._writing import check_folder, open_folder
from klpdsl.cli.common import OK, parser
from klpdsl.cli.scenario_options import add_scenario, loaded_of
from klpdsl.selftest.build import Selftest, build
from klpdsl.selftest.conventions import MADE_BY
from klpdsl.semantics.engines import expand, resolve

_HEAD = 300
"""How many bytes of a file are looked at to see who has made it."""


class _SelftestError(KlpdslError):
    """What was asked for on the command line can not be had."""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "selftest",
        "Write a scenario as a test of tools/testing/selftests/livepatch: a script, a module for each patch, one for\n"
        "what they patch. The log that the script compares with is what the release's engine writes. Exit code 125:\n"
        "no script can do what the scenario says; each reason is named, and nothing is written.",
        "klpdsl selftest case.klp --kernel v6.12 --out tools/testing/selftests/livepatch",
    )
    add_scenario(p)
    p.add_argument(
        "--kernel", metavar="RELEASE", required=True, help="the release whose tree the test is for"
    )
    p.add_argument(
        "--stable-from",
        metavar="RELEASE",
        help="the test is to pass on every release from there on: what they lack in sysfs is not asked of them;\n"
        "refused where their logs differ",
    )
    p.add_argument("--out", metavar="DIR", help="write the files there (default: print the script)")
    arguments = p.parse_args(argv)
    loaded = loaded_of(arguments.file, arguments.text)
    release = _release(arguments.kernel)
    engine = resolve(release)
    if not engine.name.startswith("v"):
        raise _SelftestError(f"{arguments.kernel} is not a release of mainline")
    older = [resolve(name) for name in _older(arguments.stable_from, release)]
    made = build(loaded, engine, release, older)
    if arguments.out is None:
        print(made.files[made.script], end="")
        return OK
    _write(arguments.out, made)
    print(made.makefile_lines(), end="")
    return OK


def _write(out: str, made: Selftest) -> None:
    """Write the files of a test; over what klpdsl has not made, none. Raises OSError, before anything is written."""
    check_folder(out)
    for folders in {tuple(path.split("/")[:-1]) for path in made.files}:
        with contextlib.suppress(FileNotFoundError), open_folder(out, folders):
            pass
    for path in made.files:
        whole = os.path.join(out, path)
        if os.path.lexists(whole) and MADE_BY.encode() not in read_start(whole, _HEAD):
            raise _SelftestError(f"{whole} is there, and klpdsl has not made it: give the patch another name")
    os.makedirs(out, exist_ok=True)
    for path, text in made.files.items():
        *parts, name = path.split("/")
        with open_folder(out, parts, make=True) as folder:
            folder.write(name, text.encode())
    os.chmod(os.path.join(out, made.script), 0o755)


def _release(name: str) -> str:
    """Return a release as engines call it: `6.12` is v6.12."""
    return f"v{name}" if name[:1].isdigit() else name


def _older(first: str | None, last: str) -> list[str]:
    if first is None:
        return []
    if not first or "," in first or ".." in first:
        raise _SelftestError(f"--stable-from takes one release: {first!r}")
    return [name for name in expand(f"{_release(first)}..{last}") if name != last]
