"""What the tests of history, bisect and reduce share: the real command, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Klpdsl = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def klpdsl(tmp_path: Path) -> Klpdsl:
    """Run the command in an empty folder; `code` is the exit code it must have."""

    def run(*arguments: str | Path, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "klpdsl", *map(str, arguments)],
            cwd=tmp_path,
            # A person's machine: where CI is set, nothing is accepted.
            env={**os.environ, "CI": "", "KLPDSL_CACHE_DIR": str(tmp_path / "cache"), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[[str], Path]:
    """Write a scenario into a file and return its path."""

    def write(text: str, name: str = "x.klp") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write
