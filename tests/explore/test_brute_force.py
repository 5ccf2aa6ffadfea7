"""What an exploration says of a scenario is what running every order by itself says."""

from __future__ import annotations

import random
import re

import pytest

from klpdsl.explore.bounds import SearchBounds
from klpdsl.explore.exploration import Exploration, PathSearch
from klpdsl.explore.paths import Paths
from klpdsl.run.session import load_text
from klpdsl.semantics.engines import resolve
from klpdsl.syntax import tree
from klpdsl.syntax.wording import format_statement
from tests.explore.brute import Threads, orders, random_threads, run_order

ENGINES = ("v4.4", "v4.14", "v4.16", "v5.1", "v6.12", "baron-v2", "mladek-unlink", "kpatch-core", "kgraft")


def explored(
    scenario: Threads, engine: str, *, symmetric: bool = True, merge: bool = True
) -> tuple[Exploration, Paths]:
    paths = Paths(
        load_text(scenario.text(), "random").program, resolve(engine).semantics, symmetric=symmetric
    )
    return PathSearch(paths, merge=merge).run(SearchBounds()), paths


def told(scenario: Threads, engine: str, found: Exploration, paths: Paths) -> dict[object, tuple[int, int]]:
    """Each outcome, by what the plain interpreter makes of its witness: how many orders, and how many steps."""
    outcomes: dict[object, tuple[int, int]] = {}
    for ending in found.endings:
        words = []
        before, behind = len(scenario.steps_before()), len(scenario.behind)
        nodes = ending.way.nodes
        inside = nodes[before:]
        for node in inside:
            statement = paths.flow.leaf(node).statement
            assert isinstance(statement, tree.Step)
            text = format_statement(statement)
            task = statement.operation.task if isinstance(statement.operation, tree.TaskStep) else "operator"
            words.append((task, text.partition(": ")[2] if task != "operator" else text))
        if not ending.seen.end and behind:
            words = words[:-behind]
        outcome, _, _ = run_order(scenario, words, engine, cut=bool(ending.seen.end))
        if ending.seen.end.startswith("waits"):
            outcome = (*outcome[:-1], waiting(ending.seen.end))
        assert outcome not in outcomes, "outcomes are told apart by what an observer sees"
        assert ending.orders is not None
        outcomes[outcome] = (ending.orders, len(nodes))
    return outcomes


def waiting(end: str) -> str:
    """Who waits with what, without the reasons, in which a bracket or a semicolon may stand."""
    told = end.removeprefix("waits for ever: ")
    return "; ".join(sorted(re.findall(r"(?:^|\); )([^()]*) \(", told)))


def compare(number: int) -> None:
    chance = random.Random(number)
    scenario = random_threads(chance)
    engine = ENGINES[number % len(ENGINES)]
    expected: dict[object, tuple[int, int]] = {}
    for order in orders(scenario, engine):
        if order.steps >= 0:
            count, shortest = expected.get(order.outcome, (0, 10**9))
            expected[order.outcome] = (count + 1, min(shortest, order.steps))
    found, paths = explored(scenario, engine)
    assert not found.stopped
    assert told(scenario, engine, found, paths) == expected, f"{engine}\n{scenario.text()}"
    for symmetric, merge in ((False, True), (False, False)):
        again, _ = explored(scenario, engine, symmetric=symmetric, merge=merge)
        assert [(e.seen, e.orders, len(e.way.nodes)) for e in again.endings] == [
            (e.seen, e.orders, len(e.way.nodes)) for e in found.endings
        ]
        assert again.orders == found.orders
        assert {name: len(b.way.nodes) for name, b in again.broken.items()} == {
            name: len(b.way.nodes) for name, b in found.broken.items()
        }


# In 1021 a task that has taken one branch waits where the same task, in the other, is through: nothing but who waits
# tells the two ends apart.
@pytest.mark.parametrize("number", [*range(45), 1021])
def test_every_order_by_itself(number: int) -> None:
    compare(number)


@pytest.mark.slow
@pytest.mark.parametrize("tens", range(50))
def test_five_hundred_scenarios(tens: int) -> None:
    for number in range(1000 + 10 * tens, 1010 + 10 * tens):
        compare(number)
