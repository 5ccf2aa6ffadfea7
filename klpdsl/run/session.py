"""Running scenarios by name: a file or a text, on an engine.

This is what the command line, the goldens and the tests use; it puts parsing, building and interpreting together.
"""

from __future__ import annotations

from klpdsl.run.interpreter import RunResult, RunTooLongError, check_seconds, run
from klpdsl.run.program import Program
from klpdsl.semantics.engines import expand, resolve
from klpdsl.semantics.points import points
from klpdsl.semantics.records import Engine, EngineError
from klpdsl.syntax import load, tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.run.interpreter import Witness
    from klpdsl.syntax.diagnostics import ScenarioError

__all__ = ["Loaded", "execute", "load_file", "load_text"]


class Loaded:
    """A scenario that has been read and found right."""

    __slots__ = ("digest", "engines", "files", "program", "source", "texts", "title")

    def __init__(self, loaded: load.Analysis) -> None:
        self.files = loaded.files
        self.source = loaded.files[0]
        self.digest = loaded.digest
        self.texts = loaded.texts
        self.title = ""
        self.engines: tuple[tree.EngineRange, ...] = ()
        for item in loaded.scenario.items:
            if isinstance(item, tree.Title):
                self.title = item.text
            elif isinstance(item, tree.Engines):
                self.engines = item.ranges
        self.program = Program(loaded.names)

    def engine_names(self) -> tuple[str, ...]:
        """The engines that the scenario is meant for: what its header says, else every mainline engine.

        Raises `ScenarioError` where the header names an engine that does not exist.
        """
        if not self.engines:
            return points()
        names: dict[str, None] = {}
        for span in self.engines:
            try:
                spec = span.first if span.first == span.last else f"{span.first}..{span.last}"
                if ".toml" in spec:
                    self._hold_inside(spec)
                names.update(dict.fromkeys(expand(spec)))
            except EngineError as error:
                raise _wrong(span.span, error, self.texts()) from error
        return tuple(names)

    def _hold_inside(self, spec: str) -> None:
        """Let no header lead out of the suite. Raises `EngineError`."""
        from klpdsl.semantics.custom import stays_inside

        for name in spec.split(","):
            if ".toml" in name:
                stays_inside(name.strip(), self.source)


def load_text(text: str | bytes, source: str) -> Loaded:
    """Read a scenario from a text. Raises `ScenarioError` with all that is wrong with it."""
    return Loaded(load.load_text(text, source))


def load_file(path: str) -> Loaded:
    """Read a scenario from a file. Raises `ScenarioError` with all that is wrong, an unreadable file included."""
    return Loaded(load.load_scenario(path))


def execute(loaded: Loaded, engine: Engine | str, witness: Witness | None = None) -> RunResult:
    """Run a scenario on an engine, perhaps watched.

    Raises `EngineError` for an unknown engine, `ScenarioError` for a run without end.
    """
    resolved = resolve(engine) if isinstance(engine, str) else engine

    def explain(axis: str, wanted: tuple[str, ...]) -> str:
        from klpdsl.semantics.explain import explain_missing

        return explain_missing(resolved, axis, wanted)

    try:
        return run(loaded.program, resolved.semantics, explain, witness)
    except RunTooLongError as error:
        raise _wrong(error.span, error, loaded.texts()) from error


def check_steps(loaded: Loaded) -> None:
    """Raise `ScenarioError` for a step that no run could take within its bounds: for who takes steps without a run."""
    tasks = len(loaded.program.world.tasks)
    try:
        for step in loaded.program.flow.leaves():
            if isinstance(step.statement, tree.Step):
                check_seconds(step.statement.operation, tasks)
    except RunTooLongError as error:
        raise _wrong(error.span, error, loaded.texts()) from error


def _wrong(span: tree.Span, error: Exception, texts: dict[str, str]) -> ScenarioError:
    from klpdsl.syntax.diagnostics import Diagnostic, ScenarioError

    return ScenarioError((Diagnostic(span, str(error)),), texts)
