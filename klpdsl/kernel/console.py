"""Reading what the guest wrote: for each scenario and step the result, the log's lines and what an observer saw."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from klpdsl.trace.events import Level

_LEVELS: dict[int, Level] = {
    0: "err",
    1: "err",
    2: "err",
    3: "err",
    4: "warn",
    5: "notice",
    6: "info",
    7: "debug",
}


class ConsoleLine(NamedTuple):
    """A line of the kernel's log."""

    level: Level
    text: str


class SeenTask(NamedTuple):
    """A task as an observer saw it: its patch_state as the file reads, and whether it was `asleep` in a function."""

    state: str
    where: str


class SeenStep(NamedTuple):
    """A step on the real kernel: `result` is the errno's number; the rest is as it was when all had come to rest."""

    number: int
    result: int
    log: tuple[ConsoleLine, ...]
    sysfs: dict[str, str]
    modules: dict[str, int]
    hooks: dict[tuple[str, str], tuple[str, ...]]
    tasks: dict[str, SeenTask]
    notes: tuple[str, ...]
    probes: dict[tuple[str, str, str, str], str]
    complete: bool


class SeenScenario(NamedTuple):
    """A scenario on the real kernel. `end` is `clean`, `dirty` (it left something behind) or `cut` (the guest died)."""

    key: str
    steps: tuple[SeenStep, ...]
    end: Literal["clean", "dirty", "cut"]


class Report(NamedTuple):
    """All that a boot gave."""

    release: str
    scenarios: tuple[SeenScenario, ...]
    notes: tuple[str, ...]


def errno_name(number: int) -> str:
    """Return the name of an errno (`0` for none)."""
    # EWOULDBLOCK and EAGAIN are one number; Python knows it by the name that the language uses.
    return errno.errorcode.get(number, str(number)) if number else "0"


class _Step:
    """A step while it is being read."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.result = 0
        self.log: list[ConsoleLine] = []
        self.sysfs: dict[str, str] = {}
        self.modules: dict[str, int] = {}
        self.hooks: dict[tuple[str, str], tuple[str, ...]] = {}
        self.tasks: dict[str, SeenTask] = {}
        self.notes: list[str] = []
        self.probes: dict[tuple[str, str, str, str], str] = {}
        self.complete = False

    def take(self, fields: list[str]) -> None:
        match fields:
            case ["RESULT", number]:
                self.result = int(number)
            case ["LOG", level, text]:
                self.log.append(ConsoleLine(_LEVELS[int(level)], text))
            case ["SYSFS", path, value]:
                self.sysfs[path] = value
            case ["MODULE", name, refs, _]:
                self.modules[name] = int(refs)
            case ["HOOK", object_, function, position, *stack]:
                name = function if position == "1" else f"{function},{position}"
                self.hooks[object_, name] = tuple(stack)
            case ["TASK", name, "-1" | "0" | "1" as state, where, _]:
                self.tasks[name] = SeenTask(state, where)
            case ["TASK", _, state, *_]:
                raise ValueError(f"{state} is no patch_state")
            case ["PROBE", task, object_, function, position, code]:
                self.probes[task, object_, function, position] = code
            case ["NOTE", text]:
                self.notes.append(text)
            case ["LOST"]:
                self.notes.append("lines of the kernel's log were lost")
            case ["DONE"]:
                self.complete = True

    def done(self) -> SeenStep:
        return SeenStep(
            self.number, self.result, tuple(self.log), self.sysfs, self.modules, self.hooks, self.tasks,
            tuple(self.notes), self.probes, self.complete,
        )  # fmt: skip


def read_report(text: str) -> Report:
    """Read what a boot gave, as far as it came: the last line may be half a line."""
    release = ""
    notes: list[str] = []
    scenarios: list[SeenScenario] = []
    key: str | None = None
    steps: list[_Step] = []

    def close(end: Literal["clean", "dirty", "cut"]) -> None:
        nonlocal key
        if key is not None:
            scenarios.append(SeenScenario(key, tuple(step.done() for step in steps), end))
        key = None
        steps.clear()

    for line in text.splitlines():
        # The kernel's own text is the last field, and may hold a tab.
        fields = line.split("\t", 2) if line.startswith("LOG\t") else line.split("\t")
        match fields:
            case ["BOOT", name]:
                release = name
            case ["SCENARIO", name]:
                close("cut")
                key = name
            case ["STEP", number] if number.isdecimal() and len(number) < 10:
                steps.append(_Step(int(number)))
            case ["CLEAN"]:
                close("clean")
            case ["DIRTY"]:
                close("dirty")
            case ["NOTE", text_] if not steps:
                notes.append(text_)
            case _ if steps:
                try:
                    steps[-1].take(fields)
                except (ValueError, KeyError):
                    # The guest's console has mixed another line into this one.
                    steps[-1].notes.append(f"the guest wrote what cannot be read: {line}")
    close("cut")
    return Report(release, tuple(scenarios), tuple(notes))
