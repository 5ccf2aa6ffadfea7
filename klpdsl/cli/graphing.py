"""Pictures of what a search has walked, for `explore` and `verify`."""

from __future__ import annotations

import argparse
import os

from klpdsl._writing import replace_file
from klpdsl.cli.common import complain
from klpdsl.explore.exploration import Exploration
from klpdsl.explore.graph import StateGraph
from klpdsl.explore.outcome_report import counted, letter, lines_of
from klpdsl.explore.paths import Paths
from klpdsl.semantics.records import Engine
from klpdsl.syntax.wording import format_statement
from klpdsl.view.diagram import Diagram, DiagramEdge, DiagramNode, diagram_to_dot, diagram_to_svg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from klpdsl.explore.exploration import Way
    from klpdsl.explore.outcomes import Observation
    from klpdsl.view.diagram import NodeKind

_DRAWN = {".svg": (diagram_to_svg, 300), ".dot": (diagram_to_dot, 20_000)}
"""By the ending of the file: what draws it, and how many states it may have."""


def add_graph(p: argparse.ArgumentParser) -> None:
    """Add the option that asks for a picture."""
    p.add_argument(
        "--graph",
        metavar="FILE",
        type=_path,
        help="draw the states and what leads from which to which there, the shortest ways marked: .svg, or .dot for "
        "graphviz",
    )


def _path(text: str) -> str:
    if os.path.splitext(text)[1] not in _DRAWN:
        raise argparse.ArgumentTypeError(f"a picture's name ends in {' or '.join(_DRAWN)}")
    return text


def graph_for(arguments: argparse.Namespace) -> StateGraph | None:
    """What a search has to keep for the picture that was asked for; None where none was."""
    return StateGraph() if arguments.graph else None


def draw(
    path: str,
    graph: StateGraph,
    found: Exploration,
    paths: Paths,
    engine: Engine,
    *,
    several: bool,
    names: frozenset[str] | None = None,
) -> bool:
    """Write the picture; `several` engines have one each. False where the graph is too large for one, which is told.

    `names`: the properties that were asked for, and the marked ways are those that violate them; else one to each
    outcome.
    """
    stem, ending = os.path.splitext(path)
    to_text, most = _DRAWN[ending]
    states = len(graph.edges)
    if states > most:
        complain(
            f"{path}: not drawn: {counted(states, 'state')}, and a picture in {ending} has {most:,} at most"
            + (" (.dot takes more)" if ending == ".svg" else "")
        )
        return False
    path = f"{stem}.{engine.name}{ending}" if several else path
    text = to_text(_diagram(graph, found, paths, engine, names))
    replace_file(path, text.encode("utf-8", "surrogateescape"))
    return True


def _diagram(
    graph: StateGraph, found: Exploration, paths: Paths, engine: Engine, names: frozenset[str] | None
) -> Diagram:
    ways: Iterable[Way] = (
        (one.way for one in found.endings)
        if names is None
        else (broken.way for name, broken in found.broken.items() if name in names)
    )
    marked = {edge for way in ways for edge in graph.along(way.nodes)}
    outcomes = {} if names is not None else {one.seen: place for place, one in enumerate(found.endings)}
    edges: dict[tuple[int, int], DiagramEdge] = {}
    behind = set()
    steps = idle = 0
    for state, leading in enumerate(graph.edges):
        for place, (node, target) in enumerate(leading):
            steps += 1
            broken = [name for name in graph.broken.get((state, node), ()) if names is None or name in names]
            if target == state and not broken:
                idle += 1
                continue
            label = format_statement(paths.flow.leaf(node).statement)
            label = f"{label}: {', '.join(broken)}" if broken else label
            edge = DiagramEdge(state, target, label, (state, place) in marked, bool(broken))
            edges[state, target] = _both(edges.get((state, target)), edge)
            behind |= {target} if broken else set()
    nodes = [
        _node(graph, state, outcomes, bad=state in behind or graph.crashed[state])
        for state in range(len(graph.edges))
    ]
    title = f"{counted(len(nodes), 'state')}, {counted(steps, 'step')} on {engine.name}"
    title += f" ({idle} that change nothing are not drawn)" if idle else ""
    return Diagram(title, tuple(nodes), tuple(edges.values()), _notes(found, names))


def _both(known: DiagramEdge | None, other: DiagramEdge) -> DiagramEdge:
    """One line for several steps from one state to another. The one on a marked way comes first."""
    if known is None:
        return other
    first, second = (other, known) if other.marked and not known.marked else (known, other)
    label = f"{first.label} or {second.label}"
    return first._replace(label=label, marked=first.marked or second.marked, bad=first.bad or second.bad)


def _notes(found: Exploration, names: frozenset[str] | None) -> tuple[str, ...]:
    notes = (
        [f"not closed: {found.stopped} stopped the search; dashed: not gone on from"] if found.stopped else []
    )
    if names is None:
        told = [
            f"{letter(place)}{'' if one.orders is None else ': ' + counted(one.orders, 'order')}"
            for place, one in enumerate(found.endings)
        ]
        notes += ["outcomes " + ", ".join(told), "bold: a shortest way to each outcome"]
        notes += ["red: a violation"] if found.broken else []
    elif names & found.broken.keys():
        notes.append("bold: a shortest way to a violation, in red")
    return tuple(notes)


def _node(graph: StateGraph, state: int, outcomes: dict[Observation, int], *, bad: bool) -> DiagramNode:
    patch, waited = graph.patch[state], graph.named(graph.waited[state])
    under_way = (
        f"the transition of {patch} waits for {' and '.join(waited) or 'nobody'}"
        if patch
        else "no transition"
    )
    inside = graph.named(graph.inside[state])
    title = [f"state {state}: {under_way}"]
    title += [f"in functions: {', '.join(inside)}"] if inside else []
    label = f"{patch}: {' '.join(waited)}".rstrip(": ") if patch else "start" if state == 0 else "·"
    shade = -1
    seen = graph.ends.get(state)
    if seen is not None and outcomes:
        shade = outcomes[seen]
        label = letter(shade)
        title += [f"outcome {label}", *(f"  {what}: {value}" for what, value in lines_of(seen))]
    if graph.crashed[state]:
        title.append("the machine has crashed")
    # Where nothing leads on and nothing ends, nobody has gone on.
    left = seen is None and not graph.edges[state]
    kind: NodeKind = "outcome" if shade >= 0 else "start" if state == 0 else "state"
    kind = "bad" if bad else "waiting" if left else kind
    return DiagramNode(label, "\n".join(title), kind, shade)
