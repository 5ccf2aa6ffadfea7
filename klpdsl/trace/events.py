"""The events a run can give, as typed values. What each means is in docs/trace.md.

Each is declared here and nowhere else: forms.py says what a declaration has. An event knows nothing of scenarios or
engines. The order of a class's fields is the order of its keys in JSON.
"""

from __future__ import annotations

from klpdsl.trace.forms import DECLARED, Form, event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple, TypeAlias

    Level: TypeAlias = Literal["debug", "info", "notice", "warn", "err"]
    Reason: TypeAlias = Literal["running", "sleeping", "unreliable"]
else:
    from klpdsl._records import NamedTuple


LEVELS: tuple[Level, ...] = ("debug", "info", "notice", "warn", "err")


@event("log", "{level:level} {text:rest}", about=0, outside="said")
class Log(NamedTuple):
    """A line of the kernel's log, byte for byte, without time stamp."""

    level: Level
    text: str


@event("callback", "{patch} {object} {callback:word} = {result:errno}", about=3, outside="said")
class Callback(NamedTuple):
    """A patch's callback ran for one of its objects; `result` is `0` or an errno's name."""

    patch: str
    object: str
    callback: str
    result: str


@event("hook", "{object} {function} [{stack:names}]", about=2, outside="changed", shape="hook O F [...]")
class Hook(NamedTuple):
    """A function's stack of versions changed: the patches on it, oldest first; a no-op is written `p:nop`."""

    object: str
    function: str
    stack: tuple[str, ...]


@event("task", "{task} {source:word} -> {target:word}", outside="changed")
class TaskState(NamedTuple):
    """A task's patch_state changed; `source` and `target` are `undefined`, `unpatched` or `patched`."""

    task: str
    source: str
    target: str


@event("task", "{task} {state:word}", outside="shown")
class TaskShown(NamedTuple):
    """A task's patch_state as `show` sees it."""

    task: str
    state: str


@event("call", "{task} {object} {function} -> {code}", about=3, outside="said")
class Call(NamedTuple):
    """A task entered a function: `code` is the patch whose version runs, or `original`."""

    task: str
    object: str
    function: str
    code: str


@event("enter", "{task} {object} {function} -> {code}", about=3, outside="never")
class Enter(NamedTuple):
    """A task stopped inside the ftrace handler: `code` is what the handler has chosen to run."""

    task: str
    object: str
    function: str
    code: str


@event("return", "{task} {object} {function} <- {code}", about=3, outside="said")
class Return(NamedTuple):
    """A task left a function."""

    task: str
    object: str
    function: str
    code: str


@event("module", "{module} refs {refs:number}", outside="changed", shape="module M refs N")
class ModuleRefs(NamedTuple):
    """A module's reference count as it is now (what /proc/modules prints)."""

    module: str
    refs: int


@event("module", "{module} loaded", outside="changed", flag="loaded")
class ModuleLoaded(NamedTuple):
    """A module is in memory now (its init has not run yet)."""

    module: str


@event("module", "{module} gone", outside="changed", flag="gone")
class ModuleGone(NamedTuple):
    """A module has left memory."""

    module: str


@event(
    "sysfs",
    Form("{path:path} gone", value=None),
    Form("{path:directory}", value=""),
    "{path:path} = {value:rest}",
    outside="changed",
)
class Sysfs(NamedTuple):
    """An entry below /sys/kernel/livepatch appeared, changed or (`value` is None) vanished.

    A directory's path ends in `/` and its value is empty; a write-only attribute's value is `-`.
    """

    path: str
    value: str | None


@event(
    "blocked",
    Form("{task} running", reason="running"),
    Form("{task} unreliable", reason="unreliable"),
    Form("{task} sleeping in {object} {function} of {code}", reason="sleeping"),
    about=3,
    outside="never",
)
class Blocked(NamedTuple):
    """A task holds the transition open, and why.

    `reason` is `running` (on a CPU), `sleeping` (inside `function` of `object`, in the version `code` that the
    rule looks for) or `unreliable` (no reliable stack trace); only `sleeping` has the last three fields.
    """

    task: str
    reason: Reason
    object: str = ""
    function: str = ""
    code: str = ""


@event(
    "shadow",
    Form("{what:word} {object} {id:number} NULL", data=None),
    "{what:word} {object} {id:number} = {data:rest}",
    about=3,
    outside="never",
)
class ShadowVariable(NamedTuple):
    """Something was done with a shadow variable; `data` is what it holds, None for NULL.

    `what` is the function that was called (`get`, `alloc`, `get_or_alloc`, `free`) or the callback that it ran for
    the variable (`ctor`, `dtor`).
    """

    what: str
    object: str
    id: int
    data: str | None


@event(
    "state",
    Form("{patch} {id:number} version {version:number} previous none", previous=None),
    "{patch} {id:number} version {version:number} previous {previous:number}",
    about=2,
    outside="never",
)
class StateFound(NamedTuple):
    """What klp_get_prev_state() gives to a callback that asks: the version of an earlier patch, None for NULL."""

    patch: str
    id: int
    version: int
    previous: int | None


@event("owed", "{patch} {thing}", about=1, outside="never")
class Owed(NamedTuple):
    """What a callback of the patch has taken and nobody has given back: a statement about now, by `show`."""

    patch: str
    thing: str


@event("violation", "{property:rest}: {text:rest}", outside="never", shape="violation {property}")
class Violation(NamedTuple):
    """A property does not hold."""

    property: str
    text: str


@event("expect", "{ok:verdict}: {text:rest} (got {got:rest~(})", outside="never", shape="expect {ok}")
class Expect(NamedTuple):
    """What the author expected, whether it holds, and what was found."""

    text: str
    ok: bool
    got: str


@event(
    "result",
    "{value:errno}",
    "{value:errno} ({reason:rest~})",
    about=0,
    outside="said",
    shape="= {value}",
)
class Result(NamedTuple):
    """How a step ended: `0`, an errno's name or `unsupported`; `reason` where the kernel prints none."""

    value: str
    reason: str = ""


Event = (
    Log
    | Callback
    | Hook
    | TaskState
    | TaskShown
    | Call
    | Enter
    | Return
    | ModuleRefs
    | ModuleLoaded
    | ModuleGone
    | Sysfs
    | Blocked
    | ShadowVariable
    | StateFound
    | Owed
    | Violation
    | Expect
)


KIND: dict[type[Event | Result], str] = {cls: declared.kind for cls, declared in DECLARED.items()}
"""The `kind` of each class in a trace's JSON lines, and its first word in the text form."""


class StepTrace(NamedTuple):
    """One step: its number from 1, its statement, what happened, and how it ended.

    `line` is the statement's line in the scenario; 0 where it is not known (a golden does not hold it, so that
    an edited comment changes no golden). `checks` are the `expect` statements that follow the step. What comes
    before the first step belongs to a step of number 0, which has neither text nor result.
    """

    number: int
    line: int
    text: str
    events: tuple[Event, ...]
    result: Result | None
    checks: tuple[Expect, ...] = ()


class Trace(NamedTuple):
    """A whole run."""

    steps: tuple[StepTrace, ...]
