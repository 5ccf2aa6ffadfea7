"""What an exploration says, in words and in JSON: a table of outcomes, expectations and properties with verdicts."""

from __future__ import annotations

from klpdsl._properties import IN_TRACES
from klpdsl.explore.exploration import Exploration, Judged
from klpdsl.explore.outcomes import Observation
from klpdsl.explore.paths import Paths
from klpdsl.syntax import tree
from klpdsl.syntax.wording import format_statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def letter(number: int) -> str:
    """The name of an outcome: A to Z, then AA, AB and so on."""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def counted(number: int, noun: str) -> str:
    """`1 state`, `1,234 states`; numbers of more than 15 digits by their size as well."""
    text = f"{number:,}"
    if number >= 10**15:
        text = f"{text} ({number:.1e})" if number < 10**300 else text
    return f"{text} {noun}{'' if number == 1 else 's'}"


def lines_of(seen: Observation) -> list[tuple[str, str]]:
    """All that an outcome consists of, as (what, how it was found)."""
    lines = [*seen.results]
    for group in seen.alike:
        lines += group
    lines += seen.final
    lines += [("violated", name) for name in seen.violated]
    return [*lines, ("ends", seen.end)] if seen.end else lines


def verdict(judgement: Judged) -> str:
    """`always`, `sometimes` or `never`: of the orders in which it was judged at all."""
    if judgement.failed is None:
        return "always"
    return "never" if judgement.held is None else "sometimes"


def check_text(paths: Paths, node: int, place: int) -> str:
    """The expectation at a leaf, with the step that it stands behind."""
    leaf = paths.flow.leaf(node)
    statement = leaf.statement
    if place < 0:
        assert isinstance(statement, tree.Step)
        return f"{format_statement(statement)} -> {statement.result}"
    if isinstance(statement, tree.Expect):
        return format_statement(statement)
    return f"{format_statement(leaf.checks[place])}, after {format_statement(statement)}"


def to_text(found: Exploration, paths: Paths, title: str) -> str:
    """The report for people."""
    effort = found.effort
    size = f"{counted(effort.states, 'state')}, {counted(effort.steps, 'step')}"
    if not found.stopped:
        assert found.orders is not None
        head = f"{title}: {counted(found.orders, 'order')}, all taken ({size})"
    else:
        head = f"{title}: not all orders were taken: {found.stopped} stopped the search ({size})"
    out = [head]
    if paths.alike:
        told = "; ".join(", ".join(group.names) for group in paths.alike)
        out.append(f"alike, and exchanged for one another: {told}")
    out += _outcomes(found)
    out += _judgements(found, paths)
    return "\n".join(out) + "\n"


def _outcomes(found: Exploration) -> list[str]:
    each = [lines_of(ending.seen) for ending in found.endings]
    if not each:
        return ["", "no order has come to its end yet"]
    shared = set(each[0]).intersection(*each[1:]) if len(each) > 1 else set()
    out = []
    if shared:
        out += ["", "in every order"]
        out += _table([line for line in each[0] if line in shared])
    for number, (ending, lines) in enumerate(zip(found.endings, each, strict=True)):
        steps = counted(len(ending.way.nodes), "step")
        orders = "" if ending.orders is None else f"{counted(ending.orders, 'order')}, "
        out += ["", f"{letter(number)}  {orders}shortest: {steps}"]
        out += _table([line for line in lines if line not in shared])
    return out


def _table(lines: list[tuple[str, str]]) -> list[str]:
    width = min(44, max((len(what) for what, _ in lines), default=0))
    return [f"    {what:{width}}  {value}".rstrip() for what, value in lines]


def _judgements(found: Exploration, paths: Paths) -> list[str]:
    out = []
    for (node, place), judgement in sorted(
        found.judgements.items(), key=lambda item: (paths.place_in_text(item[0][0]), item[0][1])
    ):
        said = verdict(judgement)
        got = f" (got {judgement.got})" if judgement.failed else ""
        limit = "" if not found.stopped or said == "sometimes" else ", so far"
        out.append(f"{said + limit:10} {check_text(paths, node, place)}{got}")
    for name, broken in sorted(found.broken.items()):
        out.append(
            f"violated   {name} after {counted(len(broken.way.nodes), 'step')}: {broken.violation.text}"
        )
    return ["", *out] if out else []


def to_json(found: Exploration, paths: Paths, title: str, engine: str) -> dict[str, Any]:
    """The same for programs. Numbers of orders are texts: they may be larger than JSON's readers take."""
    return {
        "scenario": title,
        "engine": engine,
        "closed": not found.stopped,
        "stopped": found.stopped,
        "states": found.effort.states,
        "steps": found.effort.steps,
        "orders": None if found.orders is None else str(found.orders),
        "alike": [list(group.names) for group in paths.alike],
        "outcomes": [
            {
                "name": letter(number),
                "orders": None if ending.orders is None else str(ending.orders),
                "shortest": len(ending.way.nodes),
                "observed": [list(line) for line in lines_of(ending.seen)],
            }
            for number, ending in enumerate(found.endings)
        ],
        "expectations": [
            {"text": check_text(paths, node, place), "verdict": verdict(judgement), "got": judgement.got}
            for (node, place), judgement in sorted(found.judgements.items())
        ],
        "violated": {
            name: {"text": broken.violation.text, "shortest": len(broken.way.nodes)}
            for name, broken in sorted(found.broken.items())
        },
        "properties": sorted(IN_TRACES),
    }
