"""What tasks do: enter and leave functions, cross into user space, run, fork, exit; and what wakes them.

A task inside a module's function holds a reference on that module, as an open file of the module's would: rmmod
answers that it is in use. Livepatch itself never pins a target.
"""

from __future__ import annotations

from klpdsl.engine import func_attributes, patch, transition
from klpdsl.engine.context import SUCCESS, Kernel, Outcome, unsupported
from klpdsl.engine.preconditions import precondition, stopped
from klpdsl.engine.transition import exit_to_user_mode, in_user_mode, owner_name
from klpdsl.trace import events
from klpdsl.world.values import KLP_UNDEFINED, STATE_NAMES, VMLINUX, Code, FuncKey, Task


def call(k: Kernel, name: str, key: FuncKey) -> Outcome:
    """The task calls a function through its ftrace hook and stays asleep inside (or running, if it is on a CPU)."""
    if refused := precondition(k.w, name, "call"):
        return refused
    index = k.w.task_index(name)
    if not patch.in_memory(k, key):
        absent = key[0] != VMLINUX and key[0] not in k.w.modules
        return Outcome("ENOENT", f"{key[0]} is not loaded" if absent else "there is no such function")
    _go_into(k, index, _choose(k, index, key))
    return SUCCESS


def enter(k: Kernel, name: str, key: FuncKey) -> Outcome:
    """The task calls a function and stops in the ftrace handler, which has chosen a version and not jumped yet.

    It is on a CPU, with preemption off: nobody can inspect its stack, and every barrier waits for it.
    """
    if refused := precondition(k.w, name, "enter"):
        return refused
    index = k.w.task_index(name)
    task = k.w.tasks[index]
    if key not in k.w.func_stacks:
        return Outcome("EINVAL", "nothing patches this function, so no handler is called")
    code = _choose(k, index, key)
    k.w.tasks[index] = k.w.tasks[index]._replace(handler=code)
    if k.emit:
        k.emit(events.Enter(name, code.object, code.function, owner_name(code)))
    _pin(k, task, (*task.stack, code))
    return SUCCESS


def _choose(k: Kernel, index: int, key: FuncKey) -> Code:
    """What the ftrace handler chooses for the task, and what it leaves behind in the task and in the function."""
    transition.catch_up(k, index)
    patch.idle_task_joins(k, index, key)
    if k.w.tasks[index].exiting:
        patch.warn_of_undefined_state(k, key, k.w.tasks[index])
    code = patch.klp_ftrace_handler(k, key, k.w.tasks[index])
    func_attributes.note_call(k, code)
    return code


def continue_(k: Kernel, name: str) -> Outcome:
    """The task goes on: out of the ftrace handler into the version that was chosen, or with fork, or with exit."""
    if refused := precondition(k.w, name, "continue"):
        return refused
    index = k.w.task_index(name)
    task = k.w.tasks[index]
    if task.forking is not None:
        child, copied, was_running = task.forking
        k.w.tasks[index] = task._replace(forking=None, running=was_running)
        if k.w.task_index(child) >= 0:
            return Outcome("EINVAL", f"there is a task {child} already")
        return _copy_process(k, index, child, copied)
    code = task.handler
    if code is None:
        _go_away(k, index)
        return SUCCESS
    k.w.tasks[index] = k.w.tasks[index]._replace(handler=None)
    _go_into(k, index, code, pinned=True)
    return SUCCESS


def _go_into(k: Kernel, index: int, code: Code, *, pinned: bool = False) -> None:
    task = k.w.tasks[index]
    k.w.tasks[index] = task._replace(stack=(*task.stack, code), ran=task.ran | {code})
    if k.emit or k.watch:
        k.tell(events.Call(task.name, code.object, code.function, owner_name(code)))
    if not pinned:
        _pin(k, task, (*task.stack, code))


def return_(k: Kernel, name: str) -> Outcome:
    """The task leaves its innermost function; a user task that leaves its last one goes back to user space."""
    if refused := precondition(k.w, name, "return"):
        return refused
    index = k.w.task_index(name)
    _leave_innermost(k, index)
    if not k.w.tasks[index].stack:
        _after_last_return(k, index)
    return SUCCESS


def syscall(k: Kernel, name: str, key: FuncKey | None) -> Outcome:
    """Into the kernel and out again, through a function or just so; the way out is a switch point."""
    if refused := precondition(k.w, name, "syscall"):
        return refused
    index = k.w.task_index(name)
    if key is not None:
        outcome = call(k, name, key)
        if outcome is not SUCCESS:
            return outcome
        _leave_innermost(k, index)
    leave_kernel(k, index)
    return SUCCESS


def run(k: Kernel, name: str) -> Outcome:
    """Put the task on a CPU: nobody else can inspect its stack now."""
    return _set_running(k, name, True)


def sleep(k: Kernel, name: str) -> Outcome:
    """Take the task off its CPU."""
    return _set_running(k, name, False)


def resched(k: Kernel, name: str) -> Outcome:
    """A voluntary preemption point (cond_resched()), where v6.4 to v6.15 let a pending task switch itself."""
    return _voluntary(k, name, "cond-resched")


def switch_point(k: Kernel, name: str) -> Outcome:
    """klp_switch_current(): a kernel thread that knows that it is in a safe place checks its own stack."""
    if not k.sem.kthread_point:
        return unsupported("kthread_point")
    if refused := precondition(k.w, name, "switchpoint"):
        return refused
    transition.on_behalf_of_itself(k, k.w.task_index(name))
    return SUCCESS


def freeze(k: Kernel, name: str) -> Outcome:
    """A sleep in which the task may be frozen (TASK_FREEZABLE), where a pending task switches itself since v6.16."""
    return _voluntary(k, name, "freezable")


def fork(k: Kernel, name: str, child: str, slowly: bool = False) -> Outcome:
    """klp_copy_process(): the child starts with the parent's patch_state and TIF_PATCH_PENDING.

    It begins its life on the way out of fork: a user task in user space, a kernel thread in its own function.
    `slowly`: the parent sleeps in the middle, off its CPU, with the thread flags copied and the patch_state not yet.
    """
    if refused := precondition(k.w, name, "fork"):
        return refused
    if k.w.task_index(child) >= 0:
        return Outcome("EINVAL", f"there is a task {child} already")
    index = k.w.task_index(name)
    parent = k.w.tasks[index]
    if slowly:
        k.w.tasks[index] = parent._replace(forking=(child, parent.pending, parent.running), running=False)
        return SUCCESS
    return _copy_process(k, index, child, parent.pending)


def _copy_process(k: Kernel, index: int, child: str, copied: bool) -> Outcome:
    """The part of fork under tasklist_lock. The child's thread flags were copied before it, with thread_info."""
    parent = k.w.tasks[index]
    pending = parent.pending if k.sem.fork_pending == "synced" else copied
    new = Task(
        child, parent.kind, unreliable=parent.unreliable, patch_state=parent.patch_state, pending=pending
    )
    if k.sem.fork_state != "inherit":
        new = new._replace(patch_state=KLP_UNDEFINED, pending=False)
    k.w.pids = {**k.w.pids, child: k.w.next_pid}
    k.w.next_pid += 1
    # New tasks stand at the end of the task list; the idle tasks, which are on no list, come last here.
    place = next((i for i, task in enumerate(k.w.tasks) if task.kind == "idle"), len(k.w.tasks))
    k.w.tasks.insert(place, new)
    if new.patch_state != KLP_UNDEFINED and k.emit:
        k.emit(events.TaskState(child, "undefined", STATE_NAMES[new.patch_state]))
    if parent.kind == "user" and not parent.stack:
        # A task in user space forks by a system call, and leaves it by the same way as any other.
        leave_kernel(k, index)
    if new.kind == "user":
        # The child returns to user space by itself, and so passes a switch point.
        exit_to_user_mode(k, k.w.task_index(child))
    return SUCCESS


def exit_(k: Kernel, name: str, slowly: bool = False) -> Outcome:
    """The task leaves the task list, whatever it was inside of.

    `slowly`: it stays inside what it is in. release_task() takes a task that nobody waits for off the list, and only
    the last schedule() of do_exit() ends it. Until then no transition sees it, and it can still call (`exit_list` says
    when it leaves the list).
    """
    if refused := precondition(k.w, name, "exit"):
        return refused
    index = k.w.task_index(name)
    if slowly:
        k.set_task(index, k.w.tasks[index]._replace(exiting=True, reaped=k.sem.exit_list == "early"))
        return SUCCESS
    _go_away(k, index)
    return SUCCESS


def _go_away(k: Kernel, index: int) -> None:
    while k.w.tasks[index].stack:
        _leave_innermost(k, index)
    del k.w.tasks[index]


# --- what the kernel does to tasks ----------------------------------------------------------------------------


def interrupt(k: Kernel) -> None:
    """A second's worth of interrupts: who runs in user space passes a switch point, and so does an idle CPU."""
    for index, task in enumerate(k.w.tasks):
        if (in_user_mode(task) and not task.nohz) or (task.kind == "idle" and not k.w.nohz):
            exit_to_user_mode(k, index)


def wake(k: Kernel, name: str) -> None:
    """A fake signal arrives: a user task that sleeps interruptibly gives up its system call and leaves."""
    index = k.w.task_index(name)
    if index < 0:
        return
    task = k.w.tasks[index]
    if task.vcpu and task.stack and k.sem.signal_flag == "notify" and k.sem.guest_notify == "stays":
        return  # xfer_to_guest_mode_work() takes note of it and enters the guest again
    if _notices(task):
        _give_up(k, index)
        if not task.io_worker:
            exit_to_user_mode(k, index)


def _notices(task: Task) -> bool:
    """Whether a signal finds the task where it gives up what it does: asleep interruptibly, or before a guest."""
    if stopped(task) or task.exiting:
        return False
    return not task.stack or not (task.uninterruptible or (task.running and not task.vcpu))


def _give_up(k: Kernel, index: int) -> None:
    while k.w.tasks[index].stack:
        _leave_innermost(k, index)


# --- real signals ---------------------------------------------------------------------------------------------

_IGNORED = {
    "kthread": Outcome("0", "a kernel thread ignores signals"),
    "unkillable": Outcome("0", "the first process ignores signals that would stop or kill it"),
    "exiting": Outcome("0", "the task is exiting, and takes no signals any more"),
    "not stopped": Outcome("0", "the task is not stopped, so there is nothing to go on with"),
    "later": Outcome("0", "the task notices it when it leaves the kernel"),
}


def kill(k: Kernel, signal: str, name: str) -> Outcome:
    """SIGSTOP, SIGCONT or SIGKILL to one task: who notices it gives up its system call, and stops or dies.

    It does so on its way to user space: up to v4.15 before it would switch there, later after it (axis `exit_switch`).
    """
    index = k.w.task_index(name)
    if index < 0 or k.w.tasks[index].kind == "idle":
        return Outcome("ESRCH", "there is no such process")
    task = k.w.tasks[index]
    deaf = "kthread" if task.kind == "kthread" else "exiting" if task.exiting else ""
    if not deaf and task.unkillable and signal != "CONT":
        deaf = "unkillable"
    if deaf:
        return _IGNORED[deaf]
    if signal == "CONT":
        return _continue_stopped(k, index)
    if task.signal != "KILL":
        k.set_task(index, task._replace(signal=signal))
    if task.halted or not _notices(task):
        if task.halted and signal == "KILL":
            leave_kernel(k, index)
            return SUCCESS
        return SUCCESS if task.halted else _IGNORED["later"]
    _give_up(k, index)
    leave_kernel(k, index)
    return SUCCESS


def _continue_stopped(k: Kernel, index: int) -> Outcome:
    task = k.w.tasks[index]
    if task.signal == "STOP":
        k.set_task(index, task._replace(signal="", halted=False))
        if task.halted and not task.io_worker:
            exit_to_user_mode(k, index)
        return SUCCESS
    return _IGNORED["not stopped"]


def leave_kernel(k: Kernel, index: int) -> None:
    """The end of a task's work in the kernel: signals and the switch point, in the order that the release has."""
    task = k.w.tasks[index]
    if not task.io_worker and (not task.signal or k.sem.exit_switch == "before-signals"):
        exit_to_user_mode(k, index)
    if task.signal == "KILL":
        _go_away(k, index)
    elif task.signal == "STOP":
        k.set_task(index, k.w.tasks[index]._replace(halted=True, running=False))


def set_reliable(k: Kernel, name: str, reliable: bool) -> Outcome:
    """From now on the unwinder can, or can not, vouch for the task's stack."""
    if refused := precondition(k.w, name, "reliable"):
        return refused
    index = k.w.task_index(name)
    k.set_task(index, k.w.tasks[index]._replace(unreliable=not reliable))
    return SUCCESS


def kick(k: Kernel, name: str) -> None:
    """wake_up_if_idle(): an idle CPU goes once round its loop, which is a switch point."""
    index = k.w.task_index(name)
    if index >= 0:
        exit_to_user_mode(k, index)


def finish_work_of(k: Kernel, module: str) -> None:
    """A module's exit waits until the kernel threads that do its work are out of it."""
    for index, task in k.w.listed():
        while task.of == module and any(code.object == module for code in k.w.tasks[index].stack):
            _leave_innermost(k, index)


# --- helpers --------------------------------------------------------------------------------------------------


def _set_running(k: Kernel, name: str, running: bool) -> Outcome:
    if refused := precondition(k.w, name, "run" if running else "sleep"):
        return refused
    index = k.w.task_index(name)
    k.set_task(index, k.w.tasks[index]._replace(running=running))
    return SUCCESS


def _voluntary(k: Kernel, name: str, point: str) -> Outcome:
    if refused := precondition(k.w, name, "resched"):
        return refused
    index = k.w.task_index(name)
    if k.sem.resched_switch == point:
        transition.on_behalf_of_itself(k, index)
    return SUCCESS


def _leave_innermost(k: Kernel, index: int) -> None:
    task = k.w.tasks[index]
    code = task.stack[-1]
    k.w.tasks[index] = task._replace(stack=task.stack[:-1])
    if k.emit:
        k.emit(events.Return(task.name, code.object, code.function, owner_name(code)))
    _pin(k, task, task.stack[:-1])


def _after_last_return(k: Kernel, index: int) -> None:
    task = k.w.tasks[index]
    if task.exiting:
        pass  # there is no way back
    elif task.kind == "user" and not task.io_worker:
        leave_kernel(k, index)
    elif task.ran and task.patch_state == KLP_UNDEFINED:
        # Outside a transition a kernel thread that is inside nothing has no work in hand that could mix versions.
        k.w.tasks[index] = task._replace(ran=frozenset())


def _pin(k: Kernel, task: Task, after: tuple[Code, ...]) -> None:
    held = {code.object for code in task.stack} - {task.of}
    holds = {code.object for code in after} - {task.of}
    for name in holds - held:
        if name in k.w.modules:
            k.module_get(name)
    for name in held - holds:
        if name in k.w.modules:
            k.module_put(name)
