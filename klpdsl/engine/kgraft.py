"""kGraft, SUSE's system before livepatch had a consistency model: kernel/kgraft.c of SLE12.

Tasks migrate when they cross the border between kernel and user space, on the way in as on the way out; nobody looks
at stacks, so a task asleep anywhere in the kernel holds the migration open. Kernel threads migrate at points put
into them by hand (`resched`, `freeze`). A migration is polled, can be forced, and cannot be reversed.

In the world, the finalized patches are `klp_patches`, the one in progress is `transition_patch`, and a task that has
yet to migrate is pending. Files are below /sys/kernel/kgraft.
"""

from __future__ import annotations

from klpdsl.engine import modules, observe, out_of_tree, patch, replace, surprises, tasks, transition
from klpdsl.engine.context import OK, SUCCESS, Kernel, Outcome
from klpdsl.engine.preconditions import NO_TASK
from klpdsl.trace.events import Blocked
from klpdsl.world.values import KLP_PATCHED, KLP_UNDEFINED, KLP_UNPATCHED, FuncKey, PatchSpec

KGR_TIMEOUT = 2
"""Seconds between two polls; ten in the first code."""

_BUSY = Outcome("EAGAIN")
_ONE_WAY = "kGraft has no way back from this"


# --- patches --------------------------------------------------------------------------------------------------


_IN_THE_MIDDLE = "what kGraft does in the middle of an insmod or rmmod is not modelled"


def load_patch(k: Kernel, spec: PatchSpec, window: str = "") -> Outcome:
    """Insmod of a kGraft module: its init applies the patch (kgr_patch_kernel())."""
    if window:
        return out_of_tree.lacking(_IN_THE_MIDDLE)
    refused = out_of_tree.unknown_words(k, "kGraft", spec, functions=False) or modules.refuses_loading(
        k, spec.name
    )
    if refused is not None:
        return refused
    modules.arrive(k, spec.name, livepatch=True)
    k.module_get(spec.name)
    p = out_of_tree.new_patch(k, spec)
    if k.sem.replace == "always":
        p = k.set_patch(p._replace(replace=True))
    out_of_tree.appear(k, p)
    error = _apply(k, spec.name)
    if error != OK:
        out_of_tree.vanish(k, spec.name)
        k.module_put(spec.name)
        out_of_tree.leave(k, spec.name)
    return Outcome(error)


def apply_patch(k: Kernel, spec: PatchSpec) -> Outcome:
    """The same: there is only one step."""
    return load_patch(k, spec)


def unload_patch(k: Kernel, name: str, window: str = "") -> Outcome:
    """Rmmod of a kGraft module: its exit takes the directory away."""
    if window:
        return out_of_tree.lacking(_IN_THE_MIDDLE)
    return out_of_tree.unload(k, name)


def _apply(k: Kernel, name: str) -> str:
    """kgr_modify_kernel() for applying."""
    if _in_progress(k):
        return "EAGAIN"
    _, function = out_of_tree.missing_symbol(k, k.w.patches[name])
    if function:
        k.printk("err", f"kgr: function {function} not resolved")
        return "ENOENT"
    k.printk("info", f"kgr: applying patch '{name}'")
    p = k.w.patches[name]
    if p.replace and not _early(k):
        # What the older patches have and this one lacks is reverted in the same migration.
        k.set_patch(replace.klp_add_nops(k, p))
        for index, obj in enumerate(k.w.patches[name].objects):
            patch.set_object(
                k, name, index, obj._replace(loaded=obj.name == "vmlinux" or obj.name in k.w.modules)
            )
    _start(k, name, KLP_PATCHED)
    out_of_tree.push(k, name)
    if not p.replace:
        _count(k, +1)
    _flag(k)
    return OK


def _revert(k: Kernel, name: str, *, continued: bool = False) -> str:
    """kgr_modify_kernel() for reverting; `continued`: as the second part of a replacement in the first code."""
    p = k.w.patches[name]
    if p.refs:
        k.printk("err", "kgr: can't patch, this patch is still referenced")
        return "EBUSY"
    if not continued:
        if _in_progress(k):
            return "EAGAIN"
        if name not in k.w.klp_patches:
            k.printk("err", "kgr: can't patch, this one was already reverted")
            return "EINVAL"
        k.w.klp_patches = tuple(other for other in k.w.klp_patches if other != name)
    k.printk("info", f"kgr: reverting patch '{name}'")
    _start(k, name, KLP_UNPATCHED)
    _flag(k)
    return OK


def _in_progress(k: Kernel) -> bool:
    if k.w.transition_patch:
        k.printk("err", "kgr: can't patch, another patching not yet finalized")
    return bool(k.w.transition_patch)


def _early(k: Kernel) -> bool:
    return k.sem.system == "kgraft-early"


def _start(k: Kernel, name: str, target: int) -> None:
    if not k.w.transition_work:
        k.sysfs("in_progress", "1")
    k.w.transition_patch = name
    k.w.target_state = target
    k.w.transition_work = True
    k.w.signals_cnt = 0
    if not k.w.patches[name].immediate:
        k.set_patch(k.w.patches[name]._replace(transition=True))
    out_of_tree.changed(k, name, "state")


def _flag(k: Kernel) -> None:
    """kgr_handle_processes(): every task has yet to migrate; the first code skips those that rest in user space."""
    w = k.w
    if w.patches[w.transition_patch].immediate:
        _finalize(k)
        return
    old = KLP_UNPATCHED if w.target_state == KLP_PATCHED else KLP_PATCHED
    for index, task in w.listed():
        if task.kind == "idle" or (_early(k) and task.kind == "user" and not task.stack and not task.running):
            k.set_patch_state(index, w.target_state, pending=False)
        else:
            k.set_patch_state(index, old, pending=True)


def _count(k: Kernel, by: int) -> None:
    for name in k.w.klp_patches:
        k.set_patch(k.w.patches[name]._replace(refs=k.w.patches[name].refs + by))
        out_of_tree.changed(k, name, "refs")


# --- finalizing -----------------------------------------------------------------------------------------------


def _poll(k: Kernel) -> None:
    """kgr_work_fn()."""
    w = k.w
    k.blockers = [_held(k, index) for index, task in w.listed() if task.pending]
    if not k.blockers:
        _finalize(k)
        return
    if _early(k):
        k.printk("info", f"kgr still in progress after timeout ({_timeout(k)})")
        return
    if w.signals_cnt == _timeout(k):
        text = f"kgr still in progress after timeout, will keep trying every {KGR_TIMEOUT} seconds"
        k.printk("info", text)
    for _, task in w.listed():
        if task.pending and task.kind == "user":
            w.work += (("signal", task.name),)


def _held(k: Kernel, index: int) -> Blocked:
    task = k.w.tasks[index]
    if task.running or not task.stack:
        return Blocked(task.name, "running")
    code = task.stack[-1]
    return Blocked(task.name, "sleeping", code.object, code.function, transition.owner_name(code))


def _finalize(k: Kernel) -> None:
    """kgr_finalize(): everybody has migrated."""
    w = k.w
    name, target = w.transition_patch, w.target_state
    surprises.note(k, name, target)
    p = k.set_patch(w.patches[name]._replace(transition=False))
    if target == KLP_UNPATCHED:
        patch.klp_unpatch_objects(k, name)
        k.set_patch(w.patches[name]._replace(enabled=False))
        out_of_tree.changed(k, name, "state")
        if not p.retired:
            _count(k, -1)
        k.module_put(name)
    else:
        if p.replace:
            _retire(k, name)
        k.set_patch(w.patches[name]._replace(enabled=True, registered=True))
        out_of_tree.changed(k, name, "state")
        w.klp_patches += (name,)
    for index, _ in w.listed():
        k.set_patch_state(index, KLP_UNDEFINED, pending=False)
    k.printk("info", "kgr succeeded")
    w.transition_patch = ""
    w.target_state = KLP_UNDEFINED
    waiting = [q for q in w.patches.values() if q.retired and any(obj.patched for obj in q.objects)]
    if waiting:
        # Only the first code: what the replacing patch lacks is reverted afterwards, the newest patch first.
        _revert(k, max(waiting, key=lambda q: q.generation).name, continued=True)
        return
    w.transition_work = False
    w.signals_cnt = 0
    k.sysfs("in_progress", "0")


def _retire(k: Kernel, name: str) -> None:
    new = k.w.patches[name]
    brought = {patch.func_key(obj, func) for obj in new.objects for func in obj.funcs}
    for other in k.w.klp_patches:
        old = k.set_patch(k.w.patches[other]._replace(retired=True))
        for index, obj in enumerate(old.objects):
            if obj.patched:
                patch.klp_unpatch_object(k, other, index, only=brought if _early(k) else None)
        if any(obj.patched for obj in k.w.patches[other].objects):
            # A reference counts for this one as for a patch in force, until its own migration is over.
            k.set_patch(k.w.patches[other]._replace(refs=0))
            out_of_tree.changed(k, other, "state")
            continue
        k.set_patch(k.w.patches[other]._replace(enabled=False))
        out_of_tree.changed(k, other, "state")
        k.module_put(other)
    k.w.klp_patches = ()
    if not _early(k):
        patch.klp_unpatch_objects(k, name, nops_only=True)
        kept = (o._replace(funcs=tuple(f for f in o.funcs if not f.nop)) for o in k.w.patches[name].objects)
        k.set_patch(k.w.patches[name]._replace(objects=tuple(obj for obj in kept if not obj.dynamic)))


# --- files ----------------------------------------------------------------------------------------------------


def write(k: Kernel, name: str, attribute: str, text: str) -> Outcome:
    """A write into a file of a patch: any text into `revert` reverts it; `enabled` 0 stands for that."""
    if attribute == "enabled" and text == "1":
        return out_of_tree.lacking(
            "kGraft does not apply a patch again: its module is removed and loaded once more"
        )
    there = out_of_tree.may_open(k, name)
    if there.value != OK:
        return there
    if attribute == "revert" or (attribute == "enabled" and text == "0"):
        return Outcome(_revert(k, name))
    if attribute in ("state", "refs", "replace_all"):
        return Outcome("EACCES", "the attribute is read-only")
    return Outcome("ENOENT", f"'{name}' has no file {attribute}")


def reverse(k: Kernel) -> Outcome:
    """There is no way back: reverting answers that a patching is in progress."""
    if not k.w.transition_patch:
        return Outcome("ENOENT", "no patch is in progress")
    _in_progress(k)
    return Outcome("EAGAIN", _ONE_WAY)


def signal(_k: Kernel, _name: str | None) -> Outcome:
    """Nobody has to ask for the fake signal."""
    return out_of_tree.lacking("kGraft sends its fake signals by itself, if it has them")


def force(k: Kernel, name: str | None) -> Outcome:
    """0 into `in_progress`: whoever has not migrated counts as migrated; the next poll finalizes."""
    if name is not None and name != k.w.transition_patch:
        return Outcome("EINVAL", "this patch is not in progress")
    for index, task in k.w.listed():
        if task.pending:
            k.set_patch_state(index, k.w.target_state, pending=False)
    k.printk("warn", "kgr: all processes marked as migrated on admin's request")
    return SUCCESS


def sysctl(_k: Kernel, key: str, _value: int) -> Outcome:
    """Nothing of kGraft's is a sysctl."""
    return Outcome("ENOENT", f"kGraft looks at no sysctl {key}")


def hold(_k: Kernel, _name: str, _path: str) -> Outcome:
    """A reference on a kobject that is not the patch's own makes no difference here."""
    return out_of_tree.lacking("kGraft has no directories of functions")


drop = hold
open_file = observe.open_file
close_file = observe.close_file


def attach(_k: Kernel, _tracer: str, _key: FuncKey) -> Outcome:
    """What ftrace allowed at that time beside others is not known here."""
    return out_of_tree.lacking("which tracers kGraft goes with is not modelled")


detach = attach
show = observe.show


# --- target modules -------------------------------------------------------------------------------------------


def load_target(k: Kernel, name: str, window: str = "") -> Outcome:
    """Insmod of a patchable module: finalized patches and the one in progress take hold of it."""
    if window:
        return out_of_tree.lacking(_IN_THE_MIDDLE)
    refused = modules.refuses_loading(k, name)
    if refused is not None:
        return refused
    modules.arrive(k, name, livepatch=False)
    for other in (*k.w.klp_patches, k.w.transition_patch):
        for index, obj in enumerate(k.w.patches[other].objects if other else ()):
            if obj.name == name:
                patch.set_object(k, other, index, obj._replace(loaded=True))
                patch.klp_patch_object(k, k.w.patches[other], index)
    if name in k.w.init_errors:
        unload_target(k, name)
        return Outcome(k.w.init_errors[name], "the module's own init fails")
    return SUCCESS


def proceed(_k: Kernel, _name: str, _spec: PatchSpec | None) -> Outcome:
    """Nothing stops in the middle of an insmod."""
    return out_of_tree.lacking(_IN_THE_MIDDLE)


def unload_target(k: Kernel, name: str, window: str = "") -> Outcome:
    """Rmmod of a patchable module."""
    if window:
        return out_of_tree.lacking(_IN_THE_MIDDLE)
    if name in k.w.modules and not k.w.modules[name].refs:
        for other in [p.name for p in k.w.patches.values()]:
            for index, obj in enumerate(k.w.patches[other].objects):
                if obj.name == name and obj.loaded:
                    patch.klp_unpatch_object(k, other, index)
                    now = k.w.patches[other].objects[index]
                    patch.set_object(k, other, index, now._replace(loaded=False))
    return out_of_tree.unload(k, name)


# --- time and tasks -------------------------------------------------------------------------------------------


def work(k: Kernel) -> Outcome:
    """What was left behind is done."""
    drain(k)
    return SUCCESS


def drain(k: Kernel) -> None:
    """Run the work that an operation left behind."""
    while k.w.work:
        _, name = k.w.work[0]
        k.w.work = k.w.work[1:]
        tasks.wake(k, name)


def _timeout(k: Kernel) -> int:
    return 10 if _early(k) else KGR_TIMEOUT


def tick(k: Kernel) -> None:
    """A second passes: interrupts, then a poll if one is due."""
    k.w.clock += 1
    tasks.interrupt(k)
    if k.w.transition_work:
        # Whether it is the first poll and how far the next one is: nobody asks for more.
        k.w.signals_cnt += 1 if k.w.signals_cnt < 2 * _timeout(k) else 1 - _timeout(k)
        if k.w.signals_cnt % _timeout(k) == 0:
            _poll(k)
    drain(k)


def settle(k: Kernel) -> Outcome:
    """Ticks until nothing is in progress, or until two polls in a row have changed nothing."""
    unchanged = 0
    while k.w.transition_work and unchanged <= 2 * _timeout(k):
        before = (k.w.transition_patch, tuple(k.w.tasks))
        tick(k)
        unchanged = unchanged + 1 if (k.w.transition_patch, tuple(k.w.tasks)) == before else 0
    if not k.w.transition_work:
        return SUCCESS
    return Outcome("0", f"stalled: '{k.w.transition_patch}' is still in progress")


def _enter_kernel(k: Kernel, name: str) -> None:
    """The border is crossed on the way in as well."""
    index = k.w.task_index(name)
    if index >= 0 and k.w.tasks[index].kind == "user" and not k.w.tasks[index].stack:
        transition.klp_update_patch_state(k, index)


def call(k: Kernel, task: str, key: FuncKey) -> Outcome:
    """A task calls a function; one that comes from user space migrates first."""
    _enter_kernel(k, task)
    return tasks.call(k, task, key)


def syscall(k: Kernel, task: str, key: FuncKey | None) -> Outcome:
    """A task makes a system call, and migrates as it does."""
    _enter_kernel(k, task)
    return tasks.syscall(k, task, key)


return_ = tasks.return_
continue_ = tasks.continue_
run = tasks.run
sleep = tasks.sleep
fork = tasks.fork
exit_ = tasks.exit_
kill = tasks.kill


def _safe_point(k: Kernel, name: str) -> Outcome:
    index = k.w.task_index(name)
    if index < 0:
        return NO_TASK
    if k.w.tasks[index].kind == "kthread":
        transition.klp_update_patch_state(k, index)
    return SUCCESS


resched = _safe_point
freeze = _safe_point
switch_point = tasks.switch_point


def enter(_k: Kernel, _task: str, _key: FuncKey) -> Outcome:
    """The inside of kGraft's stubs is not modelled."""
    return out_of_tree.lacking("the inside of kGraft's stubs is not modelled")
