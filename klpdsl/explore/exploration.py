"""The search: every state that can be reached, breadth first, so that the way to each is a shortest one."""

from __future__ import annotations

import gc
from collections import deque

from klpdsl.explore.bounds import BoundHitError, Effort, Guard, SearchBounds
from klpdsl.explore.outcomes import Observation, observation
from klpdsl.explore.paths import CheckSeen, Paths, PathState, is_crashed
from klpdsl.run.flow import NextStep
from klpdsl.trace.events import Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple

    from klpdsl.explore.graph import StateGraph
else:
    from klpdsl._records import NamedTuple


class Way(NamedTuple):
    """A way through the scenario: the nodes of its leaves, in their order."""

    nodes: tuple[int, ...]


class Ending(NamedTuple):
    """An outcome: what is observed, how many orders lead to it, and a shortest way there.

    `orders` is None where the search did not close, since what it has not seen may lead there as well.
    """

    seen: Observation
    orders: int | None
    way: Way


class Judged(NamedTuple):
    """An expectation over all orders: the shortest ways on which it held and on which it failed, None if there is none.

    `got` is what was found where it failed first.
    """

    held: Way | None
    failed: Way | None
    got: str


class Broken(NamedTuple):
    """A property that was violated, and a shortest way to where it was."""

    violation: Violation
    way: Way


class Exploration(NamedTuple):
    """What a search has found. `stopped` says why it did not close; empty when it did."""

    endings: tuple[Ending, ...]
    judgements: dict[tuple[int, int], Judged]
    broken: dict[str, Broken]
    orders: int | None
    effort: Effort
    stopped: str


class PathSearch:
    """One search through the paths of a program."""

    def __init__(
        self,
        paths: Paths,
        *,
        merge: bool = True,
        stop_at: frozenset[str] = frozenset(),
        stop_behind: frozenset[str] = frozenset(),
        graph: StateGraph | None = None,
    ) -> None:
        """`stop_at`: any of these properties is violated; `stop_behind`: each of them has been.

        The states and what leads from which to which are kept in the `graph`.
        """
        self._paths = paths
        self._merge = merge
        self._stop_at = stop_at
        self._stop_behind = stop_behind
        self._graph = graph
        self._states: list[PathState | None] = []
        self._known: dict[object, int] = {}
        self._parents: list[tuple[int, int]] = []
        # From each state: where its steps lead, once for each step.
        self._edges: list[tuple[int, ...]] = []
        self._ends: dict[int, Observation] = {}
        self._judgements: dict[tuple[int, int], Judged] = {}
        self._broken: dict[str, Broken] = {}
        self._steps = 0
        self._guard: Guard | None = None

    def run(self, bounds: SearchBounds, progress: Callable[[Effort], None] | None = None) -> Exploration:
        """Search until nothing is new, a bound is hit, or somebody interrupts."""
        guard = self._guard = Guard(bounds, progress)
        waiting: deque[int] = deque()
        # What is kept of states is many small values without circles: looking for these costs a tenth of the time.
        collects = gc.isenabled()
        gc.disable()
        try:
            stopped = self._search(guard, waiting)
        except BoundHitError:
            stopped = guard.hit
        except KeyboardInterrupt:
            stopped = "an interrupt"
        except MemoryError:
            stopped = "the end of the memory"
        finally:
            if collects:
                gc.enable()
        effort = guard.effort(len(self._parents), self._steps, len(waiting))
        return self._exploration(effort, stopped)

    def _search(self, guard: Guard, waiting: deque[int]) -> str:
        """Go on until nothing is new; returns what stopped it before that."""
        self._add(self._paths.first(), (-1, -1), waiting)
        while waiting:
            if not guard.goes_on(len(self._parents), self._steps, len(waiting)):
                return guard.hit
            self._expand(waiting.popleft(), waiting)
            if self._stop_at and not self._stop_at.isdisjoint(self._broken):
                return "the first violation"
            if self._stop_behind and self._stop_behind <= self._broken.keys():
                return "the last violation"
        return ""

    def way_to(self, index: int) -> Way:
        """The way on which a state was reached first."""
        nodes = []
        while index >= 0:
            index, node = self._parents[index]
            nodes.append(node)
        return Way(tuple(reversed(nodes[:-1])))

    # --- the graph ---

    def _add(self, state: PathState, parent: tuple[int, int], waiting: deque[int]) -> int:
        index = len(self._parents)
        if self._merge:
            known = self._known.setdefault(self._paths.key(state), index)
            if known != index:
                return known
        self._parents.append(parent)
        self._states.append(state)
        self._edges.append(())
        if self._graph is not None:
            self._graph.add(state)
        waiting.append(index)
        return index

    def _expand(self, index: int, waiting: deque[int]) -> None:
        state = self._states[index]
        assert state is not None
        self._states[index] = None  # whoever is gone on from is needed no more
        moves = self._go_on(index, state, waiting)
        if self._graph is not None:
            self._graph.lead_on(index, zip(moves, self._edges[index], strict=True))
            if index in self._ends:
                self._graph.ends[index] = self._ends[index]

    def _go_on(self, index: int, state: PathState, waiting: deque[int]) -> list[int]:
        """Take every step that can be taken in a state; returns their nodes, in the order of the state's edges."""
        if is_crashed(state):
            self._ends[index] = observation(self._paths, state, crashed=True)
            return []
        if self._paths.may_end(state):
            self._ends[index] = observation(self._paths, state)
        moves = list(self._paths.moves(state))
        edges = [self._take(index, state, move, waiting) for move in moves]
        self._edges[index] = tuple(edges)
        if not edges and index not in self._ends:
            self._ends[index] = observation(self._paths, state, waits=self._paths.waiting(state))
        return [move.node for move in moves]

    def _take(self, index: int, state: PathState, move: NextStep, waiting: deque[int]) -> int:
        self._steps += 1
        assert self._guard is not None
        self._guard.step(len(self._parents), self._steps, len(waiting))
        taken = self._paths.take(state, move)
        for violation in taken.violations:
            if violation.property not in self._broken:
                self._broken[violation.property] = Broken(violation, self._with(index, move.node))
        if taken.violations and self._graph is not None:
            self._graph.broken[index, move.node] = tuple(one.property for one in taken.violations)
        for verdict in taken.verdicts:
            self._judge(verdict, index, move.node)
        return self._add(taken.state, (index, move.node), waiting)

    def _with(self, index: int, node: int) -> Way:
        return Way((*self.way_to(index).nodes, node))

    def _judge(self, verdict: CheckSeen, index: int, node: int) -> None:
        who = self._paths.canonical_check(verdict.node, verdict.place)
        known = self._judgements.get(who)
        if known is None:
            known = Judged(None, None, "")
        if verdict.holds and known.held is None:
            known = known._replace(held=self._with(index, node))
        elif not verdict.holds and known.failed is None:
            known = known._replace(failed=self._with(index, node), got=verdict.got)
        self._judgements[who] = known

    # --- what came of it ---

    def _exploration(self, effort: Effort, stopped: str) -> Exploration:
        ways = None if stopped or self._paths.flow.endless else self._orders()
        endings: dict[Observation, Ending] = {}
        for index, seen in self._ends.items():
            known = endings.get(seen)
            orders = None if ways is None else ways[index]
            if known is None:
                endings[seen] = Ending(seen, orders, self.way_to(index))
            elif orders is not None and known.orders is not None:
                endings[seen] = known._replace(orders=known.orders + orders)
        total = None if ways is None else sum(ways[index] for index in self._ends)
        ordered = sorted(endings.values(), key=lambda ending: (len(ending.way.nodes), ending.seen))
        return Exploration(tuple(ordered), self._judgements, self._broken, total, effort, stopped)

    def _orders(self) -> list[int]:
        """How many ways lead to each state. There are no circles: each step takes a thread on."""
        before = [0] * len(self._edges)
        for edges in self._edges:
            for target in edges:
                before[target] += 1
        ways = [0] * len(self._edges)
        ways[0] = 1
        ready = [0]
        while ready:
            index = ready.pop()
            for target in self._edges[index]:
                ways[target] += ways[index]
                before[target] -= 1
                if not before[target]:
                    ready.append(target)
        return ways
