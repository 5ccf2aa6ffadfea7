"""Settings that change nothing: on which engines an axis is asked by no rule, or two of its values mean the same.

Who sets such an axis by hand believes that something will happen: they are told that nothing will, and why.
A combination that makes no sense at all is another thing (`checks`): it is refused wherever it comes from.
"""

from __future__ import annotations

from klpdsl.semantics.axes import NUMBERED, Semantics
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.records import EngineError
from klpdsl.semantics.spelling import spell
from klpdsl.semantics.table import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NamedTuple

    from klpdsl.semantics.records import Engine, Value
else:
    from klpdsl._records import NamedTuple


class Pointless(NamedTuple):
    """Where `where` holds, nothing tells apart the `values` of the `axes` (empty: all of their values), and why."""

    axes: tuple[str, ...]
    where: Callable[[Semantics], bool]
    reason: str
    values: tuple[Value, ...] = ()


def _always(_: Semantics) -> bool:
    return True


def _no_transition(s: Semantics) -> bool:
    return s.consistency == "none"


def _nothing_replaced(s: Semantics) -> bool:
    return s.replace == "none" and s.replace_scope not in NUMBERED


def _all_retired(s: Semantics) -> bool:
    return s.replace_scope == "all" and s.set_conflict != "replace"


_FREED = "a patch that was disabled is freed, so every listed patch is enabled or in transition"
_REPLACING = (
    "replace_scope", "replaceable_read", "set_conflict", "retire", "reenable", "reenable_modules", "replace_loop",
    "sweep_disabled", "nop_create", "nop_free", "nop_immediate", "replace_with_immediate", "put", "put_when",
    "nop_kobject", "sympos_match", "set_force",
)  # fmt: skip

#: What the other systems ask. They have rules of their own for everything else.
_OTHERS_ASK = {
    "kgraft": (
        "system", "func_stack", "ftrace_location", "kprobe_ipmodify", "immediate", "fork_state", "exit_list",
        "kthread_point",
        "callbacks", "shadow", "patched_attr", "func_attr", "replace", "replace_scope", "replaceable_read",
        "set_conflict",
    ),
    "kpatch": (
        "system", "module_ref", "func_stack", "ftrace_location", "kprobe_ipmodify", "immediate", "exit_list",
        "kthread_point",
        "coming_failure", "callbacks", "shadow", "patched_attr", "func_attr", "replace_scope", "kpatch_drop",
        "kpatch_going", "kpatch_messages",
    ),
}  # fmt: skip
_OTHERS_ASK["kgraft-early"] = _OTHERS_ASK["kgraft"]
_SYSTEMS = {"kgraft": "kGraft", "kgraft-early": "the first kGraft", "kpatch": "kpatch's core"}


def _others(system: str) -> Pointless:
    axes = tuple(axis for axis in Semantics._fields if axis not in _OTHERS_ASK[system])
    reason = f"{_SYSTEMS[system]} has rules of its own, and none of them asks for it"
    return Pointless(axes, lambda s: s.system == system, reason)


#: One row for each reason. The first that fits is said.
ROWS: tuple[Pointless, ...] = (
    *map(_others, _OTHERS_ASK),
    Pointless(
        ("kpatch_drop", "kpatch_going", "kpatch_messages"),
        lambda s: s.system != "kpatch",
        "only kpatch's core module asks for it",
    ),
    # --- the consistency model ---
    Pointless(
        (
            "enabled_flip",
            "notices",
            "complete_notice",
            "switch_debug",
            "early_stack_check",
            "unreliable_arch",
            "fork_pending",
            "fork_state",
            "scan",
            "running_kick",
            "nohz_user",
            "enabled_clear",
        ),
        _no_transition,
        "without a consistency model there is no transition (consistency=none)",
    ),
    Pointless(
        ("early_stack_check",),
        lambda s: s.unreliable_arch != "warn",
        "where stacks are not reliable patches are refused (unreliable_arch), so no task is looked at",
    ),
    Pointless(
        ("running_kick",),
        lambda s: s.fake_signal != "periodic",
        "what is done every fifteenth attempt goes by the count of periodic signals (fake_signal=periodic)",
    ),
    Pointless(
        ("fake_signal",),
        lambda s: not s.signal_attr,
        "without the attribute (signal_attr) nobody can ask for a signal",
        ("none", "manual"),
    ),
    Pointless(
        ("signal_flag", "guest_notify"),
        lambda s: s.fake_signal == "none",
        "nobody is sent a fake signal (fake_signal=none)",
    ),
    Pointless(
        ("signal_flag",),
        lambda s: s.guest_notify == "leaves",
        "a task in KVM_RUN goes back to user space for either flag (guest_notify=leaves)",
    ),
    Pointless(
        ("guest_notify",),
        lambda s: s.signal_flag == "sigpending",
        "the fake signal is a pending signal (signal_flag=sigpending)",
    ),
    Pointless(("exit_switch",), _no_transition, "there is no transition (consistency=none)"),
    Pointless(
        ("attr_write",),
        lambda s: s.force == "none" and not s.signal_attr,
        "there is neither `signal` nor `force` to write to",
    ),
    # --- loading, symbols, ftrace ---
    Pointless(("symbol_limit",), lambda s: not s.name_limit, "no name is too long (name_limit=false)"),
    Pointless(
        ("early_arg_check",),
        lambda s: (
            not s.livepatch_modinfo
            and s.consistency == "none"
            and s.replace == "none"
            and s.plain_conflict == "allow"
        ),
        "no other check says anything before this one",
    ),
    Pointless(
        ("direct_retry", "direct_modify"),
        lambda s: s.direct_calls != "shared",
        "no direct user shares a function (direct_calls=shared)",
    ),
    Pointless(
        ("reloc_targets", "vmlinux_relocs", "module_relocs"),
        lambda s: not s.livepatch_modinfo,
        "livepatch writes no relocations of the module loader's (livepatch_modinfo=false)",
    ),
    # --- the list of patches ---
    Pointless(("stack_enable",), lambda s: s.disabled_patch == "free", _FREED),
    Pointless(("module_hooks",), lambda s: s.disabled_patch == "free", _FREED),
    Pointless(
        ("module_after_free",),
        lambda s: s.disabled_patch != "free" and s.retire != "free",
        "the core frees no patch (disabled_patch=keep)",
    ),
    # --- modules that come and go ---
    Pointless(
        ("reloc_targets",),
        _always,
        "relocations of a module that comes back can be written either way",
        ("overwritten", "cleared"),
    ),
    Pointless(
        ("coming_failure_mod",),
        lambda s: s.coming_unwind == "failing",
        "the failing patch's object is cleaned up, whatever it is told (coming_unwind=failing)",
    ),
    # --- callbacks and states ---
    Pointless(
        ("post_unpatch_flag", "object_callbacks"),
        lambda s: not s.callbacks,
        "there are no callbacks (callbacks=false)",
    ),
    Pointless(
        ("post_unpatch_flag",),
        lambda s: s.disabled_patch == "free" and s.coming_failure_mod == "cleared",
        "an object is un-patched once, and then the patch is freed",
    ),
    Pointless(
        ("state_rule", "set_states"),
        lambda s: not s.state_compat,
        "no patch is refused for its states (state_compat=false)",
    ),
    Pointless(
        ("set_states",),
        lambda s: _all_retired(s) or s.state_rule == "block-disable",
        "there are no sets whose states could meet (replace_scope, state_rule)",
    ),
    Pointless(("state_callbacks",), lambda s: not s.states, "patches have no states (states=false)"),
    Pointless(
        ("state_callbacks_scope", "state_callback_names", "state_rollback", "state_shadow"),
        lambda s: s.state_callbacks == "none",
        "states have no callbacks (state_callbacks=none)",
    ),
    Pointless(("state_shadow",), lambda s: s.shadow == "none", "there are no shadow variables (shadow=none)"),
    # --- sysfs ---
    Pointless(
        ("set_attr",),
        lambda s: s.replace_scope not in NUMBERED,
        "patches have no number, and `replace` is 0 or 1 either way (replace_scope)",
        ("none", "number-in-replace"),
    ),
    Pointless(
        ("using_rule",), lambda s: s.func_attr != "using", "functions have no such attribute (func_attr)"
    ),
    # --- atomic replace ---
    Pointless(_REPLACING, _nothing_replaced, "nothing is ever replaced (replace=none)"),
    Pointless(
        ("replace_scope",),
        lambda s: s.replace == "none",
        "nothing is ever replaced (replace=none)",
        ("all", "replaceable", "tag"),
    ),
    Pointless(
        ("enabled_clear",),
        lambda s: s.replace == "none",
        "nothing is ever replaced (replace=none)",
        ("start", "start-all"),
    ),
    Pointless(
        ("replaceable_read",),
        lambda s: s.replace_scope != "replaceable",
        "whom a patch replaces can not change after its load (replace_scope=replaceable)",
    ),
    Pointless(
        ("set_zero",),
        lambda s: s.replace_scope not in ("set", "sets"),
        "patches have no sets (replace_scope)",
    ),
    Pointless(
        ("set_conflict",),
        lambda s: s.replace_scope == "all",
        "a replacement leaves no other patch in place (replace_scope=all)",
        ("allow", "refuse", "refuse-static"),
    ),
    Pointless(
        ("set_force",), lambda s: s.force != "removed", "who is pinned by `force` is another rule (force)"
    ),
    Pointless(
        ("set_force",),
        _all_retired,
        "all other patches are those that it replaces (replace_scope=all)",
        ("others", "same-set"),
    ),
    Pointless(
        ("put", "put_when", "reenable_modules"),
        lambda s: s.retire == "keep",
        "a replaced patch stays enabled, and nothing of it is given back (retire=keep)",
    ),
    Pointless(
        ("reenable_modules",), lambda s: s.reenable == "no", "no replaced patch comes back (reenable=no)"
    ),
    Pointless(
        ("put",),
        lambda s: not s.immediate,
        "nothing is immediate (immediate=false), so every replaced module may go",
        ("always", "keep", "coarse", "chain"),
    ),
    Pointless(
        ("put",),
        lambda s: s.force == "none" and not s.immediate,
        "nothing is forced (force=none), so every replaced module may go",
        ("always", "keep", "coarse", "chain", "forced", "forced-sticky"),
    ),
    Pointless(
        ("put",),
        lambda s: s.force != "global" and not s.immediate,
        "being forced sticks to the patch, and not to the kernel (force=global)",
        ("always", "keep", "coarse", "chain", "forced-sticky"),
    ),
    Pointless(
        ("put",),
        lambda s: s.force == "global",
        "one forced transition pins everything (force=global)",
        ("forced", "forced-sticky"),
    ),
    Pointless(
        ("put",),
        lambda s: s.force == "global" and s.retire == "free" and not s.immediate,
        "one forced transition pins everything (force=global), and nothing else pins",
        ("always", "keep", "coarse", "chain", "forced", "forced-sticky"),
    ),
    Pointless(
        ("replace_loop",),
        lambda s: s.api == "single",
        "with the single call who replaces is always the newest in the list",
        ("others", "all-before"),
    ),
    Pointless(
        ("sweep_disabled",),
        lambda s: s.disabled_patch == "free" or s.retire == "free",
        "no disabled patch is left out, or none is listed (disabled_patch, retire)",
    ),
    Pointless(
        ("sweep_disabled",),
        lambda s: s.replace_loop != "all-before",
        "the loop over patches does not come by disabled ones (replace_loop=all-before)",
    ),
    Pointless(
        ("replace_with_immediate",), lambda s: not s.immediate, "no patch is immediate (immediate=false)"
    ),
)


def why_pointless(semantics: Semantics, axis: str, old: Value, new: Value) -> str:
    """Return why nothing tells the two values of the axis apart under these semantics; empty where something does."""
    for row in ROWS:
        alike = not row.values or (old in row.values and new in row.values)
        if axis in row.axes and alike and row.where(semantics):
            return row.reason
    return ""


def resolve_to_some_point(
    name: str, sets: Iterable[str] = (), added: Iterable[str] = (), removed: Iterable[str] = ()
) -> Engine:
    """`engines.resolve` for who alters an engine by hand: a setting that changes nothing there is refused too.

    Names of engines made by hand (`v6.12+put=never`) and engine files are taken as they are: a bisection passes such.
    """
    sets, added, removed = tuple(sets), tuple(added), tuple(removed)
    engine = resolve(name, sets, added, removed)
    if not sets:
        return engine
    base = resolve(name, (), added, removed).semantics
    for text in sets:
        axis = text.partition("=")[0].strip()
        old, new = getattr(base, axis), getattr(engine.semantics, axis)
        if old != new and (why := why_pointless(engine.semantics, axis, old, new)):
            raise EngineError(f"{axis}={spell(new)} changes nothing on {name}: {why}")
    return engine


def pointless_settings(engine: Engine) -> dict[str, list[str]]:
    """Return the settings (`axis=value`) that would change nothing on an engine, by the reason."""
    found: dict[str, list[str]] = {}
    for axis, values in table()["allowed"].items():
        old = getattr(engine.semantics, axis)
        for new in values:
            altered = engine.semantics._replace(**{axis: new})
            if new != old and (why := why_pointless(altered, axis, old, new)):
                found.setdefault(why, []).append(f"{axis}={spell(new)}")
    return found
