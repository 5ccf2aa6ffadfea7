"""Evaluating the conditions of `expect`, `always` and `never` on a world."""

from __future__ import annotations

from klpdsl.engine import patch, sysfs, transition
from klpdsl.engine.context import Kernel
from klpdsl.engine.transition import owner_name
from klpdsl.run.program import Program
from klpdsl.syntax import tree
from klpdsl.trace.events import Event, Log, Violation
from klpdsl.world.values import STATE_NAMES, FuncKey, Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NamedTuple
else:
    from klpdsl._records import NamedTuple

GONE = "gone"
"""What is found where there is nothing to look at: no such file, module or task now."""


class Finding(NamedTuple):
    """Whether a condition holds, and what was found."""

    holds: bool
    got: str


def evaluate(condition: tree.Condition, k: Kernel, program: Program, latest: Sequence[Event]) -> Finding:
    """Look at the world as an observer would; `latest` are the events of the step before."""
    return EVALUATE[type(condition)](condition, View(k, program, latest))


class View(NamedTuple):
    """What a condition can look at."""

    k: Kernel
    program: Program
    latest: Sequence[Event]


def _attribute_is(condition: tree.AttributeIs, view: View) -> Finding:
    got = _attribute(view.k, condition.subject, condition.attribute)
    return Finding(got == condition.value, got)


def _state_is(condition: tree.TaskStateIs, view: View) -> Finding:
    index = view.k.w.task_index(condition.task)
    # /proc has no directory of a task that has left the task list.
    gone = index < 0 or view.k.w.tasks[index].reaped
    got = GONE if gone else STATE_NAMES[view.k.w.tasks[index].patch_state]
    return Finding((got == condition.state) != condition.negated, got)


def _task_sees(condition: tree.TaskSees, view: View) -> Finding:
    got = _sees(view.k, condition, view.program)
    return Finding((got == condition.code) != condition.negated, got)


def _tasks_are(condition: tree.TasksAre, view: View) -> Finding:
    w = view.k.w
    found = {task.name: STATE_NAMES[task.patch_state] for _, task in w.listed()}
    return _quantified(condition, condition.state, found)


def _tasks_see(condition: tree.TasksSee, view: View) -> Finding:
    k = view.k
    key = view.program.key(condition.function)
    found = {}
    for _, task in k.w.listed():
        # An idle task calls nothing that could be patched.
        if task.kind != "idle":
            there = patch.in_memory(k, key)
            found[task.name] = _version(k, task, key) if there else GONE
    return _quantified(condition, condition.code, found)


def _quantified(condition: tree.TasksAre | tree.TasksSee, wanted: str, found: dict[str, str]) -> Finding:
    """Whether each task, or any, is found as is wanted; and what was found of those that decide it."""
    right = {name: (got == wanted) != condition.negated for name, got in found.items()}
    holds = all(right.values()) if condition.quantifier == "all" else any(right.values())
    # Who shows it: one that is as wanted for `any`, all that are not for `all`; else everybody.
    telling = [name for name in found if right[name] == (condition.quantifier == "any")] or list(found)
    return Finding(holds, ", ".join(f"{name} {found[name]}" for name in telling) or "no tasks")


def _both(condition: tree.Both, view: View) -> Finding:
    findings = [EVALUATE[type(part)](part, view) for part in condition.conditions]
    return Finding(all(one.holds for one in findings), " and ".join(one.got for one in findings))


def _transition_is(condition: tree.TransitionIs, view: View) -> Finding:
    got = view.k.w.transition_patch or "none"
    return Finding((got == (condition.patch or "none")) != condition.negated, got)


def _violation_seen(condition: tree.ViolationSeen, view: View) -> Finding:
    finding = _violated(condition.property, view.latest)
    return Finding(finding.holds != condition.negated, finding.got)


def _attribute(k: Kernel, subject: str, attribute: str) -> str:
    if attribute == "refs":
        module = k.w.modules.get(subject)
        return GONE if module is None else str(module.refs)
    value = sysfs.read(k, subject, attribute)
    return GONE if value is None else value


def _sees(k: Kernel, condition: tree.TaskSees, program: Program) -> str:
    index = k.w.task_index(condition.task)
    key = program.key(condition.function)
    if index < 0 or not patch.in_memory(k, key):
        return GONE
    return _version(k, k.w.tasks[index], key)


def _version(k: Kernel, task: Task, key: FuncKey) -> str:
    return owner_name(patch.klp_ftrace_handler(k, key, transition.caught_up(k, task)))


def _log_contains(text: str, latest: Sequence[Event]) -> Finding:
    lines = [event.text for event in latest if isinstance(event, Log)]
    for line in lines:
        if text in line:
            return Finding(True, line)
    return Finding(False, " | ".join(lines) or "no log lines")


def _violated(name: str | None, latest: Sequence[Event]) -> Finding:
    found = [event for event in latest if isinstance(event, Violation) and name in (None, event.property)]
    return Finding(bool(found), found[0].text if found else "no violation")


EVALUATE: dict[type[tree.Condition], Callable[[Any, View], Finding]] = {
    tree.AttributeIs: _attribute_is,
    tree.TaskStateIs: _state_is,
    tree.TaskSees: _task_sees,
    tree.TasksAre: _tasks_are,
    tree.TasksSee: _tasks_see,
    tree.Both: _both,
    tree.TransitionIs: _transition_is,
    tree.LogContains: lambda condition, view: _log_contains(condition.text, view.latest),
    tree.ViolationSeen: _violation_seen,
    tree.PropertyNamed: lambda condition, view: _violated(condition.name, view.latest),
}
"""When each condition holds."""
