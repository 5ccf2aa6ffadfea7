"""Engines made by hand: a name with changes and axes added or taken away, and engine files."""

from __future__ import annotations

import os.path

from klpdsl._checkout import may_be_named, root_of
from klpdsl._reading import read_file
from klpdsl.semantics.checks import check_axes, check_requires, parse_set
from klpdsl.semantics.explain import origin
from klpdsl.semantics.named import resolve_named
from klpdsl.semantics.points import apply_changes
from klpdsl.semantics.records import Engine, EngineError, Setting
from klpdsl.semantics.spelling import hint, spell
from klpdsl.semantics.table import order, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from klpdsl.semantics.records import Value

_MAX_FILE = 100_000
_MAX_NESTING = 10
_SHAPES = {
    "base": "the name of an engine",
    "prose": "text",
    "with": "a list of changes",
    "without": "a list of changes",
    "set": "a table of axes",
}
_SUFFIX = ".toml"


def resolve_custom(
    name: str, sets: tuple[str, ...], added: tuple[str, ...], removed: tuple[str, ...], depth: int = 0
) -> Engine:
    """Return what `engines.resolve` promises for names and arguments that no data file has."""
    head, own_sets, own_added, own_removed = _split(name)
    base = _read(head, depth) if head.endswith(_SUFFIX) else resolve_named(head)
    pairs = dict(parse_set(text) for text in own_sets + sets)
    # What is asked for on top takes back what the name says: v5.1^no-stacking with no-stacking is v5.1.
    own_added = tuple(change for change in own_added if change not in removed)
    own_removed = tuple(change for change in own_removed if change not in added)
    return _alter(base, pairs, own_added + added, own_removed + removed, by="--set")


def _split(name: str) -> tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the head of a name, and what `+axis=value`, `+change` and `^change` behind it say."""
    start = name.rfind(_SUFFIX) + len(_SUFFIX) if _SUFFIX in name else 0
    places = [place for place in range(start, len(name)) if name[place] in "+^"]
    head = name[: places[0]] if places else name
    places = [place for place in places if not _inside_value(name, place)]
    sets: list[str] = []
    added: list[str] = []
    removed: list[str] = []
    for place, end in zip(places, [*places[1:], len(name)][: len(places)], strict=True):
        word = name[place + 1 : end]
        if name[place] == "^":
            removed.append(word)
        else:
            (sets if "=" in word else added).append(word)
    return head, tuple(sets), tuple(added), tuple(removed)


def _inside_value(name: str, place: int) -> bool:
    """Tell whether the plus sign there is part of a value, as in `nop_kobject=release+wait`."""
    axis, _, start = name[:place].rpartition("+")[2].partition("=")
    return any(
        isinstance(value, str)
        and value.startswith(f"{start}+")
        and name.startswith(value, place - len(start))
        for value in table()["allowed"].get(axis, ())
    )


def _alter(
    base: Engine,
    pairs: dict[str, Value],
    added: tuple[str, ...],
    removed: tuple[str, ...],
    *,
    by: str,
    name: str | None = None,
) -> Engine:
    """Return `base` with changes and axes altered, after all checks.

    Without `name` the engine is called after what really alters it; where nothing does, it is `base`.
    """
    for change in (*added, *removed):
        if change not in table()["changes"]:
            raise EngineError(f"there is no change `{change}`{hint(change, order())}")
    if both := sorted(set(added) & set(removed)):
        raise EngineError(f"{both[0]} can not be both with and without")
    wanted = (set(base.changes) | set(added)) - set(removed)
    changes = tuple(change for change in order() if change in wanted)
    without = tuple(c for c in order() if (c in base.changes or c in base.without) and c not in wanted)
    inherited: dict[str, Any] = {setting.axis: setting.value for setting in base.settings}
    semantics = apply_changes(changes)._replace(**inherited)
    if name is None:
        pairs = {axis: value for axis, value in pairs.items() if getattr(semantics, axis) != value}
        name = _name(base, changes, pairs)
    altered: dict[str, Any] = dict(pairs)
    in_order = ((axis, pairs[axis]) for axis in table()["allowed"] if axis in pairs)
    settings = (*base.settings, *(Setting(axis, value, by) for axis, value in in_order))
    if name == base.name:
        return base
    check_requires(changes, name)
    engine = Engine(name, semantics._replace(**altered), base.name, "custom", changes, settings, without)
    check_axes(engine.semantics, lambda axis: origin(engine, axis))
    return engine


def _name(base: Engine, changes: tuple[str, ...], pairs: dict[str, Value]) -> str:
    """Return the shortest name that resolves to these changes and axes on that base."""
    plus = "".join(f"+{change}" for change in changes if change not in base.changes)
    minus = "".join(f"^{change}" for change in base.changes if change not in changes)
    sets = "".join(f"+{axis}={spell(pairs[axis])}" for axis in table()["allowed"] if axis in pairs)
    return f"{base.name}{plus}{minus}{sets}"


# --- engine files ---------------------------------------------------------------------------------------------


def stays_inside(name: str, source: str) -> None:
    """Raise EngineError if the engine file of that name, named by the file `source`, is out of what it may name."""
    path, root = os.path.realpath(_split(name)[0]), root_of(source)
    if not may_be_named(path, root):
        raise EngineError(f"an engine file stays below {root}, and out of hidden folders")


def _read(path: str, depth: int) -> Engine:
    """Return the engine that a file describes: `base`, `prose`, `with`, `without`, and the table `set`."""
    if depth > _MAX_NESTING:
        raise EngineError(f"{path}: more than {_MAX_NESTING} engine files are based on one another")
    row = _content(path)
    base_name = _texts(path, row, "base", [row.get("base")])[0]
    added = _texts(path, row, "with", row.get("with", []))
    removed = _texts(path, row, "without", row.get("without", []))
    _texts(path, row, "prose", [row.get("prose", "")])
    axes = row.get("set", {})
    if not isinstance(axes, dict):
        raise EngineError(f"{path}: `set` must be a table of axes")
    try:
        if base_name.endswith(_SUFFIX):
            base_name = os.path.join(os.path.dirname(path), base_name)
            stays_inside(base_name, path)
        base = resolve_custom(base_name, (), (), (), depth + 1)
        pairs = dict(parse_set(f"{axis}={_word(value)}") for axis, value in axes.items())
        return _alter(base, pairs, added, removed, by=path, name=path)
    except EngineError as error:
        raise EngineError(f"{path}: {error}") from None


def _word(value: object) -> str:
    return spell(value) if isinstance(value, str | bool) else repr(value)


def _texts(path: str, row: dict[str, Any], key: str, values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        found = "missing" if key not in row else f"{row[key]!r}"
        raise EngineError(f"{path}: `{key}` must be {_SHAPES[key]}, and is {found}")
    return tuple(values)


def _content(path: str) -> dict[str, Any]:
    import tomllib

    try:
        row = tomllib.loads(read_file(path, _MAX_FILE).decode())
    except OSError as error:
        raise EngineError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, or nested too deep
        from klpdsl._shapes import why

        raise EngineError(f"{path}: {why(error)}") from None
    for key in row:
        if key not in _SHAPES:
            raise EngineError(
                f"{path}: there is no key `{key}`{hint(key, _SHAPES)}; it may have {', '.join(_SHAPES)}"
            )
    return row
