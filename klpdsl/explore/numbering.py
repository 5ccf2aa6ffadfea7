"""The states in which tasks were seen, each kept once and numbered: most of a world's key is about tasks."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.world.values import Task
    from klpdsl.world.world import World


class TaskRecords:
    """Numbers for the states of tasks, the same for tasks that differ in name alone. Numbers are quick to compare."""

    __slots__ = ("_known", "_numbers", "_states")

    def __init__(self) -> None:
        self._known: dict[Task, Task] = {}
        # By the identity of a task's record, which lives as long as `_known` has it.
        self._numbers: dict[int, int] = {}
        self._states: dict[tuple[object, ...], int] = {}

    def share(self, world: World, before: World | None) -> None:
        """Let the world's tasks be the records that are known. Those that are `before`'s still have been shared."""
        tasks = world.tasks
        old = before.tasks if before is not None else []
        for index, task in enumerate(tasks):
            if index < len(old) and task is old[index]:
                continue
            known = self._known.setdefault(task, task)
            if known is not task:
                tasks[index] = known
                continue
            self._numbers[id(task)] = self._states.setdefault(task.but_name(), len(self._states))

    def number(self, task: Task) -> int:
        """The number of a shared task's state."""
        return self._numbers[id(task)]

    def key(self, world: World) -> tuple[int, ...]:
        """What `World.task_key(symmetric=True)` says, in numbers."""
        numbers = self._numbers
        return tuple(sorted([numbers[id(task)] for task in world.tasks]))
