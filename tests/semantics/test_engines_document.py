"""docs/engines.md: that its examples are what the command prints, and its engine file one that resolves."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from klpdsl.semantics.engines import resolve

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```console\n\$ klpdsl (.*)\n((?:.*\n)*?)```", TEXT)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 7


@pytest.mark.parametrize(("command", "printed"), EXAMPLES)
def test_examples(command: str, printed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "klpdsl", *command.split()],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.stdout + done.stderr == printed


def test_the_engine_file(tmp_path: Path) -> None:
    (found,) = re.findall(r"```toml\n((?:.*\n)*?)```", TEXT)
    path = tmp_path / "proposal.toml"
    path.write_text(found, encoding="utf-8")
    engine = resolve(str(path))
    assert engine.base == "v4.14"
    assert engine.semantics.reenable == "replace-only"


@pytest.mark.parametrize(
    "name",
    re.findall(
        r"`((?:v\d|baron|mainline|latest|debian-|rhel-|stable-|atomic|e1452)[^` ]*)`",
        TEXT.split("## Looking")[0],
    ),
)
def test_names(name: str) -> None:
    assert resolve(name)
