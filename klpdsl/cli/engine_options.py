"""Engines on a command line: every command takes them in the same way, and speaks of them as they were asked for."""

from __future__ import annotations

import os

from klpdsl.semantics.engines import asked_names, called, resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import NamedTuple

    from klpdsl.semantics.records import Engine
else:
    from klpdsl._records import NamedTuple

#: How engines are given, in every command that takes some: repeatable, each with commas, ranges and groups.
ENGINE_OPTIONS = ("-e", "--engine", "--engines")


class AskedEngine(NamedTuple):
    """An engine, the names by which it was asked for, and what to call it: `v6.12 (= v6.11)`."""

    engine: Engine
    names: tuple[str, ...]
    label: str


def add_engines(p: argparse.ArgumentParser | argparse._ArgumentGroup, purpose: str) -> None:
    """Add the option; `purpose` says what the command does with the engines."""
    p.add_argument(
        *ENGINE_OPTIONS,
        action="append",
        default=[],
        dest="engine",
        metavar="ENGINE",
        help=f"{purpose}; an engine (v6.12, debian-12, baron-v2, ./proposal.toml), a range (v4.12..v5.1) or a group "
        "(all, proposals, distributions), several with commas; may be repeated",
    )


def names_of(specs: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the canonical names of all the engines asked for, once each, with the names that were used for them."""
    found: dict[str, tuple[str, ...]] = {}
    for spec in specs:
        # A comma may be part of a file's name.
        single = "," in spec and os.path.exists(spec)
        for name, asked in {resolve(spec).name: (spec,)}.items() if single else asked_names(spec).items():
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *asked)))
    return found


def asked_engines(
    specs: Iterable[str], sets: Iterable[str] = (), added: Iterable[str] = (), removed: Iterable[str] = ()
) -> tuple[AskedEngine, ...]:
    """Return all the engines asked for, once each, altered by what --set, --with and --without say."""
    alter = tuple(sets), tuple(added), tuple(removed)
    found: dict[str, AskedEngine] = {}
    for name, asked in names_of(specs).items():
        engine = _altered(name, *alter) if alter[0] else resolve(name, *alter)
        # What was altered is no longer what was asked for by that name.
        names = asked if engine.name == name else (engine.name,)
        found.setdefault(engine.name, AskedEngine(engine, names, called(engine.name, names)))
    return tuple(found.values())


def _altered(name: str, *alter: tuple[str, ...]) -> Engine:
    # Only who sets an axis needs to know which settings are pointless.
    from klpdsl.semantics.pointless import resolve_to_some_point

    return resolve_to_some_point(name, *alter)
