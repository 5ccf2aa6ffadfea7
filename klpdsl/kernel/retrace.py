"""From what the guest saw to a canonical trace, as if a model had given it.

The order within a step is: what the kernel's log holds, in its order (messages, and the runtime's notes of calls,
returns and callbacks between them); then what is different from the step before, each kind sorted. When exactly
within the step a file or a task's state changed, nobody was there to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from klpdsl.kernel import plan as planned
from klpdsl.kernel.console import ConsoleLine, SeenScenario, SeenStep, errno_name
from klpdsl.kernel.sources import STAND_IN
from klpdsl.syntax import tree
from klpdsl.syntax.conditions import parts_of
from klpdsl.syntax.wording import format_statement
from klpdsl.trace import events
from klpdsl.world.values import STATE_NAMES, VMLINUX

RUNTIME = "klprt"
"""The runtime's module; its lines in the log begin so."""

GONE = "gone"
"""What an expectation finds where there is nothing to look at; the model's word for it too."""

_NOTHING = SeenStep(0, 0, (), {}, {}, {}, {}, (), {}, True)

_SYNONYMS = {"EWOULDBLOCK": "EAGAIN", "ENOTSUP": "EOPNOTSUPP"}

_NAME_AND_PID = re.compile(r"(?<= )(\S+):(\d+)(?= )")

# What livepatch says, and what others say because of what it does.
_OURS = (
    "livepatch: ",
    "sysfs: cannot create duplicate filename '/kernel/livepatch/",
    "kobject: kobject_add_internal failed for ",
    "kobject_add_internal failed for ",
)
_TAINT = re.compile(r"[^:]+: tainting kernel with TAINT_LIVEPATCH")


def retrace(plan: planned.GuestPlan, seen: SeenScenario) -> events.Trace:
    """Return the trace of a scenario as far as the guest came with it."""
    before = _NOTHING
    steps: list[events.StepTrace] = []
    for now in seen.steps:
        if not now.complete:
            break
        if now.number == 0:
            checks = tuple(_check(expect, plan.sites, now, ()) for expect in plan.opening)
            if checks:
                steps.append(events.StepTrace(0, 0, "", (), None, checks))
        elif now.number <= len(plan.steps):
            steps.append(_step(plan, before, now))
        before = now
    return events.Trace(tuple(steps))


def _step(plan: planned.GuestPlan, before: SeenStep, now: SeenStep) -> events.StepTrace:
    step = plan.steps[now.number - 1]
    found = [_with_pids(event, plan.pids) for line in now.log if (event := _from_log(line)) is not None]
    found += _changes(before, now)
    value = step.fixed or errno_name(now.result)
    operation = step.operation
    if value == "ENOENT" and _writes_signal(operation):
        # No release since v5.1 has the file: the model says so of the statement, whatever the patch is.
        value = planned.UNSUPPORTED
    if isinstance(operation, tree.Show):
        if operation.name is not None and operation.name not in _modules(now):
            value = "ENOENT"
        else:
            found += _shown(now, operation.name)
    checks = tuple(_check(expect, plan.sites, now, found) for expect in step.checks)
    if step.wanted:
        wanted = _SYNONYMS.get(step.wanted, step.wanted)
        checks = (events.Expect(f"-> {step.wanted}", wanted == value, value), *checks)
    return events.StepTrace(now.number, step.line, step.text, tuple(found), events.Result(value), checks)


def _writes_signal(operation: tree.Operation) -> bool:
    return isinstance(operation, tree.Signal) or (
        isinstance(operation, tree.Write) and operation.attribute == "signal"
    )


# --- the log ------------------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """Give the stand-in the name of what it stands in for."""
    # Where it has no name of the core kernel's at hand, the kernel prints a null pointer's.
    if text.startswith("livepatch: unresolvable ambiguity"):
        return text.replace(f"'{STAND_IN}'", "'(null)'")
    return text.replace(STAND_IN, VMLINUX)


def _from_log(line: ConsoleLine) -> events.Event | None:
    """Return what a line means; None for what is neither livepatch's nor the runtime's."""
    if line.text.startswith(_OURS) or _TAINT.fullmatch(line.text):
        return events.Log(line.level, plain(line.text))
    if not line.text.startswith(f"{RUNTIME}: "):
        return None
    match line.text.split()[1:]:
        case ["call", task, object_, function, code]:
            return events.Call(task, object_, function, code)
        case ["return", task, object_, function, code]:
            return events.Return(task, object_, function, code)
        case ["callback", patch, object_, callback, result] if result.lstrip("-").isdecimal():
            return events.Callback(patch, object_, callback, errno_name(-int(result)))
    return None


def _with_pids(event: events.Event, pids: dict[str, int]) -> events.Event:
    """Give the tasks in a message the pids of a canonical trace."""
    if not isinstance(event, events.Log) or "klp_" not in event.text:
        return event
    # The kernel keeps fifteen characters of a name.
    short = {name[:15]: pid for name, pid in pids.items()}
    return event._replace(
        text=_NAME_AND_PID.sub(lambda found: f"{found[1]}:{short.get(found[1], found[2])}", event.text)
    )


# --- what changed -------------------------------------------------------------------------------------------------


def _modules(step: SeenStep) -> dict[str, int]:
    return {name: refs for name, refs in step.modules.items() if name not in {STAND_IN, RUNTIME}}


def _sysfs(step: SeenStep) -> dict[str, str]:
    return {plain(path): value for path, value in step.sysfs.items()}


def _hooks(step: SeenStep) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(plain(object_), function): stack for (object_, function), stack in step.hooks.items()}


def _changes(before: SeenStep, now: SeenStep) -> Iterator[events.Event]:
    old_hooks, new_hooks = _hooks(before), _hooks(now)
    for key in sorted(old_hooks.keys() | new_hooks.keys()):
        if old_hooks.get(key) != new_hooks.get(key):
            yield events.Hook(*key, new_hooks.get(key, ()))
    for name, task in now.tasks.items():
        was = before.tasks[name].state if name in before.tasks else "-1"
        if was != task.state:
            yield events.TaskState(name, STATE_NAMES[int(was)], STATE_NAMES[int(task.state)])
    old_modules, new_modules = _modules(before), _modules(now)
    for name in sorted(old_modules.keys() | new_modules.keys()):
        if name not in new_modules:
            yield events.ModuleGone(name)
            continue
        if name not in old_modules:
            yield events.ModuleLoaded(name)
        if new_modules[name] != old_modules.get(name, 0):
            yield events.ModuleRefs(name, new_modules[name])
    yield from _sysfs_changes(_sysfs(before), _sysfs(now))


def _sysfs_changes(old: dict[str, str], new: dict[str, str]) -> Iterator[events.Event]:
    vanished = ""
    for path in sorted(old.keys() | new.keys()):
        if path in new:
            if old.get(path) != new[path]:
                yield events.Sysfs(path, new[path])
        # What a vanished directory held is not said again.
        elif not (vanished and path.startswith(vanished)):
            yield events.Sysfs(path, None)
            vanished = path if path.endswith("/") else vanished


def _shown(now: SeenStep, name: str | None) -> Iterator[events.Event]:
    for path, value in sorted(_sysfs(now).items()):
        if name in {None, path.split("/", 1)[0]}:
            yield events.Sysfs(path, value)
    for module, refs in sorted(_modules(now).items()):
        if name in {None, module}:
            yield events.ModuleRefs(module, refs)
    if name is None:
        for task, seen in now.tasks.items():
            yield events.TaskShown(task, STATE_NAMES[int(seen.state)])
    for key, stack in sorted(_hooks(now).items()):
        if name is None or name in {entry.removesuffix(":nop") for entry in stack}:
            yield events.Hook(*key, stack)


# --- expectations -------------------------------------------------------------------------------------------------


def _check(
    expect: tree.Expect, sites: planned.Sites, now: SeenStep, found: Sequence[events.Event]
) -> events.Expect:
    text = format_statement(expect).removeprefix("expect ")
    findings = [_found(condition, sites, now, found) for condition in parts_of(expect.condition)]
    return events.Expect(text, all(holds for holds, _ in findings), " and ".join(got for _, got in findings))


def _found(
    condition: tree.Condition, sites: planned.Sites, now: SeenStep, found: Sequence[events.Event]
) -> tuple[bool, str]:
    if not isinstance(condition, tree.TaskSees):
        return _evaluate(condition, now, found)
    got = now.probes.get((condition.task, *sites[condition.function]))
    holds = got is None or (got == condition.code) != condition.negated
    return holds, NOT_SEEN if got is None else got


def _evaluate(condition: tree.Condition, now: SeenStep, found: Sequence[events.Event]) -> tuple[bool, str]:
    match condition:
        case tree.AttributeIs(subject=subject, attribute="refs", value=value):
            refs = _modules(now).get(subject)
            got = GONE if refs is None else str(refs)
            return got == value, got
        case tree.AttributeIs(subject=subject, attribute=attribute, value=value):
            sysfs = _sysfs(now)
            path = f"{subject}/{attribute}"
            got = sysfs.get(path, sysfs.get(f"{path}/", GONE))
            return got == value, got
        case tree.TaskStateIs(task=task, state=state, negated=negated):
            got = STATE_NAMES[int(now.tasks[task].state)] if task in now.tasks else GONE
            return (got == state) != negated, got
        case tree.TasksAre(quantifier=quantifier, state=state, negated=negated):
            states = {task: STATE_NAMES[int(seen.state)] for task, seen in now.tasks.items()}
            right = {task for task, got in states.items() if (got == state) != negated}
            holds = right == set(states) if quantifier == "all" else bool(right)
            return holds, ", ".join(f"{task} {got}" for task, got in states.items())
        case tree.TransitionIs(patch=patch, negated=negated):
            running = [
                path for path, value in now.sysfs.items() if path.endswith("/transition") and value == "1"
            ]
            got = running[0].split("/", 1)[0] if running else "none"
            return (got == (patch or "none")) != negated, got
        case tree.LogContains(text=text):
            lines = [event.text for event in found if isinstance(event, events.Log)]
            for line in lines:
                if text in line:
                    return True, line
            return False, " | ".join(lines) or "no log lines"
    return True, NOT_SEEN


NOT_SEEN = "cannot be seen from outside"
"""What an expectation finds that only a model can answer."""
