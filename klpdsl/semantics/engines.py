"""From names to engines: `resolve`, `expand`, and how engines descend from one another.

Names are `v4.14` (a mainline release; one that changed nothing stands for the newest before it that did), `mainline`
(the newest), `v5.1~2` (two changes before the end of v5.1), `v5.1@atomic-replace`, `atomic-replace` or
`e1452b607c48` (just after that change or commit), a proposal (`baron-v2`), an alias (`baron`), and `./mine.toml`, an
engine file. To each may be added `+axis=value`, `+change` and `^change` (without it): that is how engines made by
--set, --with and --without are called.
"""

from __future__ import annotations

from klpdsl.semantics.axes import Semantics
from klpdsl.semantics.records import Change, Engine, EngineError, Proposal, Setting
from klpdsl.semantics.table import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_MAX_DEPTH = 20
# Longer than any path, and than a name with every change and axis in it.
_MAX_NAME = 10_000
# What stands in the data does not change while a process runs, and a check asks for it thousands of times.
_resolved: dict[str, Engine] = {}
_ancestors: dict[str, tuple[str, ...]] = {}


def resolve(
    name: str,
    sets: Iterable[str] = (),
    with_changes: Iterable[str] = (),
    without_changes: Iterable[str] = (),
) -> Engine:
    """Return the engine of that name, altered by what --set (`axis=value`), --with and --without say.

    Raises EngineError for what makes no engine: an unknown name, axis or value, or a combination without sense.
    """
    sets, added, removed = tuple(sets), tuple(with_changes), tuple(without_changes)
    if len(name) > _MAX_NAME or not name.isprintable():
        raise EngineError(
            f"{name[:40]!r}… is no engine: names are printable and at most {_MAX_NAME} characters long"
        )
    if sets or added or removed or "+" in name or "^" in name or ".toml" in name:
        from klpdsl.semantics.custom import resolve_custom

        return resolve_custom(name, sets, added, removed)
    engine = _resolved.get(name)
    if engine is None:
        engine = _resolved[name] = resolve_named(name)
    return engine


def resolve_named(name: str, depth: int = 0) -> Engine:
    """Return the engine of a name that stands in the data: a point of mainline, a proposal, or an alias of one."""
    known = table()
    name = known["aliases"].get(name, name)
    if name not in known["proposals"]:
        return mainline_engine(position(name))
    if depth > _MAX_DEPTH:
        raise EngineError(f"the proposals on which {name} is built go in a circle")
    proposal = Proposal(*known["proposals"][name])
    base = resolve_named(proposal.base, depth + 1)
    axes: dict[str, Any] = dict(proposal.set)
    return Engine(
        name=name,
        semantics=base.semantics._replace(**axes),
        base=base.name,
        kind=proposal.kind,
        changes=base.changes,
        settings=(*base.settings, *(Setting(axis, value, name) for axis, value in proposal.set)),
    )


def mainline_engine(count: int) -> Engine:
    """Return the point of mainline just after its first `count` changes."""
    changes = table()["order"][:count]
    name, kind = point_name(count)
    base = point_name(count - 1)[0] if count else ""
    return Engine(name, apply_changes(changes), base, kind, changes)


def apply_changes(changes: Iterable[str]) -> Semantics:
    """Return the semantics of mainline with exactly these changes, given in the order of their commits."""
    known = table()
    axes: dict[str, Any] = dict(known["root"])
    rows = known["changes"]
    for change in changes:
        axes.update(Change(*rows[change]).set)
    return Semantics(**axes)


def point_name(count: int) -> tuple[str, str]:
    """Return the name and the kind of the point of mainline just after its first `count` changes."""
    known = table()
    if not count:
        first, changes = next(iter(known["ends"].items()))
        return f"{first}~{changes}", "root"
    last = Change(*known["changes"][known["order"][count - 1]])
    if known["ends"][last.release] == count:
        return last.release, "release"
    return f"{last.release}@{last.id}", "commit"


def position(name: str) -> int:
    """Return how many changes of mainline lie before the point of that name."""
    count: int | None = table()["releases"].get(name)
    if count is None:
        from klpdsl.semantics.names import parse_position

        count = parse_position(name)
    return count


def canonical(name: str) -> str:
    """Return the name by which an engine is known to goldens: `v5.0` is the point `v4.19`, `baron` is `baron-v2`."""
    return resolve(name).name


def ancestors(engine: Engine | str) -> tuple[str, ...]:
    """Return the engines that this one descends from, nearest first: goldens look for the nearest that has one."""
    current = resolve(engine) if isinstance(engine, str) else engine
    if current.kind == "custom":
        return current.base, *ancestors(current.base)
    found = _ancestors.get(current.name)
    if found is None:
        if current.kind in {"release", "commit", "root"}:
            found = tuple(point_name(count)[0] for count in reversed(range(len(current.changes))))
        else:
            found = (current.base, *ancestors(current.base))
        _ancestors[current.name] = found
    return found


def points() -> tuple[str, ...]:
    """Return the mainline engines on which scenarios run unless they say otherwise, oldest first.

    These are the releases with a change that scenarios can show: the others give the traces of the one before.
    """
    known = table()
    changes = [Change(*known["changes"][name]) for name in known["order"]]
    shown = {change.release for change in changes if change.shown}
    return tuple(release for release in known["ends"] if release in shown)


def expand(spec: str) -> tuple[str, ...]:
    """Return the canonical names of what `--engine` may say: a name, `A..B`, several with commas, or a group.

    A range holds every release at which something changed, from the point that A stands for to the one that B
    stands for, and A and B themselves if they lie inside a release. The groups are `all` (mainline, as `points`),
    `proposals`, `mutants` and `systems`.
    """
    from klpdsl.semantics.names import expand_spec

    return expand_spec(spec)
