"""`klpdsl diff`: what two engines make of one scenario, and which changes between them are responsible."""

from __future__ import annotations

import json

from klpdsl.cli.common import MISMATCH, OK, USAGE, colours, complain, parser


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "diff",
        "Compare the traces of two engines: the changes of the lineage at which the trace changes, then the\n"
        "structural difference, then the text.\n\nexit codes: 0 no difference, 1 a difference, 2 an error",
        "klpdsl diff scenarios/replace/nops.klp --engines v4.19 v5.1",
    )
    p.add_argument("file", metavar="FILE", nargs="?", help="a scenario")
    p.add_argument("-c", dest="text", metavar="TEXT", help="a scenario as text")
    p.add_argument("--engines", nargs=2, required=True, metavar=("A", "B"), help="the two engines")
    p.add_argument("--format", choices=("text", "json"), default="text", help="how to print the difference")
    arguments = p.parse_args(argv)
    if (arguments.file is None) == (arguments.text is None):
        complain("klpdsl diff: name a scenario, or give one with -c TEXT")
        return USAGE
    from klpdsl.run.session import load_file, load_text
    from klpdsl.semantics.engines import resolve

    loaded = load_file(arguments.file) if arguments.file else load_text(arguments.text, "<command line>")
    names = [resolve(name).name for name in arguments.engines]
    from klpdsl.goldens.reporting.engine_diff import compare
    from klpdsl.goldens.reporting.paint import Paint

    found = compare(loaded, names[0], names[1])
    if arguments.format == "json":
        print(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
    else:
        print("\n".join(found.lines(Paint(colours()))))
    return OK if found.same else MISMATCH
