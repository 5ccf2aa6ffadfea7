"""What every operation is handed: the world, the semantics and the sink of events."""

from __future__ import annotations

from klpdsl.trace import events
from klpdsl.world.values import STATE_NAMES, Module, Patch, Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NamedTuple, Protocol, TypeAlias

    from klpdsl.semantics.axes import Semantics
    from klpdsl.world.world import World

    #: Receives each event when it happens. None in its place: nobody listens, and events are not even made.
    Sink: TypeAlias = Callable[[events.Event], None]

    class Judge(Protocol):
        """Who says after an event which properties it has broken (`properties.Watch`)."""

        def after_event(self, k: Kernel, event: events.Event) -> Sequence[events.Violation]:
            """The violations that the event has just brought about."""

else:
    from klpdsl._records import NamedTuple

OK = "0"


class Outcome(NamedTuple):
    """How an operation ended, as its caller in user space sees it.

    `value` is `0` or an errno's name; `reason` says more where the kernel says nothing. `missing` names the axis
    of the semantics that would have to be different for the operation to exist at all (have one of the values
    `wanted`, or any that is not "no"); then `value` is `unsupported`.
    """

    value: str
    reason: str = ""
    missing: str = ""
    wanted: tuple[str, ...] = ()


SUCCESS = Outcome(OK)

_MOST = 3
"""As many surprises are told as a reader takes in."""


def _listed(surprises: list[str]) -> str:
    told = "; ".join(surprises[:_MOST])
    more = len(surprises) - _MOST
    return f"{told}; and {more} more" if more > 0 else told


def unsupported(axis: str, *wanted: str) -> Outcome:
    """The outcome of an operation that these semantics do not know."""
    return Outcome("unsupported", "", axis, wanted)


def errno_number(name: str) -> int:
    """The negative number that the kernel prints for an errno that it returns."""
    from klpdsl._errnos import ERRNO_ALIASES, ERRNOS

    return -ERRNOS[ERRNO_ALIASES.get(name, name)]


class Kernel:
    """A kernel in the act of doing something: a world, its semantics, a sink.

    `blockers` is what the latest attempt to complete a transition found in its way. Who receives the events judges
    the properties as well; where nobody does, `watch` judges all the same, and `violations` is what it found.
    `refusals` are the errnos of the operation under way and why, as far as the log does not say it; `surprises` is
    what its success passed over.
    """

    __slots__ = ("blockers", "emit", "refusals", "sem", "surprises", "violations", "w", "watch")

    def __init__(
        self, world: World, semantics: Semantics, emit: Sink | None = None, watch: Judge | None = None
    ) -> None:
        self.w = world
        self.sem = semantics
        self.emit = emit
        self.watch = watch
        self.blockers: list[events.Blocked] = []
        self.violations: list[events.Violation] = []
        self.refusals: list[tuple[str, str]] = []
        self.surprises: list[str] = []

    def tell(self, event: events.Event) -> None:
        """Something happened that a property looks at."""
        if self.emit:
            self.emit(event)
        elif self.watch:
            self.violations += self.watch.after_event(self, event)

    # --- why an operation ended as it did, where the log is silent ---

    def refuse(self, errno: str, reason: str) -> str:
        """Note why something is refused for which the kernel prints nothing; returns the errno."""
        self.refusals.append((errno, reason))
        return errno

    def begin(self) -> None:
        """An operation begins: nothing has been refused yet."""
        self.blockers = []
        self.refusals = []
        self.surprises = []

    def reasoned(self, outcome: Outcome) -> Outcome:
        """The outcome of an operation with the reason that was noted on the way, if it has none of its own."""
        if outcome.reason or outcome.missing:
            return outcome
        if outcome.value == OK:
            return outcome._replace(reason=_listed(self.surprises)) if self.surprises else outcome
        # The first one counts: what is undone after it may be refused as well.
        for errno, reason in self.refusals:
            if errno == outcome.value:
                return outcome._replace(reason=reason)
        return outcome

    # --- printk, with the prefix of kernel/livepatch (pr_fmt) ---

    def printk(self, level: events.Level, text: str) -> None:
        """A line of another part of the kernel, without a prefix."""
        if self.emit:
            self.emit(events.Log(level, text))

    def pr_debug(self, text: str) -> None:
        """Log a debug line, shown with dynamic debug on, with the prefix `livepatch: `."""
        if self.emit:
            self.emit(events.Log("debug", "livepatch: " + text))

    def pr_notice(self, text: str) -> None:
        """Log a notice, with the prefix `livepatch: `."""
        if self.emit:
            self.emit(events.Log("notice", "livepatch: " + text))

    def pr_warn(self, text: str) -> None:
        """Log a warning, with the prefix `livepatch: `."""
        if self.emit:
            self.emit(events.Log("warn", "livepatch: " + text))

    def pr_err(self, text: str) -> None:
        """Log an error, with the prefix `livepatch: `."""
        if self.emit:
            self.emit(events.Log("err", "livepatch: " + text))

    def warn_once(self, file: str, function: str, task: Task) -> None:
        """WARN_ON_ONCE() in a function: of what it prints, what does not depend on the build and on the CPU."""
        if function not in self.w.warned:
            self.w.warned |= {function}
            self.printk("warn", f"WARNING: PID: {self.w.pids[task.name]} at {file} {function}")

    # --- values of the world: every change goes through these, so that it is seen ---

    def set_patch(self, patch: Patch) -> Patch:
        """Store a patch's new value."""
        self.w.patches[patch.name] = patch
        return patch

    def set_enabled(self, patch: Patch, enabled: bool) -> Patch:
        """Flip patch->enabled, which `enabled` in sysfs shows."""
        patch = self.set_patch(patch._replace(enabled=enabled))
        if patch.kobj:
            self.sysfs(f"{patch.name}/enabled", str(int(enabled)))
        return patch

    def set_patch_state(self, index: int, state: int, *, pending: bool) -> None:
        """Give the task at that place a patch_state and a TIF_PATCH_PENDING flag."""
        task = self.w.tasks[index]
        if task.patch_state != state:
            if self.emit:
                self.emit(events.TaskState(task.name, STATE_NAMES[task.patch_state], STATE_NAMES[state]))
            # A change of state is a switch point: only what is still on the stack counts as run since.
            self.w.tasks[index] = task._replace(
                patch_state=state, pending=pending, ran=frozenset(task.stack) if task.ran else task.ran
            )
        elif task.pending != pending:
            self.w.tasks[index] = task._replace(pending=pending)

    def set_task(self, index: int, task: Task) -> None:
        """Store a task's new value (for what livepatch does not look at; patch_state has its own way)."""
        self.w.tasks[index] = task

    def sysfs(self, path: str, value: str | None) -> None:
        """An entry below /sys/kernel/livepatch appeared, changed or (None) vanished."""
        if self.emit or self.watch:
            self.tell(events.Sysfs(path, value))

    # --- module references ---

    def module_get(self, name: str) -> None:
        """try_module_get(): one more user of the module."""
        self._module_refs(self.w.modules[name], +1)

    def module_put(self, name: str) -> None:
        """module_put(): one user less."""
        self._module_refs(self.w.modules[name], -1)

    def keep_for_ever(self, name: str) -> None:
        """Nobody will put that reference on the module, which can never be removed."""
        self.w.leaked[name] = self.w.leaked.get(name, 0) + 1

    def _module_refs(self, module: Module, by: int) -> None:
        module = module._replace(refs=module.refs + by)
        self.w.modules[module.name] = module
        if self.emit or self.watch:
            self.tell(events.ModuleRefs(module.name, module.refs))
