"""Evaluating the conditions of `expect`, `always` and `never` on a world."""

from __future__ import annotations

from klpdsl.engine import patch, sysfs
from klpdsl.engine.context import Kernel
from klpdsl.engine.transition import owner_name
from klpdsl.run.build import Program
from klpdsl.syntax import tree
from klpdsl.trace.events import Event, Log, Violation
from klpdsl.world.values import STATE_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NamedTuple
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
    if isinstance(condition, tree.AttributeIs):
        got = _attribute(k, condition.subject, condition.attribute)
        return Finding(got == condition.value, got)
    if isinstance(condition, tree.TaskStateIs):
        index = k.w.task_index(condition.task)
        got = GONE if index < 0 else STATE_NAMES[k.w.tasks[index].patch_state]
        return Finding((got == condition.state) != condition.negated, got)
    if isinstance(condition, tree.TaskSees):
        got = _sees(k, condition, program)
        return Finding((got == condition.code) != condition.negated, got)
    if isinstance(condition, tree.TransitionIs):
        got = k.w.transition_patch or "none"
        return Finding((got == (condition.patch or "none")) != condition.negated, got)
    if isinstance(condition, tree.LogContains):
        return _log_contains(condition.text, latest)
    if isinstance(condition, tree.ViolationSeen):
        finding = _violated(condition.property, latest)
        return Finding(finding.holds != condition.negated, finding.got)
    return _violated(condition.name, latest)


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
    return owner_name(patch.klp_ftrace_handler(k, key, k.w.tasks[index]))


def _log_contains(text: str, latest: Sequence[Event]) -> Finding:
    lines = [event.text for event in latest if isinstance(event, Log)]
    for line in lines:
        if text in line:
            return Finding(True, line)
    return Finding(False, " | ".join(lines) or "no log lines")


def _violated(name: str | None, latest: Sequence[Event]) -> Finding:
    found = [event for event in latest if isinstance(event, Violation) and name in (None, event.property)]
    return Finding(bool(found), found[0].text if found else "no violation")
