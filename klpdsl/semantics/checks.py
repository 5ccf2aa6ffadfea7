"""Which combinations of changes and axes make sense, and what to say of those that do not."""

from __future__ import annotations

from klpdsl.semantics.records import Change, EngineError
from klpdsl.semantics.spelling import hint, spell
from klpdsl.semantics.table import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import NamedTuple

    from klpdsl.semantics.axes import Semantics
    from klpdsl.semantics.records import Value
else:
    from klpdsl._records import NamedTuple


class Rule(NamedTuple):
    """Where `axis` has one of `values`, `needs` must have one of `needed`; `reason` says why."""

    axis: str
    values: tuple[Value, ...]
    needs: str
    needed: tuple[Value, ...]
    reason: str


_NO_TRANSITION = "without transitions there is nothing for it to act on"
_NO_REGISTER = "with the single call there is no registration, so nothing outlives being disabled or replaced"
_NO_CORE_FREE = (
    "only the single call lets the core free a patch: a registered one is its module's to unregister"
)

_REPLACING = ("sysctl", "patch", "always")
_COMES_BACK = "only a patch that was retired and is still registered can come back"

# Only livepatch's own axes: the other systems have rules of their own and read few of the axes.
RULES: tuple[Rule, ...] = (
    Rule(
        "consistency",
        ("per-task",),
        "func_stack",
        (True,),
        "a transition needs the version below on the stack",
    ),
    Rule(
        "immediate",
        (True,),
        "consistency",
        ("per-task",),
        "immediate is an exception from the consistency model",
    ),
    Rule("callbacks", (True,), "consistency", ("per-task",), "callbacks run around transitions"),
    Rule("fake_signal", ("manual", "periodic"), "consistency", ("per-task",), _NO_TRANSITION),
    Rule("force", ("global", "listed", "removed"), "consistency", ("per-task",), _NO_TRANSITION),
    Rule("resched_switch", ("cond-resched", "freezable"), "consistency", ("per-task",), _NO_TRANSITION),
    Rule("wake_idle", (True,), "consistency", ("per-task",), _NO_TRANSITION),
    Rule("start_interrupts", (True,), "consistency", ("per-task",), _NO_TRANSITION),
    Rule(
        "signal_attr", (True,), "fake_signal", ("manual", "periodic"), "the attribute has no signal to send"
    ),
    Rule("disabled_patch", ("free",), "api", ("single",), _NO_CORE_FREE),
    Rule("module_ref", ("register",), "disabled_patch", ("keep",), "a freed patch gives its reference back"),
    Rule(
        "coming_unwind", ("all",), "coming_failure", ("refuse",), "a module that stays loaded is not unwound"
    ),
    Rule("coming_failure_mod", ("cleared",), "coming_failure", ("refuse",), "the module stays loaded"),
    Rule("states", (True,), "callbacks", (True,), "patches look at states from their callbacks"),
    Rule(
        "states", (True,), "api", ("single",), "states follow the list of patches that the single call keeps"
    ),
    Rule("state_compat", (True,), "states", (True,), "there are no states to compare"),
    Rule("shadow_dtor", (True,), "shadow", ("copied", "constructed"), "there are no shadow variables"),
    # --- atomic replace ---
    Rule(
        "replace",
        _REPLACING,
        "consistency",
        ("per-task",),
        "patches are replaced when a transition completes",
    ),
    Rule("replace", _REPLACING, "func_stack", (True,), "a replacement lies on top of what it replaces"),
    Rule(
        "stack_enable", ("prev-skip-replaced", "replace-exempt"), "replace", _REPLACING, "nothing is replaced"
    ),
    Rule("retire", ("free",), "api", ("single",), _NO_CORE_FREE),
    Rule("retire", ("flag", "unlink", "unlink-naive", "list"), "api", ("register",), _NO_REGISTER),
    Rule("reenable", ("replace-only", "any"), "api", ("register",), _NO_REGISTER),
    Rule("reenable", ("replace-only", "any"), "retire", ("flag", "unlink", "list"), _COMES_BACK),
)

# Rules that matter only where patches are replaced at all: otherwise nothing reads these axes.
REPLACE_RULES: tuple[Rule, ...] = (
    Rule(
        "nop_create", ("load",), "api", ("single",), "at load means in klp_enable_patch() as the single call"
    ),
    Rule(
        "nop_create",
        ("register", "enable"),
        "api",
        ("register",),
        "there is no such step with the single call",
    ),
    Rule(
        "nop_create", ("enable",), "nop_free", ("finish",), "no-ops made at every enabling must go at its end"
    ),
    Rule(
        "nop_free",
        ("finish",),
        "nop_create",
        ("enable",),
        "a patch that is enabled again would lack its no-ops",
    ),
    Rule("nop_free", ("patched+unregister",), "api", ("register",), _NO_REGISTER),
    Rule("nop_immediate", ("prev", "oldest", "any"), "immediate", (True,), "there is nothing to inherit"),
    Rule("put_when", ("work", "after-post-patch"), "retire", ("free",), "only freed patches have that work"),
    Rule(
        "retire",
        ("free",),
        "put_when",
        ("work", "after-post-patch"),
        "the work that frees it puts the reference",
    ),
    Rule(
        "put_when", ("after-post-patch",), "callbacks", (True,), "there is no post_patch callback to wait for"
    ),
)


def check_requires(present: Collection[str], engine: str) -> None:
    """Refuse a set of changes one of which lacks another that it requires."""
    rows = table()["changes"]
    for change in (Change(*rows[name]) for name in table()["order"] if name in present):
        for group in change.requires:
            names = group.split("|")
            if not any(name in present for name in names):
                wanted = " or ".join(names)
                raise EngineError(
                    f"{change.id} needs {wanted}, and {engine} has it not: "
                    f"leave {change.id} out too (--without {change.id}), or take in {wanted}"
                )


def check_axes(semantics: Semantics, describe: Callable[[str], str]) -> None:
    """Refuse a combination of axes without sense; `describe` says where an axis has its value from."""
    if semantics.system != "klp":
        return
    axes = semantics._asdict()
    for rule in (*RULES, *(REPLACE_RULES if semantics.replace != "none" else ())):
        if axes[rule.axis] in rule.values and axes[rule.needs] not in rule.needed:
            raise EngineError(
                f"{describe(rule.axis)} needs {rule.needs}={' or '.join(map(spell, rule.needed))}, "
                f"but here {describe(rule.needs)}: {rule.reason}"
            )


_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


def parse_set(text: str) -> tuple[str, Value]:
    """Return the axis and the value of `axis=value`, or say what is wrong with it."""
    axis, equals, word = (part.strip() for part in text.partition("="))
    allowed = table()["allowed"]
    if not equals:
        raise EngineError(f"`{text}` sets nothing: write axis=value")
    if axis not in allowed:
        raise EngineError(
            f"there is no axis `{axis}`{hint(axis, allowed)} (`klpdsl engines --axes` lists them; a new one is "
            "declared in klpdsl/semantics/axes.py, and a rule below klpdsl/engine/ has to read it)"
        )
    values = allowed[axis]
    if True in values:
        if word.lower() in _TRUE + _FALSE:
            return axis, word.lower() in _TRUE
    elif word in values:
        return axis, word
    near = hint(word, map(spell, values))
    raise EngineError(f"{axis} can not be `{word}`, only {', '.join(map(spell, values))}{near}")
