"""The table of what can be said: the kernel's function behind each rule, and since when it is so on an engine."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from klpdsl.semantics.explain import history
from klpdsl.semantics.records import Engine
from klpdsl.semantics.spelling import spell
from klpdsl.semantics.table import change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple


class KernelRule(NamedTuple):
    """A rule: what it says, whose it is in the kernel, and the axis of the semantics that decides it."""

    id: str
    function: str
    file: str
    axis: str
    text: str


class Reason(NamedTuple):
    """A sentence, and the rule behind it; `since` says since when it is so on the engine, if a change made it so."""

    text: str
    rule: KernelRule
    since: str

    @property
    def source(self) -> str:
        """The kernel's function, its file, and the release that brought the rule."""
        since = f"; {self.since}" if self.since else ""
        return f"{self.rule.function}(), {self.rule.file}{since}"


def rules() -> dict[str, KernelRule]:
    """Return the table, by id."""
    if not _rules:
        text = (files("klpdsl.reasons") / "data" / "rules.toml").read_text(encoding="utf-8")
        _rules.update({name: KernelRule(name, **row) for name, row in tomllib.loads(text).items()})
    return _rules


_rules: dict[str, KernelRule] = {}


def reason(engine: Engine, name: str, /, **words: object) -> Reason:
    """Say a rule of the table with these words, for this engine."""
    rule = rules()[name]
    return Reason(rule.text.format_map(words), rule, since(engine, rule.axis))


def since(engine: Engine, axis: str) -> str:
    """Since when the axis has the value that it has on the engine; empty where it has had it from the beginning."""
    last = history(engine, axis)[-1]
    said = f"{axis}={spell(last.value)}"
    if last.kind == "change":
        found = change(last.by)
        commit = f", {found.commit[:12]}" if found.commit else ""
        return f"{said} since {found.release}{commit}"
    return f"{said} by {last.by}" if last.kind == "set" else ""
