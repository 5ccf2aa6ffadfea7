"""Pending changes: what a check has found and nobody has decided yet, one file per scenario below `.klpdsl/pending/`.

A record knows the goldens that the check saw, so that they are not overwritten when they have become others, and the
scenario it ran. It holds whole traces: what is accepted is what was shown. Decisions of a review lie beside the
records, by class, and are saved one by one.
"""

from __future__ import annotations

import json

from klpdsl._shapes import Escaped, check
from klpdsl.goldens.checking.classes import At, Class, Member, group, member_of
from klpdsl.goldens.checking.findings import ScenarioReport
from klpdsl.goldens.runs.cases import code_digest
from klpdsl.goldens.storage import sealed, store, writes
from klpdsl.goldens.suite import STATE, Suite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, NamedTuple

    from klpdsl.goldens.causes.why import Cause
else:
    from klpdsl._records import NamedTuple

VERSION = 1
PENDING = f"{STATE}/pending"
DECISIONS = f"{STATE}/decisions.json"

_CAUSE = {**dict.fromkeys(("kind", "label", "text", "change", "function", "where"), str), "axes": [str]}
_AT = {
    **dict.fromkeys(("kind", "statement", "old", "new"), str),
    **dict.fromkeys(("step", "line", "here", "later"), int),
}
_CASE = {
    **dict.fromkeys(("class", "engine", "golden_engine", "cause_text"), str),
    "golden": (int, None),
    "text": int,
    "at": (_AT, None),
    "blocked": [str],
    "violations": [str],
}
_SHAPE = {
    "version": int,
    "scenario": Escaped,
    **dict.fromkeys(("inputs", "code"), str),
    "complete": bool,
    **{key: [str] for key in ("engines", "blocked", "violations")},
    "texts": [Escaped],
    "base": {Escaped: str},
    "classes": {str: {"cause": _CAUSE, "shape": str}},
    "cases": [_CASE],
}
"""A record as JSON."""


class Record(NamedTuple):
    """The pending changes of one scenario.

    `engines` are all that it is meant for, `base` the fingerprint of each golden file as the check saw it. A run of
    some engines only is not `complete`. `entries` are the differences, each with its class. `blocked` and `violations`
    are those of every engine, also where the golden agrees: what the author did not mean is accepted nowhere.
    """

    scenario: str
    inputs: str
    code: str
    complete: bool
    engines: tuple[str, ...]
    base: dict[str, str]
    blocked: tuple[str, ...]
    violations: tuple[str, ...]
    entries: tuple[tuple[str, Cause, str, Member], ...]


def path_of(name: str) -> str:
    """The file of a scenario's record, from the suite's folder."""
    return f"{PENDING}/{name}.json"


def record_of(report: ScenarioReport) -> Record | None:
    """What a report leaves pending; None when nothing in it is to be accepted."""
    entries = tuple(
        (case.why.class_id, case.why.cause, case.why.shape, member_of(report, index))
        for index, case in enumerate(report.cases)
        if case.why is not None
    )
    if not entries:
        return None
    return Record(
        report.name,
        report.inputs,
        code_digest(),
        report.complete,
        report.engines,
        dict(report.base),
        tuple(f"{case.engine}: {text}" for case in report.cases for text in case.run.broken),
        tuple(f"{case.engine}: {name}" for case in report.cases for name in case.surprising),
        entries,
    )


# --- as JSON --------------------------------------------------------------------------------------------------


def to_json(record: Record) -> dict[str, Any]:
    """A record as plain values; each text stands in it once."""
    texts: dict[str, int] = {}
    classes: dict[str, Any] = {}
    cases = []
    for class_id, cause, form, member in record.entries:
        classes[class_id] = {"cause": cause._asdict(), "shape": form}
        plain = member._asdict()
        for key in ("golden", "text"):
            text = plain[key]
            plain[key] = None if text is None else texts.setdefault(text, len(texts))
        plain["at"] = member.at._asdict() if member.at else None
        del plain["scenario"]
        cases.append({"class": class_id, **plain})
    head = {key: value for key, value in record._asdict().items() if key != "entries"}
    return {"version": VERSION, **head, "classes": classes, "texts": list(texts), "cases": cases}


def from_json(row: Any) -> Record:
    """A record back from plain values. Raises ValueError where they are none."""
    from klpdsl.goldens.causes.why import Cause

    try:
        if isinstance(row, dict) and row.get("version", VERSION) != VERSION:
            raise ValueError(f"version {row['version']}, and this klpdsl knows {VERSION}")
        check(row, _SHAPE)
        texts = dict(enumerate(row["texts"]))
        classes = {
            id_: (Cause(**{**one["cause"], "axes": tuple(one["cause"]["axes"])}), one["shape"])
            for id_, one in row["classes"].items()
        }
        entries = []
        for plain in row["cases"]:
            case = dict(plain)
            class_id = case.pop("class")
            for key in ("golden", "text"):
                case[key] = None if case[key] is None else texts[case[key]]
            case["at"] = At(**case["at"]) if case["at"] else None
            case["blocked"], case["violations"] = tuple(case["blocked"]), tuple(case["violations"])
            entries.append((class_id, *classes[class_id], Member(scenario=row["scenario"], **case)))
        head = {key: row[key] for key in Record._fields if key != "entries"}
        for key in ("engines", "blocked", "violations"):
            head[key] = tuple(head[key])
        return Record(**head, entries=tuple(entries))
    except KeyError as error:
        raise ValueError(f"not a pending change: there is no class or text {error}") from error


# --- on the disk ----------------------------------------------------------------------------------------------


class Renewal(NamedTuple):
    """What a check changes in what is pending: a scenario, and its record (None: nothing is pending any more)."""

    name: str
    record: Record | None


def changes(suite: Suite, reports: Iterable[ScenarioReport]) -> list[Renewal]:
    """What the scenarios that were checked leave pending, where that is not as it was. Raises OSError."""
    old = set(names(suite))
    found = []
    for report in reports:
        if not report.complete and report.name in old:
            # A look at some engines says nothing about what a whole check has left.
            continue
        record = record_of(report) if report.cases else None
        if record or (report.name in old and not report.error):
            found.append(Renewal(report.name, record))
    return found


def make(suite: Suite, made: Iterable[Renewal]) -> None:
    """Carry changes out. The lock is held. Raises OSError."""
    for change in made:
        if change.record:
            write(suite, change.record)
        else:
            drop(suite, change.name)


def write(suite: Suite, record: Record) -> None:
    """Store a record in place of the scenario's earlier one."""
    data = json.dumps(to_json(record), ensure_ascii=False, indent=1).encode("utf-8", "surrogateescape")
    sealed.write(suite, path_of(record.scenario), data)


def drop(suite: Suite, name: str) -> None:
    """Forget what is pending for a scenario."""
    path = path_of(name)
    writes.remove(suite, path)
    folder = path.rpartition("/")[0]
    if folder != PENDING:
        writes.remove_empty_folders(suite, folder)


def names(suite: Suite) -> list[str]:
    """The scenarios with pending changes, sorted. Raises OSError."""
    return [one.removesuffix(".json") for one in writes.names_below(suite, PENDING) if one.endswith(".json")]


def read(suite: Suite, name: str) -> Record | None:
    """A scenario's record; None when there is none that counts (a check makes it anew). Raises OSError."""
    try:
        data = sealed.read(suite, path_of(name))
        if data is None:
            return None
        record = from_json(json.loads(data.decode("utf-8", "surrogateescape")))
    except (ValueError, RecursionError):
        return None
    return record if record.scenario == name else None


def classes(records: Iterable[Record]) -> tuple[Class, ...]:
    """The classes of all pending changes."""
    return group(entry for record in records for entry in record.entries)


def moved(suite: Suite, record: Record) -> list[str]:
    """The golden files that are not any more what the record saw, as paths from the suite's folder."""
    now = {e: store.fingerprint(content) for e, content in store.read_bytes(suite, record.scenario).items()}
    differing = [engine for engine in {**now, **record.base} if now.get(engine) != record.base.get(engine)]
    return [suite.relative(store.path_of(suite, record.scenario, engine)) for engine in sorted(differing)]


# --- decisions ------------------------------------------------------------------------------------------------


class Decision(NamedTuple):
    """What a reviewer said of a class: `accept`, `reject` or `skip`, and the reason."""

    verdict: str
    reason: str = ""


def decisions(suite: Suite) -> dict[str, Decision]:
    """The decisions that were made here and not carried out yet, by class. Raises OSError."""
    try:
        data = sealed.read(suite, DECISIONS)
        rows = {} if data is None else json.loads(data)
        check(rows, {str: [str]})
        return {id_: Decision(*row) for id_, row in rows.items() if len(row) == 2}
    except (ValueError, RecursionError):
        return {}


def decide(suite: Suite, made: dict[str, Decision]) -> None:
    """Save all decisions."""
    if made:
        sealed.write(suite, DECISIONS, json.dumps(made, indent=1).encode())
    else:
        writes.remove(suite, DECISIONS)


def iterate(suite: Suite, wanted: Iterable[str]) -> Iterator[Record]:
    """The records of these scenarios."""
    for name in wanted:
        record = read(suite, name)
        if record:
            yield record
