"""`klpdsl compare`: what different engines do with one scenario."""

from __future__ import annotations

from klpdsl.cli.common import OK, colours, complain, parser
from klpdsl.cli.engine_options import add_engines, names_of
from klpdsl.cli.scenario_options import add_scenario, loaded_of
from klpdsl.compare import tables
from klpdsl.compare.groups import Comparison, compare
from klpdsl.run.session import Loaded

EVERYTHING = "all,proposals,mutants,systems"


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "compare",
        "Run one scenario on several engines, group those that behave alike, and show in one table what each\n"
        "group does differently: how steps end, which properties are violated, what is found in the end.",
        "klpdsl compare scenarios/atomic-replace/S06-replace-and-immediate.klp --engines baron-v2,mladek-keep-imm",
    )
    add_scenario(p)
    add_engines(
        p,
        "what to compare (default: those that the scenario is meant for), where `all` is every release that differs, "
        "every proposal, mutant and other system",
    )
    p.add_argument(
        "--brief", action="store_true", help="leave out what is found in the end, and other events"
    )
    p.add_argument("--format", choices=("text", "json", "markdown"), default="text", help="how to print it")
    p.add_argument(
        "--view",
        choices=("timeline", "svg", "html"),
        help="draw the run on the first engine of the first two groups side by side, with the first difference marked",
    )
    p.add_argument("-o", dest="output", metavar="FILE", default="", help="write the picture into a file")
    arguments = p.parse_args(argv)
    loaded = loaded_of(arguments.file, arguments.text)
    names = _engines(arguments.engine, loaded)
    found = compare(loaded, names, names)
    if arguments.view:
        return _view(loaded, found, arguments.view, arguments.output)
    if arguments.brief:
        found = found._replace(rows=tuple(row for row in found.rows if row.kind != "final"), other_events=())
    title = loaded.title or _stem(loaded.source)
    writers = {"text": tables.to_text, "json": tables.to_json, "markdown": tables.to_markdown}
    text = writers[arguments.format](title, found)
    if arguments.format == "text" and colours():
        from klpdsl.cli import emphasis

        text = emphasis.table(text)
    print(text, end="")
    return OK


def _view(loaded: Loaded, found: Comparison, medium: str, output: str) -> int:
    """Draw two engines that behave differently; one, if all behave alike."""
    from klpdsl.cli.viewing import show, show_two
    from klpdsl.semantics.engines import resolve

    first = [resolve(group.engines[0]) for group in found.groups]
    if len(first) == 1:
        return show([(loaded, first[0])], medium, output)
    show_two(loaded, first[0], first[1], medium, output)
    if len(first) > 2:
        complain(
            f"klpdsl compare: {len(first)} groups behave differently; drawn are {first[0].name} and {first[1].name} "
            "(name two engines to choose)"
        )
    return OK


def _engines(wanted: list[str], loaded: Loaded) -> dict[str, tuple[str, ...]]:
    if not wanted:
        return {name: (name,) for name in loaded.engine_names()}
    return names_of(
        ",".join(EVERYTHING if word.strip() == "all" else word for word in spec.split(",")) for spec in wanted
    )


def _stem(source: str) -> str:
    return source.rpartition("/")[2].removesuffix(".klp")
