"""A world closes: what can be told apart by no rule has one key, so that a model that goes on for ever has an end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klpdsl.engine import klp
from klpdsl.engine.context import Kernel
from klpdsl.engine.transition import SIGNALS_TIMEOUT
from klpdsl.run.interpreter import Interpreter
from klpdsl.run.session import load_text
from klpdsl.semantics.axes import Semantics
from klpdsl.semantics.engines import resolve
from klpdsl.syntax import tree
from klpdsl.world.world import World
from tests.engine.scenarios import scenarios

_F = ("vmlinux", "f", 1)
Action = Callable[[Kernel], object]


def closure(
    first: World,
    semantics: Semantics,
    actions: list[Action],
    *,
    symmetric: bool = False,
    limit: int = 20_000,
) -> list[World]:
    """One world of each key that the actions lead to, in any order and for ever."""
    found = {first.key(symmetric=symmetric): first}
    waiting = [first]
    while waiting and len(found) < limit:
        world = waiting.pop()
        for action in actions:
            k = Kernel(world.copy(), semantics)
            action(k)
            klp.drain(k)
            key = k.w.key(symmetric=symmetric)
            if key not in found:
                found[key] = k.w
                waiting.append(k.w)
    assert len(found) < limit, "the model does not close"
    return list(found.values())


def model(text: str, engine: str, *more: Action) -> tuple[World, Semantics, list[Action]]:
    """Tasks that call f and return for ever, a patch that is put into force, taken back, and reversed on the way."""
    loaded = load_text(text, "model")
    p1 = loaded.program.patches["p1"]

    def call(name: str) -> Action:
        # One deep: what more of the same on a stack adds, no rule of a single function asks for.
        return lambda k: k.w.tasks[k.w.task_index(name)].stack or klp.call(k, name, _F)

    def return_(name: str) -> Action:
        return lambda k: klp.return_(k, name)

    def on_cpu(name: str, action: Callable[[Kernel, str], object]) -> Action:
        return lambda k: action(k, name)

    actions: list[Action] = []
    for task in loaded.program.world.tasks:
        actions += [
            call(task.name),
            return_(task.name),
            on_cpu(task.name, klp.run),
            on_cpu(task.name, klp.sleep),
        ]
    actions += [
        lambda k: klp.apply_patch(k, p1),
        lambda k: klp.unload_patch(k, "p1"),
        lambda k: klp.write(k, "p1", "enabled", "1"),
        lambda k: klp.write(k, "p1", "enabled", "0"),
        klp.reverse,
        klp.tick,
        *more,
    ]
    return loaded.program.world, resolve(engine).semantics, actions


_TWO = "task t1; task t2; patch p1 { f }; load p1"


def without_counter(worlds: list[World]) -> int:
    """How many there are when nobody counts retries."""
    left = set()
    for world in worlds:
        world.signals_cnt = 0
        left.add(world.key())
    return len(left)


# A task is in user space or in f, on a CPU or not: 4 ways, 16 for two. Outside transitions the patch is not there
# (and the kernel tainted or not), off, or in force: 4 times 16, since who is in f is in the version of that time. In a
# transition each task is switched or not as well, and is in the old version of f if it is not: 64, in two directions.
_STATES = 4 * 16 + 2 * 64


@pytest.mark.parametrize(
    ("engine", "states", "symmetric"),
    [
        # Two equal tasks in n ways each are n * (n + 1) / 2 pairs: 4 times 10, and 2 times 36.
        ("v4.14", _STATES, 4 * 10 + 2 * 36),
        # Since v5.1 the retries are counted: up to 30 of them can be told apart (the first round of signals says so
        # in the log), and not each with each state, for after a retry nobody is left who could have been switched.
        ("v5.1", 2408, 1402),
        ("v6.12", 2352, 1372),
    ],
)
def test_a_life_without_end_closes(engine: str, states: int, symmetric: int) -> None:
    found = closure(*model(_TWO, engine))
    assert len(found) == states
    assert max(world.signals_cnt for world in found) <= 2 * SIGNALS_TIMEOUT
    assert without_counter(found) == _STATES
    assert len(closure(*model(_TWO, engine), symmetric=True)) == symmetric


def force(k: Kernel) -> object:
    return klp.force(k, None)


@pytest.mark.parametrize("engine", ["v4.16", "v6.12"])
def test_references_that_leak_do_not_keep_a_world_from_closing(engine: str) -> None:
    first, semantics, actions = model("task t1; patch p1 { f }; load p1", engine, force)
    found = closure(first, semantics, actions)
    kept = [world for world in found if world.leaked]
    assert kept
    assert {min(world.modules["p1"].refs, 1) for world in kept} == {1}, "such a module can not be removed"
    for world in kept:
        k = Kernel(world.copy(), semantics)
        assert klp.unload_patch(k, "p1").value in ("EAGAIN", "EBUSY")


def after(text: str, engine: str = "v6.12") -> World:
    """The world in which a scenario ends."""
    interpreter = Interpreter(load_text(text, "test").program, resolve(engine).semantics, lambda *_: "")
    interpreter.run()
    return interpreter.kernel.w


@pytest.mark.parametrize("engine", ["v4.14", "v6.12"])
@pytest.mark.parametrize("times", [1, 2, 5])
def test_loads_of_an_unrelated_patch_leave_nothing(engine: str, times: int) -> None:
    # No signal reaches it, whatever else settles.
    ground = "task t1 in f uninterruptible\nmodule ext4 { read }\npatch p2 { g }\npatch p1 { f }\n"
    life = "apply p2\nsettle\ndisable p2\nsettle\nunload p2\nload ext4\nunload ext4\n"
    p1 = "apply p1\nt1: return\ntick\nt1: call g\n"
    plain = after(f"{ground}{life}{p1}tick", engine)
    again = after(f"{ground}{life * times}{p1}{life * times}tick", engine)
    assert again.key() == plain.key()


@settings(max_examples=60, deadline=None)
@given(parts=scenarios(), data=st.data())
def test_declarations_in_another_order_make_the_same_world(
    parts: tuple[list[str], list[str], list[str]], data: st.DataObject
) -> None:
    declared, others, steps = parts
    moved = data.draw(st.permutations([*declared, *others]))
    one = after("\n".join([*declared, *others, *steps]))
    other = after("\n".join([*moved, *steps]))
    assert one.key() == other.key()


@settings(max_examples=60, deadline=None)
@given(parts=scenarios())
def test_tasks_that_differ_in_name_alone_make_the_same_world(
    parts: tuple[list[str], list[str], list[str]],
) -> None:
    text = "\n".join(line for part in parts for line in part)
    swapped = text.replace("t1", "t9").replace("t2", "t1").replace("t9", "t2")
    assert after(text).key(symmetric=True) == after(swapped).key(symmetric=True)


def test_tasks_that_differ_in_more_do_not() -> None:
    one, other = after("task t1 in f; task t2"), after("task t1; task t2 in f")
    assert one.key() != other.key()
    assert one.key(symmetric=True) == other.key(symmetric=True)
    assert one.key(symmetric=True) != after("task t1; task t2").key(symmetric=True)
    assert one.key(symmetric=True) != after("task t1 in f; task t2 in f").key(symmetric=True)


@settings(max_examples=60, deadline=None)
@given(parts=scenarios(), more=scenarios())
def test_worlds_with_one_key_have_one_future(
    parts: tuple[list[str], list[str], list[str]], more: tuple[list[str], list[str], list[str]]
) -> None:
    """Ranked or not, a world goes the same way."""
    declared, others, steps = parts
    program = load_text("\n".join([*declared, *others, *steps, *more[2]]), "test").program
    semantics = resolve("v6.12").semantics
    interpreters = []
    for ranks in (False, True):
        interpreter = Interpreter(program, semantics, lambda *_: "")
        for statement in interpreter.statements():
            if ranks:
                interpreter.kernel.w.rank()
            assert isinstance(statement, tree.Step)
            interpreter.carry_out(statement)
        interpreters.append(interpreter)
    one, other = (interpreter.kernel.w.key() for interpreter in interpreters)
    assert one == other
    results = [[step.result for step in interpreter.steps] for interpreter in interpreters]
    assert results[0] == results[1]


@settings(max_examples=60, deadline=None)
@given(parts=scenarios(), engine=st.sampled_from(["v4.14", "v4.20", "v6.12"]))
def test_what_a_key_keeps_follows_every_change(
    parts: tuple[list[str], list[str], list[str]], engine: str
) -> None:
    text = "\n".join(line for part in parts for line in part)
    interpreter = Interpreter(load_text(text, "test").program, resolve(engine).semantics, lambda *_: "")
    for statement in interpreter.statements():
        interpreter.carry_out(statement)
        world = interpreter.kernel.w
        key, twin = world.key(), world.copy()
        twin.kept = None
        assert key == twin.key()
        assert hash(key) == hash(twin.key())


def test_every_field_of_a_world_is_copied() -> None:
    world = after("task t1 in f; apply p1; tick")
    twin = world.copy()
    for field in World.FIELDS:  # type: ignore[attr-defined]
        assert getattr(twin, field) == getattr(world, field), field
    twin.tasks.clear()
    twin.modules.clear()
    assert world.tasks
    assert world.modules
