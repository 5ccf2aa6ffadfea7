"""The values a world is made of. Names follow the kernel's structures; each docstring says which."""

from __future__ import annotations

from klpdsl import _names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple, TypeAlias

    TaskKind: TypeAlias = Literal["user", "kthread", "idle"]
else:
    from klpdsl._records import NamedTuple

KLP_UNDEFINED = -1
KLP_UNPATCHED = 0
KLP_PATCHED = 1
"""task_struct.patch_state and klp_target_state, under their names of v4.12 (KLP_TRANSITION_IDLE … since v6.10)."""

STATE_NAMES = {KLP_UNDEFINED: "undefined", KLP_UNPATCHED: "unpatched", KLP_PATCHED: "patched"}

VMLINUX = _names.VMLINUX
"""The name under which the core kernel stands among the objects (a NULL `klp_object.name`)."""

NO_PATCH = ""
"""The owner of code that no patch brought."""


class Symbol(NamedTuple):
    """A function in an object's symbol table. `notrace`: it has no ftrace location."""

    name: str
    notrace: bool = False


class FuncSpec(NamedTuple):
    """What a livepatch module says of one function: struct klp_func as its author wrote it."""

    name: str
    sympos: int = 0
    immediate: bool = False


class ObjectSpec(NamedTuple):
    """struct klp_object as written: `callbacks` are (name, errno) pairs, the errno `0` for success.

    `reads` are (callback, patch) pairs: that callback uses what the other patch keeps. `srcversion` is that of the
    build of the module which the author means; empty where nothing was said. `debts` are (callback, `takes` or `gives`,
    thing).
    """

    name: str
    funcs: tuple[FuncSpec, ...]
    callbacks: tuple[tuple[str, str], ...] = ()
    reads: tuple[tuple[str, str], ...] = ()
    srcversion: str = ""
    debts: tuple[tuple[str, str, str], ...] = ()


class StateSpec(NamedTuple):
    """struct klp_state as written, with what was proposed for it in 2025.

    `callbacks` are (name, errno) pairs; None where the author listed none, which means all four, succeeding.
    `block_disable`: the state cannot be given up. `shadow`: shadow variables with its id live as long as it does.
    """

    id: int
    version: int = 0
    block_disable: bool = False
    shadow: bool = False
    callbacks: tuple[tuple[str, str], ...] | None = None


RelocationSpec = tuple[str, tuple[tuple[str, str, int], ...]]
"""A section of relocations: the object that it is for, and the symbols that it names (object, name, sympos)."""


class PatchSpec(NamedTuple):
    """struct klp_patch as written. `marked`: the module has the modinfo entry livepatch=Y.

    `relocations` are those of its module that the module loader leaves to livepatch. `replace_sets` are the numbers of
    sets that its author gave it, its own first (none: nothing was said), `override` those that its module's parameter
    adds. `replaceable` is None where the author said nothing.
    """

    name: str
    objects: tuple[ObjectSpec, ...]
    immediate: bool = False
    replace: bool = False
    states: tuple[StateSpec, ...] = ()
    marked: bool = True
    relocations: tuple[RelocationSpec, ...] = ()
    replace_sets: tuple[int, ...] = ()
    override: tuple[int, ...] = ()
    replaceable: bool | None = None


FuncKey = tuple[str, str, int]
"""An original function: object, name, position among its namesakes from 1 (the kernel's `old_func` address)."""


class Code(NamedTuple):
    """A piece of text in memory that a task may run: the original function, or a patch's version of it.

    `owner` is NO_PATCH or the patch's name; `generation` tells apart the loads of one module.
    """

    object: str
    function: str
    position: int
    owner: str
    generation: int


class Func(NamedTuple):
    """struct klp_func at run time. The code of a no-op is the original function.

    `called`, `using`: what the proposed attributes of these names hold where they are stored. `found_in`: another
    object, where its symbol was found, if it was not found in its own.
    """

    name: str
    sympos: int
    immediate: bool = False
    nop: bool = False
    patched: bool = False
    called: bool = False
    using: int = 0
    found_in: str = ""


class Object(NamedTuple):
    """struct klp_object at run time: `loaded` is a set obj->mod (always true of vmlinux).

    `kobj`: its sysfs directory exists.
    """

    name: str
    funcs: tuple[Func, ...]
    callbacks: tuple[tuple[str, str], ...] = ()
    dynamic: bool = False
    loaded: bool = False
    patched: bool = False
    post_unpatch_enabled: bool = False
    kobj: bool = False
    reads: tuple[tuple[str, str], ...] = ()
    srcversion: str = ""
    debts: tuple[tuple[str, str, str], ...] = ()


class Patch(NamedTuple):
    """struct klp_patch at run time, from its module's load to its unload.

    `listed`: on klp_patches. `registered`: unregistering it is still owed. `retired`: another patch replaced it.
    `transition`: its functions' transition flags are set. `kobj`: its sysfs directory exists. `refs`: how many newer
    patches stand on it (kGraft counts that). `relocated`: the objects whose relocations are written in its code.
    `replace_sets`, `override`, `replaceable`: as in PatchSpec; `replaceable` changes when its attribute is written.
    `states_done`: the ids of its states whose pre_patch has run and whose post_unpatch has not. `took_over`: it has
    told the states of patches that it replaces. `retires`: the patches that were to be retired when it was loaded,
    where that is settled then.
    """

    name: str
    generation: int
    immediate: bool
    replace: bool
    states: tuple[StateSpec, ...]
    objects: tuple[Object, ...]
    registered: bool = False
    enabled: bool = False
    forced: bool = False
    retired: bool = False
    transition: bool = False
    kobj: bool = False
    refs: int = 0
    relocations: tuple[RelocationSpec, ...] = ()
    relocated: frozenset[str] = frozenset()
    replace_sets: tuple[int, ...] = ()
    override: tuple[int, ...] = ()
    replaceable: bool | None = None
    retires: tuple[str, ...] = ()
    states_done: frozenset[int] = frozenset()
    took_over: bool = False


class Entry(NamedTuple):
    """One version on a function's stack (a klp_func on klp_ops.func_stack)."""

    patch: str
    generation: int
    nop: bool
    immediate: bool


class Module(NamedTuple):
    """struct module: `refs` is what /proc/modules prints; `livepatch` tells a patch's module from a target.

    `window` is where its insmod or rmmod stands: `coming` before livepatch hears of it, `starting` in its init, `going`
    in its exit; empty for one that lives.
    """

    name: str
    generation: int
    refs: int
    livepatch: bool
    window: str = ""


class Task(NamedTuple):
    """struct task_struct, as far as livepatch looks at it.

    `stack` is outermost first; a user task with an empty stack is in user space. `pending` is TIF_PATCH_PENDING.
    `ran` is the code it ran since its last switch point (for the property `mixed`; nothing in the kernel). `of` is
    the module whose own work a kernel thread does: it does not pin that module, whose exit waits for it.
    `handler` is set while it is stopped inside the ftrace handler: the code that the handler has chosen. `forking`
    is set while it sleeps in the middle of fork: the child's name, the TIF_PATCH_PENDING copied for it, and whether
    the task was on a CPU, to which it comes back. `exiting`: it is on its way out and not done yet; `reaped`: and has
    left the task list (release_task()). `nohz`: it runs on a CPU that gets no tick while it is in user space.
    `unkillable`: SIGNAL_UNKILLABLE (the first process).
    `vcpu`: inside functions it is in KVM_RUN. `io_worker`: PF_IO_WORKER, a user task that never is in user space.
    `signal` is a signal that it has not noticed yet, `halted` that it is stopped (TASK_STOPPED).
    """

    name: str
    kind: TaskKind
    stack: tuple[Code, ...] = ()
    running: bool = False
    uninterruptible: bool = False
    unreliable: bool = False
    patch_state: int = KLP_UNDEFINED
    pending: bool = False
    ran: frozenset[Code] = frozenset()
    handler: Code | None = None
    of: str = ""
    nohz: bool = False
    forking: tuple[str, bool, bool] | None = None
    exiting: bool = False
    reaped: bool = False
    unkillable: bool = False
    vcpu: bool = False
    io_worker: bool = False
    signal: str = ""
    halted: bool = False

    def but_name(self) -> tuple[object, ...]:
        """All that can tell it from another: not its name, unless that says which CPU an idle task belongs to."""
        return tuple(self) if self.kind == "idle" else self[1:]


Work = tuple[str, str]
"""A queued work item: what (`free`, `wake`, `kick`) and for whom."""
