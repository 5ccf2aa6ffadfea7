"""What is observed of a scenario on the model, step by step, in the form in which the kernels' code was observed.

Of each step: livepatch's log lines, callbacks, calls, returns, references and directories in their order, each with
what has changed at that moment (every task's patch_state and TIF_PATCH_PENDING, modules' references, each patch's
`enabled` and `transition`, the stacks of versions, the list of patches); the result; and the state after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from klpdsl.engine import sysfs
from klpdsl.engine.context import Kernel
from klpdsl.run.interpreter import Interpreter
from klpdsl.run.session import Loaded
from klpdsl.semantics.records import Engine
from klpdsl.syntax import tree
from klpdsl.trace.events import Call, Callback, Event, Log, ModuleRefs, Return, Sysfs


class Seen(NamedTuple):
    """What is observed of one step: what happened in order, how it ended, and the state after it, sorted.

    Each event is followed by what has changed since the one before: `+` and `-` lines of the state at that moment.
    """

    events: tuple[str, ...]
    result: str
    state: tuple[str, ...]


def model_steps(loaded: Loaded, engine: Engine) -> list[Seen]:
    """What the model does. Steps that the release does not know, or that a file system answers, are left out."""
    interpreter = Interpreter(loaded.program, engine.semantics, lambda *_: "")
    record = interpreter.kernel.emit
    assert record is not None
    found: list[Seen] = []
    for statement in interpreter.statements():
        if not isinstance(statement, tree.Step):
            continue
        kernel = interpreter.kernel
        events = watch(kernel, record)
        interpreter.carry_out(statement)
        ended = interpreter.steps[-1].result
        assert ended is not None
        result = ended.value
        by_file_system = isinstance(statement.operation, tree.Show) or (
            isinstance(statement.operation, tree.Write) and result in ("EACCES", "ENOENT")
        )
        if result != "unsupported" and not by_file_system:
            found.append(Seen(tuple(events), result, tuple(sorted(_state(kernel)))))
    return found


def watch(kernel: Kernel, record: Callable[[Event], None]) -> list[str]:
    """A list that fills with what happens from now on in the model, each event with what has changed."""
    seen: list[str] = []
    before = frozenset(_moment(kernel))

    def emit(event: Event) -> None:
        nonlocal before
        record(event)
        line = _line(event)
        if line:
            now = frozenset(_moment(kernel))
            seen.append(line)
            seen.extend(changes(before, now))
            before = now

    kernel.emit = emit
    return seen


def changes(before: frozenset[str], now: frozenset[str]) -> list[str]:
    """What is different now, as lines."""
    return [f"  - {line}" for line in sorted(before - now)] + [f"  + {line}" for line in sorted(now - before)]


def _line(event: Event) -> str:
    if isinstance(event, Log) and event.text.startswith("livepatch: "):
        return f"log {event.level} {event.text}"
    if isinstance(event, Callback):
        return f"callback {event.patch} {event.object} {event.callback} = {event.result}"
    if isinstance(event, Call):
        return f"call {event.task} {event.object} {event.function} -> {event.code}"
    if isinstance(event, Return):
        return f"return {event.task} {event.object} {event.function} <- {event.code}"
    if isinstance(event, ModuleRefs):
        return f"module {event.module} refs {event.refs}"
    if isinstance(event, Sysfs) and event.path.endswith("/"):
        line = f"directory {event.path} {'appears' if event.value is not None else 'gone'}"
        return "" if _tells_gone_function(line) else line
    return ""


def _tells_gone_function(line: str) -> bool:
    # A trace says of an object that it is gone, and does not name its functions again.
    return line.startswith("directory ") and line.endswith("/ gone") and line.count("/") == 3


def _moment(k: Kernel) -> Iterator[str]:
    w = k.w
    for task in w.tasks:
        yield f"task {task.name} {task.patch_state} {int(task.pending)}"
    for module in w.modules.values():
        # The harness has livepatch's code and no module loader: nobody holds the reference of an insmod under way.
        inserting = not module.livepatch and module.window in ("coming", "starting")
        yield f"module {module.name} {module.refs - inserting}"
    for name, patch in w.patches.items():
        if not patch.kobj:
            continue
        yield f"patch {name} enabled {int(patch.enabled)} transition {int(w.transition_patch == name)}"
    for (obj, function, position), stack in w.func_stacks.items():
        versions = "".join(f" {entry.patch}{':nop' if entry.nop else ''}" for entry in stack)
        yield f"hook {obj} {function} {position}{versions}"
    yield " ".join(("listed", *w.klp_patches))


def _state(k: Kernel) -> Iterator[str]:
    yield from _moment(k)
    for name, patch in k.w.patches.items():
        for path, _ in sysfs.tree(k, patch) if patch.kobj else ():
            if path.endswith("/") and path != f"{name}/":
                yield f"directory {path.rstrip('/')}"
