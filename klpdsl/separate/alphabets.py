"""Alphabets: the actions that a search may take, written as a scenario whose steps are the actions.

Those of klpdsl lie in data/alphabets.toml; each says which axes it can touch. One's own is any scenario.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from importlib.resources import files

from klpdsl._errors import KlpdslError
from klpdsl.run.session import Loaded, load_file, load_text
from klpdsl.syntax import tree
from klpdsl.syntax.wording import format_statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple


class Alphabet(NamedTuple):
    """Actions to choose from. `axes` are those that it can touch; empty where that is not known."""

    name: str
    what: str
    axes: tuple[str, ...]
    loaded: Loaded
    actions: tuple[tree.Operation, ...]


class AlphabetError(KlpdslError):
    """There is no such alphabet, or it has no actions; the text says what there is."""


def alphabets() -> dict[str, Alphabet]:
    """Return klpdsl's own, by name."""
    text = (files("klpdsl.separate") / "data" / "alphabets.toml").read_text(encoding="utf-8")
    return {
        name: _alphabet(name, row["what"], tuple(row["axes"]), load_text(row["scenario"], f"alphabet {name}"))
        for name, row in tomllib.loads(text).items()
    }


def from_file(path: str) -> Alphabet:
    """The actions of a scenario. Raises `ScenarioError`, and `AlphabetError` where it has none."""
    return _alphabet(path, f"the steps of {path}", (), load_file(path))


def named(specs: Iterable[str]) -> list[Alphabet]:
    """The alphabets of these names, several with commas, or of these files. Raises `AlphabetError`, `ScenarioError`."""
    known = alphabets()
    return [_named(name, known) for spec in specs for name in spec.split(",")]


def _named(name: str, known: dict[str, Alphabet]) -> Alphabet:
    if name in known:
        return known[name]
    if os.path.exists(name) or name.endswith(".klp"):
        return from_file(name)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise AlphabetError(
        f"no alphabet and no file is called {name}{hint} (klpdsl separate --alphabets lists them)"
    )


def _alphabet(name: str, what: str, axes: tuple[str, ...], loaded: Loaded) -> Alphabet:
    # The same words mean the same action, wherever they stand.
    actions = tuple({format_statement(one): one for one in _actions(loaded.program.statements)}.values())
    if not actions:
        raise AlphabetError(f"{name}: no step in it is an action to choose from")
    return Alphabet(name, what, axes, loaded, actions)


def _actions(statements: Iterable[tree.Statement]) -> Iterator[tree.Operation]:
    for statement in statements:
        if isinstance(statement, tree.Step):
            operation = statement.operation
            if isinstance(operation, tree.TaskStep):
                for action in operation.actions:
                    yield operation._replace(actions=(action,))
            else:
                yield operation
        elif isinstance(statement, tree.Interleave):
            for thread in statement.threads:
                yield from _actions(thread.body)
        elif isinstance(statement, tree.Choose):
            for branch in statement.branches:
                yield from _actions(branch)


def touching(axes: Iterable[str], known: dict[str, Alphabet]) -> list[Alphabet]:
    """The alphabets that can touch one of the axes, those that touch most of them first, then the smaller first."""
    wanted = set(axes)
    found = [one for one in known.values() if wanted & set(one.axes)]
    return sorted(found, key=lambda one: (-len(wanted & set(one.axes)), len(one.actions)))
