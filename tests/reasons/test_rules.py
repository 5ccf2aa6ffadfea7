"""The table of what can be said: held to the axes and to the engine, and each rule seen at work."""

from pathlib import Path

import pytest

from klpdsl.reasons.rules import reason, rules
from klpdsl.reasons.telling import Sentence, Told, explain
from klpdsl.run.session import load_text
from klpdsl.semantics.axes import Semantics
from klpdsl.semantics.engines import resolve

ROOT = Path(__file__).resolve().parents[2]

#: For each rule a scenario and an engine on which it is said, and in what words.
SHOWN = {
    "held-sleeping": (
        "task t1 in f; load p1",
        "v6.19",
        "t1 is inside the original vmlinux f, which p1 replaces",
    ),
    "held-running": ("task t1 running in f; load p1", "v6.19", "t1 is on a CPU: nobody else"),
    "held-unreliable": (
        "task t1 in g unreliable; load p1",
        "v6.19",
        "the unwinder can not vouch for t1's stack",
    ),
    "held-unseen": (
        "contended 1; task t1; task t2 in g; load p1",
        "shao-scan-break",
        "no attempt has looked at t2: somebody wanted the lock",
    ),
    "held-untried": (
        "task t1 in f uninterruptible; kthread k1 in f; load p1; k1: return",
        "v6.19",
        "no attempt has looked at k1 since it could switch",
    ),
    "release-user": ("task t1 in f; load p1", "v6.19", "going back to user space switches it at once"),
    "release-attempt": (
        "kthread k1 in f; load p1",
        "v6.19",
        "once it is off f, the next attempt switches it",
    ),
    "release-asleep": ("kthread k1 running; load p1", "v6.19", "once it sleeps outside of what is patched"),
    "release-signal": ("task t1 in f; load p1", "v6.19", "the fake signal wakes it, sent after every 15"),
    "release-signal-by-hand": (
        "task t1 in f; load p1; enable p1",
        "v4.16",
        "`signal` sends it the fake signal",
    ),
    "release-no-signal": (
        "kthread k1 in f; load p1",
        "v6.19",
        "no signal reaches it: a kernel thread is only woken",
    ),
    "release-signal-missing": (
        "task t1 in f; load p1; enable p1",
        "v4.12",
        "no fake signal is sent on this engine (added in v4.16",
    ),
    "release-idle": (
        "async; cpus 2; kthread k1 in f; load p1",
        "v6.4",
        "an idle CPU that is in the way is woken",
    ),
    "release-idle-missing": (
        "cpus 2; kthread k1 in f; load p1",
        "v5.13",
        "nobody wakes an idle CPU that is in the way on this engine (added in v5.16",
    ),
    "release-resched": ("kthread k1 running; load p1", "v6.4", "at cond_resched() it looks at its own stack"),
    "release-resched-missing": (
        "kthread k1 running; load p1",
        "v6.3",
        "nowhere inside the kernel does it look at its own stack on this engine (added in v6.4",
    ),
    "release-force": (
        "task t1 in f; load p1",
        "v6.19",
        "`force` switches it as it is, and pins the modules whose code it may still be in for ever",
    ),
    "release-reverse": ("task t1 in f; load p1", "v6.19", "`reverse` gives the transition up"),
    "free-user-space": ("task t1; load p1", "v6.19", "t1 was in user space: it has no stack in the kernel"),
    "free-stack": (
        "task t1 in g; load p1",
        "v6.19",
        "t1 was switched by an attempt: on its stack is the original vmlinux g (not patched by p1)",
    ),
    "free-itself": (
        "task t1 in f; load p1; t1: return",
        "v6.19",
        "t1 switched by itself, on its way to user space",
    ),
    "free-forced": (
        "task t1 in f; load p1; force p1",
        "v6.19",
        "t1 was forced, whatever was on its stack: on its stack is the original vmlinux f",
    ),
    "free-already": ("task t1; task t2 in f; load p1; tick", "v6.19", "t1 has switched before, in step 1"),
    "free-immediate": (
        "task t1 in g; task t2 in f; patch p1 { f; g immediate }; load p1; enable p1",
        "v4.12",
        "t1 is inside the g that p1 changes, but that is immediate there",
    ),
    "free-at-once": ("task t1 in f; load p1; enable p1", "v4.11", "nobody is waited for"),
    "call-unpatched": ("load p1; t1: call g", "v6.19", "no version stands on g's stack: the original runs"),
    "call-top": (
        "load p1; t1: call f",
        "v6.19",
        "p1 is on top of f's stack [p1], and not in transition: it runs",
    ),
    "call-switched": (
        "task t1; task t2 in f; load p1; t1: call f",
        "v6.19",
        "p1 is on top of f's stack [p1] and in transition; t1 is patched, so it runs",
    ),
    "call-below": (
        "kthread k1 in f > g; load p1; k1: call f",
        "v6.19",
        "p1 is on top of f's stack [p1] and in transition; k1 is still unpatched, so the original runs",
    ),
    "call-nop": (
        "patch p1 { f; g }; patch p2 replace { g }; task t1; task t2; load p1; t2: call g; load p2; t1: call f",
        "v6.19",
        "the version that would run is a no-op of p2, which stands for the original",
    ),
    "call-otherwise": (
        "load p1; attach fentry f; attach fexit f; t1: call f",
        "v6.0",
        "the handler has chosen original",
    ),
    "hook-pushed": ("load p1", "v6.19", "p1 is now on top of f's stack of versions, which is [p1]"),
    "hook-popped": ("load p1; disable p1", "v6.19", "p1 is off f's stack of versions, which is empty"),
    "refs-taken": ("load p1", "v6.19", "p1's module is pinned: it has 1 reference"),
    "refs-put": ("load p1; disable p1", "v6.19", "p1's module was put: it has 0 references left"),
}


def sentences(told: tuple[Told, ...]) -> list[Sentence]:
    found = [one for step in told for paragraph in step.paragraphs for one in paragraph.sentences]
    return [each for one in found for each in (one, *one.inner)]


@pytest.mark.parametrize("name", list(SHOWN))
def test_a_rule_is_said_where_it_applies(name: str) -> None:
    text, engine, words = SHOWN[name]
    said = sentences(explain(load_text(text, "rule.klp"), resolve(engine)))
    found = [one for one in said if words in one.text]
    assert found, [one.text for one in said]
    rule = rules()[name]
    assert found[0].source.startswith(f"{rule.function}(), {rule.file}")


def test_every_rule_has_its_example() -> None:
    assert list(SHOWN) == list(rules())


def test_every_axis_is_one_that_rules_read() -> None:
    axes = {rule.axis for rule in rules().values()}
    assert axes <= set(Semantics._fields)


def test_every_function_is_one_that_the_engine_knows() -> None:
    engine = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "klpdsl" / "engine").glob("*.py"))
    assert [rule.function for rule in rules().values() if f"{rule.function}(" not in engine] == []


def test_since_when_a_rule_is_so() -> None:
    assert reason(resolve("v6.19"), "release-resched", place="x").source.endswith(
        "resched_switch=freezable since v6.16, 676e8cf70cb0"
    )
    assert reason(resolve("v6.4"), "release-resched", place="x").source.endswith(
        "resched_switch=cond-resched since v6.4, e3ff7c609f39"
    )
    assert reason(resolve("v4.0~3"), "call-unpatched", function="f").source == (
        "klp_ftrace_handler(), kernel/livepatch/patch.c"
    )
    assert reason(resolve("v6.19", ["force=global"]), "free-forced", task="t", stack="").source.endswith(
        "force=global by --set"
    )
