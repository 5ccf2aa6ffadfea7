"""Damaged inputs for one reader, many in one process, each held against what is promised of all of them.

python -m tests.security.fuzzing TARGET INPUTS FOLDER [FIRST]

What is promised: an exit code that the documents know, no traceback, no order to a terminal or a CI runner in what is
said, no more than `SECONDS` and `MEGABYTES`, and nothing written but what the command is for.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from tests.security.mutations import damaged
from tests.security.targets import CODES, TARGETS, Ended, Sandbox, Target

#: Seconds of the processor for one input, and what a process of them all may hold at most.
SECONDS, MEGABYTES = 5, 500
#: Seconds by the clock, for one that waits for something.
PATIENCE = 120

#: What no output may hold, apart from newlines and tabs.
_ORDER = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


class Fuzzed(NamedTuple):
    """What came of it: how often each exit code, the slowest input with its seconds, and the memory in MiB."""

    inputs: int
    codes: dict[int, int]
    slowest: float
    slowest_seed: int
    memory: int


class TooLongError(BaseException):
    """An input that takes too long; nothing that the command catches."""


def fuzz(name: str, inputs: int, folder: Path, first: int = 0) -> Fuzzed:
    """Give a reader so many damaged inputs. Raises AssertionError, which names the input by its number."""
    target = TARGETS[name]
    sandbox = Sandbox(folder)
    sandbox.set_up()
    target.prepare(sandbox)
    examples = target.examples(sandbox)
    # The same for every input, so that what is measured is the input.
    for example in examples[:2]:
        target.lay(sandbox, example, Random(1))
        target.act(sandbox, example, Random(0))
    sandbox.again()
    outside = _shape(sandbox, target)
    codes: Counter[int] = Counter()
    slowest, slowest_seed = 0.0, first
    for seed in range(first, first + inputs):
        chance = Random(f"{name} {seed}")
        data = damaged(examples, target.form, chance)
        try:
            target.lay(sandbox, data, chance)
            started = time.process_time()
            ended = target.act(sandbox, data, chance)
            taken = time.process_time() - started
            _judge(target, ended)
            assert taken < SECONDS, f"{taken:.1f} s"
            assert _shape(sandbox, target) == outside, "something outside has changed"
        except (Exception, TooLongError) as error:
            raise AssertionError(
                f"{name}, seed {seed}: {data[:2_000]!r}: {type(error).__name__}: {error}"
            ) from error
        codes[ended.code] += 1
        if taken > slowest:
            slowest, slowest_seed = taken, seed
        if target.may_change:
            sandbox.again()
    return Fuzzed(inputs, dict(sorted(codes.items())), slowest, slowest_seed, _most_memory())


def _most_memory() -> int:
    """MiB that this process has held at most.

    Not `ru_maxrss`: Linux hands it down over fork and exec, so it says what the worker held that started us.
    """
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) >> 10 for line in file if line.startswith("VmHWM:"))


def _judge(target: Target, ended: Ended) -> None:
    said = ended.out + ended.err
    assert ended.code in CODES, f"exit code {ended.code}: {ended.err[-2_000:]}"
    assert "Traceback" not in said, said[-2_000:]
    assert "bug of klpdsl" not in said, said[-2_000:]
    if target.place:
        found = _ORDER.search(said)
        assert found is None, f"an order: {found}"
        ours = said.startswith("::") and "klpdsl check" in said
        assert ours or not re.search(r"^\s*::", said, re.MULTILINE), f"a command: {said[-2_000:]}"
    if ended.code == 2:
        assert ended.err.strip() or ended.out.strip(), "refused without a word"
        assert target.named in said, f"{target.named} is not named: {said[-2_000:]}"


def _shape(sandbox: Sandbox, target: Target) -> dict[str, tuple[int, int]]:
    """All files of the sandbox that the target has no business with: their sizes and when they were changed."""
    spared = {
        str(sandbox.start),
        f"{sandbox.folder}/tmp",
        *(f"{sandbox.root}/{name}" for name in target.may_change),
    }
    spared |= {f"{sandbox.root}/{target.place}"} if target.place else set()
    again = bool(target.may_change)
    found: dict[str, tuple[int, int]] = {}
    waiting = [str(sandbox.folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.path in spared:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                    continue
                status = entry.stat(follow_symlinks=False)
                made_anew = again and entry.path.startswith(f"{sandbox.root}/")
                found[entry.path] = (status.st_size, 0 if made_anew else status.st_mtime_ns)
    return found


def _watch() -> None:
    """See to it that nothing is written elsewhere by its whole name, and that no input takes for ever."""
    folder = os.path.realpath(sys.argv[3])

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str) and os.path.isabs(arguments[0]):
            flags = arguments[2]
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and not arguments[0].startswith(
                (folder, "/dev/null")
            ):
                raise TooLongError(f"written: {arguments[0]}")
        elif event in (
            "os.remove",
            "os.rename",
            "os.mkdir",
            "os.rmdir",
            "os.truncate",
            "os.link",
            "os.symlink",
        ):
            for path in arguments:
                if (
                    isinstance(path, str)
                    and os.path.isabs(path)
                    and not path.startswith((folder, "/proc/self/fd/"))
                ):
                    raise TooLongError(f"{event}: {path}")

    def too_long(*_: object) -> None:
        raise TooLongError("it does not end")

    sys.dont_write_bytecode = True
    sys.addaudithook(hook)
    signal.signal(signal.SIGALRM, too_long)
    signal.signal(signal.SIGPROF, too_long)


def main() -> int:
    name, inputs, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    _watch()
    found = fuzz(name, inputs, folder, first)
    print(json.dumps(found._asdict()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
