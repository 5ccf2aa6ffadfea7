"""What of a trace a real kernel can show, in a form in which a model's trace and a kernel's are equal or not.

The rules, which docs/real-kernel.md explains:

* messages, callbacks, calls and returns stay, in their order; but `klp_try_switch_task` lines, which come once a
  second for each blocked task, and the taint notice, which is the module loader's, are dropped;
* of files, module references, tasks' states and functions' stacks it counts what a step changed, not in which order
  and through which values; of a task that is killed, its state no more;
* results and expectations stay; reasons, violations and the model's own observations (`blocked`) do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from klpdsl.kernel.retrace import NOT_SEEN
from klpdsl.trace import events
from klpdsl.trace.divergence import ComparedStep, first_divergence
from klpdsl.trace.forms import DECLARED
from klpdsl.trace.text import event_text

_DROPPED = (
    "livepatch: klp_try_switch_task:",
    "livepatch: klp_check_stack:",
    "livepatch: klp_check_stack_func:",
)


class VisibleStep(NamedTuple):
    """A step as far as it can be compared: its statement, what was said in order, what changed, how it ended."""

    number: int
    text: str
    said: tuple[str, ...]
    changed: tuple[str, ...]
    shown: tuple[str, ...]
    result: str
    checks: tuple[str, ...]


class Difference(NamedTuple):
    """The first step in which the two disagree, and the lines that only one of them has."""

    step: int
    text: str
    only_model: tuple[str, ...]
    only_kernel: tuple[str, ...]


class _Observer:
    """What an observer sees, followed through a trace."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], str] = {}
        self.killed: set[str] = set()

    def begin(self, statement: str) -> None:
        """A step begins. Who is killed switches on its way out, and there is nothing left to look at then."""
        words = statement.split(" ")
        if words[:2] == ["kill", "KILL"]:
            self.killed.add(words[2])

    def take(self, event: events.Event) -> None:
        match event:
            case events.Sysfs(path=path, value=None):
                for key in [key for key in self.values if key[0] == "sysfs" and key[1].startswith(path)]:
                    del self.values[key]
            case events.Sysfs(path=path, value=str() as value):
                self.values["sysfs", path] = value or "."
            case events.ModuleLoaded(module=module):
                self.values["module", module] = "0"
            case events.ModuleRefs(module=module, refs=refs):
                self.values["module", module] = str(refs)
            case events.ModuleGone(module=module):
                self.values.pop(("module", module), None)
            case events.TaskState(task=task, target=target) if task not in self.killed:
                self.values["task", task] = target
            case events.Hook(object=object_, function=function, stack=stack):
                self.values["hook", f"{object_} {function}"] = " ".join(stack)
        # A task that is not in a transition is as one never heard of, and so is a function that nobody patches.
        self.values = {
            key: value
            for key, value in self.values.items()
            if value and not (key[0] == "task" and value == "undefined")
        }


def _said(event: events.Event) -> str | None:
    if DECLARED[type(event)].outside != "said":
        return None
    if not isinstance(event, events.Log):
        return event_text(event)
    if event.text.startswith(_DROPPED) or event.text.endswith("tainting kernel with TAINT_LIVEPATCH"):
        return None
    # Whether kobject's lines bear its name is no matter of livepatch's; they began to between 6.1 and 6.12.
    return f"log {event.level} {event.text.removeprefix('kobject: ')}"


def _shown(found: Iterable[events.Event]) -> list[str]:
    lines = []
    for event in found:
        match event:
            case events.TaskShown(task=task, state=state):
                lines.append(f"task {task} {state}")
            case events.Sysfs(path=path, value=value):
                lines.append(f"sysfs {path} {value or '.'}")
            case events.ModuleRefs(module=module, refs=refs):
                lines.append(f"module {module} {refs}")
            case events.Hook(object=object_, function=function, stack=stack):
                lines.append(f"hook {object_} {function} {' '.join(stack)}")
    return lines


def visible_steps(trace: events.Trace) -> tuple[VisibleStep, ...]:
    """Return what of `trace` can be compared. A difference in what was seen before step 1 shows in step 1."""
    state = _Observer()
    steps = []
    for step in trace.steps:
        before = dict(state.values)
        state.begin(step.text)
        said = [text for event in step.events if (text := _said(event)) is not None]
        is_show = step.text.split(" ")[0] == "show"
        shown = _shown(step.events) if is_show else []
        if not is_show:
            for event in step.events:
                if isinstance(event, (events.ModuleRefs, events.ModuleGone)):
                    # One that was there from the start, and of which nothing was heard, had no references.
                    before.setdefault(
                        ("module", event.module), state.values.get(("module", event.module), "0")
                    )
                elif isinstance(event, events.ModuleLoaded):
                    before.setdefault(("module", event.module), "")
                state.take(event)
            before = {key: value for key, value in before.items() if value}
        now = state.values
        changed = [
            f"{kind} {name}: {before.get((kind, name), '-')} -> {now.get((kind, name), '-')}"
            for kind, name in sorted(before.keys() | now.keys())
            if before.get((kind, name)) != now.get((kind, name))
        ]
        result = "" if step.result is None else step.result.value
        checks = tuple(
            f"expect {check.text}: {'ok' if check.ok else 'failed'}"
            for check in step.checks
            if check.got != NOT_SEEN
        )
        if step.number:
            steps.append(
                VisibleStep(
                    step.number, step.text, tuple(said), tuple(changed), tuple(sorted(shown)), result, checks
                )
            )
    return tuple(steps)


def _without(lines: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    left = list(others)
    only = []
    for line in lines:
        if line in left:
            left.remove(line)
        else:
            only.append(line)
    return tuple(only)


def compare(model: tuple[VisibleStep, ...], kernel: tuple[VisibleStep, ...]) -> Difference | None:
    """Return the first disagreement. Expectations that only a model can answer are compared nowhere."""
    asked = [_asked(mine, real) for mine, real in zip(model, kernel, strict=False)]
    found = first_divergence(map(_compared, (*asked, *model[len(kernel) :])), map(_compared, kernel))
    if found is None:
        return None
    step = found.step
    only_model: tuple[str, ...]
    only_kernel: tuple[str, ...]
    if found.before is None or found.after is None:
        line = (f"a step {step.number}: {step.statement}",)
        only_model, only_kernel = (line, ()) if found.before else ((), line)
    else:
        ours, theirs = found.before.lines, found.after.lines
        only_model, only_kernel = _without(ours, theirs), _without(theirs, ours)
        if not only_model and not only_kernel:
            only_model, only_kernel = asked[found.position].said, kernel[found.position].said
    return Difference(int(step.number), step.statement, only_model, only_kernel)


def _asked(mine: VisibleStep, real: VisibleStep) -> VisibleStep:
    """The model's step without the expectations that the kernel could not be asked."""
    asked = {check.rsplit(":", 1)[0] for check in real.checks}
    return mine._replace(checks=tuple(one for one in mine.checks if one.rsplit(":", 1)[0] in asked))


def _compared(step: VisibleStep) -> ComparedStep[str]:
    return ComparedStep(str(step.number), step.text, lines_of(step))


def lines_of(step: VisibleStep) -> tuple[str, ...]:
    """Return all that can be compared of a step, a line each."""
    return (*step.said, *step.changed, *step.shown, f"= {step.result}", *step.checks)
