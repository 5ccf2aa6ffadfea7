"""`klpdsl git-setup`: install the merge driver for goldens, and verify that it works."""

from __future__ import annotations

import os

from klpdsl.cli.common import HOUSEKEEPING, OK, complain, parser
from klpdsl.goldens.suite import SuiteError, find_suite


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "git-setup",
        "Let git recompute goldens where two branches have changed them, instead of merging their texts: registers a\n"
        "merge driver in this clone, names it in .gitattributes, and verifies it by a real merge in a repository of\n"
        "its own. Every clone needs this once.",
        "klpdsl git-setup --workflow",
    )
    p.add_argument("--check", action="store_true", help="change nothing, only say whether it is set up")
    p.add_argument("--workflow", action="store_true", help="also write a GitHub workflow that checks goldens")
    arguments = p.parse_args(argv)
    from klpdsl._git import git, trouble
    from klpdsl.goldens.with_git import setup

    suite = find_suite([])
    problem = trouble(suite.root)
    if problem:
        raise SuiteError(f"git does not use the repository that {suite.root} is in: {problem}")
    if git(suite.root, "rev-parse", "--git-dir") is None:
        raise SuiteError(f"{suite.root} is in no git repository")
    if not arguments.check:
        for what in setup.install(suite):
            print(f"set up: {what}")
        if arguments.workflow:
            path = setup.write_workflow(suite)
            print(f"written: {os.path.relpath(path)}" if path else "there is a workflow klpdsl.yml already")
    command = setup.driver(suite)
    problem = "the driver is not registered in this clone" if not command else setup.verify(command)
    if not problem and not setup.attribute(suite):
        problem = ".gitattributes does not name the driver for goldens"
    if problem:
        complain(f"not working: {problem}")
        return HOUSEKEEPING
    print("verified: a golden in conflict was recomputed")
    return OK
