"""What a machine says of itself now, as `klpdsl observe --print-script` collects it: patches, tasks, modules."""

from __future__ import annotations

from importlib.resources import files

from klpdsl._errors import KlpdslError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple

HEADER = "klpdsl-observe 1"
_MOST_LINES = 2_000_000


class SnapshotError(KlpdslError):
    """The text is no snapshot; it says what is wrong, and on which line."""


class ObservedTask(NamedTuple):
    """A task: whether it is a kernel thread, its state letter in /proc, its patch_state, the functions on its stack."""

    pid: int
    comm: str
    is_kthread: bool
    state: str
    patch_state: int
    stack: tuple[str, ...]


class Snapshot(NamedTuple):
    """The machine's release, the attributes of each patch, the tasks by thread id, and references of modules."""

    release: str
    patches: dict[str, dict[str, str]]
    tasks: dict[int, ObservedTask]
    modules: dict[str, int]

    @property
    def in_transition(self) -> str:
        """The patch in transition; empty when there is none."""
        return next((name for name, said in self.patches.items() if said.get("transition") == "1"), "")

    def waited_for(self) -> list[ObservedTask]:
        """The tasks that the transition waits for: those whose patch_state is not where it leads."""
        patch = self.patches.get(self.in_transition, {})
        target = 1 if patch.get("enabled") == "1" else 0
        return [task for task in self.tasks.values() if task.patch_state not in (-1, target)]


def script() -> str:
    """Return the script that takes a snapshot: POSIX sh, to be run as root on the machine."""
    return (files("klpdsl.dmesg") / "data" / "observe.sh").read_text(encoding="utf-8")


def read_snapshot(text: str, source: str) -> Snapshot:
    """Read what the script printed. Raises `SnapshotError`."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != HEADER:
        raise SnapshotError(
            f"{source}:1: this is not what the script prints: it begins with `{HEADER}` "
            "(`klpdsl observe --print-script`)"
        )
    found = Snapshot("", {}, {}, {})
    for number, line in enumerate(lines[1:_MOST_LINES], 2):
        try:
            found = _take(found, line.split())
        except (ValueError, IndexError, KeyError):
            raise SnapshotError(f"{source}:{number}: not a line of a snapshot: {line[:80]!r}") from None
    return found


def _take(found: Snapshot, words: list[str]) -> Snapshot:
    if not words:
        return found
    kind, *rest = words
    if kind == "uname":
        return found._replace(release=rest[0])
    if kind == "patch":
        name, attribute, value = rest
        found.patches.setdefault(name, {})[attribute] = value
    elif kind == "module":
        found.modules[rest[0]] = int(rest[1])
    elif kind == "task":
        pid, state, patch_state, what, *comm = rest
        if what not in ("user", "kthread"):
            raise ValueError(what)
        task = ObservedTask(int(pid), " ".join(comm), what == "kthread", state, int(patch_state), ())
        found.tasks[task.pid] = task
    elif kind == "stack":
        task = found.tasks[int(rest[0])]
        found.tasks[task.pid] = task._replace(stack=(*task.stack, rest[1].partition("+")[0]))
    else:
        raise ValueError(kind)
    return found
