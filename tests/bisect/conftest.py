"""What the tests of history, bisect and reduce share: the real command, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.calls import call

Klpdsl = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for what is kept between runs, which the tests share: no result comes from it but the parser."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def klpdsl(tmp_path: Path, cache: Path) -> Klpdsl:
    """Run the command in an empty folder; `code` is the exit code it must have, `process` asks for one of its own."""

    def run(
        *arguments: str | Path, code: int = 0, process: bool = False, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        words = [str(argument) for argument in arguments]
        # A person's machine: where CI is set, nothing is accepted.
        variables = {**os.environ, "CI": "", "KLPDSL_CACHE_DIR": str(cache), **environment}
        if process:
            done = subprocess.run(
                [sys.executable, "-m", "klpdsl", *words],
                cwd=tmp_path,
                env=variables,
                capture_output=True,
                text=True,
                check=False,
            )
        else:
            done = call(words, cwd=tmp_path, environment=variables)
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
