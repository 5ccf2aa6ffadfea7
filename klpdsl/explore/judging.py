"""What can be said of a scenario's `never` and `always` on each of many engines, and the text in which it is kept."""

from __future__ import annotations

from klpdsl._properties import ENDLESS, IN_TRACES
from klpdsl.explore.exploration import PathSearch
from klpdsl.explore.paths import FATAL, Paths
from klpdsl.explore.progress import search_completion, time_passes
from klpdsl.explore.witness import REPEAT, folded
from klpdsl.run.flow import Flow
from klpdsl.semantics.noting import noting
from klpdsl.syntax import tree
from klpdsl.syntax.wording import format_statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from klpdsl.explore.bounds import SearchBounds
    from klpdsl.explore.exploration import Exploration
    from klpdsl.explore.progress import HeldTransition
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
    Of a run without an end `loop` are the steps that it takes again and again, and `who` may hold the transition so.
    """

    condition: str
    holds: bool
    steps: tuple[str, ...] = ()
    stopped: str = ""
    behind: tuple[str, ...] = ()
    loop: tuple[str, ...] = ()
    who: str = ""

    @property
    def said(self) -> str:
        """The verdict in a line, without numbers that another way to search would change."""
        if self.stopped:
            return f"{self.condition}: not known, {self.stopped} stopped the search"
        if self.loop:
            return f"{self.condition}: violated, {self.who}"
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
            lines += [f"    {step}" for step in (REPEAT, *one.loop) if one.loop]
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
        names = conditions_of(self._program) or IN_TRACES
        if set(names) <= set(ENDLESS):
            claim, states = self._endless(semantics, names[0], depth)
            return EngineVerdict((claim,), states, engine)
        paths = Paths(self._program, semantics, "final", symmetric=True, depth=depth)
        in_traces = frozenset(names).difference(ENDLESS)
        seen = PathSearch(paths, stop_behind=in_traces).run(self._bounds)
        crashes = _crashes(seen)
        claims = []
        for name in names:
            if name in ENDLESS:
                claims.append(self._endless(semantics, name, depth)[0])
            elif name in seen.broken:
                claims.append(ClaimVerdict(name, holds=False, steps=paths.steps(seen.broken[name].way.nodes)))
            elif seen.stopped:
                claims.append(ClaimVerdict(name, holds=False, stopped=seen.stopped))
            else:
                claims.append(ClaimVerdict(name, holds=True, behind=crashes))
        return EngineVerdict(tuple(claims), seen.effort.states, engine)

    def _endless(self, semantics: Semantics, name: str, depth: int) -> tuple[ClaimVerdict, int]:
        """Judge whether every transition completes at last, and say how many states were seen."""
        search = search_completion(self._program, semantics, depth, self._bounds)
        seen = search.explored
        states = seen.effort.states
        if search.found is None:
            return ClaimVerdict(name, holds=False, stopped=seen.stopped), states
        held = search.found.held
        if not held:
            return ClaimVerdict(name, holds=True, behind=_crashes(seen)), states
        steps, loop = (folded(search.paths.steps(way)) for way in (search.way.nodes, held[0].loop))
        who = "; ".join(map(holding, held))
        return ClaimVerdict(name, holds=False, steps=tuple(steps), loop=tuple(loop), who=who), states


def _crashes(seen: Exploration) -> tuple[str, ...]:
    """The violations behind which nothing was followed."""
    return tuple(sorted(set(seen.broken) & set(FATAL)))


def holding(held: HeldTransition) -> str:
    """Who may hold a transition for ever, and what comes of it: `t1 may hold p1 for ever (nothing completes it)`."""
    end = "nothing that tasks and time do completes it" if held.trap else "it can complete, but need not"
    return (
        f"{' and '.join(held.holders) or 'no task'} may hold the transition of {held.patch} for ever: {end}"
    )


def cannot_judge(program: Program) -> str:
    """Return why a property of runs without an end cannot be asked of the scenario that names one; empty if it can."""
    named = [name for name in conditions_of(program) if name in ENDLESS]
    if not named:
        return ""
    if program.alphabet is None:
        return f"`{named[0]}` asks about runs without end: the scenario has to end with `interleave forever`"
    if not time_passes(Flow(program.statements, forever=True)):
        return f"`{named[0]}`: no time passes in the alphabet, so nothing is tried again; add `tick`"
    return ""
