"""Exploring by brute force, for comparison: every order is run by itself through the plain interpreter.

It shares nothing with `klpdsl.explore`: orders are merged from lists of text lines here, each order is a scenario of
its own, and what is observed of it is read off its trace.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from klpdsl.engine import sysfs
from klpdsl.engine.preconditions import mutex_taken, precondition
from klpdsl.engine.transition import owner_name
from klpdsl.run.interpreter import Interpreter
from klpdsl.run.program import Program
from klpdsl.run.session import load_text
from klpdsl.semantics.engines import resolve
from klpdsl.syntax import tree
from klpdsl.trace.events import Call, Enter, Violation
from klpdsl.world.values import STATE_NAMES

FATAL = {"stale-code", "dangling-hook"}


class Threads(NamedTuple):
    """A scenario with one `interleave`: what stands before it, its threads, what stands behind."""

    before: tuple[str, ...]
    # (name, alternatives): each alternative is a list of statements; more than one are the branches of a `choose`.
    threads: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
    behind: tuple[str, ...]

    def steps_before(self) -> list[str]:
        """Of what stands before it, the steps."""
        return [line for line in self.before if not line.startswith(("patch", "task", "kthread"))]

    def alike(self) -> bool:
        """Whether t1 and t2 can be exchanged."""
        one, other = self.threads[1][1], self.threads[2][1]
        words = [
            line.split()[0] + line.split("t1")[-1].split("t2")[-1] for line in self.before if " t" in line
        ]
        named = any(line.startswith("t") and ":" in line for line in (*self.before, *self.behind))
        return one == other and len(set(words)) == 1 and not named

    def text(self) -> str:
        """The scenario."""
        lines = [*self.before, "interleave {"]
        for name, alternatives in self.threads:
            bodies = ["; ".join(alternative) for alternative in alternatives]
            body = bodies[0] if len(bodies) == 1 else "choose { " + " } or { ".join(bodies) + " }"
            lines.append(f"    {name} {{ {body} }}")
        return "\n".join([*lines, "}", *self.behind]) + "\n"


def random_threads(chance: random.Random) -> Threads:
    """A small scenario with tasks of which two are often alike."""
    before = ["patch p1 { f }", f"patch p2{chance.choice(['', ' replace'])} {{ f, g }}"]
    kinds = chance.choice(["task t1; task t2", "task t1 in f; task t2 in f", "task t1; kthread t2 in g"])
    before += kinds.split("; ")
    before += chance.choice([[], ["apply p1"], ["apply p1", "t1: run"], ["apply p1", "disable p1"]])
    operator = ["apply p1", "apply p2", "disable p1", "reverse", "force", "tick", "unload p1", "enable p1"]
    actions = [
        "call f",
        "call g",
        "return",
        "return",
        "syscall f",
        "run",
        "sleep",
        "exit",
        "enter f",
        "continue",
    ]
    threads = [("operator", _alternatives(chance, operator, 3))]
    first = _alternatives(chance, actions, 2)
    second = first if chance.random() < 0.6 else _alternatives(chance, actions, 2)
    threads += [("t1", first), ("t2", second)]
    return Threads(
        tuple(before), tuple(threads), tuple(chance.choice([[], ["settle"], ["tick", "t1: exit"]]))
    )


def _alternatives(chance: random.Random, words: list[str], most: int) -> tuple[tuple[str, ...], ...]:
    count = 2 if chance.random() < 0.2 else 1
    return tuple(tuple(chance.choices(words, k=chance.randint(1, most))) for _ in range(count))


def merges(threads: list[tuple[str, ...]]) -> Iterator[list[tuple[int, int]]]:
    """Every order of the threads' statements, as (thread, place in it)."""

    def rest(at: tuple[int, ...]) -> Iterator[list[tuple[int, int]]]:
        left = [number for number, place in enumerate(at) if place < len(threads[number])]
        if not left:
            yield []
        for number in left:
            after = (*at[:number], at[number] + 1, *at[number + 1 :])
            for order in rest(after):
                yield [(number, at[number]), *order]

    yield from rest((0,) * len(threads))


class Order(NamedTuple):
    """What one order ends in: its outcome, how many steps it took, and the order as far as it went."""

    outcome: tuple[object, ...]
    taken: tuple[object, ...]
    steps: int


def orders(scenario: Threads, engine: str) -> list[Order]:
    """Every order once, and what it ends in."""
    picks: list[list[tuple[int, tuple[str, ...]]]] = [[]]
    for _, alternatives in scenario.threads:
        picks = [[*pick, branch] for pick in picks for branch in enumerate(alternatives)]
    found: dict[object, Order] = {}
    for pick in picks:
        for merged in merges([body for _, body in pick]):
            order = _run(scenario, pick, merged, engine)
            # An order that waits for ever, or crashes, is one whatever would have followed.
            found.setdefault(order.taken, order)
    return list(found.values())


def _run(
    scenario: Threads, pick: list[tuple[int, tuple[str, ...]]], merged: list[tuple[int, int]], engine: str
) -> Order:
    names = [name for name, _ in scenario.threads]
    words = [(names[number], pick[number][1][place]) for number, place in merged]

    def all_wait(interpreter: Interpreter, count: int) -> tuple[str, ...]:
        return _who_waits(interpreter, scenario, pick, merged[:count])

    outcome, steps, end = run_order(scenario, words, engine, all_wait)
    if end == "impossible":
        return Order((), ("impossible",), -1)
    inside = max(0, min(steps - len(scenario.steps_before()), len(merged)))
    taken = tuple((number, pick[number][0], place) for number, place in merged[:inside])
    return Order(outcome, (*taken, steps, end), steps)


def run_order(
    scenario: Threads,
    words: list[tuple[str, str]],
    engine: str,
    all_wait: Callable[[Interpreter, int], tuple[str, ...]] = lambda *_: (),
    *,
    cut: bool = False,
) -> tuple[tuple[object, ...], int, str]:
    """Run one order, given as (thread, what it does): its outcome, how many steps it took, and how it ended.

    `all_wait` says with what all threads wait, when the order's next step can not be taken; nothing where one of them
    could move. `cut`: what stands behind the `interleave` is not reached.
    """
    program, known = _statements(scenario)
    interpreter = Interpreter(program, resolve(engine).semantics, lambda *_: "")
    lines = [word if name == "operator" else f"{name}: {word}" for name, word in words]
    first = len(scenario.steps_before())
    statements = [known[line] for line in (*scenario.steps_before(), *lines)]
    if not cut:
        statements += [known[line] for line in scenario.behind]
    results: dict[str, list[str]] = {}
    violated: set[str] = set()
    end = ""
    steps = 0
    for count, statement in enumerate(statements):
        inside = first <= count < first + len(lines)
        if inside and not _can(interpreter, statement):
            end = "; ".join(all_wait(interpreter, count - first)) or "impossible"
            break
        interpreter.carry_out(statement)
        steps += 1
        step = interpreter.steps[-1]
        assert step.result
        ran = [event.code for event in step.events if isinstance(event, (Call, Enter))]
        value = " ".join(ran) if ran and step.result.value == "0" else step.result.value
        violated |= {event.property for event in step.events if isinstance(event, Violation)}
        name, word = words[count - first] if inside else ("", step.text)
        results.setdefault(name, []).append(f"{word} {value}")
        if violated & FATAL:
            end = "crashed"
            break
    w = interpreter.kernel.w
    enabled = tuple(sysfs.read(interpreter.kernel, name, "enabled") for name in ("p1", "p2"))
    tasks = {task.name: task for task in w.tasks}
    each = []
    for name in ("t1", "t2"):
        task = tasks.get(name)
        inside_of = tuple((code.function, owner_name(code)) for code in task.stack) if task else ()
        state = STATE_NAMES[task.patch_state] if task and w.transition_patch else ""
        each.append((tuple(results.get(name, ())), inside_of, state))
    own = (tuple(results.get("", ())), tuple(results.get("operator", ())))
    if scenario.alike():
        each.sort()
    return (own, tuple(each), w.transition_patch, enabled, frozenset(violated), end), steps, end


def _can(interpreter: Interpreter, statement: tree.Step) -> bool:
    operation = statement.operation
    w = interpreter.kernel.w
    if isinstance(operation, tree.TaskStep):
        (action,) = operation.actions
        word = action.verb if isinstance(action, tree.Simple) else type(action).__name__.lower()
        return precondition(w, operation.task, word) is None
    return isinstance(operation, tree.Tick) or mutex_taken(w) is None


def _who_waits(
    interpreter: Interpreter,
    scenario: Threads,
    pick: list[tuple[int, tuple[str, ...]]],
    done: list[tuple[int, int]],
) -> tuple[str, ...]:
    """What each thread would do next, in the branch that it has taken or in any at its start; nothing if one can."""
    _, known = _statements(scenario)
    waits: set[str] = set()
    for thread, (name, alternatives) in enumerate(scenario.threads):
        place = sum(1 for number, _ in done if number == thread)
        bodies = [pick[thread][1]] if place else alternatives
        for word in (body[place] for body in bodies if place < len(body)):
            if _can(interpreter, known[word if name == "operator" else f"{name}: {word}"]):
                return ()
            # Who of two that can be exchanged it is, nobody can say.
            waits.add(word if name == "operator" else f"{'t1' if scenario.alike() else name}: {word}")
    return tuple(sorted(waits))


@functools.cache
def _statements(scenario: Threads) -> tuple[Program, dict[str, tree.Step]]:
    """Each line of the scenario as a statement, of a program in which they stand one after another."""
    lines = [
        word if name == "operator" else f"{name}: {word}"
        for name, alternatives in scenario.threads
        for body in alternatives
        for word in body
    ]
    steps = [*scenario.steps_before(), *lines, *scenario.behind]
    declared = [line for line in scenario.before if line not in scenario.steps_before()]
    program = load_text("\n".join([*declared, *steps]), "order").program
    known = {}
    for line, statement in zip(steps, program.statements, strict=True):
        assert isinstance(statement, tree.Step)
        known[line] = statement
    return program, known
