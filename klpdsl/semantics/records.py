"""The records of the history: changes, proposals, engines, and the error that every wrong name or value raises."""

from __future__ import annotations

from klpdsl._errors import KlpdslError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, TypeAlias

    from klpdsl.semantics.axes import Semantics

    # An axis's value, and (axis, value) pairs.
    Value: TypeAlias = str | bool
    Pairs: TypeAlias = tuple[tuple[str, Value], ...]
else:
    from klpdsl._records import NamedTuple


class EngineError(KlpdslError):
    """A name, an axis, a value or a combination that makes no engine; the text says which, and what would.

    It is never a fault of klpdsl itself.
    """


class Change(NamedTuple):
    """One change of mainline's behaviour. What the fields mean stands at the head of data/mainline.toml."""

    id: str
    commit: str
    subject: str
    release: str
    evidence: str
    source: str
    trees: tuple[str, ...]
    confirmed: tuple[str, ...]
    effect: str
    set: Pairs
    requires: tuple[str, ...]
    shown: bool
    why: str

    def cite(self) -> str:
        """Return how a text names the kernel commit: `d0807da78e11 (livepatch: Remove immediate feature)`."""
        return f"{self.commit[:12] or 'a commit'} ({self.subject})"


class Proposal(NamedTuple):
    """An engine beside mainline. What the fields mean stands at the heads of data/proposals.toml and debates.toml."""

    id: str
    kind: str
    base: str
    base_why: str
    who: str
    when: str
    where: str
    prose: str
    inferred: tuple[str, ...]
    set: Pairs
    caught: tuple[str, ...]
    debate: str
    status: str
    grade: str


class Question(NamedTuple):
    """What a debate asks: a column of its table. `look` says where in the scenario's trace the answer is."""

    ask: str
    scenario: str
    look: str


class Debate(NamedTuple):
    """One argument about livepatch, between whom and how it stands. See the head of data/debates.toml."""

    id: str
    title: str
    text: str
    question: tuple[Question, ...]


class Distribution(NamedTuple):
    """A kernel that people run: a release, and what it carries. data/distributions.toml says what each field means."""

    id: str
    kind: str
    title: str
    version: str
    base: str
    carries: tuple[str, ...]
    lacks: tuple[str, ...]
    uname: tuple[str, ...]
    grade: str
    source: str
    read: str
    note: str


class Setting(NamedTuple):
    """An axis that was set outside the mainline history, and by whom: a proposal's name, a file, or `--set`."""

    axis: str
    value: Value
    by: str


class Engine(NamedTuple):
    """A name for semantics, and how they came about.

    `resolve(engine.name) == engine`. `base` is the nearest engine that this one was made from, empty for the oldest.
    `kind` is `release` (the end of a mainline release), `commit` (a point inside one), `root` (before the first
    change), `proposal`, `mutant` (a proposal that safety checks must catch), `system` (another system than
    livepatch), `distribution` or `stable` (a release with changes of later ones), or `custom` (made by hand: a file,
    or --set, --with and --without).
    """

    name: str
    semantics: Semantics
    base: str
    kind: str
    changes: tuple[str, ...]
    settings: tuple[Setting, ...] = ()
    without: tuple[str, ...] = ()
