"""What a picture shows: for each step a row, for each task a cell, and beside them the state of livepatch itself.

Nothing here draws: each medium takes the same rows.
"""

from __future__ import annotations

from klpdsl.engine import patch
from klpdsl.engine.transition import owner_name
from klpdsl.trace.events import Blocked, Violation
from klpdsl.world.values import KLP_PATCHED, KLP_UNPATCHED, NO_PATCH, VMLINUX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple, TypeAlias

    from klpdsl.engine.context import Kernel
    from klpdsl.view.film import Film, Frame
    from klpdsl.world.values import FuncKey, Task

    State: TypeAlias = Literal["", "unpatched", "patched"]
else:
    from klpdsl._records import NamedTuple

ORIGINAL = "original"
"""How code is called that no patch brought."""


class Running(NamedTuple):
    """A function that a task is in, or would call: how it is called, and the patch whose version it is."""

    function: str
    code: str


class Cell(NamedTuple):
    """A task after a step.

    `inside`: the functions it is in, outermost first. `calls`: for each function that is patched, what the task would
    run if it called it now. `state`: its patch_state while a transition is under way, `pending`: TIF_PATCH_PENDING.
    `place` is where it is when it is in no function (`user`, `kthread`, `idle`), or stopped in the middle of
    (`handler`, `fork`). `holds`: why it holds the transition open, empty when it does not.
    """

    task: str
    inside: tuple[Running, ...]
    calls: tuple[Running, ...]
    state: State
    pending: bool
    running: bool
    place: str
    holds: str


class Stack(NamedTuple):
    """A function's stack of versions, oldest first; a no-op is written `p:nop`."""

    function: str
    versions: tuple[str, ...]


class GridRow(NamedTuple):
    """A step and what the world is like after it.

    `number` is 0 for the row before the first step. `result` is empty there. `seconds` pass in the step. `cells` stand
    in the order of the grid's tasks, None for a task that is not there. `transition` is the patch in transition with
    its direction (`p1 patching`, `p1 unpatching`). `refs`: each module with its references. `later`: asynchronous
    work that waits. `wrong`: violations of properties and expectations that failed.
    """

    number: int
    text: str
    thread: str
    result: str
    reason: str
    seconds: int
    cells: tuple[Cell | None, ...]
    stacks: tuple[Stack, ...]
    transition: str
    refs: tuple[tuple[str, int], ...]
    later: tuple[str, ...]
    wrong: tuple[str, ...]


class Grid(NamedTuple):
    """A run as a table: `tasks` are its columns, `versions` the patches in the order in which they appear."""

    title: str
    engine: str
    tasks: tuple[str, ...]
    versions: tuple[str, ...]
    rows: tuple[GridRow, ...]


def grid(film: Film) -> Grid:
    """What a picture of the run shows."""
    kernels = (film.start, *(frame.kernel for frame in film.frames))
    tasks = tuple(dict.fromkeys(task.name for k in kernels for task in k.w.tasks))
    versions = tuple(dict.fromkeys(name for k in kernels for name in k.w.patches))
    rows = [_row(film.start, tasks)]
    before = film.start.w.clock
    holders: dict[str, str] = {}
    for frame in film.frames:
        holders = _holders(frame, holders)
        rows.append(_frame_row(frame, tasks, frame.kernel.w.clock - before, holders))
        before = frame.kernel.w.clock
    return Grid(film.title, film.engine, tasks, versions, tuple(rows))


def first_difference(a: Grid, b: Grid) -> int | None:
    """The place of the first row that is not the same in both, None when all are."""
    for place, (one, other) in enumerate(zip(a.rows, b.rows, strict=False)):
        if one != other:
            return place
    return min(len(a.rows), len(b.rows)) if len(a.rows) != len(b.rows) else None


def _holders(frame: Frame, before: dict[str, str]) -> dict[str, str]:
    """Who holds the transition open, and why: as the last attempt to complete it found, this step's or an earlier."""
    w = frame.kernel.w
    found = {e.task: _why(e) for e in frame.step.events if isinstance(e, Blocked)} or before
    waiting = {task.name for task in w.tasks if w.transition_patch and task.patch_state != w.target_state}
    return {task: why for task, why in found.items() if task in waiting}


def _frame_row(frame: Frame, tasks: tuple[str, ...], seconds: int, holders: dict[str, str]) -> GridRow:
    step = frame.step
    wrong = [f"{e.property}: {e.text}" for e in step.events if isinstance(e, Violation)]
    wrong += [f"expected {c.text}, got {c.got}" for c in step.checks if not c.ok]
    row = _row(frame.kernel, tasks, holders)
    return row._replace(
        number=step.number,
        text=step.text,
        thread=frame.thread,
        result=step.result.value if step.result else "",
        reason=step.result.reason if step.result else "",
        seconds=seconds,
        wrong=tuple(wrong),
    )


def _row(k: Kernel, tasks: tuple[str, ...], holders: dict[str, str] | None = None) -> GridRow:
    w = k.w
    there = {task.name: task for task in w.tasks}
    direction = "patching" if w.target_state == KLP_PATCHED else "unpatching"
    return GridRow(
        number=0,
        text="",
        thread="",
        result="",
        reason="",
        seconds=0,
        cells=tuple(_cell(k, there[name], holders or {}) if name in there else None for name in tasks),
        stacks=tuple(
            Stack(_called(key), tuple(map(patch.entry_name, stack)))
            for key, stack in sorted(w.func_stacks.items())
            if stack
        ),
        transition=f"{w.transition_patch} {direction}" if w.transition_patch else "",
        refs=tuple((name, module.refs) for name, module in sorted(w.modules.items())),
        later=tuple(f"{what} {whom}".strip() for what, whom in w.work),
        wrong=(),
    )


def _cell(k: Kernel, task: Task, holders: dict[str, str]) -> Cell:
    inside = tuple(
        Running(_called((c.object, c.function, c.position)), _version(owner_name(c))) for c in task.stack
    )
    calls = tuple(
        Running(_called(key), _version(owner_name(patch.klp_ftrace_handler(k, key, task))))
        for key in sorted(k.w.func_stacks)
        if k.w.func_stacks[key] and patch.in_memory(k, key)
    )
    states: dict[int, State] = {KLP_UNPATCHED: "unpatched", KLP_PATCHED: "patched"}
    return Cell(
        task.name,
        inside,
        calls if task.kind != "idle" else (),
        states.get(task.patch_state, ""),
        task.pending,
        task.running,
        _place(task),
        holders.get(task.name, ""),
    )


def _place(task: Task) -> str:
    if task.handler is not None:
        return "handler"
    if task.forking is not None:
        return "fork"
    return "" if task.stack else task.kind


def _called(key: FuncKey) -> str:
    obj, name, position = key
    where = name if obj == VMLINUX else f"{obj}:{name}"
    return where if position == 1 else f"{where},{position}"


def _version(owner: str) -> str:
    return ORIGINAL if owner in (NO_PATCH, ORIGINAL) else owner


def _why(blocked: Blocked) -> str:
    if blocked.reason == "sleeping":
        return f"in {blocked.function} of {blocked.code}"
    return {"running": "running on a CPU", "unreliable": "stack is unreliable"}[blocked.reason]
