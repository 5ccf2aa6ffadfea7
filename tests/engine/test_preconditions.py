"""What can be done now: the answer that is asked for is the answer that an attempt gets."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from klpdsl.engine import klp, tasks
from klpdsl.engine.context import Kernel, Outcome
from klpdsl.engine.preconditions import OPERATOR, TASK_ACTIONS, enabled, precondition
from klpdsl.engine.properties import Watch
from klpdsl.run.session import execute, load_text
from klpdsl.semantics.engines import resolve
from klpdsl.trace.events import Violation

_F = ("vmlinux", "f", 1)
_DECLARED = "cpus 1\ntask t1\ntask t2 in f\ntask t3 running in f\nkthread k1\npatch p1 { f }\nload p1\n"
_ATTEMPTS: dict[str, Callable[[Kernel, str], Outcome]] = {
    "call": lambda k, task: klp.call(k, task, _F),
    "enter": lambda k, task: klp.enter(k, task, _F),
    "continue": klp.continue_,
    "return": klp.return_,
    "syscall": lambda k, task: klp.syscall(k, task, None),
    "run": klp.run,
    "sleep": klp.sleep,
    "resched": klp.resched,
    "freeze": klp.freeze,
    # No release has it.
    "switchpoint": lambda k, task: klp.switch_point(Kernel(k.w, resolve("forshee-kthread").semantics), task),
    # A name that nobody has: one that is taken is the attempt's own fault, and no part of the precondition.
    "fork": lambda k, task: klp.fork(k, task, f"{task}-{k.w.next_pid}", True),
    "exit": lambda k, task: klp.exit_(k, task, False),
    "unreliable": lambda k, task: tasks.set_reliable(k, task, False),
    "reliable": lambda k, task: tasks.set_reliable(k, task, True),
}


def test_every_action_is_attempted_here() -> None:
    assert list(_ATTEMPTS) == list(TASK_ACTIONS)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from(["t1", "t2", "t3", "k1"]), st.sampled_from(list(_ATTEMPTS))), max_size=8
    )
)
def test_an_attempt_gets_the_answer_that_was_given(taken: list[tuple[str, str]]) -> None:
    loaded = load_text(_DECLARED, "test")
    k = Kernel(loaded.program.world.copy(), resolve("v6.12").semantics)
    klp.load_patch(k, loaded.program.patches["p1"])
    for task, action in taken:
        _ATTEMPTS[action](k, task)
    for answer in enabled(k.w):
        if answer.who == OPERATOR:
            assert (klp.write(k, "p1", "enabled", "0").value == "blocked") == (answer.why_not is not None)
            continue
        tried = Kernel(k.w.copy(), k.sem)
        outcome = _ATTEMPTS[answer.action](tried, answer.who)
        if answer.why_not is None:
            assert outcome.value == "0"
        else:
            assert outcome == answer.why_not
            assert tried.w.key() == k.w.key(), "an attempt in vain changes nothing"


def test_who_has_exited_can_do_nothing() -> None:
    world = load_text("task t1", "test").program.world
    answers = {str(precondition(world, "t9", action)) for action in TASK_ACTIONS}
    assert answers == {str(precondition(world, "t9", "call"))}
    assert "the task has exited" in answers.pop()


def test_properties_are_judged_when_nobody_listens() -> None:
    text = "task t1\npatch p1 { f; g }\npatch p2 replace immediate { f }\n"
    written = "apply p1\nt1: call f\nt1: call g\napply p2\nunload p1\n"
    loaded = load_text(text + written, "test")
    trace = execute(loaded, "baron-v2").trace
    heard = [event for step in trace.steps for event in step.events if isinstance(event, Violation)]
    watch = Watch()
    k = Kernel(loaded.program.world.copy(), resolve("baron-v2").semantics, watch=watch)
    p1, p2 = loaded.program.patches["p1"], loaded.program.patches["p2"]
    steps: list[Callable[[], object]] = [
        lambda: klp.apply_patch(k, p1),
        lambda: klp.call(k, "t1", _F),
        lambda: klp.call(k, "t1", ("vmlinux", "g", 1)),
        lambda: klp.apply_patch(k, p2),
        lambda: klp.unload_patch(k, "p1"),
    ]
    found: list[Violation] = []
    for step in steps:
        step()
        klp.drain(k)
        found += [*k.violations, *watch.at_rest(k)]
        k.violations = []
    assert found == heard
    assert {violation.property for violation in found} == {"stale-code"}
