"""Asking git. What is asked is never the user's business: no lock is taken, and no answer is in a language."""

from __future__ import annotations

import os

from klpdsl._checkout import repository_above

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import CompletedProcess


def git(folder: str, *arguments: str) -> str | None:
    """What git prints; None when there is no git, no repository, or git says no."""
    done = _asked(folder, *arguments)
    return done.stdout if done is not None and done.returncode == 0 else None


def trouble(folder: str) -> str:
    """Why git does not use the repository that a folder lies in, in its own words; empty where it does.

    A damaged HEAD, configuration or index, objects that are gone, a `.git` that leads nowhere, an owner that git does
    not trust. Empty, too, where there is no repository.
    """
    if not repository_above(os.path.realpath(folder)):
        return ""
    for question in (("rev-parse", "--git-dir"), ("ls-files", "--error-unmatch", "--", ".git")):
        done = _asked(folder, *question)
        if done is None:
            return "there is no git to ask"
        if done.returncode >= _FATAL:
            lines = [line for line in done.stderr.splitlines() if line.startswith(("fatal: ", "error: "))]
            return lines[0].partition(": ")[2] if lines else f"exit code {done.returncode}"
    head = (git(folder, "rev-parse", "--quiet", "--verify", "HEAD") or "").strip()
    return (
        f"it does not have the commit {head}" if head and git(folder, "cat-file", "-e", head) is None else ""
    )


#: git's exit code where it cannot go on, rather than says no.
_FATAL = 128


def _asked(folder: str, *arguments: str) -> CompletedProcess[str] | None:
    import subprocess

    environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(
            ["git", "-C", folder, *arguments],
            capture_output=True,
            text=True,
            errors="backslashreplace",
            check=False,
            env=environment,
        )
    except OSError:
        return None
