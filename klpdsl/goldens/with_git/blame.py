"""Where the lines of a golden come from: the engine change, the commit of the repository, and the reason given."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import NamedTuple

from klpdsl._checkout import kind_of
from klpdsl._errors import KlpdslError
from klpdsl._git import git, trouble
from klpdsl.goldens.causes import responsible
from klpdsl.goldens.runs import cases
from klpdsl.goldens.storage import journal, store
from klpdsl.goldens.suite import Suite
from klpdsl.run.session import Loaded, execute
from klpdsl.syntax.diagnostics import ScenarioError
from klpdsl.trace.text import to_text

UNCOMMITTED = "0" * 40


class BlameError(KlpdslError):
    """The file is no golden of this suite, or has no such line."""


class Commit(NamedTuple):
    """A commit of the repository that brought a line."""

    id: str
    author: str
    date: str
    subject: str


class BlamedLine(NamedTuple):
    """One line of a golden.

    `engine` is the engine at which the line came into the traces of the scenario, `change` the kernel's change (or
    the engine beside mainline) that brought it, empty where it was there from the first engine. `commit` is None
    where git does not know the file.
    """

    number: int
    text: str
    engine: str
    change: str
    citation: str
    commit: Commit | None
    entry: journal.JournalEntry | None


def blame(suite: Suite, path: str, wanted: int = 0) -> list[BlamedLine]:
    """All lines of a golden, or the one wanted. Raises `BlameError`."""
    name, engine = _golden(suite, path)
    files = store.read(suite, name)
    lines = files[engine].splitlines()
    if wanted > len(lines):
        raise BlameError(f"{path} has {len(lines)} lines")
    numbers = [wanted] if wanted else list(range(1, len(lines) + 1))
    origins = _origins(suite, name, files, engine, [number - 1 for number in numbers])
    commits = _commits(suite, path, numbers)
    entries = _reasons(suite, name, engine, {commit.id for commit in commits.values()})
    return [
        BlamedLine(
            number,
            lines[number - 1],
            *origins[number - 1],
            commit if (commit := commits.get(number)) and commit.id != UNCOMMITTED else None,
            entries.get(commit.id if commit else UNCOMMITTED),
        )
        for number in numbers
    ]


def _golden(suite: Suite, path: str) -> tuple[str, str]:
    absolute = os.path.realpath(path)
    base = os.path.realpath(suite.goldens)
    if not absolute.startswith(base + os.sep) or not absolute.endswith(store.SUFFIX):
        raise BlameError(f"{path} is no golden: those are below {suite.goldens} and end in {store.SUFFIX}")
    try:
        mode = os.stat(absolute).st_mode
    except FileNotFoundError:
        raise BlameError(f"there is no file {path}") from None
    if not stat.S_ISREG(mode):
        raise BlameError(f"{path}: it is {kind_of(mode)}, and no regular file")
    folder, file = os.path.split(os.path.relpath(absolute, base))
    return folder.replace(os.sep, "/"), store.engine_of(file)


# --- the engine's change ----------------------------------------------------------------------------------------


def _mapping(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """For each line of the newer text that the older one has, its place there."""
    found: dict[int, int] = {}
    for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        found.update({block.b + i: block.a + i for i in range(block.size)})
    return found


def _origins(
    suite: Suite, name: str, files: dict[str, str], engine: str, places: list[int]
) -> dict[int, tuple[str, str, str]]:
    """For each line, the engine that it came with, the change that brought it, and how to cite that."""
    try:
        loaded = cases.load(suite, name)
    except ScenarioError:
        loaded = None
    chain = [engine, *(one for one in store.descent(engine) if one in files)]
    here = {place: place for place in places}
    found: dict[int, tuple[str, str, str]] = {}
    for newer, older in pairwise(chain):
        mapping = _mapping(files[older].splitlines(), files[newer].splitlines())
        came = {place: now for place, now in here.items() if now not in mapping}
        if came and loaded:
            found.update(_between(loaded, older, newer, files[newer].splitlines(), came))
        elif came:
            found.update(dict.fromkeys(came, (newer, "", "the scenario cannot be read any more")))
        here = {place: mapping[now] for place, now in here.items() if now in mapping}
    first = chain[-1]
    found.update(dict.fromkeys(here, (first, "", f"from the first engine on ({first})")))
    return found


def _between(
    loaded: Loaded, older: str, newer: str, text: list[str], came: dict[int, int]
) -> dict[int, tuple[str, str, str]]:
    """Which of the points between two engines brought the lines of the newer one's golden."""
    passed = responsible.way(older, newer)
    traces = [to_text(execute(loaded, name).trace).splitlines() for name in passed]
    # Lines of the golden that the engine does not give today: the golden is out of date, and says less.
    here = dict(came)
    mapping = _mapping(traces[-1], text)
    found: dict[int, tuple[str, str, str]] = {
        place: (newer, "", "not what the engine gives today (klpdsl check)")
        for place, now in here.items()
        if now not in mapping
    }
    here = {place: mapping[now] for place, now in here.items() if now in mapping}
    steps = {}
    for index in range(len(passed) - 1, 0, -1):
        mapping = _mapping(traces[index - 1], traces[index])
        new = [place for place, now in here.items() if now not in mapping]
        if new and index not in steps:
            steps[index] = responsible.responsible(loaded, passed[index - 1], passed[index])
        for place in new:
            one = steps[index][0]
            found[place] = (one.newer, "+".join(one.changes) or one.newer, one.sentence())
        here = {place: mapping[now] for place, now in here.items() if now in mapping}
    found.update(dict.fromkeys(here, (older, "", f"as on {older}")))
    return found


# --- the repository's commits and the reasons -------------------------------------------------------------------


def _commits(suite: Suite, path: str, numbers: list[int]) -> dict[int, Commit]:
    told = git(
        suite.root,
        "blame",
        "--line-porcelain",
        *(["-L", f"{numbers[0]},{numbers[0]}"] if len(numbers) == 1 else []),
        "--",
        os.path.abspath(path),
    )
    commits: dict[int, Commit] = {}
    if not told:
        # Where git is at a loss, "no commit yet" would be a lie.
        problem = trouble(suite.root)
        if problem:
            raise BlameError(f"git can not be asked about {path}: {problem}")
        return commits
    head: list[str] = []
    fields: dict[str, str] = {}
    # Split at newlines only: a trace may hold other characters that Python takes for ends of lines.
    for line in told.split("\n"):
        if line.startswith("\t"):
            commits[int(head[2])] = Commit(
                head[0], fields.get("author", ""), _date(fields), fields.get("summary", "")
            )
            head, fields = [], {}
        elif not head:
            head = line.split()
        else:
            key, _, value = line.partition(" ")
            fields[key] = value
    return commits


def _date(fields: dict[str, str]) -> str:
    import datetime as dt

    try:
        when = dt.datetime.fromtimestamp(int(fields["author-time"]), dt.UTC)
    except (KeyError, ValueError):
        return ""
    return when.strftime("%Y-%m-%d")


def _reasons(suite: Suite, name: str, engine: str, commits: set[str]) -> dict[str, journal.JournalEntry]:
    """For each commit, the entry of the journal about the golden as that commit has it."""
    path = store.path_of(suite, name, engine)
    relative = suite.relative(path)
    about = {
        file.content: entry
        for entry in journal.read(suite)[0]
        for file in entry.files
        if file.path == relative and file.content
    }
    found: dict[str, journal.JournalEntry] = {}
    if not about:
        return found
    for commit in commits | {UNCOMMITTED}:
        if commit == UNCOMMITTED:
            content = store.read_bytes(suite, name)[engine]
        else:
            shown = git(suite.root, "show", f"{commit}:./{relative}")
            if shown is None:
                continue
            content = shown.encode("utf-8", "backslashreplace")
        entry = about.get(store.fingerprint(content))
        if entry:
            found[commit] = entry
    return found
