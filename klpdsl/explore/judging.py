"""What can be said of a scenario's `never` and `always` on each of many engines, and the text in which it is kept."""

from __future__ import annotations

from klpdsl._properties import PROPERTIES
from klpdsl.explore.exploration import PathSearch
from klpdsl.explore.paths import FATAL, Paths
from klpdsl.semantics.noting import noting
from klpdsl.syntax import tree
from klpdsl.syntax.wording import format_statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from klpdsl.explore.bounds import SearchBounds
    from klpdsl.run.program import Program
    from klpdsl.semantics.axes import Semantics
    from klpdsl.semantics.records import Engine
else:
    from klpdsl._records import NamedTuple

HEADER = "# klpdsl verdict 1"


class ClaimVerdict(NamedTuple):
    """What is known of one condition: it `holds` (the search has closed), is violated by these steps, or neither.

    `steps` is a shortest way to the violation, `stopped` the bound that ended the search before anything was known.
    `behind` are violations that are a crash: nothing follows them, so what is said is said of runs without them.
    """

    condition: str
    holds: bool
    steps: tuple[str, ...] = ()
    stopped: str = ""
    behind: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """The verdict in a line, without numbers that another way to search would change."""
        if self.stopped:
            return f"{self.condition}: not known, {self.stopped} stopped the search"
        if not self.holds:
            return (
                f"{self.condition}: violated in {len(self.steps)} step{'s' if len(self.steps) != 1 else ''}"
            )
        return f"{self.condition}: holds" + (f", short of {' and '.join(self.behind)}" if self.behind else "")


class EngineVerdict(NamedTuple):
    """What is known of all conditions on an engine, and how many states were seen.

    `like` is the engine on which it was searched: where that is another, the two differ only in axes that no rule read.
    """

    claims: tuple[ClaimVerdict, ...]
    states: int
    like: str

    @property
    def text(self) -> str:
        """What is kept of it."""
        lines = [HEADER, ""]
        for one in self.claims:
            lines.append(one.said)
            lines += [f"    {step}" for step in one.steps]
        return "\n".join(lines) + "\n"

    @property
    def closed(self) -> bool:
        """Whether all is known."""
        return not any(one.stopped for one in self.claims)


def is_claim(program: Program) -> bool:
    """Whether the scenario has an alphabet, or says what never or always is so whatever the order or the branch."""
    orders = any(isinstance(one, (tree.Interleave, tree.Choose)) for one in program.statements)
    return program.alphabet is not None or (orders and bool(conditions_of(program)))


def conditions_of(program: Program) -> tuple[str, ...]:
    """The conditions that the scenario's `always` and `never` name: a property by its name, others as written."""
    names = []
    for statement in program.statements:
        if isinstance(statement, (tree.Always, tree.Never)):
            condition = statement.condition
            named = isinstance(condition, tree.PropertyNamed)
            names.append(condition.name if named else format_statement(statement))  # type: ignore[union-attr]
    return tuple(dict.fromkeys(names))


class Judge:
    """Judges one scenario on many engines, and searches once for those that differ in nothing that a rule reads."""

    def __init__(self, program: Program, bounds: SearchBounds) -> None:
        self._program = program
        self._bounds = bounds
        self._known: list[tuple[frozenset[str], Semantics, EngineVerdict]] = []

    def on(self, engine: Engine) -> EngineVerdict:
        """Judge each condition in every state that any order leads to; all that are built in, where none is named."""
        semantics = engine.semantics
        for axes, searched, verdict in self._known:
            if all(getattr(searched, axis) == getattr(semantics, axis) for axis in axes):
                return verdict
        read: set[str] = set()
        verdict = self._search(engine.name, noting(semantics, read))
        if verdict.closed:
            # A bound of time or memory may be hit elsewhere the next time.
            self._known.append((frozenset(read | {"system"}), semantics, verdict))
        return verdict

    def _search(self, engine: str, semantics: Semantics) -> EngineVerdict:
        alphabet = self._program.alphabet
        depth = alphabet.forever if alphabet else 0
        paths = Paths(self._program, semantics, "final", symmetric=True, depth=depth)
        names = conditions_of(self._program) or tuple(PROPERTIES)
        seen = PathSearch(paths, stop_behind=frozenset(names)).run(self._bounds)
        crashes = tuple(sorted(set(seen.broken) & set(FATAL)))
        claims = []
        for name in names:
            if name in seen.broken:
                claims.append(ClaimVerdict(name, holds=False, steps=paths.steps(seen.broken[name].way.nodes)))
            elif seen.stopped:
                claims.append(ClaimVerdict(name, holds=False, stopped=seen.stopped))
            else:
                claims.append(ClaimVerdict(name, holds=True, behind=crashes))
        return EngineVerdict(tuple(claims), seen.effort.states, engine)
