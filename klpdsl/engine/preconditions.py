"""What a task or an operator can do now, and why not otherwise: the precondition of each action.

The rules of `tasks.py` ask here before they do anything, a plain run asks which thread of an `interleave` can move, and
an exploration which actions lead on from a world: all get the same answer.
"""

from __future__ import annotations

from klpdsl.engine import completion
from klpdsl.engine.context import Outcome
from klpdsl.world.values import Task
from klpdsl.world.world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple

MAX_STACK_DEPTH = 64
"""How deep functions may be nested; the kernel's own check stops looking after 100 entries."""

OPERATOR = ""
"""Who acts when no task does."""

BLOCKED = "blocked"
"""The result of a call that does not return: klp_mutex is taken by a completion that waits."""

NO_TASK = Outcome("ESRCH", "the task has exited")
_IN_HANDLER = Outcome("EINVAL", "the task is inside the ftrace handler; it can only continue")
_EXITING = Outcome(
    "ESRCH", "the task has left the task list; it can only go on inside the kernel, and continue"
)
_HALTED = Outcome("EINVAL", "the task is stopped by SIGSTOP; SIGCONT lets it go on")
_IN_FORK = Outcome("EINVAL", "the task is in the middle of fork; it can only continue")


class Answer(NamedTuple):
    """Whether somebody can take an action now: `why_not` is None when so, else what an attempt would get."""

    who: str
    action: str
    why_not: Outcome | None


def precondition(w: World, task: str, action: str) -> Outcome | None:
    """Why the task can not take that action now; None when it can.

    The action is a word of `TASK_ACTIONS`. What the action is about (a function that is not there, a child's name that
    is taken) is no part of the precondition: such an attempt can be made, and gets its answer.
    """
    index = w.task_index(task)
    return NO_TASK if index < 0 else TASK_ACTIONS[action](w.tasks[index])


def enabled(w: World) -> tuple[Answer, ...]:
    """Whether each action can be taken in this world, for each task in the order of the task list.

    The last answer is the operator's: calls into livepatch wait only while a paused completion has klp_mutex.
    """
    answers = [
        Answer(task.name, action, check(task)) for task in w.tasks for action, check in TASK_ACTIONS.items()
    ]
    return (*answers, Answer(OPERATOR, "livepatch", mutex_taken(w)))


def mutex_taken(w: World) -> Outcome | None:
    """Why a call that takes klp_mutex does not return now; None when it would."""
    if not w.paused or w.paused[0] not in completion.REASONS:
        return None
    return Outcome(BLOCKED, f"klp_mutex is taken: {completion.REASONS[w.paused[0]]}")


def stopped(task: Task) -> Outcome | None:
    """Why a task that has been stopped in the middle of something can do nothing else."""
    if task.handler is not None:
        return _IN_HANDLER
    if task.halted:
        return _HALTED
    return _IN_FORK if task.forking is not None else None


def _call(task: Task) -> Outcome | None:
    if task.kind == "idle":
        return Outcome("EINVAL", "an idle task calls nothing that can be patched and sleep")
    if refused := stopped(task):
        return refused
    if len(task.stack) >= MAX_STACK_DEPTH:
        return Outcome("EINVAL", f"the task is {MAX_STACK_DEPTH} functions deep already")
    return None


def _enter(task: Task) -> Outcome | None:
    if task.kind == "idle" or len(task.stack) >= MAX_STACK_DEPTH:
        return Outcome("EINVAL", "this task can not call anything")
    return stopped(task)


def _continue(task: Task) -> Outcome | None:
    if task.handler is None and task.forking is None and not task.exiting:
        return Outcome(
            "EINVAL", "the task is neither inside the ftrace handler nor in the middle of fork or exit"
        )
    return None


def _return(task: Task) -> Outcome | None:
    if refused := stopped(task):
        return refused
    return None if task.stack else Outcome("EINVAL", "the task is inside no function")


def _syscall(task: Task) -> Outcome | None:
    if task.kind != "user":
        return Outcome("EINVAL", "only a user task makes system calls")
    if task.io_worker:
        return Outcome("EINVAL", "a worker of io_uring is never in user space")
    if task.exiting:
        return _EXITING
    if refused := stopped(task):
        return refused
    return Outcome("EINVAL", "the task is in the kernel already") if task.stack else None


def _schedule(task: Task) -> Outcome | None:
    if task.kind == "idle":
        return Outcome("EINVAL", "the scheduler alone decides when an idle task runs")
    return stopped(task)


def _switch_point(task: Task) -> Outcome | None:
    if refused := stopped(task):
        return refused
    if task.kind == "user" and not task.stack and not task.exiting and not task.io_worker:
        return Outcome("EINVAL", "the task is in user space")
    return None


def _anytime(_task: Task) -> Outcome | None:
    return None


def _asked_switch_point(task: Task) -> Outcome | None:
    return (
        stopped(task) if task.kind == "kthread" else Outcome("EINVAL", "only a kernel thread has such points")
    )


def _fork(task: Task) -> Outcome | None:
    if task.kind == "idle":
        return Outcome("EINVAL", "an idle task does not fork")
    return _EXITING if task.exiting else stopped(task)


def _exit(task: Task) -> Outcome | None:
    if task.kind == "idle":
        return Outcome("EINVAL", "an idle task does not exit")
    return _EXITING if task.exiting else stopped(task)


TASK_ACTIONS: dict[str, Callable[[Task], Outcome | None]] = {
    "call": _call,
    "enter": _enter,
    "continue": _continue,
    "return": _return,
    "syscall": _syscall,
    "run": _schedule,
    "sleep": _schedule,
    "resched": _switch_point,
    "freeze": _switch_point,
    "switchpoint": _asked_switch_point,
    "fork": _fork,
    "exit": _exit,
    "unreliable": _anytime,
    "reliable": _anytime,
}
"""What a task may do, and for each why it could not."""
