"""kernel/livepatch as one system: every operation that a scenario can ask for, by name.

Each takes a `Kernel`, runs to the end including the work it queues, and returns an `Outcome`: what systems.py asks
of every system.
"""

from __future__ import annotations

from klpdsl.engine import completion, core, free, kobjects, loader, observe, sysfs, tasks, tracers, transition
from klpdsl.engine.context import OK, SUCCESS, Kernel, Outcome, unsupported
from klpdsl.engine.preconditions import BLOCKED, mutex_taken
from klpdsl.world.values import PatchSpec, Work

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_NONE_IN_TRANSITION = Outcome("ENOENT", "no patch is in transition")

FULL_ROUND = 16
"""Retries after which, with fake signals sent by themselves, one round of them has surely been among the retries."""


def _locked(k: Kernel, operation: Callable[[], Outcome]) -> Outcome:
    """Carry out what takes klp_mutex, unless a paused completion has it; then nothing happens."""
    if refused := mutex_taken(k.w):
        return refused
    outcome = operation()
    if k.w.paused and outcome.value == OK:
        return Outcome(BLOCKED, completion.REASONS[k.w.paused[0]])
    return outcome


def load_patch(k: Kernel, spec: PatchSpec, window: str = "") -> Outcome:
    """Insmod of a livepatch module, or its beginning."""
    return _locked(k, lambda: loader.load_patch(k, spec, window=window))


def apply_patch(k: Kernel, spec: PatchSpec) -> Outcome:
    """Insmod of a livepatch module whose init puts it into force in every release."""
    return _locked(k, lambda: loader.load_patch(k, spec, apply=True))


def unload_patch(k: Kernel, name: str, window: str = "") -> Outcome:
    """Rmmod of a livepatch module, or its beginning."""
    return _locked(k, lambda: loader.unload_patch(k, name, window))


def load_target(k: Kernel, name: str, window: str = "") -> Outcome:
    """Insmod of a patchable module, or its beginning."""
    return _locked(k, lambda: loader.load_target(k, name, window))


def unload_target(k: Kernel, name: str, window: str = "") -> Outcome:
    """Rmmod of a patchable module, or its beginning."""
    return _locked(k, lambda: loader.unload_target(k, name, window))


def proceed(k: Kernel, name: str, spec: PatchSpec | None) -> Outcome:
    """The insmod or rmmod that is under way goes on to its end."""
    return _locked(k, lambda: loader.proceed(k, name, spec))


def write(k: Kernel, name: str, attribute: str, text: str) -> Outcome:
    """A write into one of a patch's sysfs attributes."""
    if attribute == "signal" and not k.sem.signal_attr:
        return unsupported("signal_attr")
    if attribute == "force" and k.sem.force == "none":
        return unsupported("force")
    if k.w.ghosts and f"{name}/" in k.w.ghosts and name not in k.w.patches:
        return Outcome("EFAULT", "the memory behind this file has been freed")
    patch = k.w.patches.get(name)
    if patch is None:
        return Outcome("ENOENT", f"module {name} is not loaded")
    if not patch.kobj:
        return Outcome("ENOENT", f"'{name}' has been freed, and its files are gone")
    if attribute == "replaceable" and k.sem.replaceable_attr:
        return _locked(k, lambda: Outcome(core.replaceable_store(k, name, text)))
    store = _STORES.get(attribute)
    if store is not None:
        return _locked(k, lambda: Outcome(store(k, name, text)))
    if attribute in sysfs.attributes(k, patch):
        return Outcome("EACCES", "the attribute is read-only")
    return Outcome("ENOENT", f"'{name}' has no file {attribute}")


_STORES: dict[str, Callable[[Kernel, str, str], str]] = {
    "enabled": core.enabled_store,
    "signal": core.signal_store,
    "force": core.force_store,
}


open_file = observe.open_file
close_file = observe.close_file
hold = kobjects.hold


attach = tracers.attach
detach = tracers.detach


def drop(k: Kernel, name: str, path: str) -> Outcome:
    """Whoever had a reference on that directory's kobject gives it back; a completion may have waited for that."""
    outcome = kobjects.drop(k, name, path)
    completion.resume(k)
    return outcome


call = tasks.call
enter = tasks.enter
return_ = tasks.return_
syscall = tasks.syscall
resched = tasks.resched
freeze = tasks.freeze
switch_point = tasks.switch_point
run = tasks.run
sleep = tasks.sleep
fork = tasks.fork
exit_ = tasks.exit_
kill = tasks.kill


def continue_(k: Kernel, task: str) -> Outcome:
    """The task that stopped inside the ftrace handler goes on into the version chosen there."""
    outcome = tasks.continue_(k, task)
    completion.resume(k)
    return outcome


def reverse(k: Kernel) -> Outcome:
    """The opposite value into `enabled` of the patch in transition."""
    if k.sem.consistency == "none":
        return unsupported("consistency")
    name = k.w.transition_patch
    if not name:
        return _NONE_IN_TRANSITION
    to = "0" if core.shown_as_enabled(k, k.w.patches[name]) else "1"
    return write(k, name, "enabled", to)


def signal(k: Kernel, name: str | None) -> Outcome:
    """1 into `signal` of the patch, or of the one in transition."""
    return _action(k, name, "signal")


def force(k: Kernel, name: str | None) -> Outcome:
    """1 into `force` of the patch, or of the one in transition."""
    return _action(k, name, "force")


def _action(k: Kernel, name: str | None, attribute: str) -> Outcome:
    if name is None and k.w.transition_patch:
        name = k.w.transition_patch
    if name is None:
        known = k.sem.signal_attr if attribute == "signal" else k.sem.force != "none"
        return _NONE_IN_TRANSITION if known else write(k, "", attribute, "1")
    return write(k, name, attribute, "1")


def sysctl(k: Kernel, key: str, value: int) -> Outcome:
    """A write into a sysctl: kernel.ftrace_enabled, or kernel.livepatch_mode where there is one."""
    if key == "kernel.livepatch_mode" and k.sem.replace == "sysctl":
        k.w.livepatch_mode = bool(value)
        return SUCCESS
    if key != "kernel.ftrace_enabled":
        return Outcome("ENOENT", f"there is no sysctl {key}")
    if not value and k.sem.ftrace_sysctl == "refused":
        return Outcome("EOPNOTSUPP", "ftrace can not be switched off")
    if not value and k.sem.ftrace_sysctl == "permanent" and k.w.func_stacks:
        return Outcome("EBUSY", "livepatch has handlers that are not to be switched off")
    k.w.ftrace_enabled = bool(value)
    return SUCCESS


def drain(k: Kernel) -> None:
    """Run the work that an operation left behind: it has happened when the next step begins.

    What frees a patch waits for whoever holds one of its directories open.
    """
    waiting: tuple[Work, ...] = ()
    while k.w.work:
        what, name = k.w.work[0]
        k.w.work = k.w.work[1:]
        if what == "free" and k.w.held and kobjects.is_held(k, f"{name}/"):
            waiting += ((what, name),)
        elif what == "free":
            free.klp_free_patch_finish(k, name)
            loader.delete_after_free(k, name)
        elif what == "signal":
            tasks.wake(k, name)
        elif what == "kick":
            tasks.kick(k, name)
        elif what == "stop":
            transition.check_on_stopped_cpu(k, name)
    if waiting:
        k.w.work = waiting


def work(k: Kernel) -> Outcome:
    """The workqueues and the woken tasks have their turn."""
    drain(k)
    return SUCCESS


def tick(k: Kernel) -> None:
    """A second passes: interrupts, then the delayed transition work if it is queued.

    What was queued before has been done by then. What this second queues may have to wait for the next (`async`).
    """
    if k.w.is_async:
        drain(k)
    k.w.clock += 1
    tasks.interrupt(k)
    if k.w.transition_work:
        k.w.transition_work = False
        transition.klp_transition_work_fn(k)
    if not k.w.is_async:
        drain(k)


def settle(k: Kernel) -> Outcome:
    """Ticks until no transition is under way, or until a full round of them has changed nothing."""
    patience = FULL_ROUND if k.sem.fake_signal == "periodic" else 1
    unchanged = 0
    while k.w.transition_patch and unchanged < patience:
        before = _progress(k)
        tick(k)
        unchanged = unchanged + 1 if _progress(k) == before else 0
    if not k.w.transition_patch:
        return SUCCESS
    if k.w.paused:
        return Outcome("0", f"stalled: {completion.REASONS[k.w.paused[0]]}")
    return Outcome("0", f"stalled: '{k.w.transition_patch}' is still in transition")


def _progress(k: Kernel) -> tuple[object, ...]:
    return (k.w.transition_patch, k.w.target_state, tuple(k.w.tasks), k.w.klp_patches)


show = observe.show
