"""Why a transition is not complete: who holds it and what would release it, and why the others do not."""

from __future__ import annotations

from klpdsl._names import ORIGINAL
from klpdsl.engine.transition import owner_name
from klpdsl.reasons.rules import Reason, reason
from klpdsl.semantics.explain import explain_missing
from klpdsl.trace.events import Blocked, Hook, TaskState
from klpdsl.world.values import KLP_PATCHED, STATE_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import NamedTuple

    from klpdsl.reasons.watching import WatchedEvent, WatchedStep
    from klpdsl.semantics.records import Engine
    from klpdsl.world.values import Code, Task
    from klpdsl.world.world import World
else:
    from klpdsl._records import NamedTuple

_PRICE = {
    "global": "and no module that livepatch has pinned is ever put again",
    "listed": "and pins the modules of all listed patches for ever",
    "removed": "and pins the modules whose code it may still be in for ever",
}
_RESCHED = {
    "cond-resched": "cond_resched()",
    "freezable": "a place where it may be frozen, or when it is scheduled away",
}


class WaitedFor(NamedTuple):
    """A task that a transition waits for: why, and what would release it."""

    why: Reason
    released: tuple[Reason, ...]


def who_holds(engine: Engine, steps: Sequence[WatchedStep], place: int) -> tuple[WaitedFor, ...]:
    """Who holds the transition that is under way after the step at that place; nobody where none is."""
    w = steps[place].after
    if not w.transition_patch:
        return ()
    blocked = _latest_blockers(steps[: place + 1])
    return tuple(
        _held(engine, w, task, _still(task, blocked.get(task.name)))
        for _, task in w.listed()
        if task.patch_state != w.target_state and not w.patches[w.transition_patch].immediate
    )


def who_does_not(engine: Engine, steps: Sequence[WatchedStep], place: int) -> tuple[Reason, ...]:
    """Why the tasks that have switched in this step, or before it, do not hold the transition."""
    seen = steps[place]
    if engine.semantics.consistency == "none":
        hooked = any(isinstance(one.event, Hook) for one in seen.events)
        return (reason(engine, "free-at-once"),) if hooked else ()
    name = seen.after.transition_patch or seen.before.transition_patch or _completed(seen)
    if not name:
        return ()
    told = []
    switched: set[str] = set()
    for one in seen.events:
        if isinstance(one.event, TaskState) and one.event.target != "undefined" and one.world:
            found = _switched(engine, one, one.world)
            if found is not None:
                switched.add(one.event.task)
                told.append(found)
    w = seen.after
    for _, task in w.listed() if w.transition_patch else ():
        if task.patch_state == w.target_state and task.name not in switched:
            earlier = _switched_in(steps[:place], task.name, STATE_NAMES[w.target_state])
            if earlier:
                told.append(reason(engine, "free-already", task=task.name, step=earlier))
    return tuple(told)


def _completed(seen: WatchedStep) -> str:
    """The patch whose whole transition lies within the step."""
    started = [one.world for one in seen.events if isinstance(one.event, TaskState) and one.world]
    return next((w.transition_patch for w in started if w.transition_patch), "")


def _latest_blockers(steps: Sequence[WatchedStep]) -> dict[str, Blocked]:
    """What the latest attempt said of each task."""
    for seen in reversed(steps):
        found = [one.event for one in seen.events if isinstance(one.event, Blocked)]
        if found:
            return {one.task: one for one in found}
    return {}


def _still(task: Task, blocked: Blocked | None) -> Blocked | None:
    """What the latest attempt said of a task, unless that is no longer so."""
    if blocked is None:
        return None
    is_so = {
        "running": task.running,
        "unreliable": task.unreliable,
        "sleeping": any((c.object, c.function) == (blocked.object, blocked.function) for c in task.stack),
    }
    return blocked if is_so[blocked.reason] or task.kind == "idle" else None


def _held(engine: Engine, w: World, task: Task, blocked: Blocked | None) -> WaitedFor:
    if blocked is None:
        unseen = w.contended and engine.semantics.scan != "all"
        why = reason(engine, "held-unseen" if unseen else "held-untried", task=task.name)
        released = what_releases(engine, task, "", "what is patched")
    elif blocked.reason == "sleeping":
        code = _said(blocked.object, blocked.function, blocked.code)
        why = reason(engine, "held-sleeping", task=task.name, code=code, which=_which(w))
        released = what_releases(engine, task, blocked.reason, blocked.function)
    else:
        why = reason(engine, f"held-{blocked.reason}", task=task.name)
        released = what_releases(engine, task, blocked.reason, "it")
    return WaitedFor(why, released)


def _said(obj: str, function: str, code: str) -> str:
    return f"the original {obj} {function}" if code == ORIGINAL else f"{code}'s version of {obj} {function}"


def _which(w: World) -> str:
    name = w.transition_patch
    if w.target_state == KLP_PATCHED:
        return f"which {name} replaces: it would come back from old code into a world that runs the new"
    return f"which goes with {name}: it would be inside code that nobody knows of any more"


def what_releases(engine: Engine, task: Task, why: str, function: str) -> tuple[Reason, ...]:
    """What would let a task go that holds a transition: `why` is as in a trace's `blocked`, empty if nobody looked."""
    return tuple(_off_cpu(engine, task) if why == "running" else _out(engine, task, function))


def _out(engine: Engine, task: Task, function: str) -> Iterator[Reason]:
    """What takes a task that sleeps, or whose stack nobody can read, out of what it is in."""
    if task.kind == "user" and not task.io_worker:
        yield reason(engine, "release-user")
    yield reason(engine, "release-attempt", function=function)
    yield from _signals(engine, task)


def _off_cpu(engine: Engine, task: Task) -> Iterator[Reason]:
    if task.kind == "idle":
        if engine.semantics.wake_idle:
            yield reason(engine, "release-idle")
        else:
            yield reason(engine, "release-idle-missing", missing=explain_missing(engine, "wake_idle"))
        return
    if task.kind == "user" and not task.io_worker:
        yield reason(engine, "release-user")
    yield reason(engine, "release-asleep")
    how = engine.semantics.resched_switch
    if how != "none":
        yield reason(engine, "release-resched", place=_RESCHED[how])
    else:
        missing = explain_missing(engine, "resched_switch")
        yield reason(engine, "release-resched-missing", missing=missing)


def _signals(engine: Engine, task: Task) -> Iterator[Reason]:
    how = engine.semantics.fake_signal
    if how == "none":
        yield reason(engine, "release-signal-missing", missing=explain_missing(engine, "fake_signal"))
    elif task.kind != "user":
        why = "a kernel thread is only woken, and goes on with what it does"
        yield reason(engine, "release-no-signal", why=why)
    elif task.uninterruptible:
        yield reason(engine, "release-no-signal", why="it sleeps uninterruptibly")
    elif task.halted:
        yield reason(engine, "release-no-signal", why="it is stopped")
    else:
        yield reason(engine, "release-signal" if how == "periodic" else "release-signal-by-hand")


def released_by_hand(engine: Engine) -> Iterator[Reason]:
    """What ends the waiting for all who hold a transition."""
    how = engine.semantics.force
    if how != "none":
        yield reason(engine, "release-force", price=_PRICE[how])
    yield reason(engine, "release-reverse")


def _switched(engine: Engine, one: WatchedEvent, w: World) -> Reason | None:
    """Why the task could switch at that event; None for what begins or ends a transition."""
    event = one.event
    if not isinstance(event, TaskState) or not w.transition_patch:
        return None
    if event.target != STATE_NAMES[w.target_state] or event.source == "undefined":
        return None
    task = next((task for task in w.tasks if task.name == event.task), None)
    if task is None:
        return None
    if "klp_force_transition" in one.at_work:
        return reason(engine, "free-forced", task=task.name, stack=_stack(w, task))
    if "klp_try_switch_task" not in one.at_work:
        return reason(engine, "free-itself", task=task.name)
    if not task.stack:
        return reason(engine, "free-user-space", task=task.name)
    if engine.semantics.immediate:
        for obj in w.patches[w.transition_patch].objects:
            for func in obj.funcs:
                if func.immediate and any(
                    (c.object, c.function) == (obj.name, func.name) for c in task.stack
                ):
                    words = {"task": task.name, "function": func.name, "patch": w.transition_patch}
                    return reason(engine, "free-immediate", **words)
    return reason(engine, "free-stack", task=task.name, stack=_stack(w, task))


def _stack(w: World, task: Task) -> str:
    if not task.stack:
        return "nothing is on it"
    return f"on its stack is {', '.join(_on_stack(w, code) for code in task.stack)}"


def _on_stack(w: World, code: Code) -> str:
    """A function on a task's stack, and whether the patch in transition has to do with it."""
    name = w.transition_patch
    said = _said(code.object, code.function, owner_name(code))
    patch = w.patches.get(name)
    touched = patch is not None and any(
        obj.name == code.object and any(func.name == code.function for func in obj.funcs)
        for obj in patch.objects
    )
    return said if touched else f"{said} (not patched by {name})"


def _switched_in(steps: Sequence[WatchedStep], task: str, target: str) -> int:
    for seen in reversed(steps):
        for one in reversed(seen.events):
            if isinstance(one.event, TaskState) and one.event.task == task:
                return seen.step.number if one.event.target == target else 0
    return 0
