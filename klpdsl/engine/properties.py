"""Built-in properties: what must never happen, whoever's semantics are at work.

`after_event` is asked after every event, `at_rest` between two steps; both return the violations that are new.
A property's name is what a scenario writes after `never`.
"""

from __future__ import annotations

from klpdsl.engine.context import Kernel
from klpdsl.engine.transition import owner_name
from klpdsl.trace.events import Call, Event, ModuleGone, ModuleRefs, Violation
from klpdsl.world.values import ORIGINAL, VMLINUX, Code, Patch, Task

NAMES = ("stale-code", "mixed", "leak", "stuck")


class Watch:
    """Remembers what has been reported in one run, so that each violation is told once."""

    def __init__(self) -> None:
        self._told: set[tuple[object, ...]] = set()

    def after_event(self, k: Kernel, event: Event) -> list[Violation]:
        """The violations that the event has just brought about."""
        if isinstance(event, ModuleGone):
            return self._new(_stale_code(k))
        if isinstance(event, Call):
            task = k.w.tasks[k.w.task_index(event.task)]
            return self._new(_stale_code(k) + _mixed(k, task))
        if isinstance(event, ModuleRefs) and event.refs < 0:
            text = f"module {event.module} was put more often than it was taken"
            return self._new(
                [(("negative-refs", event.module, event.refs), Violation("negative-refs", text))]
            )
        return []

    def at_rest(self, k: Kernel) -> list[Violation]:
        """The violations that hold now that all work is done."""
        return self._new(_leak(k) + _stuck(k))

    def _new(self, found: list[tuple[tuple[object, ...], Violation]]) -> list[Violation]:
        new: list[Violation] = []
        for key, violation in found:
            if key not in self._told:
                self._told.add(key)
                # One call may break a property for several patches at once; it is said once.
                if violation not in new:
                    new.append(violation)
        return new


_Found = list[tuple[tuple[object, ...], Violation]]


def _stale_code(k: Kernel) -> _Found:
    """A task is inside code of a module that has been removed."""
    found: _Found = []
    for task in k.w.tasks:
        for code in task.stack:
            gone = _removed_module(k, code)
            if gone:
                where = f"{owner_name(code)}'s {code.object} {code.function}"
                text = f"{task.name} is inside {where}, but module {gone} has been removed"
                found.append((("stale-code", task.name, code), Violation("stale-code", text)))
    return found


def _removed_module(k: Kernel, code: Code) -> str:
    holder = code.owner or code.object
    if holder == VMLINUX:
        return ""
    module = k.w.modules.get(holder)
    return holder if module is None or module.generation != code.generation else ""


def _mixed(k: Kernel, task: Task) -> _Found:
    """Between two switch points a task ran both old and new code of one patch."""
    found: _Found = []
    if len(task.ran) < 2:
        return found
    for name in k.w.klp_patches:
        patch = k.w.patches[name]
        old: list[Code] = []
        new: list[Code] = []
        for code in sorted(task.ran):
            side = _side(k, patch, code)
            if side:
                (new if side > 0 else old).append(code)
        if old and new:
            text = f"{task.name} ran {_said(old[0])} and {_said(new[0])} with no switch point between"
            found.append((("mixed", task.name, name, patch.generation), Violation("mixed", text)))
    return found


def _said(code: Code) -> str:
    return f"{owner_name(code)}'s {code.object} {code.function}"


def _side(k: Kernel, patch: Patch, code: Code) -> int:
    """Whether some code is what the patch replaces (-1), what it brings or what came later (1), or neither (0)."""
    if code.owner == patch.name and code.generation == patch.generation:
        return 1
    for obj in patch.objects:
        if obj.name != code.object:
            continue
        for func in obj.funcs:
            if (func.name, func.sympos or 1) != (code.function, code.position) or not func.patched:
                continue
            if code.owner == ORIGINAL:
                return 1 if func.nop else -1
            other = k.w.patches.get(code.owner)
            if func.nop or other is None or other.name not in k.w.klp_patches:
                return -1
            later = k.w.klp_patches.index(other.name) > k.w.klp_patches.index(patch.name)
            return 1 if later else -1
    return 0


def _leak(k: Kernel) -> _Found:
    """A module that nothing uses can never be removed: a patch that is out of force keeps its reference."""
    found: _Found = []
    for patch in k.w.patches.values():
        module = k.w.modules[patch.name]
        in_use = (
            patch.enabled
            or module.refs <= 0
            or k.w.transition_patch == patch.name
            or any(entry.patch == patch.name for stack in k.w.func_stacks.values() for entry in stack)
            or any(code.owner == patch.name for task in k.w.tasks for code in task.stack)
            or (k.sem.module_ref == "register" and not patch.retired and module.refs == 1)
        )
        if not in_use:
            text = f"nothing uses module {patch.name} any more, yet {module.refs} of its references will never be put"
            found.append((("leak", patch.name, patch.generation, module.refs), Violation("leak", text)))
    return found


def _stuck(k: Kernel) -> _Found:
    """A transition is under way, and nothing is queued that could ever complete it."""
    name = k.w.transition_patch
    if not name or k.w.transition_work or k.w.work:
        return []
    return [
        (
            ("stuck", name),
            Violation("stuck", f"'{name}' is in transition and nothing will try to complete it"),
        )
    ]
