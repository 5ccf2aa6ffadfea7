"""The world: one modelled kernel with its tasks, at one moment."""

from __future__ import annotations

from klpdsl.world.values import (
    KLP_UNDEFINED,
    VMLINUX,
    Entry,
    FuncKey,
    Module,
    Patch,
    Symbol,
    Task,
    Work,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

WorldKey = tuple[object, ...]


class World:
    """A mutable holder of immutable values; copy it before changing it when the old state is still needed."""

    __slots__ = (
        "arch_reliable",
        "clock",
        "cpus",
        "ftrace_enabled",
        "func_stacks",
        "generation",
        "ghosts",
        "klp_forced",
        "klp_patches",
        "livepatch_mode",
        "modules",
        "next_pid",
        "nohz",
        "opened",
        "patches",
        "paused",
        "redirects",
        "released",
        "shadow",
        "signals_cnt",
        "symbols",
        "tainted",
        "target_state",
        "tasks",
        "transition_patch",
        "transition_work",
        "vmlinux_closed",
        "warned",
        "work",
    )

    def __init__(self) -> None:
        # What never changes during a run, and is shared by copies.
        self.symbols: dict[str, tuple[Symbol, ...]] = {VMLINUX: ()}
        self.vmlinux_closed = False
        self.redirects: dict[str, tuple[FuncKey, ...]] = {}
        self.cpus = 0
        self.nohz = False
        self.arch_reliable = True
        # What changes.
        self.clock = 0
        self.tasks: list[Task] = []
        self.next_pid = 101
        self.modules: dict[str, Module] = {}
        self.generation = 0
        self.patches: dict[str, Patch] = {}
        self.klp_patches: tuple[str, ...] = ()
        self.func_stacks: dict[FuncKey, tuple[Entry, ...]] = {}
        self.transition_patch = ""
        self.target_state = KLP_UNDEFINED
        self.transition_work = False
        self.signals_cnt = 0
        self.klp_forced = False
        self.work: tuple[Work, ...] = ()
        self.tainted = False
        self.ftrace_enabled = True
        self.shadow: dict[tuple[str, int], str] = {}
        # sysctl livepatch_mode, which only the first posting of atomic replace had.
        self.livepatch_mode = False
        # Directories below /sys/kernel/livepatch: those that somebody holds open; of these, the ones that are to
        # go as soon as nobody does; and the ones whose memory was freed although they can still be reached.
        self.opened: tuple[str, ...] = ()
        self.released: tuple[str, ...] = ()
        self.ghosts: tuple[str, ...] = ()
        # A completion that waits in the middle, with klp_mutex held: at which point, and for which replaced
        # patches; empty when none does.
        self.paused: tuple[str, ...] = ()
        # Where the kernel has warned that warns once (WARN_ON_ONCE()).
        self.warned: frozenset[str] = frozenset()

    def copy(self) -> World:
        """A world that can be changed without changing this one; costs a few shallow copies."""
        new = World.__new__(World)
        new.symbols = self.symbols
        new.vmlinux_closed = self.vmlinux_closed
        new.redirects = self.redirects
        new.cpus = self.cpus
        new.nohz = self.nohz
        new.arch_reliable = self.arch_reliable
        new.clock = self.clock
        new.tasks = self.tasks[:]
        new.next_pid = self.next_pid
        new.modules = self.modules.copy()
        new.generation = self.generation
        new.patches = self.patches.copy()
        new.klp_patches = self.klp_patches
        new.func_stacks = self.func_stacks.copy()
        new.transition_patch = self.transition_patch
        new.target_state = self.target_state
        new.transition_work = self.transition_work
        new.signals_cnt = self.signals_cnt
        new.klp_forced = self.klp_forced
        new.work = self.work
        new.tainted = self.tainted
        new.ftrace_enabled = self.ftrace_enabled
        new.shadow = self.shadow.copy()
        new.livepatch_mode = self.livepatch_mode
        new.opened = self.opened
        new.released = self.released
        new.ghosts = self.ghosts
        new.paused = self.paused
        new.warned = self.warned
        return new

    def key(self, *, anonymous: bool = False) -> WorldKey:
        """A hashable value, equal for worlds that behave alike. The clock and the load counter are left out.

        With `anonymous`, tasks that differ in name and pid alone are interchangeable.
        """
        return (
            tuple(sorted((task[2:] for task in self.tasks), key=repr)) if anonymous else tuple(self.tasks),
            tuple(self.modules.values()),
            tuple(self.patches.values()),
            self.klp_patches,
            tuple(self.func_stacks.items()),
            self.transition_patch,
            self.target_state,
            self.transition_work,
            self.signals_cnt,
            self.klp_forced,
            self.work,
            self.tainted,
            self.ftrace_enabled,
            tuple(self.shadow.items()),
            self.livepatch_mode,
            self.opened,
            self.released,
            self.ghosts,
            self.paused,
            self.warned,
        )

    def listed(self) -> Iterator[tuple[int, Task]]:
        """What for_each_process_thread() goes through, and the idle tasks: the places in `tasks`, and the tasks.

        A task that exits has left the list and runs on for a while (release_task() comes before the last schedule()).
        """
        for index, task in enumerate(self.tasks):
            if not task.exiting:
                yield index, task

    def task_index(self, name: str) -> int:
        """The place of the task of that name in `tasks`, or -1 when it has exited."""
        for index, task in enumerate(self.tasks):
            if task.name == name:
                return index
        return -1
