"""Where goldens lie: `goldens/<scenario>/<engine>.trace`, one file for each engine at which the trace changes.

An engine without a file of its own has its nearest ancestor's trace. So a folder's listing is the semantic history
of its scenario, and a new engine needs no new files.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping

from klpdsl.goldens.suite import Suite
from klpdsl.semantics.engines import ancestors

SUFFIX = ".trace"


def folder(suite: Suite, name: str) -> str:
    """The folder of a scenario's goldens."""
    return os.path.join(suite.goldens, *name.split("/"))


def read(suite: Suite, name: str) -> dict[str, str]:
    """A scenario's goldens: the text of each file, by engine."""
    texts: dict[str, str] = {}
    path = folder(suite, name)
    if not os.path.isdir(path):
        return texts
    for entry in sorted(os.listdir(path)):
        if entry.endswith(SUFFIX):
            with open(os.path.join(path, entry), encoding="utf-8", newline="") as file:
                texts[entry.removesuffix(SUFFIX)] = file.read()
    return texts


def nearest(engines: Iterable[str], engine: str) -> str:
    """The engine itself or its nearest ancestor among the given ones; empty when there is none."""
    known = set(engines)
    for candidate in (engine, *ancestors(engine)):
        if candidate in known:
            return candidate
    return ""


def needed(traces: Mapping[str, str]) -> dict[str, str]:
    """The files that hold the given traces, by engine: those that differ from their nearest ancestor's."""
    files: dict[str, str] = {}
    for engine in sorted(traces, key=lambda name: len(ancestors(name))):
        ancestor = nearest(files, engine)
        if not ancestor or files[ancestor] != traces[engine]:
            files[engine] = traces[engine]
    return files


def write(suite: Suite, name: str, files: Mapping[str, str]) -> list[str]:
    """Make a scenario's goldens exactly these files; returns the paths written or removed, sorted.

    Each file is replaced atomically.
    """
    path = folder(suite, name)
    old = read(suite, name)
    changed = []
    os.makedirs(path, exist_ok=True)
    for engine, text in files.items():
        if old.get(engine) != text:
            target = os.path.join(path, engine + SUFFIX)
            _replace(target, text)
            changed.append(target)
    for engine in old.keys() - files.keys():
        target = os.path.join(path, engine + SUFFIX)
        os.unlink(target)
        changed.append(target)
    return sorted(changed)


def _replace(path: str, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".new-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
