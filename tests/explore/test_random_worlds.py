"""Random small worlds without a script: merging states and exchanging tasks changes nothing that is found.

Beside each search stands one that does neither: it goes through every sequence of steps by itself, and keeps nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from klpdsl.explore.bounds import SearchBounds
from klpdsl.explore.exploration import PathSearch
from klpdsl.explore.outcomes import observation
from klpdsl.explore.paths import Paths, PathState, is_crashed
from klpdsl.run.session import load_text
from klpdsl.semantics.engines import resolve

ENGINES = (
    "v4.4",
    "v4.12",
    "v4.16",
    "v5.1",
    "v6.12",
    "v7.3",
    "baron-v2",
    "mladek-unlink",
    "kgraft",
    "kpatch-core",
)
#: So many steps of the alphabet are followed without merging.
STEPS = 4
_OPERATOR = (
    "apply p1",
    "apply p2",
    "disable p1",
    "disable p2",
    "reverse",
    "force",
    "tick",
    "unload p1",
    "enable p1",
)
_ACTIONS = ("call f", "call g", "return", "syscall f", "run", "sleep", "exit", "enter f", "continue")
_TASKS = (("task t1", "task t2"), ("task t1 in f", "task t2 in f"), ("task t1", "kthread t2 in g"))


def random_world(number: int) -> str:
    """An alphabet of a few steps; in most the two tasks do the same, in some they are alike."""
    chance = random.Random(f"world {number}")
    first = chance.sample(_ACTIONS, 2)
    second = first if chance.random() < 0.6 else chance.sample(_ACTIONS, chance.randint(1, 2))
    lines = [
        "patch p1 { f }",
        f"patch p2{chance.choice(['', ' replace'])} {{ f, g }}",
        *chance.choice(_TASKS),
    ]
    lines += [] if chance.random() < 0.5 else ["apply p1"]
    operator = "; ".join(chance.sample(_OPERATOR, 3))
    threads = f"operator {{ {operator} }}; t1 {{ {'; '.join(first)} }}; t2 {{ {'; '.join(second)} }}"
    return "\n".join([*lines, f"interleave forever {chance.choice([1, 2])} {{ {threads} }}"]) + "\n"


def paths_of(number: int, *, symmetric: bool) -> Paths:
    program = load_text(random_world(number), "world").program
    assert program.alphabet is not None
    semantics = resolve(ENGINES[number % len(ENGINES)]).semantics
    return Paths(program, semantics, "final", symmetric=symmetric, depth=program.alphabet.forever)


def steps_behind(paths: Paths, state: PathState) -> Iterator[tuple[PathState, set[str]]]:
    """What every step that can be taken leads to, and what it violates."""
    if not is_crashed(state):
        for move in paths.moves(state):
            taken = paths.take(state, move)
            yield taken.state, {one.property for one in taken.violations}


def visible(paths: Paths, state: PathState) -> object:
    """What can be observed in a state. What was violated on the way there is no part of it: it is told where it is."""
    return observation(paths, state)._replace(violated=())


def everything(paths: Paths, most: int) -> tuple[dict[str, int], list[set[object]]]:
    """The shortest way to each violation of so many steps at most, and what can be observed after each number."""
    shortest: dict[str, int] = {}
    seen: list[set[object]] = [set() for _ in range(most + 1)]
    waiting = [(paths.first(), 0)]
    while waiting:
        state, steps = waiting.pop()
        seen[steps].add(visible(paths, state))
        if steps < most:
            for behind, broken in steps_behind(paths, state):
                for name in broken:
                    shortest[name] = min(steps + 1, shortest.get(name, steps + 1))
                waiting.append((behind, steps + 1))
    return shortest, seen


def merged(paths: Paths, most: int) -> list[set[object]]:
    """What can be observed after each number of steps, of states that are alike the first one alone."""
    level = [paths.first()]
    seen = []
    for _ in range(most + 1):
        seen.append({visible(paths, state) for state in level})
        following: dict[object, PathState] = {}
        for state in level:
            for behind, _ in steps_behind(paths, state):
                following.setdefault(paths.key(behind), behind)
        level = list(following.values())
    return seen


def compare(number: int) -> None:
    plain = paths_of(number, symmetric=False)
    most = STEPS + len(load_text(random_world(number), "world").program.statements) - 1
    shortest, seen = everything(plain, most)
    assert merged(plain, most) == seen, random_world(number)
    for symmetric in (False, True):
        found = PathSearch(paths_of(number, symmetric=symmetric)).run(SearchBounds(4_000))
        lengths = {name: len(broken.way.nodes) for name, broken in found.broken.items()}
        near = {name: length for name, length in lengths.items() if length <= most}
        assert near == shortest, f"{'exchanging' if symmetric else 'merging'}: {random_world(number)}"


@pytest.mark.parametrize("tens", range(6))
def test_worlds(tens: int) -> None:
    for number in range(10 * tens, 10 * tens + 10):
        compare(number)


@pytest.mark.slow
@pytest.mark.parametrize("hundreds", range(20))
def test_two_thousand_worlds(hundreds: int) -> None:
    for number in range(1_000 + 100 * hundreds, 1_100 + 100 * hundreds):
        compare(number)
