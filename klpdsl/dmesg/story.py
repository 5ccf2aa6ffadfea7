"""What livepatch's lines say has happened: patches that came and went, transitions, how each ended, who held it."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from klpdsl.dmesg.log_lines import KernelLog, LogLine
else:
    from klpdsl._records import NamedTuple

_BEGIN = re.compile(
    r"livepatch: '(?P<patch>[^']+)': (?:starting )?(?P<way>(?:un)?patching)(?: transition|\.\.\.)$"
)
_DONE = re.compile(r"livepatch: '(?P<patch>[^']+)': (?P<way>(?:un)?patching) complete$")
_BACK = re.compile(r"livepatch: '(?P<patch>[^']+)': reversing transition from (?P<way>(?:un)?patching)")
_CANCEL = re.compile(r"livepatch: '(?P<patch>[^']+)': canceling patching transition")
_FAILED = re.compile(r"livepatch: failed to enable patch '(?P<patch>[^']+)'$")
_HELD = re.compile(
    r"livepatch: klp_\w+: (?P<task>.+):(?P<pid>\d+) "
    r"(?:is sleeping on function (?P<function>\S+)|(?P<running>is running)|has an (?P<unreliable>unreliable stack))$"
)
_MODULE = re.compile(
    r"livepatch: (?P<what>applying patch|reverting patch) '(?P<patch>[^']+)' (?:to loading|on unloading) module "
    r"'(?P<module>[^']+)'$"
)
_SIGNAL = "livepatch: signaling remaining tasks"
_FORCE = "livepatch: forcing remaining tasks to the patched state"


#: How the names of kernel threads begin that nearly every machine has; a log says no more of what a task is.
_KTHREADS = (
    "kworker/",
    "ksoftirqd/",
    "migration/",
    "cpuhp/",
    "rcu",
    "kswapd",
    "kcompactd",
    "jbd2/",
    "irq/",
    "kthreadd",
)


def is_kthread(comm: str) -> bool:
    """Whether a task of that name is a kernel thread, as far as a name can tell."""
    return comm.startswith(_KTHREADS)


class LoggedBlocker(NamedTuple):
    """What a line says of a task that a transition waits for; `reason` is as in a trace's `blocked`."""

    line: LogLine
    task: str
    pid: int
    reason: str
    function: str


class LoggedTransition(NamedTuple):
    """A transition: the patch, `patching` or `unpatching`, its first line (None: before the log) and its last.

    `end` is `complete`, `reversed`, `cancelled`, or empty while it is under way. `signalled` and `forced` count lines.
    `blockers` are the latest that is said of each task.
    """

    patch: str
    way: str
    begin: LogLine | None
    last: LogLine
    end: str
    signalled: int
    forced: int
    blockers: tuple[LoggedBlocker, ...]


class LogStory(NamedTuple):
    """What happened. `failed` are lines of failures; `modules` has what was done, the patch, the module, the line."""

    transitions: tuple[LoggedTransition, ...]
    failed: tuple[LogLine, ...]
    modules: tuple[tuple[str, str, str, LogLine], ...]


def tell_story(log: KernelLog) -> LogStory:
    """Tell it, in the order of the lines. A log that begins in the middle has a transition without a first line."""
    teller = _Teller()
    for line in log.lines:
        teller.take(line)
    under_way = [teller.now._replace(blockers=tuple(teller.blockers.values()))] if teller.now else []
    return LogStory(
        tuple(teller.done + under_way),
        tuple(teller.failed),
        tuple(teller.modules),
    )


class _Teller:
    def __init__(self) -> None:
        self.done: list[LoggedTransition] = []
        self.now: LoggedTransition | None = None
        # Of the transition under way: what is said of each task, by its pid, the latest last.
        self.blockers: dict[int, LoggedBlocker] = {}
        self.failed: list[LogLine] = []
        self.modules: list[tuple[str, str, str, LogLine]] = []

    def take(self, line: LogLine) -> None:
        text = line.text
        if found := _BEGIN.match(text):
            self._end("")
            self.now = LoggedTransition(found["patch"], found["way"], line, line, "", 0, 0, ())
        elif found := _DONE.match(text):
            self._of(found["patch"], found["way"], line)
            self._end("complete")
        elif found := _BACK.match(text):
            self._of(found["patch"], found["way"], line)
            self._end("reversed")
        elif found := _CANCEL.match(text):
            self._of(found["patch"], "patching", line)
            self._end("cancelled")
        elif found := _HELD.match(text):
            self._block(line, found)
        elif text == _SIGNAL and self.now:
            self.now = self.now._replace(last=line, signalled=self.now.signalled + 1)
        elif text == _FORCE and self.now:
            self.now = self.now._replace(last=line, forced=self.now.forced + 1)
        elif _FAILED.match(text):
            self.failed.append(line)
        elif found := _MODULE.match(text):
            self.modules.append((found["what"], found["patch"], found["module"], line))

    def _of(self, patch: str, way: str, line: LogLine) -> None:
        """The line is of that transition: of the one under way, or of one that began before the log."""
        if self.now is None or (self.now.patch, self.now.way) != (patch, way):
            self._end("")
            self.now = LoggedTransition(patch, way, None, line, "", 0, 0, ())
        self.now = self.now._replace(last=line)

    def _block(self, line: LogLine, found: re.Match[str]) -> None:
        if self.now is None:
            return
        reason = "sleeping" if found["function"] else "running" if found["running"] else "unreliable"
        one = LoggedBlocker(line, found["task"], int(found["pid"]), reason, found["function"] or "")
        self.blockers.pop(one.pid, None)
        self.blockers[one.pid] = one
        self.now = self.now._replace(last=line)

    def _end(self, how: str) -> None:
        if self.now is not None:
            # What is said after an end without a word is that the next has begun: its end is not in the log.
            blockers = tuple(self.blockers.values())
            self.done.append(self.now._replace(end=how or "not in the log", blockers=blockers))
            self.now = None
            self.blockers = {}
