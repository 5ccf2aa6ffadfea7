"""From pending changes to a plan: which files an accept writes, what it refuses and why, what the journal says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from klpdsl.goldens.causes.why import Cause
from klpdsl.goldens.checking.classes import Class, Member
from klpdsl.goldens.deciding import pending
from klpdsl.goldens.deciding.pending import Record
from klpdsl.goldens.deciding.transaction import Operation, Plan
from klpdsl.goldens.runs.cases import code_digest, inputs, inputs_digest
from klpdsl.goldens.storage import journal, store
from klpdsl.goldens.suite import Suite


class Choice(NamedTuple):
    """What is to be accepted: these classes (all of them: None), for these reasons.

    `reasons` has a reason for each class; the one under the empty name is for all that have none of their own.
    """

    classes: Collection[str] | None
    reasons: Mapping[str, str]
    violations: bool = False

    def takes(self, class_id: str) -> bool:
        """Whether the class is to be accepted."""
        return self.classes is None or class_id in self.classes

    def reason(self, class_id: str) -> str:
        """The reason for accepting the class; empty when there is none."""
        return self.reasons.get(class_id) or self.reasons.get("", "")


class Accepted(NamedTuple):
    """A plan, and what was refused: sentences, each about one scenario. `want_reason` are classes that lack one."""

    plan: Plan
    refused: tuple[str, ...]
    want_reason: tuple[Class, ...]


def fresh(suite: Suite, record: Record) -> bool:
    """Whether the scenario and klpdsl are still what the record's check ran."""
    contents = inputs(suite, record.scenario)
    return record.inputs == inputs_digest(contents) and record.code == code_digest()


def plan(suite: Suite, records: Iterable[Record], choice: Choice) -> Accepted:
    """What accepting the chosen classes of these records means."""
    records = list(records)
    want = tuple(
        one
        for one in pending.classes(records)
        if one.alters and choice.takes(one.id) and not choice.reason(one.id)
    )
    lacking = {one.id for one in want}
    operations: list[Operation] = []
    done: list[str] = []
    left: list[Record] = []
    refused: list[str] = []
    altered: dict[str, tuple[Cause, str, list[Operation]]] = {}
    for record in records:
        chosen = {e[3].engine: e for e in record.entries if choice.takes(e[0])}
        if not chosen:
            continue
        problem = _problem(suite, record, choice)
        if problem:
            refused.append(f"{record.scenario}: not accepted, {problem}")
            continue
        if any(entry[0] in lacking for entry in chosen.values()):
            continue
        found, rest = _layout(suite, record, {engine: entry[3] for engine, entry in chosen.items()})
        operations += found
        if rest:
            left.append(rest)
        else:
            done.append(record.scenario)
        for operation in found:
            _attribute(altered, record, chosen, operation)
    operations += _journal(suite, altered, choice)
    remaining = {entry[0] for record in left for entry in record.entries}
    taken = {e[0] for record in records for e in record.entries if choice.takes(e[0])}
    decided = tuple(sorted(taken - remaining - lacking))
    return Accepted(Plan(tuple(operations), tuple(done), tuple(left), decided), tuple(refused), want)


def _problem(suite: Suite, record: Record, choice: Choice) -> str:
    """Why nothing of this scenario can be accepted; empty when it can."""
    if record.blocked:
        more = f" (and {len(record.blocked) - 1} more)" if len(record.blocked) > 1 else ""
        return f"its author's intent does not hold on {record.blocked[0]}{more}"
    if record.violations and not choice.violations:
        more = f" (and {len(record.violations) - 1} more)" if len(record.violations) > 1 else ""
        return (
            f"a property is violated that nobody expects, on {record.violations[0]}{more}; "
            "write `expect violation`, or accept it --with-violations"
        )
    if not record.complete:
        return "the check ran some of its engines only; run klpdsl check on all of them"
    moved = pending.moved(suite, record)
    if moved:
        return (
            f"since the check somebody has changed {', '.join(moved)}; run klpdsl check, and look at it again"
        )
    return ""


def _layout(
    suite: Suite, record: Record, chosen: Mapping[str, Member]
) -> tuple[list[Operation], Record | None]:
    """The files that change when the chosen engines get their new traces, and what stays pending."""
    now = {
        engine: content.decode("utf-8", "surrogateescape")
        for engine, content in store.read_bytes(suite, record.scenario).items()
    }
    traces = store.effective(now, record.engines)
    traces.update({engine: member.text for engine, member in chosen.items()})
    files = store.needed(traces)
    operations = operations_for(suite, record.scenario, now, files)
    rest = tuple(entry for entry in record.entries if entry[3].engine not in chosen)
    if not rest:
        return operations, None
    base = {
        engine: store.fingerprint(text.encode("utf-8", "surrogateescape")) for engine, text in files.items()
    }
    renewed = tuple(
        (*entry[:3], entry[3]._replace(golden_engine=store.nearest(files, entry[3].engine))) for entry in rest
    )
    return operations, record._replace(base=base, entries=renewed)


def operations_for(
    suite: Suite, name: str, now: Mapping[str, str], files: Mapping[str, str]
) -> list[Operation]:
    """What turns a scenario's golden files into others."""
    operations = []
    for engine in sorted({*now, *files}):
        old, new = now.get(engine), files.get(engine)
        if old != new:
            fingerprint = "" if old is None else store.fingerprint(old.encode("utf-8", "surrogateescape"))
            path = suite.relative(store.path_of(suite, name, engine))
            operations.append(Operation(path, new, fingerprint))
    return operations


def _attribute(
    altered: dict[str, tuple[Cause, str, list[Operation]]],
    record: Record,
    chosen: Mapping[str, tuple[str, Cause, str, Member]],
    operation: Operation,
) -> None:
    """Put an operation under the class that brings it; one that only moves a text, under the first that there is."""
    engine = store.engine_of(operation.path.rpartition("/")[2])
    entry = chosen.get(engine) or next(
        (one for one in chosen.values() if one[3].golden is not None), next(iter(chosen.values()))
    )
    if any(one[3].golden is not None for one in record.entries if one[0] == entry[0]):
        altered.setdefault(entry[0], (entry[1], entry[2], []))[2].append(operation)


def _journal(
    suite: Suite, altered: Mapping[str, tuple[Cause, str, list[Operation]]], choice: Choice
) -> list[Operation]:
    operations = []
    for class_id, (cause, form, found) in sorted(altered.items()):
        files = tuple(
            journal.ChangedGolden(
                one.path,
                "" if one.new is None else store.fingerprint(one.new.encode("utf-8", "surrogateescape")),
            )
            for one in found
        )
        entry = journal.JournalEntry(
            journal.today(),
            choice.reason(class_id),
            class_id,
            cause.label,
            form,
            cause.change,
            cause.axes,
            cause.function,
            files,
        )
        operations.append(Operation(suite.relative(journal.path_of(suite, entry)), entry.text(), ""))
    return operations


def tidy(suite: Suite, name: str, engines: Collection[str]) -> list[Operation]:
    """What brings a scenario's files into the canonical layout without changing what they say for any engine."""
    now = {
        engine: content.decode("utf-8", "surrogateescape")
        for engine, content in store.read_bytes(suite, name).items()
    }
    return operations_for(suite, name, now, store.needed(store.effective(now, engines)))
