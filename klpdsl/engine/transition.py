"""The consistency model: kernel/livepatch/transition.c.

`klp_init_transition` … `klp_complete_transition` do what the kernel's functions of these names do, in their order.
An attempt to complete looks at every task; those that hold the transition open are left in `Kernel.blockers`.
"""

from __future__ import annotations

from klpdsl._names import ORIGINAL
from klpdsl.engine import patch, replace, scope, surprises
from klpdsl.engine.completion import WHAT, klp_complete_transition
from klpdsl.engine.context import Kernel
from klpdsl.trace.events import Blocked
from klpdsl.world.values import (
    KLP_PATCHED,
    KLP_UNPATCHED,
    NO_PATCH,
    Code,
    Func,
    FuncKey,
    Patch,
    Task,
)

SIGNALS_TIMEOUT = 15
"""Retries between two rounds of fake signals (transition.c, v5.1)."""

SCAN_BUDGET = 100
"""How many tasks that have not switched an attempt tries in any case, where it may be given up (2025)."""


def klp_init_transition(k: Kernel, name: str, target: int) -> None:
    """Declare a transition of the patch: every task to the state opposite to the target, transition flags set."""
    w = k.w
    w.transition_patch = name
    w.target_state = target
    if k.w.patches[name].kobj:
        k.sysfs(f"{name}/transition", "1")
    if k.sem.notices == "long":
        k.pr_debug(f"'{name}': initializing {WHAT[target]} transition")
    if w.patches[name].immediate:
        return
    for index, task in w.listed():
        k.set_patch_state(
            index, KLP_UNPATCHED if target == KLP_PATCHED else KLP_PATCHED, pending=task.pending
        )
    k.set_patch(w.patches[name]._replace(transition=True))


def klp_start_transition(k: Kernel) -> None:
    """Mark every task that is not in the target state as pending."""
    w = k.w
    name = w.transition_patch
    if k.sem.notices == "long":
        k.pr_notice(f"'{name}': starting {WHAT[w.target_state]} transition")
    else:
        k.pr_notice(f"'{name}': {WHAT[w.target_state]}...")
    if w.patches[name].immediate:
        return
    for index, task in w.listed():
        if task.patch_state != w.target_state:
            k.set_patch_state(index, task.patch_state, pending=True)
    if k.sem.start_interrupts:
        _interrupt_every_cpu(k)
    w.signals_cnt = 0


def _interrupt_every_cpu(k: Kernel) -> None:
    """klp_cond_resched_enable() (klp_resched_enable() since v6.16) rewrites code, and the CPUs are synchronized.

    The idle loop looks at its mark only when it has something to run, so an idle CPU stays as it is.
    """
    for index, task in enumerate(k.w.tasks):
        if in_user_mode(task) and not _is_left_alone(k, task):
            exit_to_user_mode(k, index)


def klp_try_complete_transition(k: Kernel) -> None:
    """Try to switch every task; when all are switched, complete, else try again in a second."""
    w = k.w
    k.blockers = []
    if not w.patches[w.transition_patch].immediate and not _try_all(k):
        if k.sem.fake_signal == "periodic":
            if w.signals_cnt and w.signals_cnt % SIGNALS_TIMEOUT == 0:
                klp_send_signals(k)
            w.signals_cnt = _counted(w.signals_cnt)
        w.transition_work = True
        return
    w.transition_work = False
    name = w.transition_patch
    surprises.note(k, name, w.target_state)
    if k.sem.complete_notice == "before":
        k.pr_notice(f"'{name}': {WHAT[w.target_state]} complete")
    klp_complete_transition(k)
    if not w.paused:
        replace.after_completion(k, name)


def _counted(signals_cnt: int) -> int:
    """One more retry. Rules ask whether it is the first round of signals, and how far the next one is."""
    return signals_cnt + 1 if signals_cnt < 2 * SIGNALS_TIMEOUT else SIGNALS_TIMEOUT + 1


def _try_all(k: Kernel) -> bool:
    """One attempt: whether every task has switched now."""
    w = k.w
    complete = True
    tried = 0
    for index, task in w.listed():
        if w.contended:
            if index >= w.contended and (
                k.sem.scan == "break" or (k.sem.scan == "budget" and tried > SCAN_BUDGET)
            ):
                return False  # somebody waits for the lock on the list: give this attempt up
            tried += task.patch_state != w.target_state
        if task.patch_state == w.target_state or klp_try_switch_task(k, index):
            continue
        complete = False
        if k.sem.wake_idle and task.kind == "idle":
            w.work += (("kick", task.name),)
        if k.sem.running_kick == "stop-work" and k.blockers[-1].reason == "running":
            _stop_cpu(k, task.name)
    return complete


def _stop_cpu(k: Kernel, name: str) -> None:
    # As posted in 2026: every fifteenth retry, never the first attempt, and one at a time on each CPU.
    if k.w.signals_cnt and k.w.signals_cnt % SIGNALS_TIMEOUT == 0 and ("stop", name) not in k.w.work:
        k.w.work += (("stop", name),)


def check_on_stopped_cpu(k: Kernel, name: str) -> None:
    """The work of a CPU that was stopped: the task is off it for that time, and is checked like one that sleeps."""
    index = k.w.task_index(name)
    if index >= 0 and k.w.transition_patch and k.w.tasks[index].pending:
        klp_try_switch_task(k, index, current=True)


def klp_cancel_transition(k: Kernel) -> None:
    """Enabling failed before the transition started: go to unpatched at once."""
    if k.sem.notices == "long":
        k.pr_debug(f"'{k.w.transition_patch}': canceling patching transition, going to unpatch")
    k.w.target_state = KLP_UNPATCHED
    klp_complete_transition(k, wait=False)


def klp_reverse_transition(k: Kernel) -> None:
    """Turn the transition round. Nothing is tried here: it completes from the delayed work, a tick later."""
    w = k.w
    name = w.transition_patch
    if k.sem.notices == "long":
        way = "patching to unpatching" if w.target_state == KLP_PATCHED else "unpatching to patching"
        k.pr_debug(f"'{name}': reversing transition from {way}")
    if k.sem.enabled_clear in ("completion", "completion-naive"):
        # The flag says whether the handlers see the patch, which they do in either direction.
        k.set_enabled(w.patches[name], True)
    else:
        k.set_enabled(w.patches[name], not w.patches[name].enabled)
    w.target_state = KLP_UNPATCHED if w.target_state == KLP_PATCHED else KLP_PATCHED
    for index, task in w.listed():
        k.set_patch_state(index, task.patch_state, pending=False)
    klp_start_transition(k)


def klp_force_transition(k: Kernel) -> None:
    """Switch every pending task at once; the delayed work completes. Who is pinned by it is the axis `force`."""
    w = k.w
    k.pr_warn("forcing remaining tasks to the patched state")
    for index, _ in w.listed():
        klp_update_patch_state(k, index)
    if k.sem.force == "global":
        w.klp_forced = True
    elif k.sem.force == "listed":
        _force(k, w.klp_patches)
    elif w.target_state == KLP_UNPATCHED:
        _force(k, (w.transition_patch,))
    elif replace.replaces(k, w.patches[w.transition_patch]):
        _force(k, scope.forced_with(k, w.transition_patch))


def _force(k: Kernel, names: tuple[str, ...]) -> None:
    for name in names:
        k.set_patch(k.w.patches[name]._replace(forced=True))


def klp_send_signals(k: Kernel) -> None:
    """Wake every pending task: a fake signal for user tasks, a plain wake-up for kernel threads.

    What a woken task does comes after (`Kernel.w.work`): one that sleeps interruptibly leaves for user space.
    """
    w = k.w
    if k.sem.fake_signal != "periodic" or w.signals_cnt == SIGNALS_TIMEOUT:
        k.pr_notice("signaling remaining tasks")
    for _, task in w.listed():
        if task.pending and task.kind == "user":
            w.work += (("signal", task.name),)


def klp_update_patch_state(k: Kernel, index: int) -> None:
    """A switch point: a pending task takes the target state, whatever is on its stack."""
    task = k.w.tasks[index]
    if task.pending:
        k.set_patch_state(index, k.w.target_state, pending=False)


def exit_to_user_mode(k: Kernel, index: int) -> None:
    """The way back to user space: a switch point, and the end of what counts as one piece of kernel work."""
    klp_update_patch_state(k, index)
    task = k.w.tasks[index]
    if task.ran:
        k.w.tasks[index] = task._replace(ran=frozenset())


def in_user_mode(task: Task) -> bool:
    """Whether the task is on a CPU in user space now, where an interrupt makes it pass a switch point."""
    if not task.running or task.kind != "user" or task.stack or task.io_worker or task.halted:
        return False
    return task.handler is None and task.forking is None and not task.exiting


def klp_transition_work_fn(k: Kernel) -> None:
    """The delayed work: another attempt."""
    if k.w.transition_patch:
        klp_try_complete_transition(k)


def klp_try_switch_task(k: Kernel, index: int, *, current: bool = False) -> bool:
    """Switch the task to the target state if nothing on its stack forbids it.

    `current`: the task does this itself, so that it may be running. On failure the reason is logged at debug
    level and noted in `Kernel.blockers`.
    """
    task = k.w.tasks[index]
    if task.patch_state == k.w.target_state:
        return True
    if k.sem.fork_state != "inherit" and not task.pending:
        return True  # forked since the transition began, and given no state
    if not current and _is_left_alone(k, task):
        return True
    if not k.w.arch_reliable and k.sem.early_stack_check:
        k.blockers.append(Blocked(task.name, "unreliable"))
        return False
    if not current and _on_cpu(k, task):
        _held(k, task, "klp_try_switch_task", "is running", Blocked(task.name, "running"))
        return False
    if task.unreliable or not k.w.arch_reliable:
        _held(k, task, "klp_check_stack", "has an unreliable stack", Blocked(task.name, "unreliable"))
        return False
    found = _klp_check_stack(k, task)
    if found is not None:
        func, code = found
        what = f"is sleeping on function {func.name}"
        where = Blocked(task.name, "sleeping", code.object, code.function, owner_name(code))
        _held(k, task, "klp_check_stack", what, where)
        return False
    k.set_patch_state(index, k.w.target_state, pending=False)
    return True


def _is_left_alone(k: Kernel, task: Task) -> bool:
    """Whether the task is in user space on a CPU that nobody may disturb: then it counts as switched."""
    return k.sem.nohz_user == "deferred" and task.nohz and in_user_mode(task)


def catch_up(k: Kernel, index: int) -> None:
    """Before it does anything in the kernel, a task that was left alone takes the state that it was counted for."""
    if _is_left_alone(k, k.w.tasks[index]):
        klp_update_patch_state(k, index)


def caught_up(k: Kernel, task: Task) -> Task:
    """The task as it would be in the kernel now."""
    left_alone = task.pending and _is_left_alone(k, task)
    return task._replace(patch_state=k.w.target_state) if left_alone else task


def _held(k: Kernel, task: Task, checker: str, what: str, blocked: Blocked) -> None:
    # task->comm is at most 15 characters long.
    who = f"{task.name[:15]}:{k.w.pids[task.name]}"
    if k.sem.switch_debug == "uniform":
        k.pr_debug(f"klp_try_switch_task: {who} {what}")
    else:
        # The line is put together in a buffer of 128 bytes (STACK_ERR_BUF_SIZE), the terminating NUL included.
        k.pr_debug(f"{checker}: {who} {what}"[:127])
    k.blockers.append(blocked)


def _on_cpu(k: Kernel, task: Task) -> bool:
    if task.kind != "idle":
        return task.running or task.handler is not None
    # Whoever runs the attempt occupies CPU 0, and tasks declared running the next ones: there the idle task is
    # off its CPU, asleep in a reliable place.
    cpu = int(task.name.rpartition("/")[2])
    return cpu > sum(1 for t in k.w.tasks if t.running)


def _klp_check_stack(k: Kernel, task: Task) -> tuple[Func, Code] | None:
    if not task.stack:
        return None
    p = k.w.patches[k.w.transition_patch]
    for obj in p.objects:
        if not obj.patched:
            continue
        for func in obj.funcs:
            code = _klp_check_stack_func(k, p, patch.func_key(obj, func), func)
            if code is not None and code in task.stack:
                return func, code
    return None


def _klp_check_stack_func(k: Kernel, p: Patch, key: FuncKey, func: Func) -> Code | None:
    """The code that the task must not be inside of: ours when unpatching, the version just below when patching."""
    if func.immediate and k.sem.immediate:
        return None
    if k.w.target_state == KLP_UNPATCHED:
        if func.nop:
            return patch.original(k, key)
        return Code(*key, p.name, p.generation)
    # A module that was refused may have taken the hooks of a patch in transition with it (up to v4.13): that patch's
    # klp_func is still the only one on its klp_ops.
    stack = k.w.func_stacks.get(key, ())
    if len(stack) <= 1:
        return patch.original(k, key)
    position = next(i for i, e in enumerate(stack) if (e.patch, e.generation) == (p.name, p.generation))
    if position == 0:
        # Reversing the disable of a patch that is not the newest one for this function: list_next_entry() of the
        # last entry is the list head itself, taken for a func. What it holds is anybody's guess, hence nothing.
        return None
    return patch.entry_code(k, key, stack[position - 1])


def on_behalf_of_itself(k: Kernel, index: int) -> None:
    """klp_cond_resched() / __klp_sched_try_switch(): a pending task checks its own stack."""
    if k.w.transition_patch and k.w.tasks[index].pending:
        klp_try_switch_task(k, index, current=True)


def owner_name(code: Code) -> str:
    """How traces write whose version of a function some code is."""
    return ORIGINAL if code.owner == NO_PATCH else code.owner
