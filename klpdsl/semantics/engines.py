"""From names to engines: `resolve`, `expand`, and how engines descend from one another.

Names are `v4.14` (a mainline release; one that changed nothing stands for the newest before it that did), `mainline`
or `latest` (the newest), `v5.1~2` (two changes before the end of v5.1), `v5.1@atomic-replace`, `atomic-replace` or
`e1452b607c48` (just after that change or commit), a proposal (`baron-v2`), a distribution's kernel or a stable tree
(`debian-12`, `stable-6.1`), an alias (`baron`, `rhel-9`), and `./mine.toml`, an engine file. To each may be added
`+axis=value`, `+change` and `^change` (without it): that is how engines made by --set, --with and --without are called.
"""

from __future__ import annotations

from klpdsl.semantics.named import resolve_named
from klpdsl.semantics.points import point_name, points
from klpdsl.semantics.records import Engine, EngineError, Proposal
from klpdsl.semantics.table import distributions, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_GROUPS = {
    "proposals": "proposal",
    "mutants": "mutant",
    "systems": "system",
    "distributions": "distribution",
    "stable": "stable",
}
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
        # Only engines made by hand need the checks and what they say.
        from klpdsl.semantics.custom import resolve_custom

        return resolve_custom(name, sets, added, removed)
    engine = _resolved.get(name)
    if engine is None:
        engine = _resolved[name] = resolve_named(name)
    return engine


def is_engine(name: str) -> bool:
    """Tell whether there is an engine of that name."""
    try:
        resolve(name)
    except EngineError:
        return False
    return True


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


def expand(spec: str) -> tuple[str, ...]:
    """Return the canonical names of what `--engine` may say: a name, `A..B`, several with commas, or a group.

    A range holds every release at which something changed, from the point that A stands for to the one that B
    stands for, and A and B themselves if they lie inside a release. The groups are `all` (mainline, as `points`),
    `proposals`, `mutants`, `systems`, `distributions` and `stable`.
    """
    return tuple(asked_names(spec))


def asked_names(spec: str) -> dict[str, tuple[str, ...]]:
    """Return what `expand` returns, each with the names by which it was asked for: `v6.11` as `v6.12` and `v6.13`."""
    names: dict[str, tuple[str, ...]] = {}
    for part in spec.split(","):
        word = part.strip()
        if not word:
            raise EngineError(f"`{spec}` lacks an engine beside a comma")
        for name, asked in _asked(word):
            known = names.get(name, ())
            names[name] = known if asked in known else (*known, asked)
    return names


def _asked(word: str) -> list[tuple[str, str]]:
    # A path may hold two dots side by side; then it holds a slash too, or ends like an engine file.
    if ".." in word and "/" not in word and not word.endswith(".toml"):
        found = [(name, name) for name in _range(word)]
        first, _, last = (end.strip() for end in word.partition(".."))
        if last:
            found[-1] = found[-1][0], last
        if first:
            found[0] = found[0][0], first
        return found
    if word == "all":
        return [(name, name) for name in points()]
    if word in _GROUPS:
        return [(name, name) for name in _group(_GROUPS[word])]
    return [(canonical(word), word)]


def called(name: str, asked: Iterable[str]) -> str:
    """Return how to speak of an engine to who asked for it by these names: `v6.12 (= v6.11)`."""
    return ", ".join(one if one == name else f"{one} (= {name})" for one in asked) or name


def _group(kind: str) -> tuple[str, ...]:
    known = table()
    beside = [(one.id, one.kind) for one in (Proposal(*row) for row in known["proposals"].values())]
    run = [(one.id, one.kind) for one in distributions()]
    return tuple(name for name, is_of in (*beside, *run) if is_of == kind)


def _range(spec: str) -> tuple[str, ...]:
    first_name, _, last_name = (part.strip() for part in spec.partition(".."))
    ends = table()["ends"]
    first = range_end(first_name or next(iter(ends)), spec)
    last = range_end(last_name or list(ends)[-1], spec)
    if first > last:
        raise EngineError(
            f"{spec} is empty: {last_name} is older than {first_name}; write {last_name}..{first_name}"
        )
    inside = {count for count in ends.values() if first <= count <= last}
    return tuple(point_name(count)[0] for count in sorted(inside | {first, last}))


def range_end(name: str, spec: str) -> int:
    """Return the place of a range's end in mainline's history, or say that it has none."""
    engine = resolve(name)
    if engine.kind not in {"release", "commit", "root"}:
        raise EngineError(f"{spec}: a range runs along mainline, and {name} is not part of it")
    return len(engine.changes)
