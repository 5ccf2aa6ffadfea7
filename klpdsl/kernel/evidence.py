"""What real kernels said about each scenario, kept in the suite: `evidence/<scenario>.toml`.

A table for each kernel: how the scenario went there, on which release, and the digests of what was asked and of what
the model said. Evidence is stale when the model says something else now, or the scenario asks something else. What
matters of a kernel's configuration is in `evidence/kernels/<kernel>.toml`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from klpdsl._errors import KlpdslError
from klpdsl._reading import SMALL_BYTES, read_file
from klpdsl._shapes import check, why
from klpdsl.goldens.storage import store, writes
from klpdsl.goldens.suite import GOLDENS, Suite
from klpdsl.kernel.evidence_files import FOLDER, KERNELS, SUFFIX, path_of
from klpdsl.kernel.observable import VisibleStep, visible_steps
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.records import EngineError
from klpdsl.trace.events import Trace
from klpdsl.trace.reading import TraceError, from_text

State = Literal["confirmed", "contradicted", "not-expressible"]
_STATES = get_args(State)

_HEAD = "# Written by `klpdsl kernel confirm --record`: what real kernels did (docs/real-kernel.md).\n"


class Evidence(NamedTuple):
    """What one kernel said about one scenario.

    `asked` is the digest of what the guest was told to do, `model` that of what the model's trace shows of it.
    `golden` is that of the golden as it was: while that stands, nothing can have become stale. `why` are the reasons,
    or the lines in which they differ.
    """

    state: State
    release: str
    engine: str = ""
    asked: str = ""
    model: str = ""
    golden: str = ""
    why: tuple[str, ...] = ()


class EvidenceError(KlpdslError):
    """A file that holds no evidence, although it lies where it should."""


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=True).encode()).hexdigest()[:16]


def digest_of_plan(script: str, sources: Iterable[str]) -> str:
    """Return the digest of what the guest is told: its script and the sources of its modules."""
    return _digest([script, sorted(sources)])


def digest_of_steps(steps: tuple[VisibleStep, ...]) -> str:
    """Return the digest of what can be compared of a trace; expectations are the author's, and not in it."""
    return _digest([(step.text, step.said, step.changed, step.shown, step.result) for step in steps])


def digest_of_trace(trace: Trace) -> str:
    """Return the digest of what can be compared of `trace`."""
    return digest_of_steps(visible_steps(trace))


def read(suite: Suite, name: str) -> dict[str, Evidence]:
    """Return what is kept about a scenario, by kernel. Raises `EvidenceError`."""
    path = path_of(suite, name)
    try:
        tables = tomllib.loads(read_file(path, SMALL_BYTES, suite.real).decode())
        check(tables, {str: _SHAPE})
        return {kernel: _row(kernel, table) for kernel, table in tables.items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise EvidenceError(f"{suite.relative(path)}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError, EngineError) as error:
        raise EvidenceError(f"{suite.relative(path)}: this is no evidence: {why(error)}") from error


_SHAPE = {
    **dict.fromkeys(("state", "release"), str),
    **dict.fromkeys(("engine?", "asked?", "model?", "golden?"), str),
    "why?": [str],
}


def _row(kernel: str, table: Mapping[str, Any]) -> Evidence:
    if table["state"] not in _STATES:
        raise ValueError(f"`{kernel}.state` is one of {', '.join(_STATES)}, not {table['state']!r}")
    if table.get("engine") == f"v{kernel}":
        resolve(table["engine"])  # a golden of that engine is looked for
    return Evidence(
        table["state"],
        table["release"],
        table.get("engine", ""),
        table.get("asked", ""),
        table.get("model", ""),
        table.get("golden", ""),
        tuple(table.get("why", ())),
    )


def _text(row: Evidence) -> str:
    lines = []
    for key, value in row._asdict().items():
        if isinstance(value, tuple):
            if value:
                lines.append(f"{key} = [\n" + "".join(f"    {_string(line)},\n" for line in value) + "]\n")
        elif value:
            lines.append(f"{key} = {_string(value)}\n")
    return "".join(lines)


def _string(text: str) -> str:
    # What JSON escapes, a TOML basic string escapes in the same way.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def is_known(kept: Evidence | None, now: Evidence) -> bool:
    """Whether a contradiction is on record for what was asked now, on that release and with that model."""
    if kept is None or kept.state != "contradicted":
        return False
    return (kept.release, kept.asked, kept.model) == (now.release, now.asked, now.model)


def write(suite: Suite, name: str, rows: Mapping[str, Evidence]) -> bool:
    """Keep `rows` beside those of other kernels; returns whether the file is another now."""
    kept = read(suite, name)
    # What a kernel contradicted once stays so until the model says something else or the kernel is another.
    known = {kernel for kernel, row in rows.items() if is_known(kept.get(kernel), row)}
    new = kept | {kernel: row for kernel, row in rows.items() if kernel not in known}
    if new == kept:
        return False
    order = sorted(
        new, key=lambda kernel: [int(part) if part.isdecimal() else 0 for part in kernel.split(".")]
    )
    text = _HEAD + "".join(f"\n[{_string(kernel)}]\n{_text(new[kernel])}" for kernel in order)
    writes.write(suite, suite.relative(path_of(suite, name)), text.encode())
    return True


def write_kernel(suite: Suite, kernel: str, release: str, facts: Mapping[str, str]) -> None:
    """Keep what matters of a kernel that was asked."""
    rows = {"release": release, **facts}
    text = _HEAD + "\n" + "".join(f"{key} = {_string(value)}\n" for key, value in rows.items())
    writes.write(suite, f"{FOLDER}/{KERNELS}/{kernel}{SUFFIX}", text.encode())


def objections(suite: Suite, written: Iterable[str]) -> list[str]:
    """Say what kernels have against goldens that were just written, given by their paths below the suite."""
    found = []
    # What is written beside goldens is the journal, about which no kernel says anything.
    names = {os.path.dirname(os.path.relpath(path, GOLDENS)) for path in written if path.endswith(".trace")}
    for name in sorted(names):
        try:
            old = stale(suite, name)
        except EvidenceError as error:
            found.append(str(error))
            continue
        found += [
            f"{name}: Linux {kernel} was seen to do something else: klpdsl kernel confirm can tell"
            for kernel in old
        ]
        found += [
            f"{name}: Linux {kernel} contradicts this ({suite.relative(path_of(suite, name))})"
            for kernel, row in read(suite, name).items()
            if row.state == "contradicted" and kernel not in old
        ]
    return found


def digest_of_text(text: str) -> str:
    """Return the digest of a whole trace's text."""
    return _digest(text)


def stale(suite: Suite, name: str) -> list[str]:
    """Return the kernels whose evidence about a scenario no longer fits its goldens.

    Evidence that was taken with an engine of its own (a distribution's backports made a difference) is only checked
    when it is taken anew.
    """
    rows = [(kernel, row) for kernel, row in read(suite, name).items() if row.engine == f"v{kernel}"]
    if not rows:
        return []
    goldens = store.read(suite, name)
    found = []
    for kernel, row in rows:
        # A release in which nothing changed has the engine of the one before.
        nearest = store.nearest(goldens, resolve(row.engine).name)
        if not nearest:
            found.append(kernel)
        elif digest_of_text(goldens[nearest]) != row.golden:
            # Another text; but what can be compared of it may be the same.
            try:
                fits = digest_of_trace(from_text(goldens[nearest])) == row.model
            except TraceError:
                fits = False
            if not fits:
                found.append(kernel)
    return found
