"""Asking git. What is asked is never the user's business: no lock is taken, and no answer is in a language."""

from __future__ import annotations

import os


def git(folder: str, *arguments: str) -> str | None:
    """What git prints; None when there is no git, no repository, or git says no."""
    import subprocess

    environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", "-C", folder, *arguments],
            capture_output=True,
            text=True,
            errors="backslashreplace",
            check=False,
            env=environment,
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
