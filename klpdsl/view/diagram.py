"""A small graph of states as a picture: in layers by their distance from the start, as SVG or for graphviz.

What is a way and what is an end is said without colour too: by the lines' weight, by letters and by titles.
"""

from __future__ import annotations

from collections import deque
from html import escape

from klpdsl.view import palette
from klpdsl.view.drawing import document, text_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal, NamedTuple, TypeAlias

    NodeKind: TypeAlias = Literal["start", "state", "waiting", "outcome", "bad"]
else:
    from klpdsl._records import NamedTuple


class DiagramNode(NamedTuple):
    """A state: what stands in it, what is said of it at length, and what it is.

    `kind`: where all begins, one of many, one that was found and not gone on from, an end, or one behind which nothing
    can be right. `shade` is the place of an outcome's colour, -1 where it has none.
    """

    label: str
    title: str
    kind: NodeKind
    shade: int


class DiagramEdge(NamedTuple):
    """A step from one state to another, by their places. `marked`: on a shortest way; `bad`: a property is broken."""

    start: int
    end: int
    label: str
    marked: bool
    bad: bool


class Diagram(NamedTuple):
    """A graph; the first node is the start. The `notes` stand below it, a line each."""

    title: str
    nodes: tuple[DiagramNode, ...]
    edges: tuple[DiagramEdge, ...]
    notes: tuple[str, ...]


#: So many sweeps bring each layer into an order with few crossings; more change nothing that one would see.
_SWEEPS = 8
_CHAR = 6.7
_BOX, _LAYER, _LABEL, _GAP, _EDGE = 24, 52, 14, 18, 20
#: In a graph of more steps only those on a shortest way are labelled; the others have their titles.
_LABELLED = 60

_RED = ', color="#a80000", penwidth=2.5'
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'markerUnits="userSpaceOnUse" orient="auto"><path class="tip" fill="#767676" d="M0,0 8,4 0,8z"/>'
    "</marker></defs>"
)
_STYLE = (
    "text{font:11px ui-monospace,Menlo,Consolas,monospace;white-space:pre}"
    ".on{paint-order:stroke;stroke:#ffffff;stroke-width:3px;stroke-linejoin:round}"
    ".bg{fill:#ffffff}.ink{fill:#1a1a1a}.dim{fill:#5c5c5c}.bad{fill:#a80000}"
    ".box{fill:#f4f4f4;stroke:#767676}.open{stroke-dasharray:3 2}.wrong{stroke:#a80000;stroke-width:2.5}"
    ".e{fill:none;stroke:#9a9a9a}.way{stroke:#1a1a1a;stroke-width:2.5}.breaks{stroke:#a80000;stroke-width:2.5}"
    ".tip{fill:#767676}"
    "@media (prefers-color-scheme:dark){.bg{fill:#151515}.ink{fill:#f0f0f0}.dim{fill:#b4b4b4}.bad{fill:#ff9c9c}"
    ".box{fill:#262626;stroke:#9a9a9a}.wrong{stroke:#ff9c9c}.e{stroke:#6e6e6e}.way{stroke:#f0f0f0}"
    ".breaks{stroke:#ff9c9c}.tip{fill:#9a9a9a}.on{stroke:#151515}}"
)


def diagram_to_dot(diagram: Diagram) -> str:
    """The graph in graphviz's language."""
    lines = [
        f"digraph {_quoted(diagram.title)} {{",
        f"  label={_quoted(chr(10).join((diagram.title, *diagram.notes)))}; labelloc=t; rankdir=TB;",
        '  node [shape=box, style="rounded,filled", fillcolor="#f4f4f4", fontname=monospace];',
        "  edge [fontname=monospace, fontsize=10];",
    ]
    shapes = {
        "start": ", penwidth=2.5",
        "waiting": ', style="rounded,dashed"',
        "bad": ', color="#a80000", penwidth=2.5',
    }
    for place, node in enumerate(diagram.nodes):
        fill = f', fillcolor="{_fill(node)}"' if node.shade >= 0 else ""
        said = f"label={_quoted(node.label)}, tooltip={_quoted(node.title)}"
        lines.append(f"  n{place} [{said}{fill}{shapes.get(node.kind, '')}];")
    for edge in diagram.edges:
        look = _RED if edge.bad else ", penwidth=2.5" if edge.marked else ""
        lines.append(f"  n{edge.start} -> n{edge.end} [label={_quoted(edge.label)}{look}];")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def diagram_to_svg(diagram: Diagram) -> str:
    """The graph as a picture."""
    layers = _ordered(_layers(diagram), diagram)
    few = len(diagram.edges) <= _LABELLED
    labels = _labels(diagram, few=few)
    widths = [len(node.label) * _CHAR + 2 * 8 for node in diagram.nodes]
    # A node has as much room as the longest label above it.
    rooms = [
        max(width, *(len(diagram.edges[edge].label) * _CHAR for edge in above), 0.0) + _GAP
        for width, above in zip(widths, labels, strict=True)
    ]
    broad = [sum(rooms[place] for place in layer) for layer in layers]
    notes = [diagram.title, *diagram.notes]
    width = max([*broad, *(len(note) * _CHAR + 2 * _GAP for note in notes)]) + 2 * _EDGE
    top = 16.0 * len(notes) + 20
    at: dict[int, tuple[float, float]] = {}
    y = top + _BOX / 2
    for depth, layer in enumerate(layers):
        left = (width - broad[depth]) / 2
        y += _LAYER + _LABEL * max(len(labels[place]) for place in layer) if depth else 0
        for place in layer:
            at[place] = (left + rooms[place] / 2, y)
            left += rooms[place]
    height = y + _BOX / 2 + _EDGE
    out = [_TIP]
    out += [text_at(note, _GAP, 18 + 16 * line, "dim" if line else "ink") for line, note in enumerate(notes)]
    # What is marked is drawn last, so that nothing lies on it; and labels above all lines.
    drawn = sorted(range(len(diagram.edges)), key=lambda place: diagram.edges[place][3:])
    out += [_edge(diagram.edges[place], at) for place in drawn]
    out += [_label(diagram.edges[place], at, row) for above in labels for row, place in enumerate(above)]
    out += [_box(node, at[place], widths[place]) for place, node in enumerate(diagram.nodes)]
    body = "".join(f"{one}\n" for one in out)
    return document(diagram.title, _STYLE, body, round(width), round(height))


def _layers(diagram: Diagram) -> list[list[int]]:
    """The places of the nodes by their distance from the start."""
    onward: list[list[int]] = [[] for _ in diagram.nodes]
    for edge in diagram.edges:
        onward[edge.start].append(edge.end)
    depth = {0: 0}
    waiting = deque([0])
    while waiting:
        place = waiting.popleft()
        for target in onward[place]:
            if target not in depth:
                depth[target] = depth[place] + 1
                waiting.append(target)
    layers: list[list[int]] = [[] for _ in range(max(depth.values()) + 1)]
    for place in range(len(diagram.nodes)):
        layers[depth.get(place, 0)].append(place)
    return layers


def _ordered(layers: list[list[int]], diagram: Diagram) -> list[list[int]]:
    """Each layer in an order in which lines cross little: nodes stand below the middle of what leads to them."""
    beside: list[list[int]] = [[] for _ in diagram.nodes]
    for edge in diagram.edges:
        beside[edge.start].append(edge.end)
        beside[edge.end].append(edge.start)
    for sweep in range(_SWEEPS):
        down = range(1, len(layers))
        for depth in down if sweep % 2 == 0 else reversed(range(len(layers) - 1)):
            other = layers[depth - 1 if sweep % 2 == 0 else depth + 1]
            share = {place: (index + 0.5) / len(other) for index, place in enumerate(other)}
            own = {place: index / len(layers[depth]) for index, place in enumerate(layers[depth])}
            layers[depth] = sorted(layers[depth], key=lambda place: _middle(beside[place], share, own[place]))
    return layers


def _middle(others: Sequence[int], share: dict[int, float], otherwise: float) -> float:
    known = [share[place] for place in others if place in share]
    return sum(known) / len(known) if known else otherwise


def _labels(diagram: Diagram, *, few: bool) -> list[list[int]]:
    """For each node the edges that lead to it and are labelled."""
    found: list[list[int]] = [[] for _ in diagram.nodes]
    for place, edge in enumerate(diagram.edges):
        if few or edge.marked or edge.bad:
            found[edge.end].append(place)
    return found


_Point = tuple[float, float]


def _curve(edge: DiagramEdge, at: dict[int, _Point]) -> tuple[_Point, _Point, _Point, _Point]:
    """The four points of the curve: down, from box to box; or round the side, where it leads back or along."""
    (x, y), (to_x, to_y) = at[edge.start], at[edge.end]
    half = _BOX / 2
    if to_y > y:
        bend = max(26.0, (to_y - y) / 3)
        return (x, y + half), (x, y + bend), (to_x, to_y - bend), (to_x, to_y - half)
    out = max(x, to_x) + 40 + abs(y - to_y) / 4
    return (x + 6, y - half), (out, y - half - 20), (out, to_y + half + 20), (to_x + 6, to_y + half)


def _edge(edge: DiagramEdge, at: dict[int, _Point]) -> str:
    kind = "e breaks" if edge.bad else "e way" if edge.marked else "e"
    stroke = "#a80000" if edge.bad else "#1a1a1a" if edge.marked else "#9a9a9a"
    (x, y), *others = _curve(edge, at)
    line = f"M{x:.1f},{y:.1f} C" + " ".join(f"{to_x:.1f},{to_y:.1f}" for to_x, to_y in others)
    return (
        f"<g><title>{escape(edge.label)}</title>"
        f'<path class="{kind}" fill="none" stroke="{stroke}" marker-end="url(#tip)" d="{line}"/></g>'
    )


def _label(edge: DiagramEdge, at: dict[int, _Point], row: int) -> str:
    """What a step is called: on its line, above the box that it leads to, below what was said there before."""
    points = _curve(edge, at)
    down = points[3][1] - points[0][1]
    # As far from its end as its row needs; of a line that leads back, the middle.
    t = max(0.3, 1 - (16 + _LABEL * row) / down) if down > 0 else 0.5
    x, y = (
        (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
        for a, b, c, d in zip(*points, strict=True)
    )
    if down > 0:
        x = (x + points[3][0]) / 2  # closer to the box that it belongs to than the curve is
    look = "ink on" if edge.marked or edge.bad else "dim on"
    return _said(edge.label, x, y + 3, look)


def _box(node: DiagramNode, at: tuple[float, float], width: float) -> str:
    kinds = ["box"]
    kinds += [f"v{node.shade % len(palette.LIGHT)}"] if node.shade >= 0 else []
    kinds += {"bad": ["wrong"], "waiting": ["open"], "start": ["way"]}.get(node.kind, [])
    stroke = "#a80000" if node.kind == "bad" else "#767676"
    box = f'x="{at[0] - width / 2:.1f}" y="{at[1] - _BOX / 2:.1f}" width="{width:.1f}" height="{_BOX}" rx="4"'
    text = _said(node.label, at[0], at[1] + 4, "ink")
    return (
        f'<g><title>{escape(node.title)}</title><rect class="{" ".join(kinds)}" fill="{_fill(node)}" '
        f'stroke="{stroke}" {box}/>{text}</g>'
    )


def _fill(node: DiagramNode) -> str:
    return palette.LIGHT[node.shade % len(palette.LIGHT)] if node.shade >= 0 else "#f4f4f4"


def _said(text: str, x: float, y: float, kind: str) -> str:
    """A text whose middle is there."""
    return text_at(text, round(x - len(text) * _CHAR / 2, 1), round(y, 1), kind)
