"""A run of the model that gives the lines of a log, found by search: which actions lie between the lines.

What is searched is (world, place in the log): an action whose lines do not go on where the log stands is no way to go.
The log may begin in the middle of a machine's life and end anywhere: what the first actions say before its first line,
and what the last say after its last, is not held against them.
"""

from __future__ import annotations

import heapq
import re
from itertools import count, groupby

from klpdsl._errors import KlpdslError
from klpdsl._names import VMLINUX
from klpdsl.dmesg.story import is_kthread
from klpdsl.run.session import load_text
from klpdsl.separate.stepping import start, take
from klpdsl.syntax import tree, words
from klpdsl.syntax.diagnostics import ScenarioError
from klpdsl.syntax.wording import format_statement, name
from klpdsl.trace.events import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import NamedTuple

    from klpdsl.dmesg.story import LoggedBlocker, LogStory
    from klpdsl.semantics.records import Engine
    from klpdsl.separate.stepping import State
    from klpdsl.trace.events import Event
else:
    from klpdsl._records import NamedTuple

_PID = re.compile(r"(?<=:)\d+(?= (?:is|has) )")
_NUMBERED = re.compile(r"(livepatch: klp_\w+: )(.+)(\.\d+)(:PID .*)")
_TAINT = "tainting kernel with TAINT_LIVEPATCH"
_FAILURE = re.compile(
    r"fail|not found|not compatible|refusing|error|not marked|does not|invalid|can't|cannot|unresolvable"
)

_TOLD_APART = "."
"""What stands before the number of a task whose name others have too."""

_OF_ITS_OWN = "of_"
"""How a function is called that only one patch changes, and no line names."""


class Fit(NamedTuple):
    """What the search found: the scenario, where there is one; else how many lines a run of the model can give.

    `closed`: every run over what the log names was followed, so that no run gives the line after them; never where the
    log tells of a failure, whose cause it may not name. `instead` is what the model would print in its place. `states`
    were looked at.
    """

    scenario: str
    lines: int
    closed: bool
    states: int
    instead: tuple[str, ...]


def visible(texts: Sequence[str]) -> list[str]:
    """The lines as the model can be held to them: without pids, and without those that each machine has once."""
    return [_PID.sub("PID", text) for text in texts if not text.endswith(_TAINT)]


#: More tasks, patches or modules than this a search over what a log names does not come through.
MOST_NAMES = 64


class FitError(KlpdslError):
    """What a log names can be no scenario, so that no run of it can be looked for; the text says why."""

    exit_code = 125


def fit(story: LogStory, texts: Sequence[str], engine: Engine, most: int = 20_000) -> Fit:
    """Look for a run that gives the lines. At most so many states are looked at in each world that is tried.

    Raises `FitError`.
    """
    wanted = visible(texts)
    debug = any("initializing " in text or "completing " in text or ": klp_" in text for text in wanted)
    best: Fit | None = None
    states = 0
    closed = True
    for world in _worlds(story, texts):
        found = _search(world, wanted, engine, debug=debug, most=most)
        states += found.states
        closed = closed and found.closed
        if found.scenario:
            return found._replace(states=states)
        if best is None or found.lines > best.lines:
            best = found
        elif found.lines == best.lines:
            best = best._replace(instead=tuple(dict.fromkeys((*best.instead, *found.instead))))
    assert best is not None  # there is always a world
    tells = not any(_FAILURE.search(text) or words.IDLE in text for text in wanted)
    return best._replace(states=states, closed=closed and tells)


# --- the worlds and what can be done in them ------------------------------------------------------------------


class _Named(NamedTuple):
    """What the lines name: patches, modules, functions to be asleep in, and what could not be done, by the line.

    `own` are the functions in which somebody was asleep that a patch changes, as far as its transitions tell.
    """

    patches: tuple[str, ...]
    modules: tuple[str, ...]
    functions: tuple[str, ...]
    refusing: tuple[str, ...]
    missing: tuple[str, ...]
    hidden: tuple[str, ...]
    too_old: tuple[str, ...]
    own: dict[str, tuple[str, ...]]
    ftrace_off: bool
    unmarked: tuple[str, ...]


def _named_in(story: LogStory, texts: Sequence[str]) -> _Named:
    text = "\n".join(texts)
    asleep = [b.function for t in story.transitions for b in t.blockers if b.function]
    hidden = _once(re.findall(r"failed to (?:find location|set ftrace filter) for function '([^']+)'", text))
    usual = next(name for name in _made_up() if name not in hidden)
    own: dict[str, tuple[str, ...]] = {}
    for transition in story.transitions:
        inside = (b.function for b in transition.blockers if b.function)
        own[transition.patch] = _once((*own.get(transition.patch, ()), *inside))
    objects = re.findall(r"(?:module|for object|patch object) '([^']+)'", text)
    return _Named(
        _once(
            name
            for found in re.findall(
                r"patch '([^']+)'|Livepatch patch \(([^)]+)\)|^livepatch: '([^']+)':|^([^:\n]+): tainting"
                r"|module (\S+) is not marked",
                text,
                re.MULTILINE,
            )
            for name in found
            if name
        ),
        _once(name for name in objects if name != VMLINUX),
        _once(name for name in asleep if name not in hidden) or (usual,),
        _once(re.findall(r"pre-patch callback failed for object '([^']+)'", text)),
        _once(re.findall(r"symbol '([^']+)' not found in symbol table", text)),
        hidden,
        _once(re.findall(r"Livepatch patch \(([^)]+)\) is not compatible", text)),
        own,
        "failed to register ftrace handler" in text,
        _once(re.findall(r"module (\S+) is not marked as a livepatch module", text)),
    )


def _made_up() -> Iterator[str]:
    """Names for a function of which the log says none."""
    yield from "fghijk"
    yield from (f"f{number}" for number in count())


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _worlds(story: LogStory, texts: Sequence[str]) -> Iterator[str]:
    """Scenarios whose steps are the alphabet: first plain patches, then those that replace the others.

    A log does not say which functions a patch changes. First all change the same; then each those in which somebody was
    asleep while it was in transition.
    """
    named = _named_in(story, texts)
    tasks = {blocker.pid for transition in story.transitions for blocker in transition.blockers}
    for what, count_ in (
        ("tasks", len(tasks)),
        ("patches", len(named.patches)),
        ("modules", len(named.modules)),
    ):
        if count_ > MOST_NAMES:
            raise FitError(
                f"no run is looked for: the log names {count_} {what}, and {MOST_NAMES} are the most"
            )
    plain: frozenset[str] = frozenset()
    worlds = [
        "".join(_world(story, named, replacing, apart=apart))
        for apart in (False, True)
        for replacing in (plain, frozenset(named.patches[1:]), frozenset(named.patches[-1:]))
    ]
    yield from dict.fromkeys(worlds)


def _world(story: LogStory, named: _Named, replacing: frozenset[str], *, apart: bool) -> Iterator[str]:
    blockers = {b.pid: b for t in reversed(story.transitions) for b in reversed(t.blockers)}
    # Where an idle task is, nobody chooses: a log that tells of one is not searched for it.
    tasks = [blockers[pid] for pid in sorted(blockers) if not blockers[pid].task.startswith(words.IDLE)]
    names = _told_apart([b.task for b in tasks])
    hidden = "".join(f", {_quoted(function)} notrace" for function in named.hidden)
    others = [_OF_ITS_OWN + patch for patch in named.patches] if apart else []
    yield f"vmlinux {{ {', '.join(map(_quoted, (*named.functions, *others)))}{hidden} }}\n"
    yield from (f"module {_quoted(module)} {{ {_target(module)}{hidden} }}\n" for module in named.modules)
    for task, blocker in zip(names, tasks, strict=True):
        kind = "kthread" if is_kthread(blocker.task) else "task"
        yield f"{kind} {_quoted(task)}{_inside(blocker, named.functions[0])}\n"
    if not tasks:
        names = ["somebody"]
        yield f"task somebody in {_quoted(named.functions[0])} uninterruptible\n"
    for patch in named.patches:
        objects = [m for m in named.modules if any((p, o) == (patch, m) for _, p, o, _ in story.modules)]
        flag = " replace" if patch in replacing else ""
        functions = (named.own.get(patch) or (_OF_ITS_OWN + patch,)) if apart else named.functions
        yield f"patch {_quoted(patch)}{flag} {{ {_body(functions, objects)} }}\n"
    yield "\n"
    yield from _alphabet(named, replacing, names)


def _alphabet(named: _Named, replacing: frozenset[str], tasks: Sequence[str]) -> Iterator[str]:
    for patch in named.patches:
        said = _quoted(patch)
        yield f"apply {said}\nenable {said}\ndisable {said}\nunload {said}\nforce {said}\n"
        flag = " replace" if patch in replacing else ""
        yield from (f"apply {said}{flag} {{ {body} }}\n" for body in _odd_bodies(named, patch))
        if patch in named.unmarked:
            yield f"apply {said} unmarked\n"
    yield "reverse\ntick\nsignal\n"
    if named.ftrace_off:
        yield "sysctl kernel.ftrace_enabled 0\nsysctl kernel.ftrace_enabled 1\n"
    yield from (f"load {_quoted(module)}\nunload {_quoted(module)}\n" for module in named.modules)
    for task in tasks:
        for action in ("return", "sleep", *(f"call {_quoted(function)}" for function in named.functions)):
            yield f"{_quoted(task)}: {action}\n"


def _odd_bodies(named: _Named, patch: str) -> Iterator[str]:
    """What the patch may have that makes the lines of a failure."""
    plain = _body(named.functions, ())
    for obj in named.refusing:
        target = "" if obj == VMLINUX else f"; {_quoted(obj)} {{ {_target(obj)} }}"
        yield f"{plain}{target}; callbacks {_quoted(obj)} {{ pre_patch fails ENODEV }}"
    for function in (*named.missing, *named.hidden):
        yield f"{plain}; {_quoted(function)}"
        yield from (f"{plain}; {_quoted(module)} {{ {_quoted(function)} }}" for module in named.modules)
    if named.too_old:
        yield f"{plain}; state 1 version {1 if patch in named.too_old else 2}"


def _body(functions: Sequence[str], objects: Sequence[str]) -> str:
    targets = (f"{_quoted(obj)} {{ {_target(obj)} }}" for obj in objects)
    return "; ".join((*map(_quoted, functions), *targets))


def _target(module: str) -> str:
    return _quoted(f"{module}_f")


def _inside(blocker: LoggedBlocker, default: str) -> str:
    function = _quoted(blocker.function or default)
    if blocker.reason == "sleeping":
        return f" in {function}" + ("" if is_kthread(blocker.task) else " uninterruptible")
    return f" running in {function}" if blocker.reason == "running" else f" in {function} unreliable"


def _told_apart(comms: Sequence[str]) -> list[str]:
    """A name for each task: several may have one comm, and the model tells tasks apart by their names."""
    found: list[str] = []
    for comm in comms:
        number = sum(1 for earlier in comms[: len(found)] if earlier == comm)
        found.append(f"{comm}{_TOLD_APART}{number + 1}" if number else comm)
    return found


def _quoted(text: str) -> str:
    return name(text, *_TAKEN)


#: Words that mean something where a name may stand.
_TAKEN = (
    *(
        "immediate",
        "replace",
        "unmarked",
        "callbacks",
        "state",
        "relocations",
        "replaceable",
        "irreplaceable",
    ),
    *("replace_set", "replace_sets", "override_replace_sets", "vmlinux", "sympos", "running", "in", "of"),
)


# --- the search -----------------------------------------------------------------------------------------------


class _Node(NamedTuple):
    """A place in the search: the state, how many lines are behind it (-1: the log has not begun), and how it came."""

    state: State
    lines: int
    depth: int
    action: int
    before: _Node | None


_BEFORE = 3
"""Actions before the log's first line whose lines are not in it."""


def _search(text: str, wanted: Sequence[str], engine: Engine, *, debug: bool, most: int) -> Fit:
    try:
        loaded = load_text(text, "what the log names")
    except ScenarioError as error:
        # The log may hold anything; a scenario has rules for its names.
        why = error.diagnostics[0].message
        raise FitError(f"no run is looked for: what the log names can be no scenario ({why})") from error
    actions = [one.operation for one in loaded.program.statements if isinstance(one, tree.Step)]
    semantics = engine.semantics
    # task->comm is at most 15 characters long.
    comms = frozenset(task.name[:15] for task in loaded.program.world.tasks)
    root = _Node(start(loaded.program), -1 if wanted else 0, 0, -1, None)
    order = count()
    queue = [(0, 0, next(order), root)]
    seen = {(root.lines, root.state.key())}
    farthest = 0
    instead: dict[str, None] = {}
    while queue:
        node = heapq.heappop(queue)[3]
        if node.lines >= len(wanted):
            scenario = _scenario(text, actions, node)
            return Fit(scenario, len(wanted), True, len(seen), ())
        for place, action in enumerate(actions):
            taken = take(loaded.program, semantics, node.state, action)
            if taken.outcome.value == "unsupported":
                continue
            said = [_as_logged(text, comms) for text in _heard(taken.events, debug=debug)]
            reached, other = _how_far(node, said, wanted)
            if reached > farthest:
                farthest, instead = reached, {}
            if reached == farthest and other:
                instead.setdefault(other)
            onward = () if taken.state.crashed else tuple(_goes_on(node, said, wanted))
            world = taken.state.key() if onward else ()
            for lines in onward:
                key = (lines, world)
                if key in seen:
                    continue
                if len(seen) >= most:
                    return Fit("", farthest, False, len(seen), tuple(instead))
                seen.add(key)
                child = _Node(taken.state, lines, node.depth + 1, place, node)
                heapq.heappush(queue, (-lines, child.depth, next(order), child))
    return Fit("", farthest, True, len(seen), tuple(instead))


def _heard(events: Iterable[Event], *, debug: bool) -> list[str]:
    """The lines of an action as the log would have them."""
    return visible(
        [event.text for event in events if isinstance(event, Log) and (debug or event.level != "debug")]
    )


def _as_logged(text: str, comms: frozenset[str]) -> str:
    """A line with the task's name as the kernel has it, of whose namesakes only the model has numbers."""
    found = _NUMBERED.match(text)
    return f"{found[1]}{found[2]}{found[4]}" if found and f"{found[2]}{found[3]}"[:15] in comms else text


def _how_far(node: _Node, said: Sequence[str], wanted: Sequence[str]) -> tuple[int, str]:
    """How many lines of the log there are with these, and the line of them that is not the log's next."""
    if node.lines >= 0:
        same = _alike(said, wanted[node.lines :])
        return node.lines + same, said[same] if same < len(said) else ""
    best = (0, "")
    for place in range(len(said)):
        same = _alike(said[place:], wanted)
        if same > best[0]:
            best = (same, said[place + same] if place + same < len(said) else "")
    return best


def _alike(left: Sequence[str], right: Sequence[str]) -> int:
    """How many lines at the beginning are the same."""
    return next(
        (n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right))
    )


def _goes_on(node: _Node, said: Sequence[str], wanted: Sequence[str]) -> Iterator[int]:
    """Where in the log the lines lead: nowhere, if it does not go on with them."""
    if node.lines >= 0:
        rest = wanted[node.lines :]
        if _alike(said, rest) == min(len(said), len(rest)):
            yield node.lines + min(len(said), len(rest))
        return
    # The log has not begun: its first line may be any of these, or come later.
    if node.depth < _BEFORE:
        yield -1
    for place in range(len(said)):
        rest = said[place:]
        if _alike(rest, wanted) == min(len(rest), len(wanted)):
            yield min(len(rest), len(wanted))


def _scenario(text: str, actions: Sequence[tree.Operation], node: _Node) -> str:
    path: list[int] = []
    at: _Node | None = node
    while at is not None and at.before is not None:
        path.append(at.action)
        at = at.before
    declared = text.partition("\n\n")[0]
    steps = [format_statement(actions[place]) for place in reversed(path)]
    runs = [(step, len(list(same))) for step, same in groupby(steps)]
    lines = (f"tick {n}\n" if step == "tick" and n > 1 else f"{step}\n" * n for step, n in runs)
    return f"{declared}\n\n" + "".join(lines)
