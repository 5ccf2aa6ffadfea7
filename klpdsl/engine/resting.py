"""The built-in properties that are judged between two steps, when all queued work is done.

Each function returns what it found: a key, by which a violation is told once only, and the violation.
"""

from __future__ import annotations

from klpdsl.engine import debts
from klpdsl.engine.context import Kernel
from klpdsl.engine.core import shown_as_enabled
from klpdsl.engine.modules import is_meant
from klpdsl.engine.patch import func_key
from klpdsl.engine.scope import own_set
from klpdsl.engine.states import blocks_disable
from klpdsl.semantics.axes import NUMBERED
from klpdsl.trace.events import Violation
from klpdsl.world.values import KLP_UNPATCHED, VMLINUX, Patch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Found: TypeAlias = list[tuple[tuple[object, ...], Violation]]


def at_rest(k: Kernel) -> Found:
    """All that does not hold now."""
    found = leak(k)
    if k.w.ghosts:
        found += dangling_kobject(k)
    if k.w.func_stacks:
        found += dangling_hook(k)
    if k.w.owed or k.w.overpaid:
        found += debts.unbalanced(k)
    if k.w.shadow_owners:
        found += debts.orphan_shadows(k)
    if k.w.transition_patch:
        return found + stuck(k) + irreversible(k)
    for patch in k.w.patches.values():
        if patch.objects and not k.w.paused:
            found += half_retired(k, patch)
        if patch.states_done:
            found += orphan_state(k, patch)
    if k.sem.replace_scope in NUMBERED:
        found += set_overlap(k)
    return found


def orphan_state(k: Kernel, patch: Patch) -> Found:
    """A patch is gone, and so is every other that has its state; nobody has undone what the state stands for."""
    listed = {state.id for name in k.w.klp_patches for state in k.w.patches[name].states}
    if patch.name in k.w.klp_patches:
        return []
    return [
        (
            ("orphan-state", id_),
            Violation(
                "orphan-state",
                f"state {id_} of '{patch.name}' was brought in and never undone, and no patch has it any more: each "
                "patch left that to the others when klp_complete_transition() retired them together",
            ),
        )
        for id_ in sorted(patch.states_done - listed)
    ]


def set_overlap(k: Kernel) -> Found:
    """Patches of different sets are both in force for one function, and only the newer is called."""
    found: Found = []
    for key, stack in k.w.func_stacks.items():
        patches = [
            k.w.patches[entry.patch] for entry in stack if entry.patch in k.w.patches and not entry.nop
        ]
        below, above = patches[0] if patches else None, patches[-1] if patches else None
        if below is None or above is None or own_set(below) == own_set(above):
            continue
        text = (
            f"'{above.name}' of set {own_set(above)} covers {key[0]} {key[1]} of '{below.name}', which is of set "
            f"{own_set(below)} and stays enabled: klp_enable_patch() did not compare their functions"
        )
        found.append((("set-overlap", key, above.name, below.name), Violation("set-overlap", text)))
    return found


def leak(k: Kernel) -> Found:
    """A module that nothing uses can never be removed: a patch that is out of force keeps its reference."""
    found: Found = []
    for patch in k.w.patches.values():
        module = k.w.modules[patch.name]
        if patch.enabled or module.refs <= 0:
            continue
        in_use = (
            k.w.transition_patch == patch.name
            or ("free", patch.name) in k.w.work
            or k.w.paused
            or any(entry.patch == patch.name for stack in k.w.func_stacks.values() for entry in stack)
            or any(code.owner == patch.name for task in k.w.tasks for code in task.stack)
            or (k.sem.module_ref == "register" and not patch.retired and module.refs == 1)
        )
        if not in_use:
            text = f"nothing uses module {patch.name} any more, yet {module.refs} of its references will never be put"
            text += f": {_keeper(k, patch)}"
            found.append((("leak", patch.name, patch.generation, module.refs), Violation("leak", text)))
    return found


def _keeper(k: Kernel, patch: Patch) -> str:
    """Where the reference should have been put, and why it was not."""
    if k.sem.system == "kpatch":
        return "kpatch_unregister() and kpatch_register() keep the module of a forced function"
    if k.sem.api == "single":
        if patch.retired and k.sem.put == "never":
            return "the semantics say that no replaced patch is put (put=never)"
        return "klp_free_patch_finish() does not put a patch that was forced"
    if k.sem.module_ref == "register":
        return "klp_unregister_patch() has not put what klp_register_patch() took"
    if patch.retired:
        return "klp_complete_transition() does not put a replaced patch that may still be in use"
    return "klp_complete_transition() does not put a patch that has an immediate part or was forced"


def stuck(k: Kernel) -> Found:
    """A transition is under way, and nothing is queued that could ever complete it."""
    name = k.w.transition_patch
    if k.w.transition_work or k.w.work or k.w.paused:
        return []
    text = f"'{name}' is in transition and nothing will try to complete it: no delayed work is queued"
    return [(("stuck", name), Violation("stuck", text))]


def irreversible(k: Kernel) -> Found:
    """Writing the opposite value into `enabled` would be refused: enabled_store() finds it there already."""
    name = k.w.transition_patch
    if k.sem.system != "klp" or k.w.paused:
        return []
    patch = k.w.patches[name]
    back = k.w.target_state == KLP_UNPATCHED
    if shown_as_enabled(k, patch) != back:
        if patch.enabled and blocks_disable(k, patch):
            text = (
                f"the transition of '{name}' cannot be cancelled: enabled_store() refuses every write to a patch with "
                "a state that blocks disabling, before it looks whether the patch is still in transition"
            )
            return [(("irreversible", name, patch.generation, back), Violation("irreversible", text))]
        return []
    text = (
        f"the transition of '{name}' cannot be cancelled: enabled_store() compares the {int(back)} that would do it "
        "with patch->enabled, finds it there already and answers EINVAL"
    )
    return [(("irreversible", name, patch.generation, back), Violation("irreversible", text))]


def dangling_kobject(k: Kernel) -> Found:
    """A directory can be reached although the memory behind it has been freed."""
    found: Found = []
    for path in k.w.ghosts:
        name, _, inside = path.rstrip("/").partition("/")
        if inside:
            text = (
                f"{path} is still held open, but kfree() followed kobject_put() at once: its memory is gone"
            )
        else:
            text = (
                f"{path} is still there, but module {name} has been removed: klp_unregister_patch() did not find "
                "it on the list and left its kobject behind"
            )
        found.append((("dangling-kobject", path), Violation("dangling-kobject", text)))
    return found


def dangling_hook(k: Kernel) -> Found:
    """A function's stack of versions leads to a module that has been removed."""
    found: Found = []
    for key, stack in k.w.func_stacks.items():
        where = f"the stack of versions of {key[0]} {key[1]}"
        if key[0] != VMLINUX and key[0] not in k.w.modules:
            text = f"{where} is hooked up, but module {key[0]} has been removed: ftrace patches freed memory"
            found.append((("dangling-hook", key), Violation("dangling-hook", text)))
        for entry in stack:
            module = k.w.modules.get(entry.patch)
            if module is None or module.generation != entry.generation:
                text = f"{where} still has the version of {entry.patch}, whose module has been removed"
                text += ": klp_ftrace_handler() reads freed memory"
                found.append((("dangling-hook", key, entry), Violation("dangling-hook", text)))
    return found


def half_retired(k: Kernel, patch: Patch) -> Found:
    """What `enabled` says, what is on the stacks of versions and which no-ops are left do not fit together."""
    found: Found = []
    who = (patch.name, patch.generation)
    for obj in patch.objects:
        for func in obj.funcs:
            key = func_key(obj, func)
            if func.patched and not patch.enabled:
                text = f"'{patch.name}' says that it is disabled, but its {obj.name} {func.name} is still in force"
                text += ": patch->enabled was cleared, and klp_unpatch_objects() never followed"
                found.append((("half-retired", *who), Violation("half-retired", text)))
            elif func.patched and func.nop and len(k.w.func_stacks.get(key, ())) == 1:
                text = (
                    f"'{patch.name}' has replaced the others, but its no-op for {obj.name} {func.name} still hooks "
                    "the function: klp_complete_transition() did not take it off"
                )
                found.append((("leftover-nop", *who, key), Violation("leftover-nop", text)))
            elif patch.enabled and not func.patched and _promised(k, obj.name) and is_meant(k, obj):
                text = (
                    f"'{patch.name}' is enabled and {obj.name} is loaded, but its {func.name} is not patched: "
                    "klp_module_coming() did not see the patch"
                )
                found.append((("unpatched-module", *who, obj.name), Violation("unpatched-module", text)))
    return found


def _promised(k: Kernel, obj: str) -> bool:
    # Before the kernel could refuse a module, it loaded one that it failed to patch, and said so.
    # One that is only coming is not known to livepatch yet.
    module = k.w.modules.get(obj)
    return module is not None and module.window != "coming" and k.sem.coming_failure == "refuse"
