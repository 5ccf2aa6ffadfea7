"""The axes of the semantics: one frozen record, each field a question on which kernels or proposals differ.

The engine branches on these fields and on nothing else. The default of every field is the oldest kernel, v4.0, so
that an engine is "v4.0 and these changes"; what each change sets is in `data/`. Where a field's comment names a
kernel function, that is where the difference lives in the kernel.

The comment above a field is what `klpdsl engines --axes` says of it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple
else:
    from klpdsl._records import NamedTuple


class Semantics(NamedTuple):
    """One point in the space of semantics. Plain strings and booleans: comparable, hashable, printable."""

    # --- which system ---
    # Whose rules: livepatch's, kGraft's as released or first posted, or those of kpatch's core module.
    system: Literal["klp", "kgraft", "kgraft-early", "kpatch"] = "klp"

    # --- API and life cycle ---
    # register: register/enable/disable/unregister, two steps; single: klp_enable_patch() from module init alone.
    api: Literal["register", "single"] = "register"
    # What a completed unpatching leaves: "keep" the patch registered, or "free" it at once (no re-enable).
    disabled_patch: Literal["keep", "free"] = "keep"
    # When the module reference is taken: "register" (and never given back) or "enable" (given back when disabled).
    module_ref: Literal["register", "enable"] = "register"
    # klp_enable_patch(): which predecessor in the list of patches must be enabled.
    stack_enable: Literal["prev", "prev-skip-replaced", "replace-exempt", "none"] = "prev"
    # klp_disable_patch(): which successor must be disabled.
    stack_disable: Literal["next", "last", "none"] = "next"
    # enabled_store(): decimal 0/1 only, or what kstrtobool() takes.
    enabled_write: Literal["digit", "bool"] = "digit"
    # When `enabled` flips: before or after the synchronous first attempt to complete.
    enabled_flip: Literal["after-try", "before-try"] = "after-try"
    # Whether modules need the modinfo entry livepatch=Y.
    livepatch_modinfo: bool = False
    # When a line says that the kernel is tainted: at the first enable, never, or when a livepatch module is loaded.
    taint: Literal["enable", "silent", "load"] = "enable"
    # Several patches may patch one function, the newest on top; off (only before v4.0): ftrace knows no two users
    # of one function that redirect it, so enabling the second patch fails with EBUSY (register_ftrace_function()).
    func_stack: bool = True
    # Over-long object and function names are refused; KSYM_NAME_LEN, of which a function's name uses one less.
    name_limit: bool = False
    symbol_limit: Literal["128", "512"] = "128"
    # NULL objs/funcs are refused silently before every other check.
    early_arg_check: bool = False

    # --- symbols and ftrace ---
    # Duplicate symbols: none can be chosen (all are counted), or sympos chooses (counting stops at the second).
    symbol_lookup: Literal["count", "sympos"] = "count"
    # The error about an ambiguous symbol, with the number of matches or without.
    ambiguity: Literal["count", "plain"] = "count"
    # A function's directory in sysfs: `f` or `f,1`.
    func_dir: Literal["name", "name-sympos"] = "name"
    # What an untraceable function gives: a failing filter or "failed to find location".
    ftrace_location: Literal["filter", "location"] = "filter"
    # Which module a patch's object means: any of that name; or, where its author gave a srcversion, only one that has
    # it, and another is passed over as if it were not loaded, or refused (it or the patch, whichever comes later).
    object_identity: Literal["name", "srcversion-skip", "srcversion-refuse"] = "name"
    # Where a function that its object does not have is looked for: nowhere else, or in vmlinux and then in any module.
    symbol_scope: Literal["object", "any"] = "object"
    # Users of ftrace whose trampoline is called directly (BPF programs among them): there are none; they and whoever
    # redirects a function exclude each other; or those that know how share it with one.
    direct_calls: Literal["none", "exclusive", "shared"] = "none"
    # A BPF trampoline that has to share is registered a second time: that works, or the first attempt's entry is still
    # there (EBUSY).
    direct_retry: Literal["works", "stuck"] = "works"
    # A trampoline in place is exchanged: nobody asks whether it has to share now, or it is asked as when it comes.
    direct_modify: Literal["unasked", "asked"] = "unasked"
    # Writing 0 to kernel.ftrace_enabled: switches livepatch off silently ("free"), excludes it and is excluded by it
    # (FTRACE_OPS_FL_PERMANENT), or is refused always (ftrace_enable_sysctl()).
    ftrace_sysctl: Literal["free", "permanent", "refused"] = "free"
    # Which kprobes redirect a function as far as ftrace knows (IPMODIFY), so that livepatch cannot: all of them, or
    # those that have a post_handler.
    kprobe_ipmodify: Literal["always", "post-handler"] = "always"

    # --- the consistency model ---
    # Patches go into force for everybody at once, or for each task when it is safe for it.
    consistency: Literal["none", "per-task"] = "none"
    # Patch and function flags `immediate`.
    immediate: bool = False
    # "patching..." (short) or "starting patching transition" and the debug lines around it (long).
    notices: Literal["short", "long"] = "short"
    # "patching complete" before the work of klp_complete_transition() or at its end.
    complete_notice: Literal["before", "after"] = "before"
    # Debug lines of a failed klp_try_switch_task(): prefixed by the checking function, or all alike.
    switch_debug: Literal["by-function", "uniform"] = "by-function"
    # klp_try_switch_task() first asks whether the architecture has reliable stacks, and if not gives up silently.
    early_stack_check: bool = True
    # No reliable stacks on this architecture: refused with ENOSYS or EOPNOTSUPP, or a warning.
    unreliable_arch: Literal["ENOSYS", "EOPNOTSUPP", "warn"] = "ENOSYS"
    # A failing idle CPU is kicked (wake_up_if_idle()).
    wake_idle: bool = False
    # Where a task may switch by itself inside the kernel: nowhere, cond_resched(), or when it may be frozen.
    resched_switch: Literal["none", "cond-resched", "freezable"] = "none"
    # klp_start_transition() ends with rewriting code that every CPU may be running (a static call or key), which
    # interrupts them all: whoever runs in user space passes a switch point before the first attempt to complete.
    start_interrupts: bool = False
    # The child's TIF_PATCH_PENDING: copied early with thread_info, or re-synchronised under tasklist_lock.
    fork_pending: Literal["copied", "synced"] = "copied"

    # The child's patch_state: copied from its parent; left idle, and taken for the target wherever it is asked for
    # (klp_ftrace_handler()); or left idle until the child's first call of a function in transition writes the target.
    fork_state: Literal["inherit", "idle", "idle-fixed"] = "inherit"
    # do_exit(): a task that nobody waits for leaves the task list early, in release_task(), and runs on until its last
    # schedule(); or it is on the list until then.
    exit_list: Literal["early", "last"] = "early"
    # How much of the task list one attempt looks at (klp_try_complete_transition()): all of it; until the lock is
    # contended; or until then, but no less than a hundred tasks that had to be tried.
    scan: Literal["all", "break", "budget"] = "all"
    # What every fifteenth attempt does about a task that keeps running: nothing, or it stops its CPU to check it.
    running_kick: Literal["none", "stop-work"] = "none"
    # A task in user space on a CPU that nobody may disturb: must be seen to leave, or counts as switched and catches up
    # when it enters the kernel.
    nohz_user: Literal["kicked", "deferred"] = "kicked"
    # klp_switch_current(): a kernel thread may check its own stack at a point that it chooses.
    kthread_point: bool = False

    # --- signals and force ---
    # The fake signal: none, only by the sysfs attribute, or also by itself every 15 retries.
    fake_signal: Literal["none", "manual", "periodic"] = "none"
    # The sysfs attribute `signal` exists.
    signal_attr: bool = False
    # How it is delivered: TIF_SIGPENDING or TIF_NOTIFY_SIGNAL.
    signal_flag: Literal["sigpending", "notify"] = "sigpending"
    # What a task in KVM_RUN does about TIF_NOTIFY_SIGNAL: it handles it and enters the guest again, or it goes back to
    # user space, as for TIF_SIGPENDING.
    guest_notify: Literal["stays", "leaves"] = "stays"
    # Kernel exit: patch state switches before or after signals are handled.
    exit_switch: Literal["after-signals", "before-signals"] = "after-signals"
    # klp_force_transition(): whom it pins: nobody ever again is put ("global"), all listed patches, those removed.
    force: Literal["none", "global", "listed", "removed"] = "none"
    # Of force=removed while patching: whom a forced replacement pins. All other listed patches; those that the patch
    # would have retired; or the patch itself as well.
    set_force: Literal["others", "same-set", "same-set-and-self"] = "others"
    # force/signal attributes: value parsed first and "0" accepted at any time ("locked"), or the -EINVAL check first.
    attr_write: Literal["unlocked", "locked"] = "unlocked"

    # --- modules that come and go ---
    # A patch that is enabled while a module is on its way believes livepatch's own mark on it (klp_alive), or takes
    # every module that is in the list of modules for loaded.
    klp_alive: bool = True
    # A patch that cannot be applied to a loading module: warn and load it unpatched ("failed to apply" for every
    # error, obj->mod stays set); warn, say that the patch is inconsistent and forget the module; or refuse it.
    coming_failure: Literal["warn", "warn-reset", "refuse"] = "warn"
    # Clean-up of a refused module: only the failing patch's object, or the earlier patches' too.
    coming_unwind: Literal["failing", "all"] = "failing"
    # obj->mod of the failing object stays set, or is cleared.
    coming_failure_mod: Literal["stale", "cleared"] = "stale"
    # klp_module_coming/going look at enabled patches and the one in transition, or at all listed ones.
    module_hooks: Literal["active", "listed"] = "active"
    # A patch's relocations for a module that comes back: they are written over; refused, for x86's module loader
    # finds their places not zero (-8); or zeroed when the module goes, so that they can be written again.
    reloc_targets: Literal["overwritten", "refused", "cleared"] = "overwritten"
    # When relocations against vmlinux are written: as part of registering or enabling, or before the module's init.
    vmlinux_relocs: Literal["init", "load"] = "init"
    # What relocations for a module may name: any symbol, or none of vmlinux.
    module_relocs: Literal["any", "own-side"] = "any"
    # A module called vmlinux.
    vmlinux_ko: Literal["accepted", "refused"] = "accepted"

    # --- callbacks, states, shadow variables ---
    # Patches may have callbacks.
    callbacks: bool = False
    # post_unpatch_enabled: kept after use, or cleared.
    post_unpatch_flag: Literal["sticky", "once"] = "sticky"
    # Patches may have system states (struct klp_state).
    states: bool = False
    # A patch is refused that does not go with the states of the patches there are (klp_is_patch_compatible()).
    state_compat: bool = False
    # What makes patches compatible (klp_is_patch_compatible()): a state's version, or that no state that may not be
    # given up is given up.
    state_rule: Literal["version", "block-disable"] = "version"
    # How states of patches in different sets may meet: by the rule of all states; a missing one is an error within a
    # set only; or no state may be in two sets.
    set_states: Literal["mainline", "v1", "isolated"] = "mainline"
    # Callbacks of states: none, or run when a patch brings a state that no other listed patch has, or takes it away.
    state_callbacks: Literal["none", "by-patch"] = "none"
    # Whose states count as another patch's: those of all listed patches, or of the same set.
    state_callbacks_scope: Literal["listed", "same-set"] = "listed"
    # What the states' callbacks are called: as those of objects, or setup, enable, disable and release.
    state_callback_names: Literal["pre-post", "setup"] = "pre-post"
    # When a later state's pre_patch fails, the earlier ones are undone when the cancelled transition ends, or at once.
    state_rollback: Literal["cancelled", "at-once"] = "cancelled"
    # A state may own the shadow variables with its id, which are freed after its post_unpatch.
    state_shadow: bool = False
    # Objects have callbacks where `callbacks` says so; off: only states have.
    object_callbacks: bool = True
    # klp_shadow_*: absent, initial data copied in, or constructed by a callback.
    shadow: Literal["none", "copied", "constructed"] = "none"
    # klp_shadow_free() takes a destructor.
    shadow_dtor: bool = False

    # --- sysfs ---
    # An object's directory has `patched`.
    patched_attr: bool = False
    # A patch's directory has `replace`.
    replace_attr: bool = False
    # A patch's directory has `stack_order`.
    stack_order_attr: bool = False

    # The number of a patch's set: no file; where `replace` was a boolean, in that file; or in one of its own, with
    # neither `replace` nor `stack_order`.
    set_attr: Literal["none", "number-in-replace", "replace_set"] = "none"
    # The attribute `replaceable`, which may be written.
    replaceable_attr: bool = False
    # An attribute of each function: none, whether its version ever ran, or whether it is in use now.
    func_attr: Literal["none", "called", "using"] = "none"
    # How `using` is known: stored when a transition completes; read from the function's stack; or so, but in flux
    # while any transition is under way.
    using_rule: Literal["stored", "function", "global"] = "stored"

    # --- atomic replace ---
    # Which patches replace: none, all while the sysctl livepatch_mode is set, those with the flag, or every one.
    replace: Literal["none", "sysctl", "patch", "always"] = "none"
    # Which of the listed patches a replacement retires: all; those marked replaceable; those of the same number or of
    # number 0 (no-ops are made for all the same); those of the same number; those of the numbers that it lists.
    replace_scope: Literal["all", "replaceable", "tag", "set", "sets"] = "all"
    # When `replaceable` is read: at each of the three uses; once, when the replacing patch is loaded; or (a mutant) the
    # no-ops and the un-patching go by the load, and the freeing by what is there at the end.
    replaceable_read: Literal["each", "load", "late-free"] = "each"
    # Patches of number 0: a set like the others, or plain patches, which neither replace nor are replaced.
    set_zero: Literal["ordinary", "none"] = "ordinary"
    # A function that a patch stays in which is not to be retired: may be patched again; refused, whether that patch
    # has it from its author or as a no-op; refused, not counting no-ops; or what shares a function is retired, and
    # nothing else.
    set_conflict: Literal["allow", "refuse", "refuse-static", "replace"] = "allow"
    # The module of a patch that was freed: stays in memory until rmmod, or is removed at once.
    module_after_free: Literal["keep", "delete"] = "keep"
    # What becomes of a replaced patch: stays enabled; stays listed with a flag; off the list (naively: and then
    # nobody can unregister it; to a second list); or freed by the core. From here to `plain_conflict` the defaults
    # are what a bare `replace=patch` on an old kernel most likely means: nothing reads them while nobody replaces.
    retire: Literal["keep", "flag", "unlink-naive", "unlink", "list", "free"] = "keep"
    # Enabling a patch that was replaced.
    reenable: Literal["no", "replace-only", "any"] = "no"
    # When a patch that is on no list is enabled again: which of its target modules are loaded is looked up anew, or
    # still believed as it was when it left the list (in a mutant).
    reenable_modules: Literal["refreshed", "stale"] = "refreshed"
    # Which patches a completed replacement sweeps: enabled predecessors (in a mutant: without looking whether they
    # are enabled), enabled others, all before it, or (another mutant) nobody.
    replace_loop: Literal["preds", "preds-unguarded", "others", "all-before", "none"] = "preds"
    # Disabled patches below are retired too.
    sweep_disabled: bool = False
    # When no-ops are made, and when they are freed: when patched and at unregister, at every finish, with the
    # patch, or at completion (the whole patch goes when unpatched).
    nop_create: Literal["register", "enable", "load"] = "register"
    nop_free: Literal["patched+unregister", "finish", "with-patch", "completion"] = "patched+unregister"
    # From whom a no-op inherits `immediate`.
    nop_immediate: Literal["none", "prev", "oldest", "any"] = "none"
    # A patch may be both replace and immediate.
    replace_with_immediate: bool = True
    # Which replaced modules are put: every one; none when anything covering is immediate (per patch, or coarse);
    # only when the whole chain above is safe; unless forced; unless ever forced; never.
    put: Literal["always", "keep", "coarse", "chain", "forced", "forced-sticky", "never"] = "always"
    # When they are put: first thing in completion, after the barrier, in the work that frees the patch, or in that
    # work but queued only after the post-patch callbacks.
    put_when: Literal["first", "after-sync", "work", "after-post-patch"] = "first"
    # When `enabled` is cleared: ordinary disable at its start and replaced patches at completion; all at completion
    # (naively: `echo 1` still compares with the flag); or all when the transition starts.
    enabled_clear: Literal["start", "completion", "completion-naive", "start-all"] = "start"
    # A no-op's memory: freed at once, in the kobject's release, or in release while the next operation waits; or
    # its directory is taken away at once (kobject_del()) and the memory freed in release.
    nop_kobject: Literal["now", "release", "release+wait", "del+release"] = "release"
    # Two plain patches for one function.
    plain_conflict: Literal["allow", "refuse"] = "allow"
    # old_sympos 0 and 1 of one function are the same function to klp_find_func().
    sympos_match: Literal["exact", "zero-is-one"] = "exact"
    # kpatch: a function that the replacing patch drops leaves the table inside stop_machine() or after it.
    kpatch_drop: Literal["inside", "after"] = "inside"
    # kpatch: a module that goes (its init has failed) is unlinked from the patches, or nobody hears of its going.
    kpatch_going: Literal["unnoticed", "unlinked"] = "unnoticed"
    # kpatch's words: as first; or TAINT_LIVEPATCH, symbols looked up as livepatch does (by position, since 2016), and
    # all of a failed look at stacks at level err (2017).
    kpatch_messages: Literal["first", "later"] = "first"


#: The values of `replace_scope` under which a patch has a number, in place of a flag that says whether it replaces.
NUMBERED: tuple[str, ...] = ("tag", "set", "sets")


def differing(one: Semantics, other: Semantics) -> tuple[str, ...]:
    """The axes in which two semantics differ, in the order in which they are declared."""
    return tuple(axis for axis, a, b in zip(Semantics._fields, one, other, strict=True) if a != b)
