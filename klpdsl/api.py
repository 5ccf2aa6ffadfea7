"""The public interface: what `import klpdsl` offers. docs/api.md describes it with examples.

It puts the rooms together and has no rule of its own: a scenario that has been read, runs on engines, traces as
typed events, comparisons. What is named in `klpdsl.__all__` is promised; the rooms behind it are not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from klpdsl.compare.groups import Comparison, Group, Row
from klpdsl.compare.groups import compare as _compare
from klpdsl.run.interpreter import RunResult
from klpdsl.run.session import Loaded, execute, load_file, load_text
from klpdsl.semantics.engines import canonical, expand
from klpdsl.semantics.pointless import resolve_to_some_point
from klpdsl.semantics.records import Engine, EngineError
from klpdsl.syntax.diagnostics import Diagnostic, ScenarioError
from klpdsl.syntax.place import Span
from klpdsl.trace import events
from klpdsl.trace.events import Event, Result, StepTrace, Trace
from klpdsl.trace.jsonl import from_jsonl, to_jsonl
from klpdsl.trace.reading import TraceError, from_text
from klpdsl.trace.text import to_text

__all__ = [
    "Comparison",
    "Diagnostic",
    "Engine",
    "EngineError",
    "Event",
    "Group",
    "Result",
    "Row",
    "RunResult",
    "Scenario",
    "ScenarioError",
    "Span",
    "StepTrace",
    "Trace",
    "TraceError",
    "events",
    "get_engine",
    "list_engines",
    "load",
    "loads",
    "read_trace",
    "write_trace",
]


class Scenario:
    """A scenario that has been read and found right. `load` and `loads` make one; running it leaves it as it is."""

    __slots__ = ("_loaded",)

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded

    def __repr__(self) -> str:
        return f"<klpdsl.Scenario {self.title or self.source!r}>"

    @property
    def source(self) -> str:
        """The name by which messages call it: the path that was given to `load`, the `source` given to `loads`."""
        return self._loaded.source

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all that was read: `source`, and what it imports."""
        return self._loaded.files

    @property
    def title(self) -> str:
        """What its header says after `scenario`; empty where it says nothing."""
        return self._loaded.title

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that it is meant for, oldest first: those of its header, else every release that differs.

        Raises `ScenarioError` where the header names an engine that does not exist.
        """
        return self._loaded.engine_names()

    def run(self, engine: Engine | str | None = None) -> RunResult:
        """Run it on an engine; without one, on the newest that it is meant for.

        Raises `EngineError` for a name that is no engine's, `ScenarioError` for a run that goes over a bound.
        """
        if engine is None:
            engine = self.engines[-1] if self._loaded.engines else "mainline"
        return execute(self._loaded, engine)

    def compare(self, engines: str | Iterable[Engine | str] | None = None) -> Comparison:
        """Run it on several engines, group those that behave alike, and say in what the groups differ.

        `engines` are engines or their names, or one text as `list_engines` takes it; without any, those that it is
        meant for. They are in one group exactly when their traces are equal and an observer finds the same in the
        end. Raises what `run` raises.
        """
        if engines is None:
            return _compare(self._loaded, self.engines)
        if isinstance(engines, str):
            return _compare(self._loaded, expand(engines))
        names = (engine if isinstance(engine, str) else engine.name for engine in engines)
        return _compare(self._loaded, dict.fromkeys(map(canonical, names)))


def load(path: str | os.PathLike[str]) -> Scenario:
    """Read a scenario from a file. Raises `ScenarioError` with all that is wrong, an unreadable file included."""
    return Scenario(load_file(os.fspath(path)))


def loads(text: str | bytes, source: str = "<text>") -> Scenario:
    """Read a scenario from a text. Raises `ScenarioError` with all that is wrong with it.

    `source` names the text in messages, and what it imports is looked for beside the file of that name.
    """
    return Scenario(load_text(text, source))


def get_engine(
    name: str,
    *,
    set: Iterable[str] = (),  # noqa: A002 (as the option of the command line)
    with_changes: Iterable[str] = (),
    without_changes: Iterable[str] = (),
) -> Engine:
    """Return the engine of that name: a release, a point inside one, a proposal, an engine file.

    `set` (`axis=value`), `with_changes` and `without_changes` (ids of changes) alter it, as `klpdsl run --set`,
    `--with` and `--without` do. Raises `EngineError` for what makes no engine, and for a setting that changes nothing.
    """
    return resolve_to_some_point(name, set, with_changes, without_changes)


def list_engines(spec: str = "all") -> tuple[str, ...]:
    """Return the names that `--engine` would take for `spec`: a name, `A..B`, several with commas, or a group.

    The groups are `all` (every release of mainline at which something changed), `proposals`, `mutants` and
    `systems`. Raises `EngineError` for a name that is no engine's, and for an empty range.
    """
    return expand(spec)


def read_trace(text: str) -> Trace:
    """Read a trace back from its text or its JSON lines. Raises `TraceError` with the line where it is not one."""
    return from_jsonl(text) if text.startswith("{") else from_text(text)


def write_trace(trace: Trace, form: str = "text") -> str:
    """Return a trace as `klpdsl run` prints it; `form` is `text`, which goldens hold, or `jsonl`.

    Raises `ValueError` for another form.
    """
    if form == "text":
        return to_text(trace)
    if form == "jsonl":
        return to_jsonl(trace)
    raise ValueError(f"a trace has the forms text and jsonl, not {form!r}")
