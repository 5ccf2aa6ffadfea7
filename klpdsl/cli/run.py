"""`klpdsl run`: print traces. Never touches goldens."""

from __future__ import annotations

import os
import sys

from klpdsl.cli.common import MISMATCH, OK, USAGE, EachAlone, colours, complain, parser
from klpdsl.cli.engine_options import ENGINE_OPTIONS, AskedEngine, add_engines, asked_engines
from klpdsl.run.session import Loaded, execute, load_file, load_text
from klpdsl.syntax.files import read_bounded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.trace.events import Trace


class _Options:
    """What the command line asks for."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.texts: list[str] = []
        self.engine: list[str] = []
        self.set: list[str] = []
        self.with_: list[str] = []
        self.without: list[str] = []
        self.format = "text"
        self.view = ""
        self.output = ""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    options = _plain(argv) or _parsed(argv)
    if not options.files and not options.texts:
        complain(
            "klpdsl run: name a file, - for standard input, or give a scenario with -c (--help says more)"
        )
        return USAGE
    each = EachAlone("run")
    scenarios = _load(options.files, options.texts, each)
    alter = (options.set, options.with_, options.without)
    # What was asked for is the same for all scenarios, and so is what is wrong with it.
    asked = asked_engines(options.engine, *alter)
    runs: list[tuple[Loaded, AskedEngine]] = []
    for loaded in scenarios:
        with each:
            runs += [(loaded, one) for one in asked or asked_engines([_newest(loaded)], *alter)]
    if each.code:
        _were_engines(options.files)
        return each.code
    if options.view or options.format == "perfetto":
        from klpdsl.cli.viewing import show

        pictures = [(loaded, one.engine) for loaded, one in runs]
        return show(pictures, options.view or "perfetto", options.output)
    if options.output:
        complain("klpdsl run: -o goes with a picture (--view svg, --view html, --format perfetto)")
        return USAGE
    return _run(runs, options.format)


def _plain(argv: list[str]) -> _Options | None:
    """Read the command line if nothing is in it but files, -c and --engine; else leave it to argparse.

    This is how scripts call the command thousands of times, and argparse is a good part of what a start costs.
    """
    options = _Options()
    wanted = {"-c": options.texts, **dict.fromkeys(ENGINE_OPTIONS, options.engine)}
    words = iter(argv)
    for word in words:
        if word in wanted:
            value = next(words, "")
            if not value or value.startswith("-"):
                return None
            wanted[word].append(value)
        elif word.startswith("-") and word != "-":
            return None
        else:
            options.files.append(word)
    return options


def _parsed(argv: list[str]) -> _Options:
    p = parser(
        "run",
        "Run scenarios on a model of one kernel or several, and print their traces.",
        "klpdsl run -c 'load p1; t1: syscall f' --engine v5.0 --engine v6.12",
    )
    p.add_argument("files", nargs="*", metavar="FILE", help="scenario files; - is standard input")
    p.add_argument("-c", dest="texts", action="append", metavar="TEXT", help="a scenario as text")
    add_engines(p, "where to run (default: the newest that the scenario is meant for)")
    p.add_argument("--set", action="append", metavar="AXIS=VALUE", help="alter the engine by hand")
    p.add_argument("--with", action="append", dest="with_", metavar="CHANGE", help="add a change")
    p.add_argument("--without", action="append", metavar="CHANGE", help="take a change away")
    p.add_argument(
        "--format",
        choices=("text", "json", "jsonl", "markdown", "perfetto"),
        help="how to print the trace (default: text); json: one list of what jsonl has a line for; perfetto: trace "
        "events for ui.perfetto.dev",
    )
    p.add_argument(
        "--view",
        choices=("timeline", "svg", "html"),
        help="draw the run: which code each task is in and would call, who holds the transition",
    )
    p.add_argument("-o", dest="output", metavar="FILE", help="write the picture into a file")
    options = _Options()
    p.set_defaults(**vars(options))
    p.parse_args(argv, namespace=options)
    return options


def _load(files: list[str], texts: list[str], each: EachAlone) -> list[Loaded]:
    loaded: list[Loaded] = []
    for source, text in [(file, None) for file in files] + [("<command line>", text) for text in texts]:
        with each:
            if text is not None:
                loaded.append(load_text(text, source))
            elif source == "-":
                loaded.append(load_text(read_bounded(sys.stdin.buffer), source))
            else:
                loaded.append(load_file(source))
    return loaded


def _were_engines(files: list[str]) -> None:
    """Say so where an engine stands in a file's place."""
    from klpdsl.semantics.engines import is_engine

    for name in files:
        if not os.path.exists(name) and is_engine(name):
            complain(f"klpdsl run: {name} is an engine: -e {name}")


def _newest(loaded: Loaded) -> str:
    """The newest engine that the scenario is meant for."""
    return loaded.engine_names()[-1] if loaded.engines else "mainline"


def _run(runs: list[tuple[Loaded, AskedEngine]], form: str) -> int:
    if form == "json":
        return _json(runs)
    code = OK
    for loaded, asked in runs:
        result = execute(loaded, asked.engine)
        _print(result.trace, loaded, asked, form, alone=len(runs) == 1)
        if not result.ok:
            code = MISMATCH
    return code


def _json(runs: list[tuple[Loaded, AskedEngine]]) -> int:
    """Print one list with what the JSON lines of a run say; of several runs, a list of such lists."""
    import json

    from klpdsl.trace.jsonl import records

    code = OK
    found = []
    for loaded, asked in runs:
        result = execute(loaded, asked.engine)
        about = {"engine": asked.engine.name, "asked": list(asked.names), "scenario": loaded.source}
        found.append(list(records(result.trace, about)))
        code = code if result.ok else MISMATCH
    print(json.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False, indent=1))
    return code


def _print(trace: Trace, loaded: Loaded, asked: AskedEngine, form: str, *, alone: bool) -> None:
    # What is volatile stands around a trace, never in it.
    if form == "jsonl":
        import json

        from klpdsl.trace.jsonl import to_jsonl

        about = {"engine": asked.engine.name, "asked": list(asked.names)}
        if not alone:
            print(json.dumps({"kind": "run", "scenario": loaded.source, **about}))
        print(to_jsonl(trace, about), end="")
        return
    from klpdsl.trace.text import to_text

    text = to_text(trace)
    if form == "markdown":
        print(f"### {loaded.source} on {asked.label}\n\n```\n{text}```", end="\n" if alone else "\n\n")
        return
    if colours():
        from klpdsl.cli import emphasis

        text = emphasis.trace(text)
    if alone:
        complain(f"on {asked.label}")
        if not loaded.program.statements:
            complain(f"{loaded.source} has no steps (klpdsl new NAME writes a scenario to begin with)")
    else:
        print(f"==== {loaded.source} on {asked.label}")
    print(text, end="" if alone else "\n")
