"""`klpdsl bisect --git`: find the commit of a klpdsl repository that makes the difference."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from klpdsl.bisect.bisect_report import probe_line
from klpdsl.bisect.predicates import Predicate
from klpdsl.bisect.revisions import (
    Bisector,
    Found,
    Repository,
    Request,
    Runs,
    Workshop,
    split_range,
)
from klpdsl.bisect.search import Probe, steps_left
from klpdsl.bisect.trace_text import difference
from klpdsl.cli.common import OK, USAGE, complain
from klpdsl.cli.scenario_options import file_of
from klpdsl.run.session import load_file
from klpdsl.semantics.engines import expand

_FILES = 8
_MOST_LINES = 60


def main_git(arguments: argparse.Namespace, predicate: Predicate) -> int:
    """Bisect over revisions; returns the exit code."""
    if arguments.good or arguments.bad or arguments.minimal_set or arguments.reduce:
        complain(
            "klpdsl bisect: --good, --bad, --minimal-set and --reduce are about engines, --git about revisions"
        )
        return USAGE
    engines = _engines(arguments)
    repository = Repository(arguments.repo)
    ends = split_range(arguments.git)
    with Workshop() as workshop:
        request = Request(
            os.path.abspath(file_of(arguments.file, arguments.text, "--git")), engines, arguments.timeout
        )
        runs = Runs(repository, workshop, request, predicate)
        bisector = Bisector(repository, runs, *ends, arguments.jobs)
        loud = arguments.format == "text"
        if loud:
            count = len(bisector.commits) - 1
            print(
                f"{ends[0]} is good and {ends[1]} is bad: {count} revision{'s' if count != 1 else ''}, "
                f"{steps_left(count)} steps at most; on {', '.join(engines)}"
            )
            sys.stdout.flush()

        def tell(commit: str, probe: Probe) -> None:
            if loud:
                print(probe_line(probe, _short(repository, commit)), flush=True)

        found = bisector.bisect(everything=arguments.all, tell=tell)
    if loud:
        print("\n".join(_text(repository, found, runs)))
    else:
        print(json.dumps(_json(repository, found, runs), indent=2, ensure_ascii=False))
    return OK


def _engines(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The engines to run on, by the names that were given: other revisions may know more of them than this one."""
    loaded = load_file(file_of(arguments.file, arguments.text, "--git"))
    specs = arguments.engine or [
        span.first if span.first == span.last else f"{span.first}..{span.last}" for span in loaded.engines
    ]
    names: list[str] = []
    for spec in specs:
        several = expand(spec)
        names += several if len(several) > 1 else [spec]
    return tuple(dict.fromkeys(names)) or loaded.engine_names()


def _short(repository: Repository, commit: str) -> str:
    return f"{commit[:12]} {repository.revision(commit).subject}"


def _text(repository: Repository, found: Found, runs: Runs) -> Iterator[str]:
    if len(found.places) > 1:
        yield f"It turns {len(found.places)} times:"
    for good, bad in found.places:
        yield ""
        candidates = found.commits[good + 1 : bad + 1]
        if len(candidates) > 1:
            count = len(candidates)
            yield f"One or more of these {count} revisions makes the difference; all but the last cannot be judged:"
            for commit in candidates:
                yield f"  {_short(repository, commit)}"
        else:
            yield from _commit(repository, found.commits[bad], "The difference comes with")
        before, after = found.commits[good], found.commits[bad]
        if found.inside is not None:
            before, after = found.inside
            yield from _commit(repository, after, "which merges it from")
        yield f"{before[:12]} (-) and {after[:12]} (+):"
        lines = list(_differences(runs, before, after))
        yield from (f"  {line}" for line in lines[:_MOST_LINES])
        if len(lines) > _MOST_LINES:
            yield f"  … and {len(lines) - _MOST_LINES} lines more"
    yield ""
    for commit, revert in found.undone:
        yield (
            f"warning: {revert[:12]} reverts {commit[:12]}, and no revision between was run: "
            "what it did there may have been missed (--all runs every revision)"
        )
    unknown = sum(bool(view.cannot) for view in runs.views.values())
    could_not = f", {unknown} of them could not be judged" if unknown else ""
    yield f"{len(runs.views)} of {len(found.commits)} revisions run{could_not}."


def _differences(runs: Runs, before: str, after: str) -> Iterator[str]:
    """The lines that differ, engine by engine; engines that differ alike stand together."""
    alike: dict[tuple[str, ...], list[str]] = {}
    pairs = zip(runs.request.engines, runs.traces.get(before, ()), runs.traces.get(after, ()), strict=False)
    for engine, old, new in pairs:
        lines = tuple(difference(old, new))
        if lines:
            alike.setdefault(lines, []).append(engine)
    for lines, engines in alike.items():
        yield f"on {', '.join(engines)}:"
        yield from (f"  {line}" for line in lines)


def _commit(repository: Repository, commit: str, words: str) -> Iterator[str]:
    revision = repository.revision(commit)
    yield f"{words} {commit[:12]}:"
    yield f"  {revision.subject}"
    yield f"  {revision.author}, {revision.date}"
    files = repository.files(commit)
    for file in files[:_FILES]:
        yield f"    {file}"
    if len(files) > _FILES:
        yield f"    … and {len(files) - _FILES} files more"


def _json(repository: Repository, found: Found, runs: Runs) -> dict[str, Any]:
    return {
        "good": found.commits[0],
        "bad": found.commits[-1],
        "revisions": len(found.commits),
        "run": len(runs.views),
        "verdicts": [
            {"commit": found.commits[index], "verdict": verdict.kind, "why": verdict.why or None}
            for index, verdict in sorted(found.outcome.verdicts.items())
        ],
        "culprits": [
            {
                "before": found.commits[good],
                "exact": bad == good + 1,
                "candidates": [
                    repository.revision(commit)._asdict() for commit in found.commits[good + 1 : bad + 1]
                ],
                "difference": list(_differences(runs, found.commits[good], found.commits[bad])),
            }
            for good, bad in found.places
        ],
        "merged_from": found.inside[1] if found.inside else None,
        "undone": [{"commit": commit, "revert": revert} for commit, revert in found.undone],
    }
