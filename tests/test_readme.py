"""What the README shows is what the commands print."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"```console\n\$ (klpdsl .*)\n((?:.*\n)*?)```", README)


@pytest.mark.parametrize(("command", "shown"), SESSIONS, ids=[command for command, _ in SESSIONS])
def test_the_readme_shows_what_the_command_prints(command: str, shown: str, tmp_path: Path) -> None:
    (scenario,) = re.findall(r"```klp\n((?:.*\n)*?)```", README)
    (tmp_path / "first.klp").write_text(scenario, encoding="utf-8")
    arguments = [sys.executable, "-m", "klpdsl", *shlex.split(command)[1:]]
    done = subprocess.run(arguments, cwd=tmp_path, check=False, capture_output=True, text=True)
    # What stands on standard error comes first, and both are what a terminal shows.
    assert (done.stderr + done.stdout, done.returncode) == (shown, 0)


def test_the_readme_has_sessions() -> None:
    assert len(SESSIONS) >= 2


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_the_readme_points_at_what_exists(path: str) -> None:
    assert (ROOT / path).exists()
