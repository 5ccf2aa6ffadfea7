"""Built-in properties: what must never happen, whoever's semantics are at work.

`after_event` is asked after every event, `at_rest` between two steps; both return the violations that are new.
The names are in `klpdsl._properties`; `engine/resting.py` has those that are judged between steps.
"""

from __future__ import annotations

from klpdsl._properties import IN_TRACES
from klpdsl.engine import resting, scope
from klpdsl.engine.context import Kernel
from klpdsl.engine.transition import owner_name
from klpdsl.semantics.axes import NUMBERED
from klpdsl.trace.events import Call, Callback, Event, ModuleGone, ModuleRefs, Sysfs, Violation
from klpdsl.world.values import KLP_PATCHED, NO_PATCH, VMLINUX, Code, Patch, Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = IN_TRACES

_COMPLETION = {
    "klp": "klp_complete_transition()",
    "kgraft": "kgr_finalize()",
    "kgraft-early": "kgr_finalize()",
    "kpatch": "kpatch_register()",
}
"""Where each system puts the modules of replaced patches."""


_CHOOSER = {
    "klp": "klp_ftrace_handler()",
    "kgraft": "kgr_stub_slow()",
    "kgraft-early": "kgr_stub_slow()",
    "kpatch": "kpatch_ftrace_handler()",
}
"""What chooses the version that a call runs."""


JUDGED = frozenset((Call, ModuleRefs, Sysfs, ModuleGone, Callback))
"""The events that `Watch.after_event` looks at; of the others, which are most of them, it need not be asked."""


_NONE: tuple[Violation, ...] = ()


class Watch:
    """What the properties have to remember of a run: a holder of immutable values, as the world is.

    `told`: what has been reported, so that each violation is told once. `put_by`: (module, patch) pairs, the patch at
    whose completion the module's last reference was put. `replacing`: the patch whose replacement is under way, and
    the patches that it has to retire.
    """

    __slots__ = ("put_by", "replacing", "told")

    def __init__(self) -> None:
        self.told: frozenset[tuple[object, ...]] = frozenset()
        self.put_by: tuple[tuple[str, str], ...] = ()
        self.replacing: tuple[str, tuple[str, ...]] = ("", ())

    def copy(self) -> Watch:
        """Another watch that remembers the same."""
        new = Watch.__new__(Watch)
        new.told = self.told
        new.put_by = self.put_by
        new.replacing = self.replacing
        return new

    def key(self) -> tuple[object, ...]:
        """A hashable value, equal for watches that find the same in the same future.

        What has been told already, and who put a module, decide what is said of a violation, not whether there is one.
        """
        return self.replacing

    def after_event(self, k: Kernel, event: Event) -> Sequence[Violation]:
        """The violations that the event has just brought about."""
        kind = type(event)
        if kind is Sysfs:
            if event.value == "1":  # type: ignore[union-attr]
                self._transition(k, event)  # type: ignore[arg-type]
            return _NONE
        if kind is Call:
            task = k.w.tasks[k.w.task_index(event.task)]  # type: ignore[union-attr]
            return self._new(self._stale_code(k) + _mixed(k, task))
        if kind is ModuleRefs:
            return self._refs(k, event)  # type: ignore[arg-type]
        if kind is ModuleGone:
            return self._new(self._stale_code(k) + resting.dangling_hook(k))
        if kind is Callback:
            return self._new(_stale_data(k, event))  # type: ignore[arg-type]
        return _NONE

    def asked_for(self, k: Kernel, event: Call) -> Sequence[Violation]:
        """The violations of `mixed-world`, which is judged only for who asks."""
        from klpdsl.engine import mixed_world

        return self._new(mixed_world.judge(k, event))

    def at_rest(self, k: Kernel) -> list[Violation]:
        """The violations that hold now that all work is done."""
        if not k.w.patches and not (k.w.ghosts or k.w.owed or k.w.shadow_owners):
            return []
        return self._new(resting.at_rest(k) + self._unreplaced(k))

    def _new(self, found: resting.Found) -> list[Violation]:
        new: list[Violation] = []
        for key, violation in found:
            if key not in self.told:
                self.told |= {key}
                # One call may break a property for several patches at once; it is said once.
                if violation not in new:
                    new.append(violation)
        return new

    def _refs(self, k: Kernel, event: ModuleRefs) -> Sequence[Violation]:
        if event.refs == 0 and k.w.transition_patch not in ("", event.module):
            self.put_by = (
                *((m, p) for m, p in self.put_by if m != event.module),
                (event.module, k.w.transition_patch),
            )
        if event.refs >= 0:
            return _NONE
        text = f"module {event.module} was put more often than it was taken"
        if k.w.transition_patch:
            text += f": {_COMPLETION[k.sem.system]} put it once more when '{k.w.transition_patch}' completed again"
        return self._new([(("negative-refs", event.module, event.refs), Violation("negative-refs", text))])

    def _transition(self, k: Kernel, event: Sysfs) -> None:
        """Note at the start of a replacement whom it has to retire: something has become 1."""
        if not event.path.endswith("/transition"):
            return
        name = event.path.removesuffix("/transition")
        new = k.w.patches[name]
        if k.w.target_state == KLP_PATCHED and _replaces(k, new):
            others = tuple(p.name for p in k.w.patches.values() if p.enabled and _expected_to_go(k, new, p))
            self.replacing = (name, others)
        else:
            self.replacing = ("", ())

    def _unreplaced(self, k: Kernel) -> resting.Found:
        """A replacement is complete, and a patch that was enabled when it started still is."""
        name, others = self.replacing
        if not name or k.w.transition_patch:
            return []
        self.replacing = ("", ())
        if name not in k.w.patches or not k.w.patches[name].enabled:
            return []
        left = [other for other in others if other in k.w.patches and k.w.patches[other].enabled]
        return [
            (
                ("unreplaced", name, other, k.w.patches[name].generation),
                Violation(
                    "unreplaced",
                    f"'{name}' has replaced the others, but '{other}' is still enabled: the loop in "
                    f"{_COMPLETION[k.sem.system]} passed over it",
                ),
            )
            for other in left
        ]

    def _stale_code(self, k: Kernel) -> resting.Found:
        """A task is inside code of a module that has been removed, or holds a pointer to it in the handler."""
        found: resting.Found = []
        for task in k.w.tasks:
            inside = task.stack if task.handler is None else (*task.stack, task.handler)
            for code in inside:
                gone = _removed_module(k, code)
                if gone:
                    where = f"{owner_name(code)}'s {code.object} {code.function}"
                    how = "is about to jump into" if code is task.handler else "is inside"
                    text = f"{task.name} {how} {where}, but module {gone} has been removed"
                    by = dict(self.put_by).get(gone, "")
                    if by:
                        text += f": {_COMPLETION[k.sem.system]} put its last reference when '{by}' completed"
                    found.append((("stale-code", task.name, code), Violation("stale-code", text)))
        return found


def _replaces(k: Kernel, new: Patch) -> bool:
    if k.sem.replace_scope in NUMBERED:
        return scope.numbered_replaces(k, new)
    return new.replace or k.sem.replace == "always"


def _expected_to_go(k: Kernel, new: Patch, old: Patch) -> bool:
    """Whether the replacement is to retire the other patch; one whose author never asked to be kept is, too."""
    if old.name == new.name:
        return False
    unsaid = k.sem.replace_scope == "replaceable" and old.replaceable is None
    return unsaid or scope.retires(k, new, old)


def _removed_module(k: Kernel, code: Code) -> str:
    holder = code.owner or code.object
    if holder == VMLINUX:
        return ""
    module = k.w.modules.get(holder)
    return holder if module is None or module.generation != code.generation else ""


def _stale_data(k: Kernel, event: Callback) -> resting.Found:
    """A callback uses what another patch keeps, when nothing keeps that patch any more."""
    patch = k.w.patches.get(event.patch)
    if patch is None:
        return []
    found: resting.Found = []
    for obj in patch.objects:
        if obj.name != event.object:
            continue
        for callback, other in obj.reads:
            # Who finds no other patch at all reads nothing.
            if callback == event.callback and ("free", other) in k.w.work:
                text = (
                    f"'{event.patch}' uses in {callback} what '{other}' keeps, but '{other}' was given up before: "
                    "it is off the list, and klp_free_patch_async() has queued what frees it and puts its module"
                )
                found.append((("stale-data", event.patch, callback, other), Violation("stale-data", text)))
    return found


# --- mixed ----------------------------------------------------------------------------------------------------


def _mixed(k: Kernel, task: Task) -> resting.Found:
    """Between two switch points a task ran both old and new code of one patch."""
    found: resting.Found = []
    if len(task.ran) < 2:
        return found
    ran = sorted(task.ran)
    for patch in list(k.w.patches.values()):
        if not _counts(k, patch):
            continue
        old: list[Code] = []
        new: list[Code] = []
        for code in ran:
            side = _side(k, patch, code)
            if side:
                (new if side > 0 else old).append(code)
        if old and new:
            text = f"{task.name} ran {_said(old[0])} and {_said(new[0])} with no switch point between"
            text += f": {_CHOOSER[k.sem.system]} sent it into both"
            found.append((("mixed", task.name, patch.name, patch.generation), Violation("mixed", text)))
    return found


def _said(code: Code) -> str:
    return f"{owner_name(code)}'s {code.object} {code.function}"


def _side(k: Kernel, patch: Patch, code: Code) -> int:
    """Whether some code is what the patch replaces (-1), what it brings or what came later (1), or neither (0)."""
    if code.owner == patch.name and code.generation == patch.generation:
        return 1
    live = any(obj.patched for obj in patch.objects)
    for obj in patch.objects:
        if obj.name != code.object:
            continue
        for func in obj.funcs:
            if (func.name, func.sympos or 1) != (code.function, code.position):
                continue
            if not func.patched and not (live and obj.loaded):
                continue
            if code.owner == NO_PATCH:
                if func.nop and _is_oldest(k, patch, code):
                    return 0  # nothing lies below: the original is old and new at once
                # Under a no-op of a later patch, the original is what came later.
                return 1 if func.nop or _covered_by_nop(k, patch, code) else -1
            other = k.w.patches.get(code.owner)
            if func.nop or other is None or not _counts(k, other):
                return -1
            return 1 if _later(k, other, patch) else -1
    # What a replacing patch does not have is old code too, as long as another patch brought it.
    if live and _replaces(k, patch) and code.owner != NO_PATCH:
        other = k.w.patches.get(code.owner)
        if other is not None and not _later(k, other, patch) and scope.retires(k, patch, other):
            return -1
    return 0


def _is_oldest(k: Kernel, patch: Patch, code: Code) -> bool:
    stack = k.w.func_stacks.get((code.object, code.function, code.position), ())
    return bool(stack) and stack[0].patch == patch.name


def _counts(k: Kernel, patch: Patch) -> bool:
    """Whether the patch is in force or on its way: kGraft lists a patch only when it is final."""
    return patch.name in k.w.klp_patches or patch.name == k.w.transition_patch


def _covered_by_nop(k: Kernel, patch: Patch, code: Code) -> bool:
    stack = k.w.func_stacks.get((code.object, code.function, code.position), ())
    names = [entry.patch for entry in stack]
    return patch.name in names and any(entry.nop for entry in stack[names.index(patch.name) + 1 :])


def _later(k: Kernel, other: Patch, patch: Patch) -> bool:
    order = k.w.klp_patches
    if other.name in order and patch.name in order:
        return order.index(other.name) > order.index(patch.name)
    return other.generation > patch.generation
