"""`python -m klpdsl.view.document FILE…`: make documents' examples and pictures anew (`make docs`).

A document names them itself: a console block `$ klpdsl ARGUMENTS` is followed by what that prints, and a picture
`![…](pictures/NAME.svg)` by a comment `<!-- klpdsl ARGUMENTS -->` with the command that prints it, or draws it into a
file (`--graph FILE`).
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

_EXAMPLE = re.compile(r"(```console\n\$ klpdsl (.*)\n)((?:.*\n)*?)(```\n)")
_PICTURE = re.compile(r"!\[.*?\]\((.*?)\)\n<!-- klpdsl (.*?) -->")
WIDTH = "110"


def renewed(text: str) -> tuple[str, dict[str, str]]:
    """The document with its examples as they are now, and the pictures that it shows, by name."""
    pictures = {name: _drawn(command) for name, command in _PICTURE.findall(text)}
    return _EXAMPLE.sub(lambda m: f"{m[1]}{_printed(m[2])}{m[4]}", text), pictures


def _drawn(command: str) -> str:
    arguments = shlex.split(command)
    if "--graph" not in arguments:
        return _printed(command)
    place = arguments.index("--graph") + 1
    with tempfile.TemporaryDirectory() as folder:
        arguments[place] = str(Path(folder, arguments[place]))
        _printed(shlex.join(arguments))
        return Path(arguments[place]).read_text(encoding="utf-8")


def _printed(command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "klpdsl", *shlex.split(command)],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": WIDTH},
        check=False,
    )
    if done.returncode > 1:
        raise SystemExit(f"klpdsl {command}: exit {done.returncode}")
    return done.stdout


def write(document: Path) -> None:
    """Bring the document and its pictures up to date."""
    text, pictures = renewed(document.read_text(encoding="utf-8"))
    for name, picture in pictures.items():
        path = document.parent / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(picture, encoding="utf-8")
    document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        write(Path(argument))
