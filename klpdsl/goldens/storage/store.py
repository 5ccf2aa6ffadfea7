"""Where goldens lie: `goldens/<scenario>/<engine>.trace`, one file for each engine at which the trace changes.

An engine without a file of its own has its nearest ancestor's trace. So a folder's listing is the semantic history
of its scenario, and a new engine needs no new files. Nothing here writes: that is transaction.py's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from klpdsl._cache import digest
from klpdsl._reading import GOLDEN_BYTES, read_folder
from klpdsl.goldens.suite import Suite
from klpdsl.semantics.engines import ancestors, resolve
from klpdsl.semantics.records import EngineError

if TYPE_CHECKING:
    from klpdsl.run.session import Loaded

SUFFIX = ".trace"
VERDICT = ".verdict"
"""What ends the name of a claim's golden: no trace, but what holds of it in every order."""
#: What leads into another folder, or hides the file.
_UNFIT = re.compile(r"[/%]|^\.")

_lines_of_descent: dict[str, tuple[str, ...]] = {}


def folder(suite: Suite, name: str) -> str:
    """The folder of a scenario's goldens."""
    return os.path.join(suite.goldens, *name.split("/"))


def path_of(suite: Suite, name: str, engine: str) -> str:
    """The file of a scenario's golden for an engine."""
    return os.path.join(folder(suite, name), file_of(engine))


def file_of(engine: str, suffix: str = SUFFIX) -> str:
    """The name of the file of an engine's golden. An engine in a file of its own has its path, escaped, for a name."""
    return _UNFIT.sub(lambda found: _escape(found.group()), engine) + suffix


def engine_of(file: str, suffix: str = SUFFIX) -> str:
    """The engine whose golden has this name of a file."""
    engine = file.removesuffix(suffix)
    if "%" in engine:
        for character in "/.%":
            engine = engine.replace(_escape(character), character)
    return engine


def is_golden(file: str, suffix: str = SUFFIX) -> bool:
    """Whether a golden's file can have that name."""
    return file.endswith(suffix) and file_of(engine_of(file, suffix), suffix) == file


def _escape(character: str) -> str:
    return f"%{ord(character):02X}"


def read_bytes(suite: Suite, name: str, suffix: str = SUFFIX) -> dict[str, bytes]:
    """A scenario's goldens as they lie there: the content of each file, by engine, sorted.

    Raises OSError for what is no file of the suite's, or too large.
    """
    files = read_folder(folder(suite, name), suffix, GOLDEN_BYTES, suite.real)
    return {engine_of(file, suffix): content for file, content in files.items() if is_golden(file, suffix)}


def decode(content: bytes) -> str:
    """A golden's text. What is no UTF-8 stays visible, and equals no trace."""
    return content.decode("utf-8", "backslashreplace")


def read(suite: Suite, name: str, suffix: str = SUFFIX) -> dict[str, str]:
    """A scenario's goldens: the text of each file, by engine."""
    return {engine: decode(content) for engine, content in read_bytes(suite, name, suffix).items()}


def fingerprint(content: bytes) -> str:
    """What a pending change remembers of the golden that it is about."""
    return digest(content)


def descent(engine: str) -> tuple[str, ...]:
    """The engine's ancestors, nearest first; none for a name that is no engine's."""
    found = _lines_of_descent.get(engine)
    if found is None:
        try:
            found = ancestors(engine)
        except EngineError:
            found = ()
        _lines_of_descent[engine] = found
    return found


def nearest(engines: Iterable[str], engine: str) -> str:
    """The engine itself or its nearest ancestor among the given ones; empty when there is none."""
    known = set(engines)
    for candidate in (engine, *descent(engine)):
        if candidate in known:
            return candidate
    return ""


def effective(files: Mapping[str, str], engines: Iterable[str]) -> dict[str, str]:
    """What the files say for each engine; an engine for which they say nothing is left out."""
    said = {engine: nearest(files, engine) for engine in engines}
    return {engine: files[source] for engine, source in said.items() if source}


def meant(suite: Suite, name: str, loaded: Loaded) -> dict[str, str]:
    """What a scenario's goldens say for each engine that it is meant for."""
    return effective(read(suite, name), dict.fromkeys(resolve(one).name for one in loaded.engine_names()))


def needed(traces: Mapping[str, str]) -> dict[str, str]:
    """The files that hold the given traces, by engine: those that differ from their nearest ancestor's."""
    files: dict[str, str] = {}
    for engine in sorted(traces, key=lambda name: len(descent(name))):
        ancestor = nearest(files, engine)
        if not ancestor or files[ancestor] != traces[engine]:
            files[engine] = traces[engine]
    return files
