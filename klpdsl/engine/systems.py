"""What a system offers: one operation for each thing that a scenario can ask for, in every system by the same name.

Livepatch, kGraft and kpatch are modules that satisfy `System`; `Semantics.system` chooses. A system that lacks an
operation says so in its outcome; a module that lacks the function is a type error here.
"""

from __future__ import annotations

from klpdsl.engine import klp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from klpdsl.engine.context import Kernel, Outcome
    from klpdsl.world.values import FuncKey, PatchSpec

    class System(Protocol):
        """Each operation is handed the kernel, runs to its end, and says how it ended."""

        # --- modules: what insmod and rmmod do ---

        def load_patch(self, k: Kernel, spec: PatchSpec, window: str = "", /) -> Outcome:
            """Insmod of a patch module; `window`: only up to where it is `coming`."""

        def apply_patch(self, k: Kernel, spec: PatchSpec, /) -> Outcome:
            """Insmod of a patch module whose init puts the patch into force in every release."""

        def unload_patch(self, k: Kernel, name: str, window: str = "", /) -> Outcome:
            """Rmmod of a patch module; `window`: only up to where it is `going`."""

        def load_target(self, k: Kernel, name: str, window: str = "", /) -> Outcome:
            """Insmod of a patchable module; `window`: only up to where it is `coming` or `starting`."""

        def unload_target(self, k: Kernel, name: str, window: str = "", /) -> Outcome:
            """Rmmod of a patchable module; `window`: only up to where it is `going`."""

        def proceed(self, k: Kernel, name: str, spec: PatchSpec | None, /) -> Outcome:
            """The insmod or rmmod that is under way goes on to its end."""

        # --- operators: files of a patch, sysctls, what shows ---

        def write(self, k: Kernel, name: str, attribute: str, text: str, /) -> Outcome:
            """A write into one of a patch's files."""

        def reverse(self, k: Kernel, /) -> Outcome:
            """Turn what is under way around."""

        def signal(self, k: Kernel, name: str | None, /) -> Outcome:
            """Hurry the tasks that hold things up, of the patch or of the one under way."""

        def force(self, k: Kernel, name: str | None, /) -> Outcome:
            """Do without the tasks that hold things up, of the patch or of the one under way."""

        def sysctl(self, k: Kernel, key: str, value: int, /) -> Outcome:
            """A write into a sysctl."""

        def open_file(self, k: Kernel, name: str, path: str, /) -> Outcome:
            """Somebody opens a file or directory of a patch and keeps it open."""

        def close_file(self, k: Kernel, name: str, path: str, /) -> Outcome:
            """Whoever had it open closes it."""

        def hold(self, k: Kernel, name: str, path: str, /) -> Outcome:
            """Somebody takes a reference on the kobject of a directory."""

        def drop(self, k: Kernel, name: str, path: str, /) -> Outcome:
            """Whoever had that reference gives it back."""

        def attach(self, k: Kernel, tracer: str, key: FuncKey, /) -> Outcome:
            """Somebody else has calls of a function come by."""

        def detach(self, k: Kernel, tracer: str, key: FuncKey, /) -> Outcome:
            """One of those leaves the function."""

        def show(self, k: Kernel, name: str | None, /) -> Outcome:
            """What an observer sees of one patch, or of everything."""

        # --- tasks ---

        def call(self, k: Kernel, task: str, key: FuncKey, /) -> Outcome:
            """A task calls a function and stays inside."""

        def enter(self, k: Kernel, task: str, key: FuncKey, /) -> Outcome:
            """A task calls a function and stops inside the handler that chooses the version."""

        def continue_(self, k: Kernel, task: str, /) -> Outcome:
            """A task that was stopped in the middle of something goes on with it."""

        def return_(self, k: Kernel, task: str, /) -> Outcome:
            """A task leaves its innermost function."""

        def syscall(self, k: Kernel, task: str, key: FuncKey | None, /) -> Outcome:
            """A task makes a system call, through a function or just so."""

        def resched(self, k: Kernel, task: str, /) -> Outcome:
            """A task passes a voluntary preemption point."""

        def freeze(self, k: Kernel, task: str, /) -> Outcome:
            """A task sleeps where it may be frozen."""

        def switch_point(self, k: Kernel, task: str, /) -> Outcome:
            """A kernel thread checks itself where it asked for it."""

        def run(self, k: Kernel, task: str, /) -> Outcome:
            """A task is on a CPU from now on."""

        def sleep(self, k: Kernel, task: str, /) -> Outcome:
            """A task leaves its CPU."""

        def fork(self, k: Kernel, task: str, child: str, slowly: bool, /) -> Outcome:
            """A task forks, or (`slowly`) sleeps in the middle of it."""

        def exit_(self, k: Kernel, task: str, slowly: bool, /) -> Outcome:
            """A task exits, or (`slowly`) leaves the task list and goes on with what it is in."""

        def kill(self, k: Kernel, signal: str, task: str, /) -> Outcome:
            """A real signal (STOP, CONT or KILL) to a task."""

        # --- time ---

        def tick(self, k: Kernel, /) -> None:
            """A second passes."""

        def settle(self, k: Kernel, /) -> Outcome:
            """Seconds pass until nothing is under way, or until they change nothing any more."""

        def work(self, k: Kernel, /) -> Outcome:
            """What was left behind is done, as a step of its own."""

        def drain(self, k: Kernel, /) -> None:
            """Run the work that an operation left behind."""


def operations(system: str) -> System:
    """The operations of the system with that name."""
    if system == "klp":
        return klp
    if system == "kpatch":
        from klpdsl.engine import kpatch

        return kpatch
    from klpdsl.engine import kgraft

    return kgraft
