"""Where a run stands, as data: the statements of a program as a graph, and a place in it as a small tuple.

A plain run and an exploration both ask `moves` what may come next, so that they can not disagree about what `choose`
and `interleave` mean.
"""

from __future__ import annotations

from klpdsl.syntax import tree
from klpdsl.syntax.actions import BY_NODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NamedTuple, TypeAlias

    Plain: TypeAlias = tree.Step | tree.Expect | tree.Always | tree.Never
else:
    from klpdsl._records import NamedTuple

END = -1
"""The node behind a thread's last statement, or the program's."""

MAIN = -1
"""The number of the thread that stands outside every `interleave`."""


class Leaf(NamedTuple):
    """A statement that happens in one piece. A task's step has a single action.

    `checks` are the expectations that follow the step in its own thread: they belong to it, and nobody else moves
    before they have been judged. `next` is the node behind them.
    """

    statement: Plain
    checks: tuple[tree.Expect, ...]
    next: int


class Branching(NamedTuple):
    """A `choose`: the first node of each branch. A branch goes on behind the `choose` by itself."""

    branches: tuple[int, ...]


class Spread(NamedTuple):
    """An `interleave`: the first node of each thread, their names, and the node behind it."""

    threads: tuple[int, ...]
    names: tuple[str, ...]
    next: int


class Position(NamedTuple):
    """Where a run stands: a node, and inside an `interleave` the node of each of its threads."""

    at: int
    threads: tuple[int, ...] = ()


class NextStep(NamedTuple):
    """What may come next: the leaf at `node`, in the thread of that number (`MAIN`: in none).

    `after` is the place behind it.
    """

    thread: int
    node: int
    after: Position


class Flow:
    """A program's statements as a graph."""

    __slots__ = ("_known", "endless", "nodes", "start")

    def __init__(self, statements: tuple[tree.Statement, ...], *, forever: bool = False) -> None:
        self.nodes: list[Leaf | Branching | Spread] = []
        self._known: dict[Position, tuple[tuple[NextStep, ...], bool]] = {}
        #: The leaves that may be taken again and again, where the last `interleave` is an alphabet.
        self.endless: frozenset[int] = frozenset()
        if forever:
            self.start = Position(self._alphabet(statements))
        else:
            self.start = Position(self._sequence(statements, END))

    # --- asking ---

    def leaf(self, node: int) -> Leaf:
        """The leaf at a node that a move names."""
        leaf = self.nodes[node]
        assert isinstance(leaf, Leaf)
        return leaf

    def leaves(self) -> list[Leaf]:
        """All leaves, in the order of their nodes."""
        return [node for node in self.nodes if isinstance(node, Leaf)]

    def moves(self, place: Position) -> tuple[NextStep, ...]:
        """All that may come next, in the order written; whether its precondition holds is not asked here.

        An empty branch of a `choose` is no move: who takes it goes on with what follows.
        """
        return self._looked_up(place)[0]

    def may_end(self, place: Position) -> bool:
        """Whether the program may be over here: nothing is left but, perhaps, choices with an empty branch."""
        return self._looked_up(place)[1]

    def plain(self, can_move: Callable[[NextStep], bool]) -> Iterator[Plain]:
        """The statements of a plain run: the first branch of every `choose`, the first thread that can move.

        `can_move` is asked about a thread's next step, just before one is chosen. When no thread can move, the first
        one tries all the same, and its step says why it failed.
        """
        node = self._first(self.start.at)
        while node != END:
            here = self.nodes[node]
            if isinstance(here, Spread):
                yield from self._plain_threads(node, here, can_move)
            else:
                assert isinstance(here, Leaf)
                yield here.statement
                yield from here.checks
            node = self._first(here.next)

    def _plain_threads(
        self, node: int, here: Spread, can_move: Callable[[NextStep], bool]
    ) -> Iterator[Plain]:
        threads = here.threads
        while threads:
            firsts = [(number, self._first(thread)) for number, thread in enumerate(threads)]
            moves = [self._move(node, threads, number, first) for number, first in firsts if first != END]
            if not moves:
                return
            move = next(filter(can_move, moves), moves[0])
            leaf = self.leaf(move.node)
            yield leaf.statement
            yield from leaf.checks
            threads = move.after.threads

    # --- building: backwards, so that what follows is known ---

    def _add(self, node: Leaf | Branching | Spread) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _alphabet(self, statements: tuple[tree.Statement, ...]) -> int:
        """The statements of the last `interleave`, each as often as one likes: behind each, all may come again."""
        *before, last = statements
        assert isinstance(last, tree.Interleave)
        hub = self._add(Branching(()))
        leaves = tuple(
            self._statement(statement, hub) for thread in last.threads for statement in thread.body
        )
        self.nodes[hub] = Branching(leaves)
        self.endless = frozenset(leaves)
        return self._sequence(tuple(before), hub)

    def _sequence(self, statements: tuple[tree.Statement, ...], behind: int) -> int:
        for statement in reversed(statements):
            behind = self._statement(statement, behind)
        return behind

    def _statement(self, statement: tree.Statement, behind: int) -> int:
        if isinstance(statement, tree.Choose):
            return self._add(
                Branching(tuple(self._sequence(branch, behind) for branch in statement.branches))
            )
        if isinstance(statement, tree.Interleave):
            threads = tuple(self._sequence(thread.body, END) for thread in statement.threads)
            return self._add(Spread(threads, tuple(thread.name for thread in statement.threads), behind))
        if isinstance(statement, tree.Step) and isinstance(statement.operation, tree.TaskStep):
            operation = statement.operation
            for index in reversed(range(len(operation.actions))):
                # Each action is a step of its own; an expected result is the last one's.
                single = operation._replace(actions=(operation.actions[index],))
                result = statement.result if index == len(operation.actions) - 1 else ""
                behind = self._leaf(statement._replace(operation=single, result=result), behind)
            return behind
        return self._leaf(statement, behind)

    def _leaf(self, statement: Plain, behind: int) -> int:
        checks: list[tree.Expect] = []
        if isinstance(statement, tree.Step):
            while behind != END:
                node = self.nodes[behind]
                if not isinstance(node, Leaf) or not isinstance(node.statement, tree.Expect):
                    break
                checks.append(node.statement)
                behind = node.next
        return self._add(Leaf(statement, tuple(checks), behind))

    # --- walking ---

    def _first(self, node: int) -> int:
        while node != END and isinstance(here := self.nodes[node], Branching):
            node = here.branches[0]
        return node

    def _reached(self, node: int) -> tuple[int, ...]:
        """The nodes that are no choices, and END, to which choices lead from here, in the order written."""
        if node == END or not isinstance(self.nodes[node], Branching):
            return (node,)
        found: dict[int, None] = {}
        seen: set[int] = set()
        waiting = [node]
        while waiting:
            node = waiting.pop()
            here = None if node == END else self.nodes[node]
            if not isinstance(here, Branching):
                found[node] = None
            elif node not in seen:
                seen.add(node)
                waiting += reversed(here.branches)
        return tuple(found)

    def _move(self, at: int, threads: tuple[int, ...], number: int, node: int) -> NextStep:
        return NextStep(number, node, self._after(at, threads, number, self.leaf(node).next))

    def _after(self, node: int, threads: tuple[int, ...], number: int, next_: int) -> Position:
        threads = (*threads[:number], next_, *threads[number + 1 :])
        if any(thread != END for thread in threads):
            return Position(node, threads)
        here = self.nodes[node]
        assert isinstance(here, Spread)
        return Position(here.next)

    def _looked_up(self, place: Position) -> tuple[tuple[NextStep, ...], bool]:
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = self._look(place)
        return known

    def _look(self, place: Position) -> tuple[tuple[NextStep, ...], bool]:
        moves: dict[NextStep, None] = {}
        over = False
        seen: set[Position] = set()
        waiting = [place]
        while waiting:
            place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            for node in (place.at,) if place.threads else self._reached(place.at):
                here = None if node == END else self.nodes[node]
                if here is None:
                    over = True
                elif isinstance(here, Leaf):
                    moves[NextStep(MAIN, node, Position(here.next))] = None
                else:
                    assert isinstance(here, Spread)
                    if self._within(node, place.threads or here.threads, moves):
                        waiting.append(Position(here.next))
        return tuple(moves), over

    def _within(self, at: int, threads: tuple[int, ...], moves: dict[NextStep, None]) -> bool:
        """Add the moves of an `interleave`'s threads; whether all of them may be over here."""
        all_over = True
        for number, thread in enumerate(threads):
            reached = self._reached(thread)
            all_over &= END in reached
            moves.update(
                dict.fromkeys(self._move(at, threads, number, node) for node in reached if node != END)
            )
        return all_over


def acting_task(leaf: Leaf) -> tuple[str, str]:
    """The task that acts in a leaf and the word of its action; two empty texts where no task does."""
    statement = leaf.statement
    if not isinstance(statement, tree.Step) or not isinstance(statement.operation, tree.TaskStep):
        return "", ""
    (action,) = statement.operation.actions
    word = action.verb if isinstance(action, tree.Simple) else BY_NODE[type(action)].word
    return statement.operation.task, word
