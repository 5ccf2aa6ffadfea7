"""Who holds the transition that a log leaves under way, by which rule, and what would help, on the engine at hand."""

from __future__ import annotations

from klpdsl.dmesg.story import is_kthread
from klpdsl.kernel.distribution import engine_of_release
from klpdsl.reasons.holding import what_releases
from klpdsl.reasons.rules import reason
from klpdsl.semantics.records import EngineError
from klpdsl.syntax import words
from klpdsl.world.values import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from klpdsl.dmesg.snapshot import ObservedTask, Snapshot
    from klpdsl.dmesg.story import LoggedBlocker, LoggedTransition, LogStory
    from klpdsl.reasons.rules import Reason
    from klpdsl.semantics.records import Engine
    from klpdsl.world.values import TaskKind
else:
    from klpdsl._records import NamedTuple

_ASLEEP_FOR_GOOD = "D"


class TaskInTheWay(NamedTuple):
    """A task that holds a transition: why, what would release it, and how that is known."""

    why: Reason
    released: tuple[Reason, ...]
    known: str


def engine_behind(release: str) -> tuple[Engine | None, str]:
    """The engine that stands for the kernel that calls itself so, if one does, and how that is known, or why not."""
    if not release:
        return None, ""
    try:
        return engine_of_release(release), release
    except EngineError as error:
        return None, str(error)


def under_way(story: LogStory, snapshot: Snapshot | None) -> LoggedTransition | None:
    """The transition that is under way at the end of the log, unless the snapshot knows that none is."""
    last = story.transitions[-1] if story.transitions else None
    if last is None or last.end:
        return None
    return None if snapshot is not None and snapshot.in_transition != last.patch else last


def holders(
    engine: Engine, transition: LoggedTransition, snapshot: Snapshot | None
) -> tuple[TaskInTheWay, ...]:
    """Who holds it: by the snapshot, which knows all tasks, or by what the log says, which is debug lines only."""
    said = {one.pid: one for one in transition.blockers}
    if snapshot is None:
        return tuple(_logged(engine, transition, one) for one in said.values())
    return tuple(_observed(engine, transition, task, said.get(task.pid)) for task in snapshot.waited_for())


def _logged(engine: Engine, transition: LoggedTransition, one: LoggedBlocker) -> TaskInTheWay:
    who = f"{one.task}:{one.pid}"
    why = _why(engine, transition, who, one.reason, one.function)
    about = Task(one.task, _kind(one.task))
    released = what_releases(engine, about, one.reason, one.function)
    return TaskInTheWay(why, released, f"line {one.line.number} of the log")


def _kind(comm: str) -> TaskKind:
    if comm.startswith(words.IDLE):
        return "idle"
    return "kthread" if is_kthread(comm) else "user"


def _observed(
    engine: Engine, transition: LoggedTransition, task: ObservedTask, one: LoggedBlocker | None
) -> TaskInTheWay:
    who = f"{task.comm}:{task.pid}" + (" (a kernel thread)" if task.is_kthread else "")
    if one is not None:
        reason_, function = one.reason, one.function
    elif task.state == "R":
        reason_, function = "running", ""
    else:
        reason_, function = "sleeping", task.stack[0] if task.stack else ""
    about = Task(
        task.comm,
        "kthread" if task.is_kthread else "user",
        uninterruptible=task.state == _ASLEEP_FOR_GOOD,
        halted=task.state in ("T", "t"),
    )
    known = f"line {one.line.number} of the log, and the snapshot" if one else "the snapshot"
    if reason_ == "sleeping" and one is None:
        inside = " < ".join(task.stack[:4]) or "a place that the snapshot does not show"
        why = reason(
            engine, "held-sleeping", task=who, code=inside, which=f"of which one is what {_which(transition)}"
        )
    else:
        why = _why(engine, transition, who, reason_, function)
    return TaskInTheWay(why, what_releases(engine, about, reason_, function or "what is patched"), known)


def _why(engine: Engine, transition: LoggedTransition, who: str, why: str, function: str) -> Reason:
    if why != "sleeping":
        return reason(engine, f"held-{why}", task=who)
    whose = "the version before it" if transition.way == "patching" else f"{transition.patch}'s own version"
    code = f"{function}, {whose}"
    return reason(engine, "held-sleeping", task=who, code=code, which=f"which is what {_which(transition)}")


def _which(transition: LoggedTransition) -> str:
    if transition.way == "patching":
        return f"{transition.patch} replaces"
    return f"goes with {transition.patch}"
