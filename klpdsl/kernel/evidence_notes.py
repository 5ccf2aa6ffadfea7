"""What a check has to say about evidence: what is stale, what is about nothing, and what cannot be read.

What was found about a scenario is kept, under all that it follows from: the file of its evidence, byte for byte, and
what the check's own report stands on. As long as that is so, no file is more than read.
"""

from __future__ import annotations

import os

from klpdsl import _cache
from klpdsl._reading import SMALL_BYTES, read_file
from klpdsl.goldens.runs.cases import code_digest
from klpdsl.goldens.suite import Suite
from klpdsl.kernel.evidence_files import names_kept, path_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NamedTuple, TypeAlias

    #: By the scenario's name: what it is kept under, the kernels whose evidence is stale, and what is wrong with it.
    Index: TypeAlias = dict[str, tuple[str, tuple[str, ...], str]]
else:
    from klpdsl._records import NamedTuple

_NOTES = "evidence"


class EvidenceNotes(NamedTuple):
    """What there is to say, a sentence each: what is stale or about no scenario, and which files are damaged."""

    stale: tuple[str, ...]
    damaged: tuple[str, ...]


def look_over(suite: Suite, keys: Mapping[str, str]) -> EvidenceNotes:
    """Look at the evidence about the scenarios that are named, each with its report's key (empty: it has none)."""
    known = _load(suite)
    new: Index = {}
    there = set(suite.names([]))
    stale, damaged = [], []
    for name in names_kept(suite):
        if name not in there:
            stale.append(f"{suite.relative(path_of(suite, name))}: evidence about no scenario")
        if name not in there or name not in keys:
            continue
        key = _key(suite, name, keys[name])
        entry = known.get(name)
        if entry is None or not key or entry[0] != key:
            entry = (key, *_found(suite, name))
            if key:
                new[name] = entry
        _, kernels, wrong = entry
        if wrong:
            damaged.append(wrong)
        elif kernels:
            said = " and ".join(kernels)
            stale.append(f"{name}: what Linux {said} said is about another trace (klpdsl kernel confirm)")
    if new:
        _cache.store(_NOTES, _name(suite), {**known, **new})
    return EvidenceNotes(tuple(stale), tuple(damaged))


def _found(suite: Suite, name: str) -> tuple[tuple[str, ...], str]:
    # Reading evidence takes importing what knows traces and kernels: a second check does without.
    from klpdsl.kernel import evidence

    try:
        return tuple(evidence.stale(suite, name)), ""
    except evidence.EvidenceError as error:
        return (), str(error)


def _key(suite: Suite, name: str, report: str) -> str:
    """What follows from nothing but this can be kept; empty where it cannot."""
    if not report:
        return ""
    try:
        return _cache.digest(report.encode(), read_file(path_of(suite, name), SMALL_BYTES, suite.real))
    except (OSError, ValueError):
        return ""


def _load(suite: Suite) -> Index:
    stored = _cache.load(_NOTES, _name(suite))
    return stored if isinstance(stored, dict) else {}


def _name(suite: Suite) -> str:
    code = _cache.code_digest([os.path.dirname(os.path.abspath(__file__))]) or ""
    return _cache.digest(code_digest().encode(), code.encode(), suite.root.encode("utf-8", "surrogateescape"))
