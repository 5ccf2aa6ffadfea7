"""Bisection over the revisions of a klpdsl repository: the commit of ours that changed what a scenario gives.

Every revision runs in a tree and a process of its own, with its own code and data, and with the dependencies that its
own lock file pins. The repository is only read: trees are written beside it, and are gone at the end.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Self

from klpdsl._errors import KlpdslError
from klpdsl.bisect import environments
from klpdsl.bisect.bisection import BisectError
from klpdsl.bisect.predicates import Predicate, PredicateView
from klpdsl.bisect.scenario import RunError
from klpdsl.bisect.search import Kind, Probe, SearchResult, Verdict, search, turns

_TRACE = "# klpdsl trace"
_HEADING = "==== "
_REVERTS = re.compile(r"This reverts commit ([0-9a-f]{7,40})")


class GitError(KlpdslError):
    """git says no, or the range is none."""


class Revision(NamedTuple):
    """A commit of the repository."""

    commit: str
    subject: str
    author: str
    date: str
    parents: tuple[str, ...]
    reverts: tuple[str, ...]


class Repository:
    """A clone of klpdsl."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.git("rev-parse", "--git-dir")

    def git(self, *arguments: str, **environment: str) -> str:
        """Run git and return what it prints. Raises `GitError`."""
        try:
            done = subprocess.run(
                ["git", "-C", self._path, *arguments],
                env={**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **environment},
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except FileNotFoundError:
            raise GitError("git is not installed, or not on the path") from None
        if done.returncode:
            raise GitError(done.stderr.strip().removeprefix("fatal: ") or f"git {arguments[0]} fails")
        return done.stdout

    def commit(self, name: str) -> str:
        """Return the commit that a name stands for."""
        try:
            return self.git(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
            ).strip()
        except GitError:
            raise GitError(f"{self._path} has no revision {name}") from None

    def revision(self, commit: str) -> Revision:
        """Return what is known of a commit."""
        form = "%H%x00%s%x00%an%x00%as%x00%P%x00%B"
        fields = self.git("show", "--no-patch", f"--format={form}", commit).split("\0", 5)
        full, subject, author, date, parents, body = fields
        return Revision(full, subject, author, date, tuple(parents.split()), tuple(_REVERTS.findall(body)))

    def between(self, good: str, bad: str) -> list[str]:
        """Return the commits after `good` up to `bad` along first parents, oldest first."""
        return self.git("rev-list", "--first-parent", "--reverse", f"{good}..{bad}").split()

    def files(self, commit: str) -> list[str]:
        """Return the files that a commit changes."""
        return self.git(
            "diff-tree", "--root", "-r", "-m", "--first-parent", "--no-commit-id", "--name-only", commit
        ).splitlines()

    def content(self, commit: str, path: str) -> str | None:
        """Return a file of a commit; None if it has none."""
        try:
            return self.git("show", f"{commit}:{path}")
        except GitError:
            return None

    def write_tree(self, commit: str, folder: str) -> None:
        """Write all files of a commit into a folder, with an index of its own: the repository is not touched."""
        os.makedirs(folder)
        index = f"{folder}.index"
        try:
            self.git("read-tree", commit, GIT_INDEX_FILE=index)
            self.git("checkout-index", "--all", f"--prefix={os.path.join(folder, '')}", GIT_INDEX_FILE=index)
        finally:
            for path in (index, f"{index}.lock"):
                if os.path.exists(path):
                    os.unlink(path)


def split_range(spec: str) -> tuple[str, str]:
    """Return both ends of `GOOD..BAD`; without BAD it is HEAD."""
    good, dots, bad = spec.partition("..")
    if not dots or not good or bad.startswith("."):
        raise GitError(f"`{spec}` is no range: write GOOD..BAD")
    return good, bad or "HEAD"


class Workshop:
    """A folder for the trees of one bisection; it is gone when the work is done."""

    def __init__(self) -> None:
        base = os.path.join(environments.cache_folder(), "bisect")
        os.makedirs(base, exist_ok=True)
        _sweep(base)
        environments.sweep()
        self.path = tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=base)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _sweep(base: str) -> None:
    """Remove what a bisection that was killed has left."""
    for name in os.listdir(base):
        pid = name.partition("-")[0]
        if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            shutil.rmtree(os.path.join(base, name), ignore_errors=True)


class Request(NamedTuple):
    """What every revision is asked to run: the scenario's file, on these engines, at most for so long."""

    scenario: str
    engines: tuple[str, ...]
    timeout: float


class Runs:
    """Runs revisions and keeps what they gave."""

    def __init__(
        self, repository: Repository, workshop: Workshop, request: Request, predicate: Predicate
    ) -> None:
        self._repository = repository
        self._workshop = workshop
        self.request = request
        self._predicate = predicate
        self.traces: dict[str, list[str]] = {}
        self.views: dict[str, PredicateView] = {}

    def look(self, commits: Iterable[str], jobs: int) -> list[PredicateView]:
        """Run the revisions that have not been run, some at a time; return what the predicate sees in each."""
        wanted = list(commits)
        missing = [commit for commit in dict.fromkeys(wanted) if commit not in self.views]
        if jobs > 1 and len(missing) > 1:
            with ThreadPoolExecutor(jobs) as pool:
                views = list(pool.map(self._view, missing))
        else:
            views = [self._view(commit) for commit in missing]
        self.views.update(zip(missing, views, strict=True))
        return [self.views[commit] for commit in wanted]

    def _view(self, commit: str) -> PredicateView:
        tree = os.path.join(self._workshop.path, commit)
        try:
            self._repository.write_tree(commit, tree)
            python = environments.python_for(self._repository.content(commit, environments.LOCK))
            traces = self._run(python, tree)
            self.traces[commit] = traces
            context = {"revision": commit, "tree": tree, "python": python}
            views = [self._predicate.view(trace, context) for trace in traces]
        except (RunError, environments.EnvironmentMissingError) as error:
            return PredicateView("", str(error))
        finally:
            shutil.rmtree(tree, ignore_errors=True)
        cannot = next((view.cannot for view in views if view.cannot), "")
        return PredicateView("\0".join(view.seen for view in views), cannot)

    def _run(self, python: str, tree: str) -> list[str]:
        """The traces that a revision prints, one for each engine."""
        request = self.request
        command = [python, "-m", "klpdsl", "run", request.scenario]
        for engine in request.engines:
            command += ["--engine", engine]
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KLPDSL_", "PYTHON", "GIT_")) and name != "VIRTUAL_ENV"
        }
        environment |= {
            "PYTHONPATH": tree,
            "PYTHONDONTWRITEBYTECODE": "1",
            "KLPDSL_CACHE_DIR": os.path.join(self._workshop.path, "cache"),
            "NO_COLOR": "1",
        }
        try:
            done = subprocess.run(
                command,
                cwd=tree,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=request.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RunError(f"does not end within {request.timeout:g} seconds") from None
        traces = _split(done.stdout)
        crashed = done.returncode not in (0, 1) or "Traceback (most recent call last)" in done.stderr
        if crashed or len(traces) != len(request.engines):
            raise RunError(_last_words(done.stderr) or f"klpdsl run exits with {done.returncode}")
        return traces


def _split(printed: str) -> list[str]:
    """The traces in what `klpdsl run` prints; the headings between several are left out."""
    traces: list[list[str]] = []
    for line in printed.split("\n"):
        if line.startswith(_TRACE):
            traces.append([])
        if traces and not line.startswith(_HEADING):
            traces[-1].append(line)
    return ["\n".join(lines).rstrip("\n") + "\n" for lines in traces]


def _last_words(printed: str) -> str:
    """What an error comes down to: the first line, or the last one of a traceback."""
    lines = [line for line in printed.splitlines() if line.strip()]
    if not lines:
        return ""
    return lines[-1] if any(line.startswith("Traceback") for line in lines) else lines[0]


class Found(NamedTuple):
    """What a bisection over revisions found.

    `places` are pairs of indices into `commits`; there is one, or with --all every place where it turns. `inside` is
    the commit of a merged branch that the merge brought the difference from.
    """

    commits: tuple[str, ...]
    outcome: SearchResult
    places: tuple[tuple[int, int], ...]
    inside: tuple[str, str] | None
    undone: tuple[tuple[str, str], ...]


class Bisector:
    """Bisects the revisions between two."""

    def __init__(self, repository: Repository, runs: Runs, good: str, bad: str, jobs: int) -> None:
        self._repository = repository
        self._runs = runs
        self._jobs = max(1, jobs)
        start, end = repository.commit(good), repository.commit(bad)
        if repository.git("merge-base", start, end).strip() != start:
            raise GitError(
                f"{good} is no ancestor of {bad}: take `git merge-base {good} {bad}` as the good end"
            )
        self.commits = (start, *repository.between(start, end))
        if len(self.commits) == 1:
            raise GitError(f"{good}..{bad} is empty")

    def bisect(
        self, *, everything: bool = False, tell: Callable[[str, Probe], None] = lambda *_: None
    ) -> Found:
        """Run it. Raises `BisectError`."""
        commits = self.commits
        # Both ends first, side by side: they decide what good means.
        for commit, view in zip(
            (commits[0], commits[-1]), self._runs.look((commits[0], commits[-1]), 2), strict=True
        ):
            if view.cannot:
                raise BisectError(f"{commit[:12]} cannot be judged: {view.cannot}", cannot_judge=True)
        if everything:
            every = range(len(commits))
            verdicts = dict(zip(every, self._judge(commits, every, max(self._jobs, 2)), strict=True))
            places = tuple(turns(verdicts))
            if not places:
                raise BisectError(f"{self._ends()} are alike, and so is every revision between them")
            outcome = SearchResult(*places[0], verdicts)
        elif self._runs.views[commits[0]].seen == self._runs.views[commits[-1]].seen:
            raise BisectError(f"{self._ends()} are alike (--all shows what comes and goes between them)")
        else:
            outcome = self._search(commits, tell)
            places = ((outcome.good, outcome.bad),)
        inside = self._inside(commits[places[0][1]], tell) if len(places) == 1 and outcome.exact else None
        return Found(commits, outcome, places, inside, tuple(self._undone(outcome)))

    def _ends(self) -> str:
        return f"{self.commits[0][:12]} and {self.commits[-1][:12]}"

    def _search(self, commits: Sequence[str], tell: Callable[[str, Probe], None]) -> SearchResult:
        return search(
            len(commits),
            lambda indices: self._judge(commits, indices, self._jobs),
            width=self._jobs,
            tell=lambda probe: tell(commits[probe.place], probe),
        )

    def _judge(self, commits: Sequence[str], indices: Iterable[int], jobs: int) -> list[Verdict]:
        good = self._runs.views[self.commits[0]].seen
        verdicts = []
        for view in self._runs.look((commits[index] for index in indices), jobs):
            kind: Kind = "unknown" if view.cannot else "good" if view.seen == good else "bad"
            verdicts.append(Verdict(kind, view.cannot))
        return verdicts

    def _inside(self, merge: str, tell: Callable[[str, Probe], None]) -> tuple[str, str] | None:
        """The pair of revisions of a merged branch between which it turns; None where the merge itself did it."""
        parents = self._repository.revision(merge).parents
        if len(parents) != 2:
            return None
        inner = (parents[0], *self._repository.between(*parents))
        if len(inner) == 1 or self._judge(inner, [len(inner) - 1], 1)[0].kind != "bad":
            return None
        outcome = self._search(inner, tell)
        if not outcome.exact:
            return None
        branch_point = self._repository.revision(inner[outcome.bad]).parents[0]
        self._runs.look([branch_point], 1)
        return branch_point, inner[outcome.bad]

    def _undone(self, outcome: SearchResult) -> Iterable[tuple[str, str]]:
        """Commits and their reverts that lie in a stretch of which only the ends were run."""
        for first, last in outcome.silent_stretches():
            inside = self.commits[first + 1 : last + 1]
            for commit in inside:
                for reverted in self._repository.revision(commit).reverts:
                    yield from ((other, commit) for other in inside if other.startswith(reverted))
