"""The nodes of what an operator and a task do, and the declaration of every verb.

A new verb is a node here, its row in `VERBS`, and its rule in the grammar; `klpdsl.run` says what it does.
"""

from __future__ import annotations

from klpdsl.syntax import limits
from klpdsl.syntax.operands import (
    ATTRIBUTE,
    FLAG,
    FUNCTION,
    KEY,
    KEYWORD,
    LOADABLE,
    NEW_TASK,
    NUMBER,
    OBJECT,
    PATCH,
    TASK,
    VALUE,
    Operand,
    Verb,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple, TypeAlias

    from klpdsl.syntax.parts import Callback, FunctionRef, PatchBody, PatchFlag
    from klpdsl.syntax.place import Span
else:
    from klpdsl._records import NamedTuple

# --- operator actions ---


class Load(NamedTuple):
    """`load P [flags] [{ … }]` or `load M`: insmod."""

    name: str
    flags: tuple[PatchFlag, ...]
    body: PatchBody | None
    span: Span


class Apply(NamedTuple):
    """`apply P [flags] [{ … }]`: insmod of a module whose init does all that the release needs."""

    name: str
    flags: tuple[PatchFlag, ...]
    body: PatchBody | None
    span: Span


class Unload(NamedTuple):
    """`unload P` or `unload M`: rmmod."""

    name: str
    span: Span


class BeginLoad(NamedTuple):
    """`load M coming`, `load P coming`: insmod, up to a window in it.

    `coming`: the module is in memory, and livepatch has not heard of it; of a patch's module, its init has not run.
    `starting`: livepatch has heard of the target module, and its init runs.
    """

    name: str
    window: Literal["coming", "starting"]
    span: Span


class BeginUnload(NamedTuple):
    """`unload M going`, `unload P going`: rmmod, as long as the module's exit runs; livepatch has not heard of it."""

    name: str
    window: Literal["going"]
    span: Span


class Proceed(NamedTuple):
    """`continue M`, `continue P`: the insmod or rmmod that is under way goes on to its end."""

    name: str
    span: Span


class Enable(NamedTuple):
    """`enable P`: echo 1 into its `enabled`."""

    name: str
    span: Span


class Disable(NamedTuple):
    """`disable P`: echo 0 into its `enabled`."""

    name: str
    span: Span


class Reverse(NamedTuple):
    """`reverse`: the opposite value into `enabled` of the patch in transition."""

    span: Span


class Signal(NamedTuple):
    """`signal [P]`: echo 1 into its `signal`."""

    name: str | None
    span: Span


class Force(NamedTuple):
    """`force [P]`: echo 1 into its `force`."""

    name: str | None
    span: Span


class Write(NamedTuple):
    """`write P ATTRIBUTE "text"`: that text into that sysfs attribute of the patch."""

    name: str
    attribute: str
    value: str
    span: Span


class Sysctl(NamedTuple):
    """`sysctl kernel.ftrace_enabled 0`."""

    key: str
    value: int
    span: Span


class Tick(NamedTuple):
    """`tick [N]`: N seconds pass."""

    seconds: int
    span: Span


class Settle(NamedTuple):
    """`settle`: ticks until no transition is under way or nothing changes any more."""

    span: Span


class Work(NamedTuple):
    """`work`: what the kernel has queued is done, where that is a step of its own (`async`)."""

    span: Span


class Kill(NamedTuple):
    """`kill STOP t1`: a real signal to one task."""

    signal: Literal["STOP", "CONT", "KILL"]
    task: str
    span: Span


class Show(NamedTuple):
    """`show [P]`: what an observer sees now."""

    name: str | None
    span: Span


class Open(NamedTuple):
    """`open p1/enabled`: somebody opens that file or directory of the patch's in sysfs and keeps it open."""

    name: str
    path: str
    span: Span


class Close(NamedTuple):
    """`close p1/enabled`: whoever had it open closes it."""

    name: str
    path: str
    span: Span


class Hold(NamedTuple):
    """`hold p1/vmlinux/f`: somebody takes a reference on that directory's kobject."""

    name: str
    path: str
    span: Span


class Drop(NamedTuple):
    """`drop p1/vmlinux/f`: whoever had it gives that reference back."""

    name: str
    path: str
    span: Span


class Attach(NamedTuple):
    """`attach fexit f`: somebody else has calls of f come by.

    `kprobe` is one without a post_handler, `fentry` and `fexit` are BPF programs on the function's trampoline, `direct`
    is a user of register_ftrace_direct() that shares with nobody.
    """

    tracer: Literal["kprobe", "fentry", "fexit", "direct"]
    function: FunctionRef
    span: Span


class Detach(NamedTuple):
    """`detach fexit f`: one of those leaves f."""

    tracer: Literal["kprobe", "fentry", "fexit", "direct"]
    function: FunctionRef
    span: Span


class SetCallbacks(NamedTuple):
    """`callbacks p1 ext4 { pre_patch fails ENODEV }`: from now on those callbacks of the object end like that."""

    name: str
    object: str
    callbacks: tuple[Callback, ...]
    span: Span


class Shadow(NamedTuple):
    """`shadow alloc inode 7 "data"`: a call of klp_shadow_alloc() and its like, by whatever code has reason to.

    `object` is empty for `free_all`. `data` is what the variable gets (None: nothing), and `constructor` the errno
    of the constructor that gives it (`0` when it succeeds, empty when there is none). `destructor`: freeing calls one.
    `owner` is the patch whose code it belongs to, None where nobody said.
    """

    verb: Literal["get", "alloc", "get_or_alloc", "free", "free_all"]
    object: str
    id: int
    data: str | None
    constructor: str
    destructor: bool
    owner: str | None
    span: Span


# --- task actions ---


class Call(NamedTuple):
    """`call f`: through the ftrace hook into f, and asleep inside it."""

    function: FunctionRef
    span: Span


class Return(NamedTuple):
    """`return` from the innermost function."""

    span: Span


class Syscall(NamedTuple):
    """`syscall f`: enter, call, return, leave; `syscall` alone just enters and leaves."""

    function: FunctionRef | None
    span: Span


class Enter(NamedTuple):
    """`enter f`: into the ftrace handler of f, and stopped there once it has chosen a version."""

    function: FunctionRef
    span: Span


SIMPLE_VERBS = ("run", "sleep", "resched", "freeze", "switchpoint", "continue", "unreliable", "reliable")


class Simple(NamedTuple):
    """An action without operands: `run`, `sleep`, `resched`, `freeze`, `switchpoint`, `continue` and the like."""

    verb: Literal["run", "sleep", "resched", "freeze", "switchpoint", "continue", "unreliable", "reliable"]
    span: Span


class Fork(NamedTuple):
    """`fork t9`: a child of that name. `slowly`: the task sleeps in the middle of it, until it continues."""

    child: str
    slowly: bool
    span: Span


class Exit(NamedTuple):
    """`exit`. `slowly`: the task leaves the task list and stays inside what it is in, until it continues."""

    slowly: bool
    span: Span


Action: TypeAlias = Call | Return | Syscall | Enter | Simple | Fork | Exit


class TaskStep(NamedTuple):
    """`t1: call f, call g, return`: each action is a step of its own."""

    task: str
    actions: tuple[Action, ...]
    span: Span


FileAction: TypeAlias = Write | Show | Open | Close | Hold | Drop
OperatorAction: TypeAlias = (
    Load
    | BeginLoad
    | Apply
    | Unload
    | BeginUnload
    | Proceed
    | Enable
    | Disable
    | Reverse
    | Signal
    | Force
    | FileAction
    | Attach
    | Detach
)
Operation: TypeAlias = (
    OperatorAction | Sysctl | Tick | Settle | Work | Kill | TaskStep | SetCallbacks | Shadow
)


# --- the verbs ---

_OF_PATCH = (Operand("name", PATCH),)
_OF_ANY_PATCH = (Operand("name", PATCH, None),)

#: What an operator does, time that passes, and what a module's own code does.
OPERATOR_VERBS = (
    Verb("load", Load, "load", (Operand("name", LOADABLE),), irregular=True),
    Verb("apply", Apply, "apply", _OF_PATCH, irregular=True),
    Verb("unload", Unload, "unload", (Operand("name", LOADABLE),)),
    Verb("load", BeginLoad, "begin_load", (Operand("name", LOADABLE), Operand("window", KEYWORD))),
    Verb("unload", BeginUnload, "begin_unload", (Operand("name", LOADABLE), Operand("window", KEYWORD))),
    Verb("continue", Proceed, "proceed", (Operand("name", LOADABLE),)),
    Verb("enable", Enable, "enable", _OF_PATCH),
    Verb("disable", Disable, "disable", _OF_PATCH),
    Verb("reverse", Reverse, "reverse"),
    Verb("signal", Signal, "signal", _OF_ANY_PATCH),
    Verb("force", Force, "force", _OF_ANY_PATCH),
    Verb("write", Write, "write", (*_OF_PATCH, Operand("attribute", ATTRIBUTE), Operand("value", VALUE))),
    Verb(
        "sysctl",
        Sysctl,
        "sysctl",
        (Operand("key", KEY), Operand("value", NUMBER, 0, 0, limits.SYSCTL_VALUE, "a sysctl's value")),
        irregular=True,
    ),
    Verb(
        "tick",
        Tick,
        "tick",
        (Operand("seconds", NUMBER, 1, 1, limits.TICK_SECONDS, "the seconds of a tick"),),
    ),
    Verb("settle", Settle, "settle"),
    Verb("work", Work, "work"),
    Verb("kill", Kill, "kill", (Operand("signal", KEYWORD), Operand("task", TASK))),
    Verb("show", Show, "show", (Operand("name", LOADABLE, None),)),
    Verb("open", Open, "open", _OF_PATCH, irregular=True),
    Verb("close", Close, "close", _OF_PATCH, irregular=True),
    Verb("hold", Hold, "hold", _OF_PATCH, irregular=True),
    Verb("drop", Drop, "drop", _OF_PATCH, irregular=True),
    Verb("attach", Attach, "attach", (Operand("tracer", KEYWORD), Operand("function", FUNCTION))),
    Verb("detach", Detach, "detach", (Operand("tracer", KEYWORD), Operand("function", FUNCTION))),
    Verb("callbacks", SetCallbacks, "set_callbacks", (*_OF_PATCH, Operand("object", OBJECT)), irregular=True),
    Verb("shadow", Shadow, "shadow", (Operand("owner", PATCH, None),), irregular=True),
)

#: What a task does, behind its name and a colon.
TASK_VERBS = (
    Verb("call", Call, "call", (Operand("function", FUNCTION),)),
    Verb("return", Return, "return_"),
    Verb("syscall", Syscall, "syscall", (Operand("function", FUNCTION, None),)),
    Verb("enter", Enter, "enter", (Operand("function", FUNCTION),)),
    Verb("fork", Fork, "fork", (Operand("child", NEW_TASK), Operand("slowly", FLAG, False))),
    Verb("exit", Exit, "exit", (Operand("slowly", FLAG, False),)),
    *(Verb(word, Simple, "simple", irregular=True) for word in SIMPLE_VERBS),
)

VERBS = OPERATOR_VERBS + TASK_VERBS
#: The words of what only lets go on what is under way. A run that never takes one of them again although it could is
#: not fair: time passes, queued work is done, what has stopped in the middle goes on.
GOES_ON = frozenset({"tick", "settle", "work", "continue", "return"})
#: The declaration of each node; that of `Simple` has no operands, whichever word it is.
BY_NODE: dict[type, Verb] = {verb.node: verb for verb in VERBS}
