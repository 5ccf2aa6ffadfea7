"""Where a script calls functions: the files that do it, and the tasks that stand inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klpdsl.run.program import Program
from klpdsl.selftest.conventions import REAL_FUNCTIONS, REAL_SYSCALLS
from klpdsl.selftest.names import ModuleNames
from klpdsl.syntax import tree
from klpdsl.world.values import VMLINUX

if TYPE_CHECKING:
    from klpdsl.world.values import FuncKey, TaskKind


class SiteError(Exception):
    """A function or a task that no script can have."""


class Sites:
    """The functions of each target in their order, and the tasks, each with a slot in every target."""

    def __init__(self, program: Program, names: ModuleNames, used: frozenset[str]) -> None:
        self._program = program
        self._names = names
        self.tasks: list[tuple[str, TaskKind]] = [(task.name, task.kind) for task in program.world.tasks]
        self.functions: dict[str, tuple[str, ...]] = {
            name: tuple(symbol.name for symbol in program.world.symbols.get(name, ()))
            for name in program.modules
        }
        #: Functions of vmlinux that are not the core kernel's own: a module stands in for them.
        self.stand_ins = tuple(
            symbol.name
            for symbol in program.world.symbols[VMLINUX]
            if symbol.name not in REAL_FUNCTIONS and symbol.name not in REAL_SYSCALLS
        )
        if set(self.stand_ins) & used:
            self.functions[VMLINUX] = self.stand_ins
        self.target_modules = frozenset(self.functions)
        self._inside: dict[str, FuncKey] = {}

    def is_generated(self, function: tree.FunctionRef) -> bool:
        """Whether the function lies in a module of the test."""
        return self._key(function)[0] in self.functions and (
            self._key(function)[0] != VMLINUX or self._key(function)[1] in self.stand_ins
        )

    def file(self, function: tree.FunctionRef) -> str:
        """Return the file that calls the function when it is read. Raises `SiteError`."""
        return self._file(self._key(function), len(self.tasks))

    def call(self, task: str, function: tree.FunctionRef) -> tuple[str, ...]:
        """Return the lines that put a task inside a function. Raises `SiteError`."""
        return self.stand(task, self._key(function))

    def stand(self, task: str, key: FuncKey) -> tuple[str, ...]:
        """Return the lines after which a task is inside a function. Raises `SiteError`."""
        obj, name, position = key
        if obj == VMLINUX and (name in REAL_FUNCTIONS or name in REAL_SYSCALLS):
            raise SiteError(f"nobody can be made to sleep in the core kernel's {name}")
        if task in self._inside:
            raise SiteError("a task of the test can be inside one function only")
        self._inside[task] = (obj, name, position)
        slot, kind = self._slot(task)
        folder = f"/sys/module/${self._names.variables[obj]}/parameters"
        inside = f'loop_until "grep -q Y {folder}/inside_{slot}" || die "nobody comes into {name}"'
        if kind == "kthread":
            start = f'echo "{slot} {self._number(obj, name)}" > {folder}/start'
            return (f"echo Y > {folder}/hold_{slot}", start, inside)
        start = f'cat "{self._file((obj, name, position), slot)}" > /dev/null &'
        return (f"echo Y > {folder}/hold_{slot}", start, f"pid_{slot}=$!", inside)

    def return_(self, task: str) -> tuple[str, ...]:
        """Return the lines that let a task leave the function that it is in. Raises `SiteError`."""
        if task not in self._inside:
            raise SiteError("the task is inside nothing that the test has put it in")
        obj, name, _ = self._inside.pop(task)
        slot, kind = self._slot(task)
        folder = f"/sys/module/${self._names.variables[obj]}/parameters"
        leave = f"echo N > {folder}/hold_{slot}"
        if kind == "kthread":
            return (leave, f'loop_until "grep -q N {folder}/inside_{slot}" || die "nobody leaves {name}"')
        return (leave, f"wait $pid_{slot}")

    def _slot(self, task: str) -> tuple[int, TaskKind]:
        for slot, (name, kind) in enumerate(self.tasks):
            if name == task:
                return slot, kind
        raise SiteError(f"no process of the test can become '{task}'")

    def _file(self, key: FuncKey, slot: int) -> str:
        obj, name, _ = key
        if obj == VMLINUX and name in REAL_FUNCTIONS:
            return REAL_FUNCTIONS[name]
        if obj == VMLINUX and name in REAL_SYSCALLS:
            raise SiteError(f"nothing shows which version of {name} has run")
        return f"/proc/${self._names.variables[obj]}/{slot}-{self._number(obj, name)}"

    def _number(self, obj: str, name: str) -> int:
        return self.functions[obj].index(name)

    def _key(self, function: tree.FunctionRef) -> FuncKey:
        return self._program.key(function)
