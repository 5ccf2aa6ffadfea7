"""The lineage as a tree, and what there is to say about an engine or between two, as plain values."""

from __future__ import annotations

from klpdsl.semantics.axes import Semantics
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.explain import history
from klpdsl.semantics.points import point_name, position
from klpdsl.semantics.records import Change, Proposal
from klpdsl.semantics.table import change, distribution, distributions, order, proposal, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple

    from klpdsl.semantics.records import Engine
else:
    from klpdsl._records import NamedTuple


class Node(NamedTuple):
    """An engine in the tree. `kind` is as in Engine; `changes` are those that lead here from `parent`.

    `title` says in a few words what it is: who proposed it and when, or whose kernel it is; empty for points of
    mainline.
    """

    name: str
    kind: str
    parent: str
    aliases: tuple[str, ...]
    changes: tuple[str, ...]
    title: str


def lineage() -> tuple[Node, ...]:
    """Return all engines that have a name of their own, parents before children, points inside releases included."""
    known = table()
    aliases = _aliases()
    nodes = []
    for count in range(len(known["order"]) + 1):
        name, kind = point_name(count)
        parent = point_name(count - 1)[0] if count else ""
        nodes.append(Node(name, kind, parent, aliases.get(name, ()), known["order"][count - 1 : count], ""))
    for one in (Proposal(*row) for row in known["proposals"].values()):
        parent = resolve(one.base).name
        title = f"{one.who}, {one.when}"
        nodes.append(Node(one.id, one.kind, parent, aliases.get(one.id, ()), (), title))
    for run in distributions():
        engine = resolve(run.id)
        carried = tuple(name for name in engine.changes if name in run.carries)
        title = f"{run.title}, {run.version}"
        nodes.append(Node(run.id, run.kind, engine.base, aliases.get(run.id, ()), carried, title))
    return tuple(nodes)


def releases() -> tuple[Node, ...]:
    """Return the lineage without the points inside releases: each release has all its changes."""
    known = table()
    inside = {node.name: node for node in lineage()}
    nodes = []
    start, parent = 0, ""
    for release, end in known["ends"].items():
        nodes.append(inside[release]._replace(parent=parent, changes=known["order"][start:end]))
        start, parent = end, release
    beside = [node for node in inside.values() if node.kind not in {"root", "commit", "release"}]
    return (*nodes, *(node._replace(parent=_release_of(node.parent)) for node in beside))


def _release_of(name: str) -> str:
    """Return the release that a point inside one belongs to, and any other engine's own name."""
    return name.partition("@")[0].partition("~")[0]


def _aliases() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for alias, target in table()["aliases"].items():
        name = resolve(target).name
        found[name] = (*found.get(name, ()), alias)
    return found


def describe(engine: Engine) -> dict[str, Any]:
    """Return all that is known of an engine, in the order in which it is read best."""
    base = _base(engine)
    own = tuple(name for name in engine.changes if base is None or name not in base.changes)
    said: dict[str, Any] = {
        "name": engine.name,
        "kind": engine.kind,
        "base": base.name if base else None,
        "aliases": list(_aliases().get(engine.name, ())),
    }
    if engine.kind in {"proposal", "mutant", "system"}:
        said.update(_proposal(proposal(engine.name)))
    if engine.kind in {"distribution", "stable"}:
        said.update(_distribution(engine.name))
    said["axes"] = {
        axis: {
            "value": value,
            "base": getattr(base.semantics, axis) if base else value,
            "by": history(engine, axis)[-1].by or None,
        }
        for axis, value in engine.semantics._asdict().items()
    }
    said["changes"] = [describe_change(name) for name in own]
    said["inherited"] = [name for name in engine.changes if name not in own]
    said["without"] = list(engine.without)
    return said


def _base(engine: Engine) -> Engine | None:
    """Return the engine to compare with: the base, or for a release, which has points inside, the release before."""
    if engine.kind != "release":
        return resolve(engine.base) if engine.base else None
    ends = list(table()["ends"])
    place = ends.index(engine.name)
    return resolve(ends[place - 1]) if place else None


def _proposal(one: Proposal) -> dict[str, Any]:
    return {
        "who": one.who,
        "when": one.when,
        "where": one.where,
        "debate": one.debate or None,
        "status": one.status or None,
        "grade": one.grade or None,
        "base_why": one.base_why or None,
        "prose": " ".join(one.prose.split()),
        "inferred": list(one.inferred),
        "caught": list(one.caught),
    }


def _distribution(name: str) -> dict[str, Any]:
    one = distribution(name)
    return {
        "title": one.title,
        "version": one.version,
        "release": one.base,
        "uname": list(one.uname),
        "grade": one.grade,
        "source": one.source,
        "read": one.read,
        "note": one.note or None,
    }


def describe_change(name: str) -> dict[str, Any]:
    """Return all that is known of a change."""
    one = change(name)
    said: dict[str, Any] = {}
    for field, value in one._asdict().items():
        if field == "set":
            said[field] = dict(value)
        else:
            said[field] = list(value) if isinstance(value, tuple) else value
    said["commit"] = one.commit or None
    said["why"] = one.why or None
    return said


def between(first: Engine, last: Engine) -> dict[str, Any]:
    """Return what leads from one engine to another: changes added and taken away, and the axes that differ."""
    return {
        "from": first.name,
        "to": last.name,
        "added": [
            describe_change(name) for name in order() if name in set(last.changes) - set(first.changes)
        ],
        "removed": [
            describe_change(name) for name in order() if name in set(first.changes) - set(last.changes)
        ],
        "axes": {
            axis: {"from": getattr(first.semantics, axis), "to": value}
            for axis, value in last.semantics._asdict().items()
            if value != getattr(first.semantics, axis)
        },
    }


def before_and_after(name: str) -> tuple[Engine, Engine]:
    """Return the engines just before and just after a change of mainline."""
    count = position(name)
    return resolve(point_name(count - 1)[0]), resolve(point_name(count)[0])


def describe_axes() -> dict[str, dict[str, Any]]:
    """Return what is known of each axis: its values, the oldest kernel's first, what it means, and what moves it."""
    known = table()
    said: dict[str, dict[str, Any]] = {}
    for axis, oldest in Semantics()._asdict().items():
        changes = [name for name in order() if axis in dict(change(name).set)]
        beside = [name for name in known["proposals"] if axis in dict(proposal(name).set)]
        said[axis] = {
            "values": [oldest, *(value for value in known["allowed"][axis] if value != oldest)],
            "meaning": known["meanings"].get(axis, ""),
            "changes": changes,
            "engines": beside,
        }
    return said


def coverage(with_scenario: set[str]) -> dict[str, Any]:
    """Return how many changes can be shown, which of them have a scenario, and why the others can not be shown."""
    known = table()
    changes = [Change(*known["changes"][name]) for name in known["order"]]
    shown = [one.id for one in changes if one.shown]
    return {
        "changes": len(changes),
        "showable": len(shown),
        "shown": [name for name in shown if name in with_scenario],
        "missing": [name for name in shown if name not in with_scenario],
        "not_showable": {one.id: one.why for one in changes if not one.shown},
        "unknown": sorted(with_scenario - {one.id for one in changes}),
    }
