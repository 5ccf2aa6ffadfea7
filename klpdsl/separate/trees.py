"""Pairs of worlds under two trees of klpdsl: each tree runs in a process of its own, with its own rules and data.

The search is that of `pairs.py`, but neither side knows the other's worlds: a pair is two numbers, and the search
closes when no new pair of numbers comes. What a side has answered is kept, so that one can stand against many others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from klpdsl._errors import KlpdslError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, NamedTuple, Self

    from klpdsl.separate.pairs import Bounds
    from klpdsl.separate.view import Level
else:
    from klpdsl._records import NamedTuple

_BATCH = 2_000


class TreeError(KlpdslError):
    """A tree cannot be stepped: it is older than separation, or its rules fail; the text is what it said."""

    exit_code = 125


class TreeQuestion(NamedTuple):
    """What a tree is to step: the actions of a scenario's file, on an engine, looked at at a level."""

    alphabet: str
    engine: str
    level: Level
    nesting: int = 2


class Answered(NamedTuple):
    """What a tree said of one action in one state: what is seen, the state behind it, and whether it ends there."""

    seen: str
    state: int
    ended: bool


class Tree:
    """A tree of klpdsl in a process of its own, asked step by step. Use it as a context: the process ends with it."""

    def __init__(self, path: str, python: str = sys.executable) -> None:
        self.path = path
        self.python = python
        with open(os.path.join(os.path.dirname(__file__), "served.py"), encoding="utf-8") as file:
            program = file.read()
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KLPDSL_", "PYTHON", "GIT_")) and name != "VIRTUAL_ENV"
        }
        self.environment |= {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "KLPDSL_NO_CACHE": "1"}
        self._process = subprocess.Popen(
            [python, "-c", program],
            cwd=path,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        self._kept: dict[TreeQuestion, dict[tuple[int, int], Answered]] = {}
        self._current: TreeQuestion | None = None
        self._lines: dict[TreeQuestion, dict[str, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def send(self, asked: object) -> None:
        """Put a question; `hear` takes the answer, so that two trees can work side by side."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise TreeError(f"{self.path}: klpdsl there cannot be started") from None

    def hear(self) -> dict[str, Any]:
        """The answer to the question that was sent. Raises `TreeError`."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        said: dict[str, Any] = json.loads(line) if line else {"error": "klpdsl there cannot be started"}
        if "error" in said:
            raise TreeError(f"{self.path}: {said['error']}")
        return said

    def begin(self, question: TreeQuestion) -> int:
        """Turn to a question; returns how many actions there are."""
        self.send(question._asdict())
        self._kept.setdefault(question, {})
        self._lines.setdefault(question, {})
        self._current = question
        return int(self.hear()["actions"])

    def want(self, steps: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Of these steps, those that have not been answered yet, each once."""
        assert self._current is not None
        kept = self._kept[self._current]
        return [step for step in dict.fromkeys(steps) if step not in kept]

    def take_in(self, steps: Sequence[tuple[int, int]]) -> None:
        """Hear what was asked of these steps, and keep it."""
        assert self._current is not None
        said = self.hear()
        lines, kept = self._lines[self._current], self._kept[self._current]
        lines.update(said["lines"])
        for step, (seen, state, ended) in zip(steps, said["steps"], strict=True):
            kept[step] = Answered(lines[str(seen)], state, ended)

    def answer(self, step: tuple[int, int]) -> Answered:
        """What was said of a step."""
        assert self._current is not None
        return self._kept[self._current][step]


class TreesSearched(NamedTuple):
    """What a search over the pairs of two trees gave. `path` is the shortest way to a difference, None for none.

    `left` and `right` are what each side shows of the last action. `closed` says that every pair was looked at;
    `stopped` names the bound that was hit otherwise.
    """

    question: TreeQuestion
    path: tuple[int, ...] | None
    left: str
    right: str
    closed: bool
    stopped: str
    depth: int
    pairs: int


def search_trees(one: Tree, other: Tree, question: TreeQuestion, bounds: Bounds) -> TreesSearched:
    """Give the same actions to both trees, breadth first, until they show something else. Raises `TreeError`."""
    began = time.monotonic()
    actions = _begin(one, other, question)
    parents: list[tuple[int, int]] = [(-1, -1)]
    known = {(0, 0): 0}
    frontier = [(0, 0)]
    depth = 0
    stopped = ""
    while frontier and not stopped:
        if bounds.depth is not None and depth >= bounds.depth:
            stopped = f"after {depth} actions"
            break
        following: list[tuple[int, int]] = []
        for first in range(0, len(frontier), _BATCH):
            part = frontier[first : first + _BATCH]
            _ask(one, other, part, actions)
            for pair in part:
                for action in range(actions):
                    a, b = one.answer((pair[0], action)), other.answer((pair[1], action))
                    if a.seen != b.seen:
                        path = (*_path(parents, known[pair]), action)
                        return TreesSearched(question, path, a.seen, b.seen, False, "", depth, len(known))
                    reached = a.state, b.state
                    if a.ended or b.ended or reached in known:
                        continue
                    known[reached] = len(parents)
                    parents.append((known[pair], action))
                    following.append(reached)
            if bounds.pairs is not None and len(known) >= bounds.pairs:
                stopped = f"after {len(known)} pairs"
            elif bounds.seconds is not None and time.monotonic() - began >= bounds.seconds:
                stopped = f"after {bounds.seconds:g} seconds"
            if stopped:
                break
        else:
            depth += 1
            frontier = following
    return TreesSearched(question, None, "", "", not stopped, stopped, depth, len(known))


def _begin(one: Tree, other: Tree, question: TreeQuestion) -> int:
    counts = {tree.begin(question) for tree in (one, other)}
    if len(counts) > 1:
        raise TreeError(f"{question.alphabet}: {one.path} and {other.path} read different actions from it")
    return counts.pop()


def _ask(one: Tree, other: Tree, part: list[tuple[int, int]], actions: int) -> None:
    """Let both trees take the steps that they have not taken yet, at the same time."""
    wanted = [
        tree.want((pair[side], action) for pair in part for action in range(actions))
        for side, tree in enumerate((one, other))
    ]
    for tree, steps in zip((one, other), wanted, strict=True):
        tree.send(steps)
    for tree, steps in zip((one, other), wanted, strict=True):
        tree.take_in(steps)


def _path(parents: list[tuple[int, int]], number: int) -> tuple[int, ...]:
    places = []
    while number > 0:
        number, place = parents[number]
        places.append(place)
    return tuple(reversed(places))
