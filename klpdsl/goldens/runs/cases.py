"""Cases: one scenario on one engine, what the run gave, and what of its author's intent did not hold.

Results are kept in the cache, under a key that covers all that they follow from: the scenario and the files that it
may import, and klpdsl's own grammar, data and code. What was not found right (a scenario with an error) is not kept.
"""

from __future__ import annotations

import json
import os
import re

from klpdsl import _cache
from klpdsl._reading import read_start
from klpdsl._resources import grammar_path
from klpdsl.goldens.suite import Suite
from klpdsl.syntax.limits import FILE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NamedTuple

    from klpdsl.run.session import Loaded
    from klpdsl.trace.events import Trace
else:
    from klpdsl._records import NamedTuple

#: The rooms whose code decides what a run gives; `goldens` is there for what this module makes of it.
_ROOMS = ("syntax", "world", "semantics", "trace", "engine", "run", "goldens")
_RUNS = "runs"
_IMPORT = re.compile(rb'\bimport\s*("(?:[^"\\\n]|\\.)*")')
_MAX_FILES = 64

_code: list[str] = []


class Run(NamedTuple):
    """What one scenario gave on one engine.

    `broken` says what of the author's intent does not hold, one sentence each; `violations` are the built-in
    properties that are violated although no `expect violation` says so.
    """

    engine: str
    text: str
    broken: tuple[str, ...]
    violations: tuple[str, ...]


def code_digest() -> str:
    """A hash over all of klpdsl that decides what a run gives. Read once per process."""
    if not _code:
        package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        paths = [grammar_path()]
        for room in _ROOMS:
            for base, folders, names in os.walk(os.path.join(package, room)):
                folders.sort()
                paths += [
                    os.path.join(base, name) for name in sorted(names) if name.endswith((".py", ".toml"))
                ]
        found = _cache.code_digest(paths, package)
        if found is None:
            raise OSError(f"klpdsl's own code below {package} cannot be read: reinstall klpdsl")
        _code.append(found)
    return _code[0]


def inputs(suite: Suite, name: str) -> tuple[bytes, ...]:
    """The contents of a scenario's file and of every file of the suite that it could import, in a fixed order.

    Whatever looks like an import counts, in a comment too: a file too many costs a needless run at most. A file that
    cannot be read stands there as missing, so that its appearing changes the inputs.
    """
    seen: dict[str, bytes] = {}
    waiting = [suite.scenario_path(name)]
    while waiting and len(seen) < _MAX_FILES:
        current = waiting.pop(0)
        if current in seen:
            continue
        try:
            seen[current] = read_start(current, FILE_BYTES, suite.real)
        except (OSError, ValueError):
            seen[current] = b"\0missing"
        if b"import" in seen[current]:
            for quoted in _IMPORT.findall(seen[current]):
                try:
                    named = json.loads(quoted)
                except ValueError:
                    continue
                waiting.append(os.path.normpath(os.path.join(os.path.dirname(current), named)))
    return tuple(seen.values())


def inputs_digest(contents: Iterable[bytes]) -> str:
    """What a pending change remembers of the scenario that it is about."""
    return _cache.digest(*contents)


def cached(contents: tuple[bytes, ...]) -> tuple[Run, ...] | None:
    """The runs of a scenario with these inputs, if they are known."""
    stored = _cache.load(_RUNS, _key(contents))
    if not isinstance(stored, tuple):
        return None
    try:
        return tuple(Run(*plain) for plain in stored)
    except TypeError:
        return None


def remember(contents: tuple[bytes, ...], runs: tuple[Run, ...]) -> None:
    """Keep the runs of a scenario on all engines that it is meant for."""
    # An engine in a file of its own is an input that the scenario's text does not show.
    if not any(".toml" in run.engine for run in runs):
        # Engines that give the same text share it here, and so they do on the disk.
        texts: dict[str, str] = {}
        plain = tuple((run.engine, texts.setdefault(run.text, run.text), *run[2:]) for run in runs)
        _cache.store(_RUNS, _key(contents), plain)


def _key(contents: tuple[bytes, ...]) -> str:
    return _cache.digest(code_digest().encode(), *contents)


def load(suite: Suite, name: str) -> Loaded:
    """Read a scenario. Raises ScenarioError, whose report names the file as seen from the current folder."""
    from klpdsl.run.session import load_file

    path = suite.scenario_path(name)
    shown = os.path.relpath(path)
    return load_file(path if shown.startswith("..") else shown)


def meant_for(suite: Suite, name: str) -> tuple[str, ...] | None:
    """The engines that a scenario is meant for; None for one that cannot be read."""
    from klpdsl.syntax.diagnostics import ScenarioError

    try:
        return load(suite, name).engine_names()
    except ScenarioError:
        return None


def execute(loaded: Loaded, engine: str) -> Run:
    """Run a scenario on one engine."""
    from klpdsl.run.session import execute as run
    from klpdsl.trace.text import to_text

    result = run(loaded, engine)
    broken = intent(result.trace)
    if not result.ok and not broken:
        broken = ("an expectation does not hold",)
    return Run(engine, to_text(result.trace), broken, unexpected(result.trace))


def intent(trace: Trace) -> tuple[str, ...]:
    """What of the author's intent does not hold: each failed `expect`, and each broken `always` and `never`."""
    from klpdsl.trace.events import Violation

    found = []
    for step in trace.steps:
        place = f"line {step.line}, step {step.number}" if step.line else f"step {step.number}"
        found += [
            f"{place}: expect {check.text}, but got {check.got}" for check in step.checks if not check.ok
        ]
        found += [
            f"{place}: {event.property}, but {event.text}"
            for event in step.events
            if isinstance(event, Violation) and event.property.startswith(("always ", "never "))
        ]
    return tuple(found)


def unexpected(trace: Trace) -> tuple[str, ...]:
    """The built-in properties violated in a trace where no `expect violation` covers them, sorted."""
    from klpdsl.trace.events import Violation

    found = set()
    for step in trace.steps:
        expected = {check.text for check in step.checks if check.ok}
        for event in step.events:
            if not isinstance(event, Violation) or event.property.startswith(("always ", "never ")):
                continue
            if not expected & {"violation", f"violation {event.property}"}:
                found.add(event.property)
    return tuple(sorted(found))
