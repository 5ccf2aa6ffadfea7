"""How far a search may go, and the words for having gone so far."""

from __future__ import annotations

import resource
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple

EVERY = 256
"""States between two looks at the clock, and steps: few states may have many."""


class BoundHitError(Exception):
    """A bound was hit in the middle of a state; the guard's `hit` says which."""


class SearchBounds(NamedTuple):
    """The most that a search may take: states, seconds, MiB of memory; 0 for no bound."""

    states: int = 0
    seconds: float = 0.0
    memory: int = 0


class Effort(NamedTuple):
    """How far a search has come: states and steps, states that wait to be gone on from, seconds, MiB."""

    states: int
    steps: int
    frontier: int
    seconds: float
    memory: int


class Guard:
    """Watches the bounds of one search. `hit` says which one stopped it; empty while none did."""

    def __init__(self, bounds: SearchBounds, progress: Callable[[Effort], None] | None = None) -> None:
        self._bounds = bounds
        self._progress = progress
        self._start = time.monotonic()
        self._next = 0
        self._next_step = 0
        self.hit = ""

    def goes_on(self, states: int, steps: int, frontier: int) -> bool:
        """Whether the search may go on; asked before each state is gone on from."""
        bounds = self._bounds
        if bounds.states and states >= bounds.states:
            self.hit = f"the bound of {bounds.states:,} states"
            return False
        if states < self._next and steps < self._next_step:
            return True
        self._next, self._next_step = states + EVERY, steps + EVERY
        effort = self.effort(states, steps, frontier)
        if self._progress:
            self._progress(effort)
        if bounds.seconds and effort.seconds >= bounds.seconds:
            self.hit = f"the bound of {bounds.seconds:g} seconds"
        elif bounds.memory and effort.memory >= bounds.memory:
            self.hit = f"the bound of {bounds.memory:,} MiB"
        return not self.hit

    def step(self, states: int, steps: int, frontier: int) -> None:
        """Asked before each step is taken. Raises `BoundHitError` where the search may not go on."""
        if steps >= self._next_step and not self.goes_on(states, steps, frontier):
            raise BoundHitError

    def effort(self, states: int, steps: int, frontier: int) -> Effort:
        """How far it has come."""
        return Effort(states, steps, frontier, time.monotonic() - self._start, memory_in_use())


def memory_in_use() -> int:
    """MiB that this process holds now; the most it ever held where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize() >> 20
    except (OSError, ValueError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak >> (20 if sys.platform == "darwin" else 10)
