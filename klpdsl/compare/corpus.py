"""Many scenarios on a base and on engines beside it: which of them differ, and in how many ways.

A way is what a class of differences is for `klpdsl check`: one cause in the semantics and one shape in the trace.
The first engine is the base, and each other one is held against it.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from klpdsl._errors import KlpdslError
from klpdsl._workers import in_processes
from klpdsl.goldens.causes.why import Why, between
from klpdsl.goldens.checking.classes import Class, Member, at, group
from klpdsl.goldens.runs.cases import intent
from klpdsl.goldens.suite import COMMON, SUFFIX, below
from klpdsl.run.session import execute, load_file
from klpdsl.syntax.diagnostics import ScenarioError
from klpdsl.trace.events import Trace, Violation
from klpdsl.trace.text import to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

#: Scenarios from which more than one process is worth its start.
_WORTH = 8


class NoFileError(KlpdslError):
    """A scenario or folder that was named is not there, or a folder has none."""


class Apart(NamedTuple):
    """One scenario that differs on an engine from what it gives on the base.

    `ends` are the steps that end otherwise, each as (the result on the base, the result on the engine). `broken` are
    expectations that fail there and not on the base, `violations` properties that are violated there alone, `cured`
    those that are violated on the base alone.
    """

    member: Member
    why: Why
    ends: tuple[tuple[str, str], ...]
    broken: tuple[str, ...]
    violations: tuple[str, ...]
    cured: tuple[str, ...]


class FileOutcome(NamedTuple):
    """What came of one file: what differs, by engine; or `error`, the report on a scenario that cannot run."""

    file: str
    differences: tuple[Apart, ...]
    error: str = ""


class Against(NamedTuple):
    """One engine held against the base: the ways in which scenarios differ, and those of which none does."""

    engine: str
    ways: tuple[Class, ...]
    differences: tuple[Apart, ...]
    same: int

    @property
    def scenarios(self) -> tuple[str, ...]:
        """The files that differ, sorted."""
        return tuple(sorted({one.member.scenario for one in self.differences}))

    def of(self, way: Class) -> tuple[Apart, ...]:
        """The differences of one way."""
        return tuple(one for one in self.differences if one.why.class_id == way.id)


class Corpus(NamedTuple):
    """A finished comparison: the base, each other engine, how many scenarios ran, and reports on those that cannot."""

    base: str
    against: tuple[Against, ...]
    ran: int
    errors: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether any scenario differs on any engine."""
        return any(one.differences for one in self.against)


def files_of(paths: Iterable[str]) -> list[str]:
    """The scenarios at and below the paths, once each, sorted within a folder. Files that others import are left out.

    Raises NoFileError for what is not there and for a folder without scenarios.
    """
    found: dict[str, None] = {}
    for path in paths:
        if os.path.isdir(path):
            inside = sorted(file for file in below(path, skip=COMMON) if file.endswith(SUFFIX))
            if not inside:
                raise NoFileError(f"{path}: no scenario is in this folder")
            found.update(dict.fromkeys(map(os.path.normpath, inside)))
        elif os.path.exists(path):
            found[path] = None
        else:
            raise NoFileError(f"{path}: there is no such file or folder")
    return list(found)


def compare_all(
    files: Sequence[str], engines: Sequence[str], jobs: int, tell: Callable[[int], None] | None = None
) -> Corpus:
    """Run the scenarios on all the engines, and hold each engine but the first against the first.

    `tell` hears how many are done.
    """
    outcomes: list[FileOutcome] = []
    for outcome in _outcomes(files, tuple(engines), jobs):
        outcomes.append(outcome)
        if tell:
            tell(len(outcomes))
    ran = sum(not one.error for one in outcomes)
    differences = [found for one in outcomes for found in one.differences]
    return Corpus(
        engines[0],
        tuple(_against(engine, differences, ran) for engine in engines[1:]),
        ran,
        tuple(one.error for one in outcomes if one.error),
    )


def _against(engine: str, differences: Iterable[Apart], ran: int) -> Against:
    own = tuple(one for one in differences if one.member.engine == engine)
    ways = group((one.why.class_id, one.why.cause, one.why.shape, one.member) for one in own)
    return Against(engine, ways, own, ran - len(own))


def _outcomes(files: Sequence[str], engines: tuple[str, ...], jobs: int) -> Iterator[FileOutcome]:
    calls = [(file, engines) for file in files]
    if min(jobs, len(files) // _WORTH) > 1:
        yield from in_processes(jobs, compare_one, calls)
    else:
        yield from (compare_one(*call) for call in calls)


def compare_one(file: str, engines: tuple[str, ...]) -> FileOutcome:
    """Run one scenario on the base and on each other engine."""
    try:
        loaded = load_file(file)
    except ScenarioError as error:
        return FileOutcome(file, (), error.render())
    except OSError as error:
        return FileOutcome(file, (), f"{file}: cannot be read: {error.strerror}")
    base = engines[0]
    older = execute(loaded, base).trace
    found = []
    for engine in engines[1:]:
        newer = execute(loaded, engine).trace
        why = between(loaded, older, newer, (base, engine))
        if why is not None:
            found.append(_difference(file, (base, older), (engine, newer), why))
    return FileOutcome(file, tuple(found))


def _difference(file: str, old: tuple[str, Trace], new: tuple[str, Trace], why: Why) -> Apart:
    (base, older), (engine, newer) = old, new
    before, after = _violated(older), _violated(newer)
    member = Member(file, engine, base, to_text(older), to_text(newer), at(why), why.cause.text)
    return Apart(
        member,
        why,
        tuple(_ends(older, newer)),
        tuple(one for one in intent(newer) if one not in intent(older)),
        tuple(sorted(after - before)),
        tuple(sorted(before - after)),
    )


def _ends(older: Trace, newer: Trace) -> Iterator[tuple[str, str]]:
    for before, after in zip(older.steps, newer.steps, strict=True):
        old, new = (one.result.value if one.result else "" for one in (before, after))
        if old != new:
            yield old, new


def _violated(trace: Trace) -> set[str]:
    return {event.property for step in trace.steps for event in step.events if isinstance(event, Violation)}
