"""Strongly connected components: sets of states each of which can be reached from each other one."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def components(states: Iterable[int], after: Callable[[int], Iterable[int]]) -> Iterator[frozenset[int]]:
    """The components of a graph's part, by Tarjan's algorithm, without recursion: graphs are deep.

    `after` gives the states that a state leads to; those that are not among `states` do not count.
    """
    within = frozenset(states)
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in sorted(within):
        if root in number:
            continue
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        walk = [(root, iter(after(root)))]
        while walk:
            at, targets = walk[-1]
            for to in targets:
                if to not in within:
                    continue
                if to not in number:
                    number[to] = low[to] = len(number)
                    stack.append(to)
                    on_stack.add(to)
                    walk.append((to, iter(after(to))))
                    break
                if to in on_stack:
                    low[at] = min(low[at], number[to])
            else:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[at])
                if low[at] == number[at]:
                    found = set()
                    while at not in found:
                        found.add(stack.pop())
                    on_stack -= found
                    yield frozenset(found)
