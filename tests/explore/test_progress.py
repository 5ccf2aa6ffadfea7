"""Whether every fair run of a transition completes, who may hold it for ever, and what frees them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from klpdsl.bisect.predicates import PredicateError, known_property
from klpdsl.cli import run, verify
from klpdsl.explore.bounds import SearchBounds
from klpdsl.explore.components import components
from klpdsl.explore.exploration import PathSearch
from klpdsl.explore.graph import StateGraph
from klpdsl.explore.paths import Paths
from klpdsl.explore.progress import CompletionFound, HeldTransition, goes_on, progress
from klpdsl.run.session import load_text
from klpdsl.semantics.engines import resolve
from klpdsl.syntax import tree

KTHREAD = """\
kthread k1; task t1; patch p1 { f }
interleave forever 1 {
  operator { apply p1; disable p1; reverse; force; tick }
  k1 { call f; return }
  t1 { call f; return }
}
"""
USERS = """\
task t1; task t2; patch p1 { f }; patch p2 replace { f, g }
interleave forever 2 {
  operator { apply p1; apply p2; disable p2; reverse; tick }
  t1 { call f; call g; return }
  t2 { call g; return }
}
"""
ASLEEP = """\
task t1 in f uninterruptible; task t2; patch p1 { f }
interleave forever 1 {
  operator { apply p1; reverse; force; tick }
  t2 { call f; return }
}
"""
NOHZ = """\
task t1 nohz; patch p1 { f }
interleave forever 1 {
  operator { apply p1; disable p1; tick }
  t1 { run; call f; return }
}
"""


def asked(text: str, engine: str) -> CompletionFound:
    paths, graph = walked(text, engine)
    return progress(paths, graph)


def walked(text: str, engine: str) -> tuple[Paths, StateGraph]:
    program = load_text(text, "model").program
    depth = program.alphabet.forever if program.alphabet else 0
    paths = Paths(program, resolve(engine).semantics, "final", symmetric=False, depth=depth)
    graph = StateGraph()
    assert not PathSearch(paths, graph=graph).run(SearchBounds(100_000)).stopped
    return paths, graph


def told(held: HeldTransition) -> tuple[str, tuple[str, ...], bool]:
    return (held.patch, held.holders, held.trap)


@pytest.mark.parametrize("engine", ["v4.12", "v4.16", "v5.1"])
def test_tasks_that_come_out_at_last_are_switched_at_the_latest_then(engine: str) -> None:
    found = asked(USERS, engine)
    assert found.states > 100
    assert found.held == ()


@pytest.mark.parametrize("engine", ["v4.12", "v5.1"])
def test_a_kernel_thread_may_be_inside_whenever_its_stack_is_checked(engine: str) -> None:
    # It never leaves the kernel, so only the check of its stack switches it, and that comes once a second.
    (held,) = asked(KTHREAD, engine).held
    assert told(held) == ("p1", ("k1",), False)
    assert held.at_once == ("tick",)
    assert {"disable p1", "reverse"} <= set(held.freed)


def test_kgraft_waits_for_a_kernel_thread_that_nobody_has_taught() -> None:
    (held,) = asked(KTHREAD, "kgraft").held
    assert told(held) == ("p1", ("k1",), True)
    assert (held.at_once, held.freed) == ((), ("force",))


def test_nothing_is_held_where_there_are_no_transitions() -> None:
    assert asked(KTHREAD, "v4.4") == CompletionFound(0, ())


@pytest.mark.parametrize(("engine", "ways_out"), [("v4.12", {"reverse"}), ("v4.16", {"force", "reverse"})])
def test_who_sleeps_inside_for_ever_is_a_trap(engine: str, ways_out: set[str]) -> None:
    (held,) = asked(ASLEEP, engine).held
    assert told(held) == ("p1", ("t1",), True)
    assert ways_out & {*held.at_once, *held.freed}


@pytest.mark.parametrize(("engine", "holds"), [("v4.12", True), ("v6.3", False), ("v6.12", False)])
def test_a_task_in_user_space_without_ticks(engine: str, holds: bool) -> None:
    # Nobody looks at who runs. The fake signal that later releases send by themselves interrupts its CPU.
    assert bool(asked(NOHZ, engine).held) == holds


@pytest.mark.parametrize("text", [KTHREAD, USERS, ASLEEP, NOHZ])
@pytest.mark.parametrize("engine", ["v4.12", "v4.16", "kgraft"])
def test_what_is_said_to_go_on_for_ever_does(text: str, engine: str) -> None:
    """Each loop is fair, comes back to where it began, and has the transition under way all the time."""
    paths, graph = walked(text, engine)
    for held in progress(paths, graph).held:
        at, seen, taken = held.start, [held.start], set()
        for node in held.loop:
            (at,) = (to for step, to in graph.edges[at] if step == node)
            seen.append(at)
            taken.add(node)
        assert at == held.start
        assert all(graph.patch[index] == held.patch for index in seen)
        always = set.intersection(*({node for node, _ in graph.edges[index]} for index in seen))
        for node in always:
            leaf = paths.flow.leaf(node)
            assert not goes_on(leaf) or node in taken or is_return(leaf.statement)
        for node in {node for index in seen for node, _ in graph.edges[index]}:
            if is_return(paths.flow.leaf(node).statement):
                bit = graph.bit(paths.task_of(node))
                assert any(not graph.inside[index] & bit for index in seen)


def is_return(statement: tree.Statement) -> bool:
    if not isinstance(statement, tree.Step) or not isinstance(statement.operation, tree.TaskStep):
        return False
    return isinstance(statement.operation.actions[0], tree.Return)


@pytest.mark.parametrize("seed", range(20))
def test_components_are_those_that_reach_one_another(seed: int) -> None:
    chance = random.Random(seed)
    size = chance.randrange(1, 25)
    edges = {at: {chance.randrange(size) for _ in range(chance.randrange(3))} for at in range(size)}
    within = frozenset(at for at in range(size) if chance.random() < 0.8)
    reach = {at: {at} for at in within}
    for _ in range(size):
        for at in within:
            for to in edges[at] & within:
                reach[at] |= reach[to]
    wanted = {frozenset(to for to in reach[at] if at in reach[to]) for at in within}
    found = list(components(within, edges.__getitem__))
    assert set(found) == wanted
    assert len(found) == len(wanted)


def test_the_answer_and_the_scenario(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "k.klp"
    file.write_text(KTHREAD, encoding="utf-8")
    assert verify.main([str(file), "--completes", "-e", "v5.1"]) == 1
    assert (
        capsys.readouterr().out
        == """\
completion: may never come on v5.1 (2,660 states, in 2,630 of which one is under way: the search has closed)
    k1 may hold the transition of p1 for ever: it can complete, but need not
        ended by: tick
        completes at last after: disable p1, force, reverse
Assumed: tasks and time go on and the operator does nothing more; time never stops passing, and a task that can return
is outside all functions now and then. What else tasks do is up to them.

# k1 may hold the transition of p1 for ever on v5.1:
# in a run that goes on from the remark below as it does there, it need never complete.
engines v5.1

kthread k1
task t1
patch p1 { f }

k1: call f
apply p1
tick 15
# repeat from here
tick
k1: return
k1: call f
tick 14
expect transition = p1
"""
    )


def test_the_exit_code_says_the_worst(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "k.klp"
    file.write_text(KTHREAD, encoding="utf-8")
    assert verify.main([str(file), "--completes", "-e", "v4.4"]) == 0
    assert "no transition is ever under way on v4." in capsys.readouterr().out
    assert verify.main([str(file), "--completes", "-e", "v5.1", "--max-states", "100"]) == 125
    assert "not known on v5.1: the bound of 100 states" in capsys.readouterr().out
    assert verify.main([str(file), "--completes", "-e", "v4.4,v4.12"]) == 1


@pytest.mark.parametrize(
    ("text", "options", "why"),
    [
        ("load p1", [], "whether transitions complete is asked of runs without end"),
        (
            "interleave { operator { apply p1 } }",
            [],
            "whether transitions complete is asked of runs without end",
        ),
        ("interleave forever { operator { apply p1 } }", [], "no time passes in the alphabet"),
        (KTHREAD, ["-p", "leak"], "a question of its own"),
        (KTHREAD, ["--kept"], "is for one scenario"),
    ],
)
def test_what_can_not_be_asked(
    text: str, options: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify.main(["-c", text, "--completes", *options]) == 2
    assert why in capsys.readouterr().err


STALLED = f"""{KTHREAD.replace("interleave", "never stalled; never stale-code" + chr(10) + "interleave")}"""


def test_a_scenario_that_names_it_asks_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main(["-c", KTHREAD, "--completes", "-e", "v5.0"]) == 1
    asked = capsys.readouterr().out
    assert verify.main(["-c", KTHREAD, "-p", "stalled", "-e", "v5.0"]) == 1
    assert capsys.readouterr().out == asked
    assert verify.main(["-c", STALLED, "-e", "v5.0"]) == 1
    out = capsys.readouterr().out
    assert "    k1 may hold the transition of p1 for ever: it can complete, but need not\n" in out
    assert "stale-code: holds on v4.19" in out
    assert verify.main(["-c", STALLED, "-p", "stale-code", "-e", "v5.0"]) == 0
    assert "completion" not in capsys.readouterr().out
    assert verify.main(["-c", "never stalled; load p1", "-e", "v5.0"]) == 2
    assert "runs without end" in capsys.readouterr().err


def test_who_names_no_property_does_not_ask_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main(["-c", KTHREAD, "-e", "v5.0"]) == 1  # force gives consistency up
    assert "stalled" not in capsys.readouterr().out


def test_no_trace_violates_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["-c", "never stalled; task t1 in f; apply p1 { f }; tick 40", "-e", "v6.12"]) == 0
    assert "stalled" not in capsys.readouterr().out
    with pytest.raises(PredicateError, match="no trace says whether stalled is violated"):
        known_property("stalled")
