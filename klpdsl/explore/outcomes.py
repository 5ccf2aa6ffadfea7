"""What is observed at the end of an order: the outcome by which orders are told apart."""

from __future__ import annotations

from klpdsl.engine import sysfs
from klpdsl.engine.context import Kernel
from klpdsl.engine.transition import owner_name
from klpdsl.explore.paths import Paths, PathState, StepSeen
from klpdsl.run.conditions import GONE
from klpdsl.syntax.wording import format_statement
from klpdsl.trace.text import event_text
from klpdsl.world.values import STATE_NAMES, VMLINUX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple


class Observation(NamedTuple):
    """An outcome, as lines of (what, how it was found).

    `results`: each step with how it ended and what it ran; `alike`: the same of tasks that can be exchanged, one entry
    for each task, sorted; `final`: the state at the end; `violated`: what was broken on the way; `end`: empty when the
    scenario came to its end, else why it did not.
    """

    results: tuple[tuple[str, str], ...]
    alike: tuple[tuple[tuple[str, str], ...], ...]
    final: tuple[tuple[str, str], ...]
    violated: tuple[str, ...]
    end: str


def observation(
    paths: Paths, state: PathState, *, crashed: bool = False, waits: list[tuple[int, str]] | None = None
) -> Observation:
    """What is observed of a state in which nothing follows."""
    own: list[tuple[tuple[int, int], str, str]] = []
    ours: dict[str, list[tuple[str, str]]] = {}
    members = {name: group for group in paths.alike for name in group.names}
    traced = paths.observe == "trace"
    steps = state.results if traced else sorted(state.results, key=lambda step: paths.place_in_text(step[0]))
    for number, (node, result) in enumerate(steps):
        text = format_statement(paths.flow.leaf(node).statement)
        task = paths.task_of(node)
        if task in members and not traced:
            ours.setdefault(task, []).append((text.partition(": ")[2], said(result)))
        else:
            own.append(((number, 0) if traced else paths.place_in_text(node), text, said(result)))
    end = "crashed" if crashed else ""
    if waits is not None:
        told = sorted(
            f"{format_statement(paths.flow.leaf(node).statement)} ({why})"
            if paths.task_of(node) not in members
            else f"{_first_of(paths, node)} ({why})"
            for node, why in waits
        )
        end = "waits for ever: " + "; ".join(dict.fromkeys(told))
    results = tuple((text, found) for _, text, found in sorted(own))
    final, of_tasks = final_state(paths, state)
    alike = []
    for group in paths.alike:
        if traced:
            continue
        each = sorted((*ours.get(name, ()), *of_tasks.pop(name, ())) for name in group.names)
        alike.append(tuple((f"{who}: {what}", found) for who, what, found in _flat(group.names, each)))
    final += [(f"{name} {what}", found) for name, lines in of_tasks.items() for what, found in lines]
    return Observation(results, tuple(alike), tuple(final), tuple(sorted(state.violated)), end)


def _first_of(paths: Paths, node: int) -> str:
    text = format_statement(paths.flow.leaf(node).statement)
    task = paths.task_of(node)
    group = next(group for group in paths.alike if task in group.names)
    return text.replace(f"{task}:", f"{group.names[0]}:", 1)


def _flat(names: tuple[str, ...], each: list[tuple[tuple[str, str], ...]]) -> list[tuple[str, str, str]]:
    return [(name, what, found) for name, lines in zip(names, each, strict=True) for what, found in lines]


def said(result: object) -> str:
    """How a step's result is written: what a call ran instead of its 0."""
    if isinstance(result, tuple) and result and isinstance(result[0], StepSeen):
        first, events = result
        return " | ".join([said(first), *(event_text(event) for event in events)])
    assert isinstance(result, StepSeen)
    if result.value == "0" and result.ran:
        return " ".join(result.ran)
    return result.value


def final_state(
    paths: Paths, state: PathState
) -> tuple[list[tuple[str, str]], dict[str, tuple[tuple[str, str], ...]]]:
    """What an observer sees at the end: of patches and modules, and of each task."""
    w = state.world
    k = Kernel(w, paths.semantics)
    lines = [("transition", w.transition_patch or "none")]
    for name in sorted({*paths.program.patches, *w.patches}):
        enabled = sysfs.read(k, name, "enabled")
        lines.append((f"{name} enabled", GONE if enabled is None else enabled))
    targets = sorted({*paths.program.modules} - {VMLINUX})
    lines += [(f"module {name}", "loaded" if name in w.modules else GONE) for name in targets]
    tasks: dict[str, tuple[tuple[str, str], ...]] = {}
    for task in w.tasks:
        inside = " > ".join(f"{code.function} of {owner_name(code)}" for code in task.stack)
        told = [("is in", inside)] if inside else []
        if w.transition_patch and not task.reaped:
            told.append(("patch_state", STATE_NAMES[task.patch_state]))
        tasks[task.name] = tuple(told)
    return lines, tasks
