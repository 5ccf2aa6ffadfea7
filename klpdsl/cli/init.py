"""`klpdsl init`: make a project, with a first scenario."""

from __future__ import annotations

import os

from klpdsl._git import git
from klpdsl.cli.common import OK, parser
from klpdsl.goldens.with_git.starting import begin


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "init",
        "Make a project of a folder: a first scenario, a workflow for GitHub and hooks for pre-commit. What is there\n"
        "already stays as it is.",
        "klpdsl init ~/livepatch-cases",
    )
    p.add_argument("folder", nargs="?", default=".", metavar="FOLDER", help="default: the current one")
    folder: str = p.parse_args(argv).folder
    made = begin(folder)
    for path, written in made:
        print(
            f"written: {os.path.join(folder, path)}" if written else f"kept:    {os.path.join(folder, path)}"
        )
    there = "" if folder == "." else f"cd {folder}\n    "
    in_git = git(folder, "rev-parse", "--git-dir") is not None
    print(
        f"\nNext:\n    {there}klpdsl check           # runs every scenario on every engine it is meant for\n"
        "    klpdsl accept          # keeps what they give as their goldens, once you know why it is right\n"
        "    klpdsl new NAME        # another scenario, with prose to fill in\n"
        + (
            "    klpdsl git-setup       # once in each clone: git recomputes goldens in conflict"
            if in_git
            else "    git init               # goldens are kept, reviewed and merged with git"
        )
    )
    return OK
