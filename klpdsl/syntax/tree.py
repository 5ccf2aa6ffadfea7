"""The syntax tree: one typed, immutable node for each construct of the language, each with its source span.

Nodes say what was written, nothing about what it means: names are not resolved, defaults are not filled in.
They are named tuples, because those are the cheapest immutable values the interpreter has, both to make and to
import. Two nodes of different classes may therefore compare equal as tuples: compare trees with `compare.same`,
which looks at classes and ignores spans.
"""

from __future__ import annotations

from klpdsl.syntax.conditions import AttributeIs as AttributeIs
from klpdsl.syntax.conditions import LogContains as LogContains
from klpdsl.syntax.conditions import PropertyNamed as PropertyNamed
from klpdsl.syntax.conditions import TaskSees as TaskSees
from klpdsl.syntax.conditions import TaskStateIs as TaskStateIs
from klpdsl.syntax.conditions import TransitionIs as TransitionIs
from klpdsl.syntax.conditions import ViolationSeen as ViolationSeen
from klpdsl.syntax.module_code import PatchRelocations as PatchRelocations
from klpdsl.syntax.module_code import SetCallbacks as SetCallbacks
from klpdsl.syntax.module_code import Shadow as Shadow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple, TypeAlias
else:
    from klpdsl._records import NamedTuple


class Span(NamedTuple):
    """Where something stands: lines and columns count from 1; the end is exclusive.

    `source` is the file's name as the user gave it (`-` for standard input, `<command line>` for `-c`).
    """

    source: str
    line: int
    column: int
    end_line: int
    end_column: int


class Comment(NamedTuple):
    """A `#` comment. `own_line` is false when a statement stands before it on its line."""

    text: str
    own_line: bool
    span: Span


class FunctionRef(NamedTuple):
    """A function as a statement names it: `f`, `ext4:read`, or `ext4:read sympos 2` for a later namesake."""

    object: str | None
    name: str
    sympos: int
    span: Span


# --- header ---------------------------------------------------------------------------------------------------


class Title(NamedTuple):
    """`scenario "…"`."""

    text: str
    span: Span


class EngineRange(NamedTuple):
    """`v4.12 .. v4.14`; a single engine has `first == last`; an open end is the empty string."""

    first: str
    last: str
    span: Span


class Engines(NamedTuple):
    """`engines v4.12 .. v4.14, baron`."""

    ranges: tuple[EngineRange, ...]
    span: Span


class Import(NamedTuple):
    """`import "common/two-tasks.klp"`: the path is relative to the importing file."""

    path: str
    span: Span


# --- world ----------------------------------------------------------------------------------------------------


class FunctionDecl(NamedTuple):
    """A function of vmlinux or of a module. Naming it twice declares two symbols of that name.

    `notrace` functions have no ftrace location: they cannot be patched.
    """

    name: str
    notrace: bool
    span: Span


class VmlinuxDecl(NamedTuple):
    """`vmlinux { f, g }`: closes the list of the core kernel's functions."""

    functions: tuple[FunctionDecl, ...]
    span: Span


class ModuleDecl(NamedTuple):
    """`module ext4 { read, write } [loaded]`.

    `module probe redirects f`: while it is loaded, its own ftrace handler redirects f (as a kprobe may).
    """

    name: str
    functions: tuple[FunctionDecl, ...]
    redirects: tuple[FunctionRef, ...]
    loaded: bool
    span: Span


class TaskDecl(NamedTuple):
    """`task t3 in f > g`, `kthread k1 in f`; `stack` is outermost first, empty when in user space.

    `unreliable`: the kernel's stack unwinder cannot vouch for this task's stack. `of`: the module whose own work
    the kernel thread does (`kthread k1 of ext4`), empty when it is nobody's.
    """

    name: str
    kind: Literal["user", "kthread"]
    of: str
    running: bool
    stack: tuple[FunctionRef, ...]
    uninterruptible: bool
    unreliable: bool
    span: Span


class CpusDecl(NamedTuple):
    """`cpus 2`: makes the idle tasks visible. `nohz`: an idle CPU gets no interrupt unless somebody kicks it."""

    number: int
    nohz: bool
    span: Span


class ArchDecl(NamedTuple):
    """`arch unreliable-stacks`: the architecture has no reliable stack traces at all."""

    feature: str
    span: Span


class PatchFunction(NamedTuple):
    """A function that a patch replaces. `sympos` is 0 when not written (the name must then be unique)."""

    name: str
    sympos: int
    immediate: bool
    span: Span


class PatchObject(NamedTuple):
    """`ext4 { read sympos 2 }` in a patch."""

    name: str
    functions: tuple[PatchFunction, ...]
    span: Span


CALLBACK_NAMES = ("pre_patch", "post_patch", "pre_unpatch", "post_unpatch")
CallbackName: TypeAlias = "Literal['pre_patch', 'post_patch', 'pre_unpatch', 'post_unpatch']"


class Callback(NamedTuple):
    """`pre_patch fails ENODEV`; `errno` is empty when it succeeds. Only pre_patch can fail.

    `post_patch reads p1`: it uses what the patch p1 keeps; `reads` is empty when it uses nobody else's data.
    """

    name: CallbackName
    errno: str
    reads: str
    span: Span


class PatchCallbacks(NamedTuple):
    """`callbacks ext4 { … }`; with no braces `callbacks` is None: all four, succeeding."""

    object: str
    callbacks: tuple[Callback, ...] | None
    span: Span


class PatchState(NamedTuple):
    """`state 1 version 2`: a system state (struct klp_state) that the patch changes."""

    id: int
    version: int
    span: Span


PatchItem: TypeAlias = PatchFunction | PatchObject | PatchCallbacks | PatchState | PatchRelocations


class PatchBody(NamedTuple):
    """What stands in a patch's braces, in the order written."""

    items: tuple[PatchItem, ...]
    span: Span


class PatchFlag(NamedTuple):
    """`immediate`, `replace`, or `unmarked` (its module lacks the modinfo entry livepatch=Y)."""

    name: str
    span: Span


class PatchDecl(NamedTuple):
    """`patch p1 replace { … }`; without braces it patches the vmlinux function f."""

    name: str
    flags: tuple[PatchFlag, ...]
    body: PatchBody | None
    span: Span


Declaration: TypeAlias = VmlinuxDecl | ModuleDecl | TaskDecl | CpusDecl | ArchDecl | PatchDecl

# --- operator actions -----------------------------------------------------------------------------------------


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


class Show(NamedTuple):
    """`show [P]`: what an observer sees now."""

    name: str | None
    span: Span


class Open(NamedTuple):
    """`open p1/vmlinux/f`: somebody opens that directory of the patch's in sysfs and keeps it open."""

    name: str
    path: str
    span: Span


class Close(NamedTuple):
    """`close p1/vmlinux/f`: whoever held it lets it go."""

    name: str
    path: str
    span: Span


# --- task actions ---------------------------------------------------------------------------------------------


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


class Simple(NamedTuple):
    """An action without operands: `run`, `sleep`, `resched`, `freeze`, `exit`, `continue`."""

    verb: Literal["run", "sleep", "resched", "freeze", "exit", "continue"]
    span: Span


class Fork(NamedTuple):
    """`fork t9`: a child of that name. `slowly`: the task sleeps in the middle of it, until it continues."""

    child: str
    slowly: bool
    span: Span


Action: TypeAlias = Call | Return | Syscall | Enter | Simple | Fork


class TaskStep(NamedTuple):
    """`t1: call f, call g, return`: each action is a step of its own."""

    task: str
    actions: tuple[Action, ...]
    span: Span


# --- observations ---------------------------------------------------------------------------------------------


Condition: TypeAlias = (
    AttributeIs | TaskStateIs | TaskSees | TransitionIs | LogContains | ViolationSeen | PropertyNamed
)


class Expect(NamedTuple):
    """`expect …`."""

    condition: Condition
    span: Span


class Always(NamedTuple):
    """`always …`: checked after every event, from here on."""

    condition: Condition
    span: Span


class Never(NamedTuple):
    """`never …`: checked after every event, from here on."""

    condition: Condition
    span: Span


# --- nondeterminism -------------------------------------------------------------------------------------------


#: The name of the thread that is no task's. No task may be called so.
OPERATOR = "operator"


class Thread(NamedTuple):
    """One thread of an `interleave`: `operator { … }` or `t1 { … }`; in the latter, `actions` hold."""

    name: str
    body: tuple[Statement, ...]
    span: Span


class Interleave(NamedTuple):
    """`interleave { … }`."""

    threads: tuple[Thread, ...]
    span: Span


class Choose(NamedTuple):
    """`choose { … } or { … }`; `places` are the branches' braces."""

    branches: tuple[tuple[Statement, ...], ...]
    places: tuple[Span, ...]
    span: Span


OperatorAction: TypeAlias = (
    Load | Apply | Unload | Enable | Disable | Reverse | Signal | Force | Write | Show | Open | Close
)
Operation: TypeAlias = OperatorAction | Sysctl | Tick | Settle | TaskStep | SetCallbacks | Shadow


class Step(NamedTuple):
    """An action and, after `->`, the result it must have (`0` or an errno's name; empty when any will do)."""

    operation: Operation
    result: str
    span: Span


Statement: TypeAlias = "Step | Expect | Always | Never | Interleave | Choose"
Item: TypeAlias = "Title | Engines | Import | Declaration | Statement"


class Scenario(NamedTuple):
    """A whole file: its items in the order written, and its comments."""

    items: tuple[Item, ...]
    comments: tuple[Comment, ...]
    span: Span
