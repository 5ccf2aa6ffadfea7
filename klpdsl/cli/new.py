"""`klpdsl new`: write a scenario with prose to fill in."""

from __future__ import annotations

import os

from klpdsl.cli.common import OK, parser
from klpdsl.goldens.suite import find_suite
from klpdsl.goldens.with_git.starting import new_scenario


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "new",
        "Write a scenario below scenarios/: a comment to fill in, and a task, a patch and a step to begin with.\n"
        "Nothing is asked, and nothing that is there is replaced.",
        "klpdsl new replace/two-at-once",
    )
    p.add_argument("name", metavar="NAME", help="its name: the path below scenarios/, without .klp")
    name: str = p.parse_args(argv).name
    suite = find_suite([])
    path = os.path.relpath(os.path.join(suite.root, new_scenario(suite, name)))
    print(f"written: {path}\n\nFill in its comment, then:\n    klpdsl run {path}\n    klpdsl check {path}")
    return OK
