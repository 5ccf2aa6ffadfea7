"""`klpdsl diff`: what two engines make of one scenario, and which changes between them are responsible."""

from __future__ import annotations

import json
import os

from klpdsl.cli.common import MISMATCH, OK, USAGE, colours, complain, parser
from klpdsl.cli.engine_options import add_engines, names_of
from klpdsl.cli.scenario_options import add_text, loaded_of


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "diff",
        "Compare the traces of two engines: the changes of the lineage at which the trace changes, then the\n"
        "structural difference, then the text.\n\nexit codes: 0 no difference, 1 a difference, 2 an error",
        "klpdsl diff scenarios/replace/nops.klp -e v4.19,v5.1",
    )
    p.add_argument(
        "words", metavar="FILE", nargs="*", help="a scenario; - is standard input. Two engines may follow it"
    )
    add_text(p)
    add_engines(p, "the two engines")
    p.add_argument("--format", choices=("text", "json"), default="text", help="how to print the difference")
    arguments = p.parse_intermixed_args(argv)
    # `--engines A B` is how two have always been given: the second is no scenario.
    files = [word for word in arguments.words if word == "-" or word.endswith(".klp") or os.path.isfile(word)]
    if arguments.text is None and not files:
        files = arguments.words[:1]
    names = list(names_of([*arguments.engine, *(word for word in arguments.words if word not in files)]))
    loaded = loaded_of(files[0] if len(files) == 1 else None, arguments.text)
    if len(names) != 2:
        said = (
            f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} {len(names)}"
            if names
            else "none was named"
        )
        complain(f"klpdsl diff: it compares two engines, and {said}: -e v4.19,v5.1")
        return USAGE
    from klpdsl.goldens.reporting.engine_diff import compare
    from klpdsl.goldens.reporting.paint import Paint

    found = compare(loaded, names[0], names[1])
    if arguments.format == "json":
        print(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
    else:
        print("\n".join(found.lines(Paint(colours()))))
    return OK if found.same else MISMATCH
