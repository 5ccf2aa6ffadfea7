"""The syntax tree: one typed, immutable node for each construct of the language, each with its source span.

Nodes say what was written, nothing about what it means: names are not resolved, defaults are not filled in.
They are named tuples, because those are the cheapest immutable values the interpreter has, both to make and to
import. Two nodes of different classes may therefore compare equal as tuples: compare trees with `compare.same`,
which looks at classes and ignores spans.
"""

from __future__ import annotations

# Every node of an action and of a condition is a node of the tree: declared there, and not once more here.
from klpdsl.syntax.actions import *  # noqa: F403
from klpdsl.syntax.actions import Operation as Operation
from klpdsl.syntax.conditions import *  # noqa: F403
from klpdsl.syntax.conditions import Condition as Condition
from klpdsl.syntax.parts import CALLBACK_NAMES as CALLBACK_NAMES
from klpdsl.syntax.parts import Callback as Callback
from klpdsl.syntax.parts import CallbackName as CallbackName
from klpdsl.syntax.parts import FunctionDecl as FunctionDecl
from klpdsl.syntax.parts import FunctionRef as FunctionRef
from klpdsl.syntax.parts import PatchBody as PatchBody
from klpdsl.syntax.parts import PatchCallbacks as PatchCallbacks
from klpdsl.syntax.parts import PatchFlag as PatchFlag
from klpdsl.syntax.parts import PatchFunction as PatchFunction
from klpdsl.syntax.parts import PatchItem as PatchItem
from klpdsl.syntax.parts import PatchObject as PatchObject
from klpdsl.syntax.parts import PatchRelocations as PatchRelocations
from klpdsl.syntax.parts import PatchState as PatchState
from klpdsl.syntax.place import Name as Name
from klpdsl.syntax.place import Span as Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple, TypeAlias
else:
    from klpdsl._records import NamedTuple


class Comment(NamedTuple):
    """A `#` comment. `own_line` is false when a statement stands before it on its line."""

    text: str
    own_line: bool
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


class VmlinuxDecl(NamedTuple):
    """`vmlinux { f, g }`: closes the list of the core kernel's functions."""

    functions: tuple[FunctionDecl, ...]
    span: Span


class ModuleDecl(NamedTuple):
    """`module ext4 { read, write } [loaded]`.

    `module probe redirects f`: while it is loaded, its own ftrace handler may redirect f (a kprobe with a
    post_handler). `module probe probes f`: it has a kprobe on f that only looks on. `fails` is the errno of its init,
    empty when that succeeds. `build_of` is the module of which this is another build (`module fuse2 as fuse`), empty
    where it is a module of its own; `srcversion` is what modinfo says, empty for none.
    """

    name: str
    functions: tuple[FunctionDecl, ...]
    probes: tuple[FunctionRef, ...]
    redirects: tuple[FunctionRef, ...]
    loaded: bool
    fails: str
    build_of: str
    srcversion: str
    span: Span


class TaskDecl(NamedTuple):
    """`task t3 in f > g`, `kthread k1 in f`; `stack` is outermost first, empty when in user space.

    `unreliable`: the kernel's stack unwinder cannot vouch for this task's stack. `of`: the module whose own work
    the kernel thread does (`kthread k1 of ext4`), empty when it is nobody's. `flags` are words of `TASK_FLAGS`.
    """

    name: str
    kind: Literal["user", "kthread"]
    of: str
    running: bool
    stack: tuple[FunctionRef, ...]
    uninterruptible: bool
    unreliable: bool
    flags: tuple[str, ...]
    span: Span


#: What else a task can be: on a CPU without ticks while it is in user space, deaf to signals that stop or kill (the
#: first process), in KVM_RUN, or a worker of io_uring, which never is in user space.
TASK_FLAGS = ("nohz", "unkillable", "vcpu", "io_worker")


class CpusDecl(NamedTuple):
    """`cpus 2`: makes the idle tasks visible. `nohz`: an idle CPU gets no interrupt unless somebody kicks it."""

    number: int
    nohz: bool
    span: Span


class ContendedDecl(NamedTuple):
    """`contended 2`: in every attempt, when two tasks have been looked at, somebody waits for the tasklist_lock."""

    number: int
    span: Span


class AsyncDecl(NamedTuple):
    """`async`: what the kernel queues is done by `work` or when time passes, and not before the next step."""

    span: Span


class ArchDecl(NamedTuple):
    """`arch unreliable-stacks`: the architecture has no reliable stack traces at all."""

    feature: str
    span: Span


class PatchDecl(NamedTuple):
    """`patch p1 replace { … }`; without braces it patches the vmlinux function f."""

    name: str
    flags: tuple[PatchFlag, ...]
    body: PatchBody | None
    span: Span


Declaration: TypeAlias = (
    VmlinuxDecl | ModuleDecl | TaskDecl | CpusDecl | ContendedDecl | ArchDecl | AsyncDecl | PatchDecl
)

# --- observations ---------------------------------------------------------------------------------------------


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
    """`interleave { … }`. `forever`: its steps at any time, as often as one likes, tasks so deep in functions; or 0."""

    threads: tuple[Thread, ...]
    forever: int
    span: Span


class Choose(NamedTuple):
    """`choose { … } or { … }`; `places` are the branches' braces."""

    branches: tuple[tuple[Statement, ...], ...]
    places: tuple[Span, ...]
    span: Span


class Step(NamedTuple):
    """An action and, after `->`, the result it must have (`0` or an errno's name; empty when any will do)."""

    operation: Operation
    result: str
    span: Span


Statement: TypeAlias = "Step | Expect | Always | Never | Interleave | Choose"
Item: TypeAlias = "Title | Engines | Import | Declaration | Statement"


class ScenarioTree(NamedTuple):
    """A whole file: its items in the order written, and its comments."""

    items: tuple[Item, ...]
    comments: tuple[Comment, ...]
    span: Span
