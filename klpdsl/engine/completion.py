"""The end of a transition: klp_complete_transition() of transition.c, which may have to wait in the middle.

Two things hold it up with klp_mutex taken: a task inside the ftrace handler, for which a barrier waits, and (where
the semantics say so) somebody who holds a no-op's sysfs directory open. Then the world is left `paused`, and `resume`
goes on from there once the obstacle is gone.
"""

from __future__ import annotations

from klpdsl.engine import callbacks, func_attributes, patch, replace, state_callbacks
from klpdsl.engine.context import Kernel
from klpdsl.world.values import KLP_PATCHED, KLP_UNDEFINED, KLP_UNPATCHED

WHAT = {KLP_PATCHED: "patching", KLP_UNPATCHED: "unpatching"}
"""How messages call a transition, by its target."""

REASONS = {
    "clear": "the completion waits for the task inside the ftrace handler",
    "end": "the completion waits for the task inside the ftrace handler",
    "idle": "the completion waits until nobody holds a directory of its no-ops open",
}
"""What a paused completion waits for, by the point where it stands."""


def klp_complete_transition(k: Kernel, *, wait: bool = True) -> None:
    """Everybody is in the target state: finish, and be idle again. Without `wait`, barriers count as passed."""
    w = k.w
    name = w.transition_patch
    target = w.target_state
    if k.sem.notices == "long":
        k.pr_debug(f"'{name}': completing {WHAT[target]} transition")
    hooks = len(w.func_stacks)
    retired: tuple[str, ...] = ()
    if target == KLP_PATCHED and replace.replaces(k, w.patches[name]):
        retired = replace.klp_unpatch_replaced_patches(k, name)
        replace.klp_discard_nops(k, name)
        state_callbacks.post_unpatch_replaced(k, name)
    if target == KLP_UNPATCHED:
        patch.klp_unpatch_objects(k, name)
    # Taking the last version off a function unregisters its handler, and that is a barrier as well: ftrace waits
    # for every CPU before it forgets an ops that was allocated (FTRACE_OPS_FL_DYNAMIC).
    if wait and (target == KLP_UNPATCHED or len(w.func_stacks) < hooks) and _in_handler(k):
        w.paused = ("clear", *retired)
        return
    _clear(k, retired, wait=wait)


def resume(k: Kernel) -> None:
    """Let a paused completion go on if what it waits for has happened."""
    w = k.w
    if not w.paused:
        return
    point, *rest = w.paused
    name, target = w.transition_patch, w.target_state
    if _in_handler(k) if point != "idle" else replace.nops_held(k, name):
        return
    w.paused = ()
    if point == "clear":
        _clear(k, tuple(rest), wait=True)
    elif point == "end":
        _end(k, tuple(rest), wait=True)
    else:
        _idle(k)
    if is_paused(k):
        return
    if k.sem.enabled_flip == "after-try" and w.patches[name].enabled != (target == KLP_PATCHED):
        # The write that is only now coming back flips the flag last.
        k.set_enabled(w.patches[name], target == KLP_PATCHED)
    replace.after_completion(k, name)


def is_paused(k: Kernel) -> bool:
    """Whether a completion waits, with klp_mutex taken."""
    return bool(k.w.paused)


def _in_handler(k: Kernel) -> bool:
    return any(task.handler is not None for task in k.w.tasks)


def _clear(k: Kernel, retired: tuple[str, ...], *, wait: bool) -> None:
    """Clear the transition flags of the functions; then the barrier of a patching."""
    w = k.w
    name, target = w.transition_patch, w.target_state
    immediate = w.patches[name].immediate
    if not immediate:
        k.set_patch(w.patches[name]._replace(transition=False))
    if k.sem.complete_notice == "before":
        _put_unpatched(k, name, target)
    if not immediate and wait and target == KLP_PATCHED and _in_handler(k):
        w.paused = ("end", *retired)
        return
    _end(k, retired, wait=wait)


def _end(k: Kernel, retired: tuple[str, ...], *, wait: bool) -> None:
    """Forget the tasks' states, run the callbacks, give back what is no longer needed."""
    w = k.w
    name, target = w.transition_patch, w.target_state
    if k.sem.put_when == "after-sync":
        replace.put_replaced(k, name, retired)
    if not w.patches[name].immediate:
        for index, task in w.listed():
            # Only switching takes a mark away. A child that got its parent's new state and old mark (fork_pending)
            # still has it: the kernel warns and lets it be.
            k.set_patch_state(index, KLP_UNDEFINED, pending=task.pending)
    func_attributes.completed(k, name, target)
    callbacks.after_transition(k, name, target)
    if target == KLP_UNPATCHED and k.sem.enabled_clear in ("completion", "completion-naive"):
        k.set_enabled(w.patches[name], False)
    if k.sem.complete_notice == "after":
        k.pr_notice(f"'{name}': {WHAT[target]} complete")
        _put_unpatched(k, name, target)
    replace.free_nops_at_finish(k, name, target)
    if wait and k.sem.nop_kobject == "release+wait" and replace.nops_held(k, name):
        w.paused = ("idle",)
        return
    _idle(k)


def _idle(k: Kernel) -> None:
    w = k.w
    name = w.transition_patch
    w.target_state = KLP_UNDEFINED
    w.transition_patch = ""
    # The kernel leaves the counter as it is until the next transition starts; nobody looks at it before.
    w.signals_cnt = 0
    if w.patches[name].kobj:
        k.sysfs(f"{name}/transition", "0")


def _put_unpatched(k: Kernel, name: str, target: int) -> None:
    # Two-step API: the reference taken by enable goes back once nobody can be in the new code. Nobody can tell
    # where a task is in an immediate patch or function, and after a forced transition nobody can tell at all.
    if target != KLP_UNPATCHED or k.sem.api != "register" or k.sem.module_ref != "enable":
        return
    p = k.w.patches[name]
    pinned = p.immediate or any(func.immediate for obj in p.objects for func in obj.funcs)
    if pinned or k.w.klp_forced or p.forced:
        k.keep_for_ever(name)
    else:
        k.module_put(name)
