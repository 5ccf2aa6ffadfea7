"""Pythons that have what a revision of klpdsl depends on, as its lock file says.

Where the running environment has just that, it is used. Else an environment is built from the lock file, once, and
kept; those that nobody has used for a month go.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from importlib import metadata

from klpdsl import _cache
from klpdsl._errors import KlpdslError

LOCK = "requirements/runtime.lock"
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)\s*(;)?", re.MULTILINE)
_KEPT_SECONDS = 30 * 24 * 3600
_STAMP = "ready"


class EnvironmentMissingError(KlpdslError):
    """What a revision depends on is not here and could not be installed."""


def cache_folder() -> str:
    """Return where klpdsl keeps what it can build again."""
    own = _cache.chosen_directory()
    if own:
        return own
    shared = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(shared, "klpdsl")


def python_for(lock: str | None) -> str:
    """Return a Python that has what the text of a lock file pins; without a lock file, the running one.

    Raises `EnvironmentMissingError`.
    """
    if lock is None or _is_running_one(lock):
        return sys.executable
    version = ".".join(map(str, sys.version_info[:2]))
    name = hashlib.sha256(f"{sys.executable} {version}\n{lock}".encode()).hexdigest()[:20]
    folder = os.path.join(cache_folder(), "environments")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(f"{path}.lock", "w", encoding="utf-8") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(path, _STAMP)):
            _build(path, lock)
        os.utime(os.path.join(path, _STAMP))
    return os.path.join(path, "bin", "python")


def _is_running_one(lock: str) -> bool:
    """Whether this very environment has all that is pinned. What other systems need may be missing."""
    for name, version, conditional in _PIN.findall(lock):
        try:
            if metadata.version(name) != version:
                return False
        except metadata.PackageNotFoundError:
            if not conditional:
                return False
    return True


def _build(path: str, lock: str) -> None:
    shutil.rmtree(path, ignore_errors=True)
    try:
        _run([sys.executable, "-m", "venv", path])
        listed = os.path.join(path, "lock")
        with open(listed, "w", encoding="utf-8") as file:
            file.write(lock)
        pip = [
            os.path.join(path, "bin", "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        _run([*pip, "--require-hashes", "-r", listed])
        with open(os.path.join(path, _STAMP), "w", encoding="utf-8"):
            pass
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if "ERROR" in line]
        why = lines[0].strip() if lines else f"{command[0]} exits with {done.returncode}"
        raise EnvironmentMissingError(f"what its lock file pins could not be installed: {why}")


def sweep() -> None:
    """Remove the environments that have not been used for a month."""
    folder = os.path.join(cache_folder(), "environments")
    if not os.path.isdir(folder):
        return
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        try:
            if (
                os.path.isdir(path)
                and time.time() - os.stat(os.path.join(path, _STAMP)).st_mtime > _KEPT_SECONDS
            ):
                shutil.rmtree(path, ignore_errors=True)
                os.unlink(f"{path}.lock")
        except OSError:
            continue
