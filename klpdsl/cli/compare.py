"""`klpdsl compare`: what different engines do with one scenario, or with many."""

from __future__ import annotations

import os

from klpdsl.cli.common import MISMATCH, OK, USAGE, Progress, colours, complain, default_jobs, parser
from klpdsl.cli.engine_options import add_engines, names_of
from klpdsl.cli.scenario_options import add_text, loaded_of
from klpdsl.compare import tables
from klpdsl.compare.groups import Comparison, compare
from klpdsl.run.session import Loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EVERYTHING = "all,proposals,mutants,systems"


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    arguments = _arguments(argv)
    if len(arguments.files) > 1 or any(map(os.path.isdir, arguments.files)):
        return _many(arguments)
    loaded = loaded_of(arguments.files[0] if arguments.files else None, arguments.text)
    names = _engines(arguments.engine, loaded)
    found = compare(loaded, names, names)
    code = MISMATCH if arguments.fail_on_difference and len(found.groups) > 1 else OK
    if arguments.view:
        _view(loaded, found, arguments.view, arguments.output)
        return code
    if arguments.brief:
        found = found._replace(rows=tuple(row for row in found.rows if row.kind != "final"), other_events=())
    title = loaded.title or _stem(loaded.source)
    writers = {"text": tables.to_text, "json": tables.to_json, "markdown": tables.to_markdown}
    text = writers[arguments.format](title, found)
    if arguments.format == "text" and colours():
        from klpdsl.cli import emphasis

        text = emphasis.table(text)
    print(text, end="")
    return code


def _arguments(argv: list[str]) -> argparse.Namespace:
    p = parser(
        "compare",
        "Run one scenario on several engines, group those that behave alike, and show in one table what each\n"
        "group does differently: how steps end, which properties are violated, what is found in the end.\n\n"
        "With several scenarios or a folder, hold each engine against the first one: which scenarios differ, and in\n"
        "which ways, grouped by cause.\n\n"
        "exit codes: 0, or 1 with --fail-on-difference where something differs; 2 an error",
        "klpdsl compare scenarios/ --engines v6.19,./mine.toml --fail-on-difference",
    )
    p.add_argument(
        "files", metavar="FILE", nargs="*", help="a scenario; - is standard input; several, or folders"
    )
    add_text(p)
    add_engines(
        p,
        "what to compare (default: those that the scenario is meant for), where `all` is every release that differs, "
        "every proposal, mutant and other system; of many scenarios the first one is the base, and one that is alone "
        "is held against what it was made from",
    )
    p.add_argument(
        "--brief", action="store_true", help="leave out what is found in the end, and other events"
    )
    p.add_argument("--format", choices=("text", "json", "markdown"), default="text", help="how to print it")
    p.add_argument("--fail-on-difference", action="store_true", help="exit with 1 where something differs")
    p.add_argument("--verbose", "-v", action="store_true", help="list every scenario, however many there are")
    p.add_argument("--jobs", "-j", type=int, default=default_jobs(), help="how many processes to use")
    p.add_argument(
        "--view",
        choices=("timeline", "svg", "html"),
        help="draw the run on the first engine of the first two groups side by side, with the first difference marked",
    )
    p.add_argument("-o", dest="output", metavar="FILE", default="", help="write the picture into a file")
    return p.parse_args(argv)


# --- one scenario -----------------------------------------------------------------------------------------------


def _view(loaded: Loaded, found: Comparison, medium: str, output: str) -> None:
    """Draw two engines that behave differently; one, if all behave alike."""
    from klpdsl.cli.viewing import show, show_two
    from klpdsl.semantics.engines import resolve

    first = [resolve(group.engines[0]) for group in found.groups]
    if len(first) == 1:
        show([(loaded, first[0])], medium, output)
        return
    show_two(loaded, first[0], first[1], medium, output)
    if len(first) > 2:
        complain(
            f"klpdsl compare: {len(first)} groups behave differently; drawn are {first[0].name} and {first[1].name} "
            "(name two engines to choose)"
        )


def _engines(wanted: list[str], loaded: Loaded) -> dict[str, tuple[str, ...]]:
    if not wanted:
        return {name: (name,) for name in loaded.engine_names()}
    return _named(wanted)


def _named(wanted: list[str]) -> dict[str, tuple[str, ...]]:
    return names_of(
        ",".join(EVERYTHING if word.strip() == "all" else word for word in spec.split(",")) for spec in wanted
    )


def _stem(source: str) -> str:
    return source.rpartition("/")[2].removesuffix(".klp")


# --- many -------------------------------------------------------------------------------------------------------


def _many(arguments: argparse.Namespace) -> int:
    problem = ""
    if arguments.text is not None or "-" in arguments.files:
        problem = "several scenarios are files and folders"
    elif arguments.view:
        problem = "--view draws one scenario: name its file"
    if problem:
        complain(f"klpdsl compare: {problem}")
        return USAGE
    asked = _named(arguments.engine)
    engines = _with_base(list(asked))
    if len(engines) < 2:
        complain(
            "klpdsl compare: many scenarios need a base and what is held against it: -e v6.19,./mine.toml"
        )
        return USAGE
    from klpdsl.compare import corpus, corpus_report

    files = corpus.files_of(arguments.files)
    progress = Progress(len(files), "scenarios")
    try:
        found = corpus.compare_all(files, engines, arguments.jobs, progress.show)
    finally:
        progress.end()
    for error in found.errors:
        complain(error)
    if arguments.format == "json":
        print(corpus_report.to_json(found, asked), end="")
    elif arguments.format == "markdown":
        print(corpus_report.to_markdown(found), end="")
    else:
        from klpdsl.goldens.reporting.paint import Paint

        paint = Paint(colours())
        print(corpus_report.to_text(found, paint, brief=arguments.brief, verbose=arguments.verbose), end="")
    if found.errors:
        return USAGE
    return MISMATCH if arguments.fail_on_difference and found.differs else OK


def _with_base(names: list[str]) -> list[str]:
    """An engine that is alone is held against what it was made from, unless that is mainline's own history."""
    from klpdsl.semantics.engines import resolve

    if len(names) != 1 or resolve(names[0]).kind in ("release", "commit", "root"):
        return names
    return [resolve(names[0]).base, *names]
