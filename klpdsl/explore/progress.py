"""Whether every fair run of a transition completes: who may hold it for ever, and what frees it then.

Asked of a graph that has closed. Nobody interferes: tasks and time go on, the operator does not. Fair is a run in which
every step of time that can be taken again and again is taken again and again, and so is what else only goes on (a
completion, a task's way out of the ftrace handler); and in which a task that can return again and again is outside all
functions now and then. What else tasks do is up to them.
"""

from __future__ import annotations

from collections import deque

from klpdsl.explore.components import components
from klpdsl.explore.exploration import PathSearch, Way
from klpdsl.explore.graph import StateGraph
from klpdsl.explore.paths import Paths
from klpdsl.run.flow import acting_task
from klpdsl.syntax import tree
from klpdsl.syntax.actions import BY_NODE, GOES_ON
from klpdsl.syntax.wording import format_statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NamedTuple

    from klpdsl.explore.bounds import Effort, SearchBounds
    from klpdsl.explore.exploration import Exploration
    from klpdsl.run.flow import Flow, Leaf
    from klpdsl.run.program import Program
    from klpdsl.semantics.axes import Semantics
else:
    from klpdsl._records import NamedTuple


class HeldTransition(NamedTuple):
    """A fair run in which the transition of `patch` never completes: the steps of `loop` again and again, from `start`.

    `trap`: nothing that tasks and time can do completes it from there on. `holders`: the tasks that it waits for.
    `freed`: what somebody can do on the way round behind which it completes; `at_once` those that complete it.
    """

    patch: str
    start: int
    loop: tuple[int, ...]
    trap: bool
    holders: tuple[str, ...]
    at_once: tuple[str, ...]
    freed: tuple[str, ...]


class CompletionFound(NamedTuple):
    """What became of every transition: of `states` in which one is under way; `held` has one for each set of holders.

    Only those are there of which no part alone holds it; those found by the shortest way come first.
    """

    states: int
    held: tuple[HeldTransition, ...]


class CompletionSearch(NamedTuple):
    """A search for runs in which a transition never completes: what was walked, and what was found.

    `found` is None where a bound stopped the search. `way` leads to where the first of `found.held` begins.
    """

    paths: Paths
    graph: StateGraph
    explored: Exploration
    found: CompletionFound | None
    way: Way


def search_completion(
    program: Program,
    semantics: Semantics,
    depth: int,
    bounds: SearchBounds,
    tell: Callable[[Effort], None] | None = None,
) -> CompletionSearch:
    """Walk all that an alphabet leads to, and look for such runs in it. `tell` hears how far the walk is."""
    # Of tasks that are exchanged for one another nobody could say which of them is treated fairly.
    paths = Paths(program, semantics, "final", symmetric=False, depth=depth)
    graph = StateGraph()
    search = PathSearch(paths, graph=graph)
    explored = search.run(bounds, tell)
    found = None if explored.stopped else progress(paths, graph)
    way = search.way_to(found.held[0].start) if found and found.held else Way(())
    return CompletionSearch(paths, graph, explored, found, way)


def goes_on(leaf: Leaf) -> bool:
    """Whether a step only lets go on what is under way, so that a fair run takes it at last."""
    task, word = acting_task(leaf)
    if not task and isinstance(leaf.statement, tree.Step):
        word = BY_NODE[type(leaf.statement.operation)].word
    return word in GOES_ON


def time_passes(flow: Flow) -> bool:
    """Whether an alphabet has anything that goes on without a task."""
    leaves = map(flow.leaf, flow.endless)
    return any(goes_on(leaf) and not acting_task(leaf)[0] for leaf in leaves)


def progress(paths: Paths, graph: StateGraph) -> CompletionFound:
    """Look for fair runs in which a transition never completes."""
    return _Search(paths, graph).found()


class _Search:
    def __init__(self, paths: Paths, graph: StateGraph) -> None:
        self._paths = paths
        self._graph = graph
        leaves = {node: paths.flow.leaf(node) for edges in graph.edges for node, _ in edges}
        acting = {node: acting_task(leaf) for node, leaf in leaves.items()}
        # Whose return it is, by its leaf; and the other leaves that a fair run takes.
        self._returns = {node: graph.bit(task) for node, (task, word) in acting.items() if word == "return"}
        self._fair = {node for node, leaf in leaves.items() if goes_on(leaf) and node not in self._returns}
        alone = self._fair.union(node for node, (task, _) in acting.items() if task)
        self._under_way = [
            bool(patch) and not crashed for patch, crashed in zip(graph.patch, graph.crashed, strict=True)
        ]
        # What leads where, and from where, with nobody interfering.
        self._next = [[(node, target) for node, target in edges if node in alone] for edges in graph.edges]
        self._before: list[list[int]] = [[] for _ in self._next]
        for index, edges in enumerate(self._next):
            for _, target in edges:
                self._before[target].append(index)

    def found(self) -> CompletionFound:
        under_way = [index for index, there in enumerate(self._under_way) if there]
        completing = self._that_reach(lambda index: not self._under_way[index])
        fair = self._fair_components(under_way)
        in_one = {index for component in fair for index in component}
        doomed = self._that_reach(in_one.__contains__)
        held: dict[int, HeldTransition] = {}
        # The earlier a state was found, the shorter the way there.
        for component in sorted(fair, key=min):
            start = min(component)
            waited = self._graph.waited[start]
            # Who waits for fewer waits for these as well.
            if not any(known & waited == known for known in held):
                held = {known: one for known, one in held.items() if known & waited != waited}
                held[waited] = self._held(component, start, start not in completing, doomed)
        return CompletionFound(len(under_way), tuple(held.values()))

    def _that_reach(self, wanted: Callable[[int], bool]) -> set[int]:
        """The states from which, with nobody interfering, such a state can be reached."""
        found = {index for index in range(len(self._next)) if wanted(index)}
        waiting = list(found)
        while waiting:
            for index in self._before[waiting.pop()]:
                if index not in found:
                    found.add(index)
                    waiting.append(index)
        return found

    def _fair_components(self, states: Iterable[int]) -> list[frozenset[int]]:
        """Sets of states in each of which a fair run can go round for ever, and see all of them."""
        found = []
        waiting = [frozenset(states)]
        while waiting:
            within = waiting.pop()
            for component in components(within, self._targets):
                edges = [(at, *edge) for at in component for edge in self._next[at] if edge[1] in component]
                if not edges:
                    continue
                unfair = self._unfair(component, {node for _, node, _ in edges})
                if not unfair:
                    found.append(component)
                elif rest := component - unfair:
                    waiting.append(rest)
        return found

    def _targets(self, index: int) -> list[int]:
        return [to for _, to in self._next[index]]

    def _unfair(self, component: frozenset[int], taken: set[int]) -> set[int]:
        """The states in which no fair run of this component is again and again, as what they allow is never done."""
        inside = self._graph.inside
        out_at_times = 0
        for index in component:
            out_at_times |= ~inside[index]
        return {
            index
            for index in component
            for node, _ in self._next[index]
            if (node in self._fair and node not in taken)
            or (node in self._returns and not self._returns[node] & out_at_times)
        }

    # --- what is said of one ---

    def _held(self, component: frozenset[int], start: int, trap: bool, doomed: set[int]) -> HeldTransition:
        graph = self._graph
        at_once: dict[str, None] = {}
        freed: dict[str, None] = {}
        loop, visited = self._loop(component, start)
        for index in visited:
            for node, target in graph.edges[index]:
                if graph.crashed[target]:
                    continue
                said = format_statement(self._paths.flow.leaf(node).statement)
                if not self._under_way[target]:
                    at_once[said] = None
                elif target not in doomed:
                    freed[said] = None
        return HeldTransition(
            graph.patch[start],
            start,
            loop,
            trap,
            graph.named(graph.waited[start]),
            tuple(sorted(at_once)),
            tuple(sorted(freed.keys() - at_once.keys())),
        )

    def _loop(self, component: frozenset[int], start: int) -> tuple[tuple[int, ...], list[int]]:
        """Steps from the start back to it that do all that makes it fair, and the states on that way."""
        inside = self._graph.inside
        wanted = {node for at in component for node, to in self._next[at] if node in self._fair}
        out = {self._returns[node] for at in component for node, _ in self._next[at] if node in self._returns}
        at, visited = start, [start]
        way: list[int] = []
        while True:
            out = {bit for bit in out if all(inside[index] & bit for index in visited)}
            if not wanted and not out and way:
                break

            def is_progress(node: int, to: int, out: set[int] = out) -> bool:
                return node in wanted or any(not inside[to] & bit for bit in out) or not (wanted or out)

            for node, to in self._nearest(component, at, is_progress):
                way.append(node)
                visited.append(to)
                wanted.discard(node)
                at = to
        if at != start:
            for node, to in self._nearest(component, at, lambda _, to: to == start):
                way.append(node)
                visited.append(to)
        return tuple(way), visited

    def _nearest(
        self, component: frozenset[int], start: int, wanted: Callable[[int, int], bool]
    ) -> list[tuple[int, int]]:
        """A shortest way within the component whose last step is as wanted."""
        parents: dict[int, tuple[int, int]] = {}
        waiting = deque([start])
        while waiting:
            at = waiting.popleft()
            for node, to in self._next[at]:
                if to not in component:
                    continue
                if wanted(node, to):
                    steps = [(node, to)]
                    while at != start:
                        before, by = parents[at]
                        steps.append((by, at))
                        at = before
                    return steps[::-1]
                if to not in parents and to != start:
                    parents[to] = (at, node)
                    waiting.append(to)
        raise AssertionError("a component's states reach one another")
