"""A run that is watched from inside: its trace, and the world as it stands after each step."""

from __future__ import annotations

from klpdsl.run.session import Loaded, execute
from klpdsl.syntax import tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NamedTuple

    from klpdsl.engine.context import Kernel, Outcome
    from klpdsl.semantics.records import Engine
    from klpdsl.trace.events import Event, StepTrace
    from klpdsl.world.world import World
else:
    from klpdsl._records import NamedTuple


class Frame(NamedTuple):
    """One step, and the world when it is over. `thread` is the thread of an `interleave` that it belongs to."""

    step: StepTrace
    kernel: Kernel
    thread: str


class Film(NamedTuple):
    """A whole run: how the world was before it, and its frames. `ok`: whether all expectations held."""

    title: str
    engine: str
    start: Kernel
    frames: tuple[Frame, ...]
    ok: bool


class _Camera:
    """A witness of the run that keeps a copy of the world after each step."""

    def __init__(self) -> None:
        self.kernels: list[Kernel] = []
        self._k: Kernel | None = None

    def begin(self, k: Kernel) -> None:
        self._k = k
        self._shoot()

    def event(self, event: Event) -> None:
        pass

    def step(self, outcome: Outcome) -> None:
        pass

    def end(self) -> None:
        self._shoot()

    def _shoot(self) -> None:
        from klpdsl.engine.context import Kernel

        assert self._k is not None
        world: World = self._k.w.copy()
        self.kernels.append(Kernel(world, self._k.sem))


def film(loaded: Loaded, engine: Engine) -> Film:
    """Run a scenario and keep what it looked like after each step.

    Raises `ScenarioError` for a run without end.
    """
    camera = _Camera()
    result = execute(loaded, engine, camera)
    threads = _threads(loaded.program.statements)
    frames = []
    taken = 0
    for step in result.trace.steps:
        taken += step.number > 0  # what stands before the first step changes nothing
        frames.append(Frame(step, camera.kernels[taken], threads.get(step.line, "")))
    return Film(loaded.title, engine.name, camera.kernels[0], tuple(frames), result.ok)


def _threads(statements: Iterable[tree.Statement]) -> dict[int, str]:
    """The thread to which each line of the scenario belongs; of a line with several, nothing is said."""
    found: dict[int, set[str]] = {}

    def collect(inner: Iterable[tree.Statement], thread: str) -> None:
        for statement in inner:
            if isinstance(statement, tree.Interleave):
                for one in statement.threads:
                    collect(one.body, one.name)
            elif isinstance(statement, tree.Choose):
                for branch in statement.branches:
                    collect(branch, thread)
            else:
                found.setdefault(statement.span.line, set()).add(thread)

    collect(statements, "")
    return {line: names.pop() for line, names in found.items() if len(names) == 1}
