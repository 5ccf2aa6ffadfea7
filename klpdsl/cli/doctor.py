"""`klpdsl doctor`: say what is not set up."""

from __future__ import annotations

import json

from klpdsl.cli.common import HOUSEKEEPING, OK, colours, parser
from klpdsl.goldens.suite import find_suite


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "doctor",
        "Say what a project with goldens should have set up and has not: the merge driver, a workflow, hooks, the\n"
        "cache. Changes nothing.\n\nexit codes: 0 all is set up, 3 something is not",
        "klpdsl doctor",
    )
    p.add_argument("--format", choices=("text", "json"), default="text", help="how to print it")
    arguments = p.parse_args(argv)
    from klpdsl.goldens.reporting.paint import Paint
    from klpdsl.goldens.with_git.setup import findings

    found = findings(find_suite([]))
    if arguments.format == "json":
        print(json.dumps([one._asdict() for one in found], ensure_ascii=False, indent=2))
    else:
        paint = Paint(colours())
        for one in found:
            print(f"{paint('ok', 'green') if one.ok else paint('no', 'red')}  {one.what}: {one.said}")
            if not one.ok and one.remedy:
                print(f"      {one.remedy}")
    return OK if all(one.ok for one in found) else HOUSEKEEPING
