"""How long it takes to find what changed: a scenario's history, a bisection, reductions of padded scenarios."""

import os.path
import random
import time
from collections.abc import Iterator

from klpdsl.bisect.bisection import Lineage, bisect
from klpdsl.bisect.history import passage, stretches
from klpdsl.bisect.keeping import KeepDifference
from klpdsl.bisect.predicates import PredicateError, StepResult
from klpdsl.bisect.reduction import reduce
from klpdsl.bisect.scenario import Runner, find_scenarios, read_items
from klpdsl.semantics.engines import resolve
from klpdsl.syntax.parse import parse
from klpdsl.syntax.tree import Item

_SCENARIOS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scenarios", "changes")
_LIFE = "load p1 { f }\nenable p1\nt1: call f\nt1: return\ndisable p1\nsettle\nunload p1\n"
_PADDING = 200


def _padded(items: tuple[Item, ...], chance: random.Random) -> tuple[Item, ...]:
    """The items with statements of other tasks among them."""
    padded = list(items)
    for number in range(_PADDING):
        task, function = f"other{chance.randrange(6)}", f"other_f{chance.randrange(6)}"
        verb = chance.choice([f"call {function}", "return", f"syscall {function}", "run", "sleep"])
        padded[chance.randrange(len(padded) + 1) : 0] = parse(
            "\n" * number + f"{task}: {verb}", "padding"
        ).items
    return tuple(padded)


def run() -> Iterator[str]:
    """Time each of them."""
    life = tuple(parse(_LIFE).items)
    start = time.perf_counter()
    (stretch,) = stretches(life, (), None, None)
    turns = passage(Runner(life), stretch).turns
    seconds = time.perf_counter() - start
    told = f"{len(life)} statements over {len(stretch.points)} points ({len(turns)} turns)"
    yield f"history of {told}: {seconds * 1000:.0f} ms"

    start = time.perf_counter()
    lineage = Lineage(Runner(life), StepResult("unload p1=0"), resolve("v4.0"), resolve("mainline"))
    found = bisect(lineage)
    seconds = time.perf_counter() - start
    yield f"bisection over {len(lineage.points) - 1} changes in {found.runs} runs: {seconds * 1000:.0f} ms"

    taken = []
    for path in find_scenarios([_SCENARIOS]):
        items = read_items(path)
        name = os.path.basename(path).removesuffix(".klp")
        turn = next(turn for turn in passage(Runner(items), stretch).turns if turn.moves[-1].change == name)
        padded = _padded(items, random.Random(name))
        start = time.perf_counter()
        try:
            reduce(padded, KeepDifference(padded, turn.since.engine, turn.point.engine), "benchmark")
        except PredicateError:
            continue  # the padding has drowned the difference
        taken.append(time.perf_counter() - start)
    taken.sort()
    yield (
        f"{len(taken)} reductions of scenarios with {_PADDING} statements more: "
        f"median {taken[len(taken) // 2] * 1000:.0f} ms, slowest {taken[-1] * 1000:.0f} ms (target 10,000 ms)"
    )
