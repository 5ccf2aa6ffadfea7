"""`klpdsl engines`: the lineage, an engine's axes and changes, what lies between two engines."""

from __future__ import annotations

from klpdsl.cli.common import OK, USAGE, colours, complain, parser
from klpdsl.cli.lists import listed, wrapped
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.lineage import Node, between, describe, describe_axes, lineage, releases
from klpdsl.semantics.pointless import pointless_settings, resolve_to_some_point
from klpdsl.semantics.spelling import spell

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import Any


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "engines",
        "List the lineage of engines; show an engine's axes and changes, or what lies between two engines.",
        "klpdsl engines v4.11..v4.12",
    )
    p.add_argument("names", nargs="*", metavar="NAME", help="an engine, or A..B for what lies between two")
    p.add_argument(
        "--set", action="append", default=[], metavar="AXIS=VALUE", help="alter the engine by hand"
    )
    p.add_argument("--with", action="append", default=[], dest="with_", metavar="CHANGE", help="add a change")
    p.add_argument("--without", action="append", default=[], metavar="CHANGE", help="take a change away")
    p.add_argument(
        "--all", action="store_true", help="also the points inside releases; all of an engine's changes"
    )
    p.add_argument(
        "--coverage",
        action="store_true",
        help="what shows each change, engine and value of an axis, and why nothing does",
    )
    p.add_argument("--axes", action="store_true", help="what engines differ in: each axis and its values")
    p.add_argument(
        "--pointless", action="store_true", help="which settings would change nothing on the engine, and why"
    )
    p.add_argument(
        "--scenarios",
        metavar="DIR",
        help="where --coverage looks for those of the changes (scenarios/changes)",
    )
    p.add_argument("--format", choices=("text", "json"), default="text", help="how to print")
    arguments = p.parse_args(argv)
    if not arguments.names and (arguments.set or arguments.with_ or arguments.without or arguments.pointless):
        complain("klpdsl engines: name the engine that is meant")
        return USAGE
    said, lines = _answer(arguments)
    if arguments.format == "json":
        import json

        print(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        print("\n".join(lines))
    return OK


def _answer(arguments: argparse.Namespace) -> tuple[Any, list[str]]:
    """Return what was asked for, as plain values and as lines of text."""
    if arguments.coverage:
        # Imported here: only who asks for it pays for the language.
        from klpdsl.cli.coverage import what_is_shown

        return what_is_shown(arguments.scenarios)
    if arguments.axes:
        axes = describe_axes()
        return axes, list(_axes(axes))
    if not arguments.names:
        nodes = lineage() if arguments.all else releases()
        return [node._asdict() for node in nodes], list(_tree(nodes))
    answers: list[dict[str, Any]] = []
    lines: list[str] = []
    for name in arguments.names:
        lines += [""] if lines else []
        if ".." in name and "/" not in name:
            first, last = (
                resolve(end.strip(), arguments.set, arguments.with_, arguments.without) for end in _ends(name)
            )
            answers.append(between(first, last))
            lines += _between(answers[-1])
        else:
            engine = resolve_to_some_point(name, arguments.set, arguments.with_, arguments.without)
            if arguments.pointless:
                answers.append({"asked": name, "name": engine.name, "pointless": pointless_settings(engine)})
                lines += _pointless(answers[-1])
                continue
            said = describe(engine)
            answers.append({"asked": name, **said})
            if said["name"] != name and said["kind"] != "custom":
                lines.append(f"{name} stands for {said['name']}")
            lines += _engine(said, everything=arguments.all)
    return answers[0] if len(answers) == 1 else answers, lines


def _ends(spec: str) -> tuple[str, str]:
    first, _, last = spec.partition("..")
    every = releases()
    return first or every[0].name, last or "mainline"


def _bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if colours() else text


# --- the tree -------------------------------------------------------------------------------------------------


def _tree(nodes: tuple[Node, ...]) -> Iterator[str]:
    """Yield mainline downwards, with what branches off indented below the point it branches off from."""
    mainline = {"root", "commit", "release"}
    children: dict[str, list[Node]] = {}
    for node in nodes:
        if node.kind not in mainline:
            children.setdefault(node.parent, []).append(node)
    for node in nodes:
        if node.kind in mainline:
            yield _bold(node.name) + _also(node)
            yield from wrapped(", ".join(node.changes), "      ") if node.kind == "release" else ()
            yield from _branches(children, node.name, 1)


def _branches(children: dict[str, list[Node]], parent: str, depth: int) -> Iterator[str]:
    for node in children.get(parent, []):
        kind = f"{node.kind}: " if node.kind in {"mutant", "system"} else ""
        yield f"{'    ' * depth}+ {_bold(node.name)}{_also(node)}  {kind}{node.title}"
        yield from _branches(children, node.name, depth + 1)


def _also(node: Node) -> str:
    return f" ({', '.join(node.aliases)})" if node.aliases else ""


# --- the axes -------------------------------------------------------------------------------------------------


def _axes(said: dict[str, Any]) -> Iterator[str]:
    for axis, one in said.items():
        yield f"{_bold(axis)}  {' | '.join(map(spell, one['values']))}"
        yield from wrapped(one["meaning"], "    ")
        moved = [*one["changes"], *one["engines"]]
        yield from wrapped(f"moved by {', '.join(moved)}" if moved else "", "    ")


def _pointless(said: dict[str, Any]) -> Iterator[str]:
    yield f"{_bold(said['name'])}: what would change nothing there"
    for why, settings in said["pointless"].items():
        yield from wrapped(why, "  ")
        yield from wrapped(", ".join(settings), "      ")


# --- one engine, and two --------------------------------------------------------------------------------------

_KINDS = {
    "release": "mainline",
    "commit": "mainline, a point inside a release",
    "root": "livepatch before the first change known here",
    "proposal": "a proposal",
    "mutant": "a mutant, for safety checks to catch",
    "system": "another system",
    "custom": "made by hand",
    "distribution": "a distribution's kernel",
    "stable": "a stable tree",
}
_GRADES = {
    "read": "read there",
    "rebuild read": "read in a rebuild of it",
    "inferred": "not read itself; inferred",
}


def _engine(said: dict[str, Any], *, everything: bool) -> Iterator[str]:
    also = f" (also {', '.join(said['aliases'])})" if said["aliases"] else ""
    yield f"{_bold(said['name'])}{also}: {_KINDS[said['kind']]}" + (
        f", on {said['base']}" if said["base"] else ""
    )
    if "who" in said:
        yield f"{said['who']}, {said['when']}; {said['where']}"
        yield ""
        yield from wrapped(said["prose"], "  ")
        for title, texts in (
            ("what became of it", [said["status"]] if said["status"] else []),
            ("known by", [said["grade"]] if said["grade"] else []),
            ("base", [said["base_why"]] if said["base_why"] else []),
            ("inferred", said["inferred"]),
            ("caught by", said["caught"]),
        ):
            yield from listed(title, texts)
    if "uname" in said:
        yield from _run_by_people(said)
    yield ""
    base = said["base"] or "nothing"
    yield f"axes (* differs from {base}):"
    width = max(map(len, said["axes"]))
    for axis, one in said["axes"].items():
        mark, was = ("*", f"  was {spell(one['base'])}") if one["value"] != one["base"] else (" ", "")
        by = f"  by {one['by']}" if one["by"] else ""
        yield f"  {mark} {axis:{width}}  {spell(one['value'])}{was}{by}"
    yield from listed("left out", said["without"])
    if said["changes"]:
        yield ""
        yield "changes:"
        for one in said["changes"]:
            yield from _change(one)
    if said["inherited"]:
        count = len(said["inherited"])
        yield ""
        yield f"changes that {base} has too: {count}" + ("" if everything else " (--all lists them)")
        yield from wrapped(", ".join(said["inherited"]), "  ") if everything else ()


def _run_by_people(said: dict[str, Any]) -> Iterator[str]:
    """Yield what is known of a distribution's kernel or a stable tree, and how."""
    yield f"{said['title']}, {said['version']}: made from {said['release']}"
    yield from wrapped(f"{_GRADES[said['grade']]}, on {said['read']}: {said['source']}", "")
    if said["uname"]:
        yield f"uname -r says {' or '.join(said['uname'])}"
    if said["note"]:
        yield from wrapped(said["note"], "")
    carried = [one["id"] for one in said["changes"]]
    yield ""
    yield from wrapped(
        f"carries {len(carried)} of later releases: {', '.join(carried)}" if carried else "", ""
    )
    if not carried:
        yield "carries nothing of later releases that is known here"


def _change(one: dict[str, Any]) -> Iterator[str]:
    yield f"  {_bold(one['id'])}  {one['release']}  {(one['commit'] or 'commit not known')[:16]}  {one['subject']}"
    yield from wrapped(one["effect"], "      ")
    if one["set"]:
        yield from wrapped(
            ", ".join(f"{axis}={spell(value)}" for axis, value in one["set"].items()), "      "
        )
    if not one["shown"]:
        yield from wrapped(f"not shown: {one['why']}", "      ")


def _between(said: dict[str, Any]) -> Iterator[str]:
    yield f"{_bold(said['from'])} .. {_bold(said['to'])}"
    for title, key in (("changes added:", "added"), ("changes taken away:", "removed")):
        if said[key]:
            yield ""
            yield title
            for one in said[key]:
                yield from _change(one)
    yield ""
    yield "axes that differ:" if said["axes"] else "no axis differs"
    width = max(map(len, said["axes"]), default=0)
    for axis, one in said["axes"].items():
        yield f"    {axis:{width}}  {spell(one['from'])} -> {spell(one['to'])}"
