"""From the data files to the table that names are looked up in. Slow, thorough, and done once: the result is cached."""

from __future__ import annotations

import inspect
import re
import tomllib
import typing
from typing import Any, Literal, TypeAlias, get_args

from klpdsl._shapes import ShapeError, check, why
from klpdsl.semantics.axes import Semantics
from klpdsl.semantics.records import Change, Debate, Distribution, EngineError, Proposal, Question

if typing.TYPE_CHECKING:
    from klpdsl.semantics.records import Value

Table: TypeAlias = dict[str, Any]

_EVIDENCE = ("read", "read; release inferred", "subject and date read", "trees compared", "from memory")
_GRADES = ("patch read", "patch and discussion read", "discussion read", "quoted")
_KINDS = ("proposal", "mutant", "system")
_RUN = ("distribution", "stable")
_TREE_GRADES = ("read", "rebuild read", "inferred")


def allowed_values() -> dict[str, tuple[Value, ...]]:
    """Return what each axis may be, as the types in axes.py say it."""
    # Not of Semantics itself: its run-time base has annotations that name what is imported for type checkers only.
    fields = type("_Fields", (), {"__annotations__": Semantics.__annotations__})
    hints = typing.get_type_hints(fields, localns={"Literal": Literal})
    return {axis: (False, True) if hint is bool else get_args(hint) for axis, hint in hints.items()}


def meanings() -> dict[str, str]:
    """Return what the comments in axes.py say of each axis; one comment may be about several fields below it."""
    found: dict[str, str] = {}
    text: list[str] = []
    fresh = True
    for line in inspect.getsource(Semantics).splitlines():
        said = line.strip()
        field = said.partition(":")[0]
        if said.startswith("# ---"):
            text, fresh = [], True
        elif said.startswith("# "):
            text = [] if fresh else text
            text.append(said.removeprefix("# "))
            fresh = False
        elif field in Semantics._fields:
            found[field] = " ".join(text)
            fresh = True
        elif not said:
            text = []
    return found


def build(mainline: str, proposals: str, distributions: str, debates: str) -> Table:
    """Check the texts of the data files and return all that names are resolved with, as plain values."""
    allowed = allowed_values()
    history = _parse("mainline.toml", mainline)
    beside = _parse("proposals.toml", proposals)
    run = _parse("distributions.toml", distributions)
    living = _parse("debates.toml", debates)
    for name in history["releases"]["last"] or [""]:
        if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]{1,3}", name):
            raise EngineError(f"mainline.toml: releases.last holds releases, as v6.12, and not {name!r}")
    newest = history["releases"]["last"][-1]
    table: Table = {
        "allowed": allowed,
        "meanings": meanings(),
        "releases": {},
        "root": _pairs("mainline.toml: root", history["root"]["set"], allowed),
        "last": tuple(history["releases"]["last"]),
        "order": (),
        "changes": {},
        "ends": {},
        "proposals": {},
        "distributions": {},
        "debates": {},
        # The newest release is called so whichever it is.
        "aliases": {
            "mainline": newest,
            "latest": newest,
            **beside.get("aliases", {}),
            **run.get("aliases", {}),
        },
        "unread": dict(run.get("unread", {})),
    }
    for row in history["change"]:
        _add_change(table, row, allowed)
    table["releases"] = _releases(table["ends"], table["last"])
    for row in beside.get("engine", []):
        _add_proposal("proposals.toml", table, row, allowed)
    for row in run.get("engine", []):
        _add_distribution(table, row)
    for row in living.get("debate", []):
        _add_debate(table, row)
    for row in living.get("engine", []):
        _add_proposal("debates.toml", table, row, allowed)
    for alias, target in table["aliases"].items():
        taken = (table["proposals"], table["changes"], table["distributions"])
        if type(target) is not str or any(alias in names for names in taken):
            raise EngineError(f"the alias {alias} must be a text, and no engine's name")
    return table


#: What stands at the top of each file; `_take` looks at what is in the rows.
_ENGINE: dict[str, Any] = {"engine?": [dict]}
_NAMES: dict[Any, Any] = {str: str}
_SHAPES: dict[str, dict[str, Any]] = {
    "mainline.toml": {"releases": {"last": [str]}, "root": {"set": dict}, "change": [dict]},
    "proposals.toml": {**_ENGINE, "aliases?": _NAMES},
    "distributions.toml": {**_ENGINE, "aliases?": _NAMES, "unread?": _NAMES},
    "debates.toml": {**_ENGINE, "debate?": [dict]},
}


def _parse(name: str, text: str) -> dict[str, Any]:
    try:
        found = tomllib.loads(text)
        check(found, _SHAPES[name])
        return found
    except (ValueError, RecursionError) as error:
        raise EngineError(f"{name}: {why(error)}") from None


#: The fields of records, by what their annotations say.
_FIELDS: dict[str, Any] = {"str": str, "bool": bool, "tuple[str, ...]": [str]}


def _take(
    where: str,
    row: dict[str, Any],
    record: type[Change | Proposal | Distribution | Debate | Question],
    **defaults: Any,
) -> list[Any]:
    """Return the row's values in the order of the record's fields, or refuse what is missing or unknown."""
    unknown = sorted(set(row) - set(record._fields))
    missing = sorted(set(record._fields) - set(row) - set(defaults))
    if unknown or missing:
        raise EngineError(
            f"{where}: unknown {', '.join(unknown) or '-'}; missing {', '.join(missing) or '-'}"
        )
    for field, value in row.items():
        shape = _FIELDS.get(record.__annotations__[field])
        if shape is not None:
            _fits(where, value, shape, field)
    values = [row.get(field, defaults.get(field)) for field in record._fields]
    return [tuple(value) if isinstance(value, list) else value for value in values]


def _fits(where: str, value: object, shape: Any, field: str) -> None:
    try:
        check(value, shape, field)
    except ShapeError as error:
        raise EngineError(f"{where}: {error}") from None


def _pairs(
    where: str, axes: dict[str, Value], allowed: dict[str, tuple[Value, ...]]
) -> tuple[tuple[str, Value], ...]:
    if not isinstance(axes, dict):
        raise EngineError(f"{where}: `set` should be a table of axes, and is {axes!r}")
    for axis, value in axes.items():
        if axis not in allowed:
            raise EngineError(f"{where}: there is no axis {axis}")
        if not any(value is one or (type(value) is str and value == one) for one in allowed[axis]):
            raise EngineError(f"{where}: {axis} can not be {value!r}, only {allowed[axis]}")
    return tuple(axes.items())


def _add_change(table: Table, row: dict[str, Any], allowed: dict[str, tuple[Value, ...]]) -> None:
    where = f"mainline.toml: change {row.get('id', '?')}"
    row = {**row, "set": _pairs(where, row.get("set", {}), allowed)}
    values = _take(where, row, Change, trees=(), confirmed=(), shown=True, why="")
    change = Change(*values)
    if change.id in table["changes"]:
        raise EngineError(f"{where}: there are two of that id")
    if change.evidence not in _EVIDENCE:
        raise EngineError(f"{where}: evidence is one of {_EVIDENCE}, not {change.evidence!r}")
    if change.shown == bool(change.why):
        raise EngineError(f"{where}: `why` is for changes that are not shown, and only for them")
    for needed in (name for group in change.requires for name in group.split("|")):
        if needed not in table["changes"]:
            raise EngineError(f"{where}: it needs {needed}, which is no earlier change")
    table["changes"][change.id] = tuple(change)
    table["order"] = (*table["order"], change.id)
    # Releases stand in the order of the history: a later one never before an earlier one.
    if change.release in table["ends"] and change.release != list(table["ends"])[-1]:
        raise EngineError(f"{where}: {change.release} stands in two places")
    table["ends"][change.release] = len(table["order"])


def _releases(ends: dict[str, int], last: tuple[str, ...]) -> dict[str, int]:
    """Return for every mainline release how many changes it has: as many as the newest before it that has its own."""
    counts: dict[str, int] = {}
    count = 0
    for major, newest in (map(int, name[1:].split(".")) for name in last):
        for minor in range(newest + 1):
            name = f"v{major}.{minor}"
            counts[name] = count = ends.get(name, count)
    if unknown := sorted(set(ends) - set(counts)):
        raise EngineError(f"mainline.toml: {unknown[0]} is no release up to {last[-1]}")
    return counts


def _add_debate(table: Table, row: dict[str, Any]) -> None:
    where = f"debates.toml: debate {row.get('id', '?')}"
    _fits(where, row.get("question", []), [dict], "question")
    asked = tuple(tuple(_take(where, one, Question)) for one in row.get("question", []))
    debate = Debate(*_take(where, {**row, "question": asked}, Debate))
    if debate.id in table["debates"]:
        raise EngineError(f"{where}: there are two of that id")
    table["debates"][debate.id] = tuple(debate)


def _add_proposal(
    file: str, table: Table, row: dict[str, Any], allowed: dict[str, tuple[Value, ...]]
) -> None:
    where = f"{file}: engine {row.get('id', '?')}"
    row = {**row, "set": _pairs(where, row.get("set", {}), allowed)}
    optional: dict[str, Any] = {"kind": "proposal", "base_why": "", "inferred": (), "caught": ()}
    proposal = Proposal(*_take(where, row, Proposal, **optional, debate="", status="", grade=""))
    if file == "debates.toml" and proposal.debate not in table["debates"]:
        raise EngineError(f"{where}: there is no debate {proposal.debate!r}")
    if (proposal.grade in _GRADES) != bool(proposal.debate) or bool(proposal.status) != bool(proposal.debate):
        raise EngineError(f"{where}: an engine of a debate has a status, and a grade out of {_GRADES}")
    if proposal.id in table["proposals"]:
        raise EngineError(f"{where}: there are two of that id")
    if proposal.kind not in _KINDS:
        raise EngineError(f"{where}: kind is one of {_KINDS}, not {proposal.kind!r}")
    if (proposal.kind == "mutant") != bool(proposal.caught):
        raise EngineError(f"{where}: `caught` says what catches a mutant, and only a mutant has it")
    table["proposals"][proposal.id] = tuple(proposal)


def _add_distribution(table: Table, row: dict[str, Any]) -> None:
    where = f"distributions.toml: engine {row.get('id', '?')}"
    one = Distribution(*_take(where, row, Distribution, lacks=(), note=""))
    if one.id in table["distributions"] or one.id in table["proposals"] or one.id in table["changes"]:
        raise EngineError(f"{where}: there are two of that id")
    if one.kind not in _RUN or one.grade not in _TREE_GRADES:
        raise EngineError(f"{where}: kind is one of {_RUN} and grade one of {_TREE_GRADES}")
    if one.base not in table["releases"]:
        raise EngineError(f"{where}: its base is no release: {one.base}")
    has = table["order"][: table["releases"][one.base]]
    for name in (*one.carries, *one.lacks):
        if name not in table["changes"]:
            raise EngineError(f"{where}: there is no change {name}")
        if (name in has) != (name in one.lacks):
            raise EngineError(f"{where}: {one.base} {'has' if name in has else 'does not have'} {name}")
    table["distributions"][one.id] = tuple(one)
