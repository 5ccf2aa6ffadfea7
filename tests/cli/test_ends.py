"""How a command ends when its output is gone, full or closed, and when it is interrupted: as other tools end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = f"{sys.executable} -m klpdsl"
RUN = f"{PYTHON} run -c 'load p1; t1: syscall f' -e v6.14"


def shell(command: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "KLPDSL_CACHE_DIR": os.environ.get("KLPDSL_CACHE_DIR", str(tmp_path / "cache")),
    }
    return subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (f"{RUN} > /dev/full", 4, "on v6.14\nklpdsl run: standard output: No space left on device\n"),
        (f"{RUN} >&-", 2, "on v6.14\nklpdsl run: standard output: Bad file descriptor\n"),
        (f"{RUN} 2>&-", 0, ""),
        (f"{RUN} <&- > /dev/null", 0, "on v6.14\n"),
        (f"{PYTHON} run - <&-", 2, "klpdsl run: standard input: Bad file descriptor\n"),
        (f"{PYTHON} fmt - <&-", 2, "klpdsl fmt: standard input: Bad file descriptor\n"),
        (f"{PYTHON} --help >&-", 2, "klpdsl: standard output: Bad file descriptor\n"),
        (f"{PYTHON} --version > /dev/full", 4, "klpdsl: standard output: No space left on device\n"),
        (f"{PYTHON} run --help > /dev/full", 4, "klpdsl run: standard output: No space left on device\n"),
        (f"{PYTHON} nosuch 2>&-", 2, ""),
        (f"{PYTHON} run -c 'load' <&- >&- 2>&-", 2, ""),
        ("{ " + RUN + "; echo $? >&2; } | true", 0, None),
    ],
)  # fmt: skip
def test_an_output_that_fails_is_told_in_a_line(
    command: str, code: int, said: str | None, tmp_path: Path
) -> None:
    done = shell(command, tmp_path)
    assert done.returncode == code
    if said is not None:
        assert done.stderr == said
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
