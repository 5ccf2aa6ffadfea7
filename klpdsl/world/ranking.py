"""Generations by rank: what tells apart the loads of one module, as small as it can be.

Rules ask two things of a generation: whether it is that of the module that is loaded now, and which of two patches was
loaded later. So the modules that are loaded are numbered from 1, those that are no patches first and by name, the
patches in the order of their loads; what is left of earlier loads counts down from -1, the latest first.
"""

from __future__ import annotations

from klpdsl.world.values import VMLINUX, Code, Entry, Module, Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def holder(code: Code) -> str:
    """The module whose memory some code is in."""
    return code.owner or code.object


class Ranks:
    """The new number of each load that is left a trace of."""

    def __init__(
        self, modules: Mapping[str, Module], tasks: Iterable[Task], stacks: Iterable[tuple[Entry, ...]]
    ) -> None:
        left: dict[str, set[int]] = {}
        for task in tasks:
            for code in (*task.stack, *task.ran, *((task.handler,) if task.handler else ())):
                left.setdefault(holder(code), set()).add(code.generation)
        for stack in stacks:
            for entry in stack:
                left.setdefault(entry.patch, set()).add(entry.generation)
        targets = sorted(m.name for m in modules.values() if not m.livepatch)
        patches = sorted((m.generation, m.name) for m in modules.values() if m.livepatch)
        self._numbers: dict[tuple[str, int], int] = {(VMLINUX, 0): 0}
        for number, name in enumerate([*targets, *(name for _, name in patches)], 1):
            self._numbers[name, modules[name].generation] = number
        for name, generations in left.items():
            gone = sorted((g for g in generations if (name, g) not in self._numbers), reverse=True)
            for number, generation in enumerate(gone, 1):
                self._numbers[name, generation] = -number

    def of(self, name: str, generation: int) -> int:
        """The number of that load of that module."""
        return self._numbers[name, generation]

    def code(self, code: Code) -> Code:
        """The same code, by its new number."""
        number = self._numbers[holder(code), code.generation]
        return code if number == code.generation else code._replace(generation=number)

    def task(self, task: Task) -> Task:
        """The same task, inside the same code."""
        if not task.stack and not task.ran and task.handler is None:
            return task
        handler = None if task.handler is None else self.code(task.handler)
        stack = tuple(map(self.code, task.stack))
        return task._replace(stack=stack, ran=frozenset(map(self.code, task.ran)), handler=handler)
