"""The graph that a search has walked: which step leads from which state to which, and what each state is like."""

from __future__ import annotations

from klpdsl.explore.paths import is_crashed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from klpdsl.explore.outcomes import Observation
    from klpdsl.explore.paths import PathState


class StateGraph:
    """States by their number, in the order in which they were found. Sets of tasks are bits, by the place in `tasks`.

    `edges`: for each state the steps that can be taken there (the node of the leaf) and the states that they lead to.
    `patch`: whose transition is under way, empty where none is; `waited`: the tasks that it waits for; `inside`: the
    tasks that are in some function; `crashed`: whether the machine is down, so that nothing follows. `ends`: what is
    observed where an order may end; `broken`: the properties that a step (a state, and the node taken there) violates.
    """

    def __init__(self) -> None:
        self.edges: list[tuple[tuple[int, int], ...]] = []
        self.patch: list[str] = []
        self.waited: list[int] = []
        self.inside: list[int] = []
        self.crashed: list[bool] = []
        self.ends: dict[int, Observation] = {}
        self.broken: dict[tuple[int, int], tuple[str, ...]] = {}
        self.tasks: list[str] = []
        self._bits: dict[str, int] = {}

    def add(self, state: PathState) -> None:
        """The next state that was found. Nothing leads on from it yet."""
        waited = inside = 0
        for task in state.world.tasks:
            if task.pending:
                waited |= self._bit(task.name)
            if task.stack:
                inside |= self._bit(task.name)
        self.edges.append(())
        self.patch.append(state.world.transition_patch)
        self.waited.append(waited)
        self.inside.append(inside)
        self.crashed.append(is_crashed(state))

    def lead_on(self, index: int, edges: Iterable[tuple[int, int]]) -> None:
        """What can be taken in a state, and where it leads."""
        self.edges[index] = tuple(edges)

    def along(self, nodes: Iterable[int]) -> list[tuple[int, int]]:
        """The edges of a way from the first state: states, and the places of the edges that leave them."""
        state, found = 0, []
        for node in nodes:
            place = next(place for place, (taken, _) in enumerate(self.edges[state]) if taken == node)
            found.append((state, place))
            state = self.edges[state][place][1]
        return found

    def named(self, tasks: int) -> tuple[str, ...]:
        """The names of a set of tasks."""
        return tuple(name for place, name in enumerate(self.tasks) if tasks >> place & 1)

    def bit(self, task: str) -> int:
        """The set of that task alone; empty where it was in nothing and waited for nowhere."""
        return self._bits.get(task, 0)

    def _bit(self, task: str) -> int:
        bit = self._bits.get(task)
        if bit is None:
            bit = self._bits[task] = 1 << len(self.tasks)
            self.tasks.append(task)
        return bit
