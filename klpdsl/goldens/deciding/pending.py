"""Pending changes: what a check has found and nobody has decided yet, one file per scenario below `.klpdsl/pending/`.

A record knows the goldens that the check saw, so that they are not overwritten when they have become others, and the
scenario it ran. It holds whole traces: what is accepted is what was shown. Decisions of a review lie beside the
records, by class, and are saved one by one.
"""

from __future__ import annotations

import json
import os

from klpdsl.goldens.checking.classes import At, Class, Member, group, member_of
from klpdsl.goldens.checking.findings import ScenarioReport
from klpdsl.goldens.runs.cases import code_digest
from klpdsl.goldens.storage import store, writes
from klpdsl.goldens.suite import Suite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, NamedTuple

    from klpdsl.goldens.causes.why import Cause
else:
    from klpdsl._records import NamedTuple

VERSION = 1
PENDING = "pending"
DECISIONS = "decisions.json"
SCRATCH = "new"


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


def folder(suite: Suite) -> str:
    """Where the records lie."""
    return os.path.join(suite.state, PENDING)


def path_of(suite: Suite, name: str) -> str:
    """The file of a scenario's record."""
    return os.path.join(folder(suite), *name.split("/")) + ".json"


def scratch(suite: Suite) -> str:
    """Where files are written before they are renamed to their place."""
    return os.path.join(suite.state, SCRATCH)


def prepare(suite: Suite) -> None:
    """The state folder, which tells git by itself to ignore it."""
    writes.make_folder(suite.state)
    ignore = os.path.join(suite.state, ".gitignore")
    if not os.path.exists(ignore):
        writes.write(ignore, b"*\n", scratch(suite))


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


def from_json(row: dict[str, Any]) -> Record:
    """A record back from plain values. Raises ValueError where they are none."""
    from klpdsl.goldens.causes.why import Cause

    try:
        if row["version"] != VERSION:
            raise ValueError(f"version {row['version']}, and this klpdsl knows {VERSION}")
        texts = row["texts"]
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
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"not a pending change: {error!r}") from error


# --- on the disk ----------------------------------------------------------------------------------------------


def leave(suite: Suite, reports: Iterable[ScenarioReport]) -> None:
    """Make the pending changes of the scenarios that were checked what the check has found.

    Where the tree cannot be written, nothing is pending, and nobody minds: a read-only tree can be checked.
    """
    try:
        old = set(names(suite))
        for report in reports:
            record = record_of(report) if report.cases else None
            if not report.complete and report.name in old:
                # A look at some engines says nothing about what a whole check has left.
                continue
            if record:
                prepare(suite)
                write(suite, record)
            elif report.name in old and not report.error:
                drop(suite, report.name)
    except OSError:
        return


def write(suite: Suite, record: Record) -> None:
    """Store a record in place of the scenario's earlier one."""
    data = json.dumps(to_json(record), ensure_ascii=False, indent=1).encode("utf-8", "surrogateescape")
    writes.write(path_of(suite, record.scenario), data, scratch(suite))


def drop(suite: Suite, name: str) -> None:
    """Forget what is pending for a scenario."""
    path = path_of(suite, name)
    if os.path.exists(path):
        writes.remove(path)
        writes.remove_empty_folders(os.path.dirname(path), folder(suite))


def names(suite: Suite) -> list[str]:
    """The scenarios with pending changes, sorted."""
    found = []
    top = folder(suite)
    for base, _, listed in os.walk(top):
        for name in listed:
            if name.endswith(".json"):
                path = os.path.relpath(os.path.join(base, name), top)
                found.append(path.removesuffix(".json").replace(os.sep, "/"))
    return sorted(found)


def read(suite: Suite, name: str) -> Record | None:
    """A scenario's record; None when there is none that can be read (a check makes it anew)."""
    try:
        with open(path_of(suite, name), encoding="utf-8", errors="surrogateescape") as file:
            return from_json(json.load(file))
    except (OSError, ValueError):
        return None


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
    """The decisions that were made and not carried out yet, by class."""
    try:
        with open(os.path.join(suite.state, DECISIONS), encoding="utf-8") as file:
            return {id_: Decision(*row) for id_, row in json.load(file).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def decide(suite: Suite, made: dict[str, Decision]) -> None:
    """Save all decisions."""
    prepare(suite)
    path = os.path.join(suite.state, DECISIONS)
    if made:
        writes.write(path, json.dumps(made, indent=1).encode(), scratch(suite))
    else:
        writes.remove(path)


def iterate(suite: Suite, wanted: Iterable[str]) -> Iterator[Record]:
    """The records of these scenarios."""
    for name in wanted:
        record = read(suite, name)
        if record:
            yield record
