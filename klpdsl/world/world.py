"""The world: one modelled kernel with its tasks, at one moment."""

from __future__ import annotations

from klpdsl.world.fields import Holder, fixed, mapping, own, uncounted, unordered, value
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


class Kept:
    """A part of a key that knows its hash, and the values that it was made of. Equal to any with an equal part."""

    __slots__ = ("_hash", "made_of", "part")

    def __init__(self, made_of: WorldKey, part: WorldKey) -> None:
        self.made_of = made_of
        self.part = part
        self._hash = hash(part)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return type(other) is Kept and self._hash == other._hash and self.part == other.part


class World(metaclass=Holder):
    """A mutable holder of immutable values; copy it before changing it when the old state is still needed."""

    # --- what never changes during a run ---
    symbols: dict[str, tuple[Symbol, ...]] = fixed(lambda: {VMLINUX: ()})
    vmlinux_closed: bool = fixed(lambda: False)
    redirects: dict[str, tuple[FuncKey, ...]] = fixed(dict)
    probes: dict[str, tuple[FuncKey, ...]] = fixed(dict)
    init_errors: dict[str, str] = fixed(dict)
    # What modinfo says of each build of a module that says anything.
    srcversions: dict[str, str] = fixed(dict)
    cpus: int = fixed(lambda: 0)
    nohz: bool = fixed(lambda: False)
    # Whether work that is queued stays queued until `work` or the next second.
    is_async: bool = fixed(lambda: False)
    # After how many tasks somebody waits for the lock on the task list, in every attempt; 0: nobody does.
    contended: int = fixed(lambda: 0)
    arch_reliable: bool = fixed(lambda: True)

    # --- what changes, and no rule looks at ---
    clock: int = uncounted(lambda: 0)
    # Only lines of the log show a pid. A child's is stored in a new dictionary: copies share the old one.
    pids: dict[str, int] = uncounted(dict)
    next_pid: int = uncounted(lambda: 101)
    # How often a module has been loaded, and whether the generations are what `rank()` makes of them.
    generation: int = uncounted(lambda: 0)
    is_ranked: bool = uncounted(lambda: False)
    # What the key says of modules and patches, kept as long as they are what they were: most steps are tasks'.
    kept: Kept | None = uncounted(lambda: None)

    # --- what changes ---
    tasks: list[Task] = own(list)
    modules: dict[str, Module] = own(dict)
    # Of each module, how many of its references no rule will ever put.
    leaked: dict[str, int] = own(dict)
    # In the order of their loads.
    patches: dict[str, Patch] = own(dict)
    klp_patches: tuple[str, ...] = value(tuple)
    func_stacks: dict[FuncKey, tuple[Entry, ...]] = own(dict)
    transition_patch: str = value(str)
    target_state: int = value(lambda: KLP_UNDEFINED)
    transition_work: bool = value(lambda: False)
    signals_cnt: int = value(lambda: 0)
    klp_forced: bool = value(lambda: False)
    work: tuple[Work, ...] = value(tuple)
    tainted: bool = value(lambda: False)
    ftrace_enabled: bool = value(lambda: True)
    # Who else is on a function, in the order of their coming; and the functions whose BPF trampoline has been told that
    # somebody may send calls elsewhere (BPF_TRAMP_F_SHARE_IPMODIFY).
    tracers: dict[FuncKey, tuple[str, ...]] = mapping()
    shared: frozenset[FuncKey] = value(frozenset)
    shadow: dict[tuple[str, int], str] = mapping()
    # Whose each shadow variable is, where somebody said; what callbacks have taken and not given back yet, and by whom;
    # and the last thing that was given back although nobody had it, by which callback of which patch.
    shadow_owners: dict[tuple[str, int], str] = mapping()
    owed: tuple[tuple[str, str], ...] = value(tuple)
    overpaid: tuple[str, ...] = value(tuple)
    # Of modules of which there are several builds, the one that was loaded last, where it is not the one of its name.
    builds: dict[str, str] = mapping()
    # sysctl livepatch_mode, which only the first posting of atomic replace had.
    livepatch_mode: bool = value(lambda: False)
    # What is open below /sys/kernel/livepatch, which keeps nothing there.
    opened: tuple[str, ...] = unordered(tuple)
    # Directories there: those on whose kobject somebody has a reference; of these, the ones that are to go as
    # soon as nobody has; and the ones whose memory was freed although they can still be reached.
    held: tuple[str, ...] = unordered(tuple)
    released: tuple[str, ...] = unordered(tuple)
    ghosts: tuple[str, ...] = unordered(tuple)
    # A completion that waits in the middle, with klp_mutex held: at which point, and for which replaced
    # patches; empty when none does.
    paused: tuple[str, ...] = value(tuple)
    # The functions whose WARN_ON_ONCE() has warned.
    warned: frozenset[str] = value(frozenset)

    if TYPE_CHECKING:

        def _duplicate(self) -> World: ...
        def _parts(self) -> WorldKey: ...

    def copy(self) -> World:
        """A world that can be changed without changing this one; costs a few shallow copies."""
        return self._duplicate()

    def key(self, *, symmetric: bool = False) -> WorldKey:
        """A hashable value, equal for worlds that behave alike.

        Not in it: the clock, pids, the order of dictionaries and of the task list, which no rule looks at; how often
        modules were loaded, of which only the order of loads counts; and how many references have leaked, of which it
        counts whether any have. With `symmetric`, tasks that differ in name alone are interchangeable.
        """
        w = self if self.is_ranked else self.copy().rank()
        return (w.task_key(symmetric=symmetric), *w.shared_key())

    def task_key(self, *, symmetric: bool = False) -> object:
        """The part of the key that is about the tasks; generations as they are."""
        if not symmetric:
            return tuple(sorted(self.tasks))
        counted: dict[tuple[object, ...], int] = {}
        for task in self.tasks:
            record = task.but_name()
            counted[record] = counted.get(record, 0) + 1
        return frozenset(counted.items())

    def shared_key(self) -> WorldKey:
        """The part of the key that is about everything else; generations as they are."""
        made_of = (
            tuple(self.patches.values()),
            tuple(self.modules.values()),
            tuple(self.func_stacks.items()),
            tuple(self.leaked.items()),
        )
        kept = self.kept
        # Values that nobody has replaced are the same objects: this compares no more than their places in memory.
        if kept is None or kept.made_of != made_of:
            kept = self.kept = Kept(made_of, self._code_key())
        return (kept, *self._parts())

    def _code_key(self) -> WorldKey:
        """The part of the key that is about modules, patches and stacks of versions."""
        leaked = self.leaked
        # What leaked stays for ever: such a module can never go, however many references it was.
        modules = [
            m._replace(refs=m.refs - leaked[m.name]) if m.name in leaked else m for m in self.modules.values()
        ]
        return (
            tuple(sorted(modules)),
            tuple(sorted(leaked)),
            tuple(self.patches.values()),
            tuple(sorted(self.func_stacks.items())),
        )

    def rank(self) -> World:
        """Renumber the generations by what rules look at, and return this world.

        That is: whether some code is of the module that is loaded now, and the order in which patches were loaded.
        """
        self.generation = len(self.modules)
        self.is_ranked = True
        left = self.modules or self.func_stacks
        if not left and not any(task.stack or task.ran or task.handler for task in self.tasks):
            return self
        from klpdsl.world.ranking import Ranks

        of = Ranks(self.modules, self.tasks, self.func_stacks.values())
        self.modules = {
            name: m._replace(generation=of.of(name, m.generation)) for name, m in self.modules.items()
        }
        patches = sorted(self.patches.values(), key=lambda p: p.generation)
        self.patches = {p.name: p._replace(generation=of.of(p.name, p.generation)) for p in patches}
        for key, stack in self.func_stacks.items():
            entries = (e._replace(generation=of.of(e.patch, e.generation)) for e in stack)
            self.func_stacks[key] = tuple(entries)
        self.tasks = [of.task(task) for task in self.tasks]
        return self

    def listed(self) -> Iterator[tuple[int, Task]]:
        """What for_each_process_thread() goes through, and the idle tasks: the places in `tasks`, and the tasks.

        A task that exits leaves the list and runs on for a while (release_task() comes before the last schedule()).
        """
        for index, task in enumerate(self.tasks):
            if not task.reaped:
                yield index, task

    def task_index(self, name: str) -> int:
        """The place of the task of that name in `tasks`, or -1 when it has exited."""
        for index, task in enumerate(self.tasks):
            if task.name == name:
                return index
        return -1
