"""A review bundle: what a check elsewhere has left pending, in one file, to be looked at here."""

from __future__ import annotations

import json
from typing import NamedTuple

from klpdsl._errors import KlpdslError
from klpdsl._reading import BUNDLE_BYTES, read_file
from klpdsl._shapes import check, why
from klpdsl.goldens.deciding import pending
from klpdsl.goldens.deciding.pending import Record
from klpdsl.goldens.runs.cases import code_digest, inputs, inputs_digest
from klpdsl.goldens.suite import Suite
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.records import EngineError


class BundleError(KlpdslError):
    """The file is no bundle, or none for this suite."""


class Bundle(NamedTuple):
    """The records that fit what lies here, why others do not, and whether this klpdsl made the bundle."""

    records: tuple[Record, ...]
    refused: tuple[str, ...]
    same_code: bool


def read(suite: Suite, path: str) -> Bundle:
    """Read a bundle and hold it against the suite. Raises `BundleError`."""
    try:
        row = json.loads(read_file(path, BUNDLE_BYTES))
        if not isinstance(row, dict) or row.get("klpdsl-bundle") != pending.VERSION:
            raise BundleError(
                f"{path} is no review bundle of this version (klpdsl check --bundle FILE makes one)"
            )
        check(row["records"], [dict], "records")
        records = [pending.from_json(one) for one in row["records"]]
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error
    except KeyError as error:
        raise BundleError(f"{path} is no review bundle: there is no {error} in it") from error
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path} is no review bundle: {why(error)}") from error
    fitting, refused = [], []
    for record in records:
        problem = _problem(suite, record)
        if problem:
            refused.append(f"{record.scenario!r}: refused, {problem}")
        else:
            fitting.append(record)
    return Bundle(tuple(fitting), tuple(refused), row.get("code") == code_digest())


def _problem(suite: Suite, record: Record) -> str:
    # The file comes from elsewhere: what it names is looked up, never used as a path before.
    if record.scenario not in suite.names([]):
        return "there is no such scenario here"
    engines = {entry[3].engine for entry in record.entries} | set(record.engines) | set(record.base)
    for engine in sorted(engines):
        try:
            known = resolve(engine).name == engine and "/" not in engine
        except EngineError:
            known = False
        if not known:
            return f"there is no engine {engine!r} here"
    if record.inputs != inputs_digest(inputs(suite, record.scenario)):
        return "the scenario here is another than the one that was checked"
    moved = pending.moved(suite, record)
    return f"the base has moved: {', '.join(moved)}" if moved else ""
