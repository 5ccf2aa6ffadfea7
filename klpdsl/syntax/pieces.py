"""What rules of the grammar that are no nodes become on the way to the node that they are a part of."""

from __future__ import annotations

from typing import Literal, NamedTuple

from klpdsl.syntax import tree
from klpdsl.syntax.place import Name, Span


class BlockPart(NamedTuple):
    """Statements in braces."""

    body: tuple[tree.Statement, ...]
    span: Span


class ProbesPart(NamedTuple):
    """The functions of `probes f, g`."""

    functions: tuple[tree.FunctionRef, ...]


class FailsPart(NamedTuple):
    """The errno of `fails ENODEV`."""

    word: Name


class RedirectsPart(NamedTuple):
    """The functions of `redirects f, g`."""

    functions: tuple[tree.FunctionRef, ...]


class SymposPart(int):
    """The number of `sympos 2`."""

    __slots__ = ()


class OwnerPart(NamedTuple):
    """The module of `of ext4`."""

    word: Name


class ConstructorPart(NamedTuple):
    """The errno of `ctor fails ENOMEM`; `0` when it does not fail."""

    word: str


class ReadsPart(NamedTuple):
    """The name of `reads p1`."""

    word: Name


class TakesPart(NamedTuple):
    """The name of `takes timer`."""

    word: Name


class GivesPart(NamedTuple):
    """The name of `gives timer`."""

    word: Name


class BuildOfPart(NamedTuple):
    """The name of `as fuse`."""

    word: Name


class SrcversionPart(NamedTuple):
    """The text of `srcversion "A"`."""

    word: str


class ResultPart(NamedTuple):
    """The word of `-> EBUSY`."""

    word: Name


def with_task(task: str, statement: tree.Statement) -> tree.Statement:
    """Return a statement of a task's thread with the task's name filled in."""
    if isinstance(statement, tree.Step) and isinstance(statement.operation, tree.TaskStep):
        return statement._replace(operation=statement.operation._replace(task=task))
    if isinstance(statement, tree.Choose):
        branches = tuple(tuple(with_task(task, inner) for inner in branch) for branch in statement.branches)
        return statement._replace(branches=branches)
    return statement


def quantifier(words: str) -> Literal["any", "all"]:
    """Return what `any task` and `all tasks` quantify by."""
    return "any" if words.startswith("any") else "all"
