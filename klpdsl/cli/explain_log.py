"""`klpdsl explain-log`: what a machine's log says has happened, who holds a transition, whether the model agrees."""

from __future__ import annotations

import sys
import textwrap

from klpdsl._reading import UnreadableError, read_file
from klpdsl._writing import replace_file
from klpdsl.cli.common import CANNOT_JUDGE, MISMATCH, OK, USAGE, complain, parser
from klpdsl.cli.lists import wrapped
from klpdsl.dmesg.advice import engine_behind, holders, under_way
from klpdsl.dmesg.fitting import Fit, fit, visible
from klpdsl.dmesg.log_lines import KernelLog, LogLine, read_log
from klpdsl.dmesg.snapshot import Snapshot, read_snapshot
from klpdsl.dmesg.story import LoggedTransition, LogStory, tell_story
from klpdsl.reasons.holding import released_by_hand
from klpdsl.semantics.engines import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from klpdsl.reasons.rules import Reason
    from klpdsl.semantics.records import Engine

_STATES = 20_000
_STDIN = "-"
LOG_BYTES = 256 << 20
"""More than the logs of a machine that runs for years."""
_PIECE = 1 << 20
_SHOWN = 20
"""Of so many tasks it is said one by one why they hold a transition."""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "explain-log",
        "Read livepatch's lines in a machine's log (dmesg, journalctl -k, a console): which patches came and went,\n"
        "how each transition ended and how long it took, who holds the one that is under way and what would help;\n"
        "and look for a run of the model of that kernel which gives the same lines.\n\n"
        "exit codes: 0 such a run exists; 1 none does, and the first line that no run gives is named; 125 none was\n"
        "found within --states, or it is not known which kernel it was; 2 an error",
        "dmesg | klpdsl explain-log --scenario case.klp",
    )
    p.add_argument(
        "file", nargs="?", default=_STDIN, metavar="FILE", help="the log (default: standard input)"
    )
    p.add_argument(
        "-e", "--engine", metavar="ENGINE", help="the kernel (default: as the log or the snapshot says)"
    )
    p.add_argument("--snapshot", metavar="FILE", help="what the script of `klpdsl observe` printed on it")
    p.add_argument("--scenario", metavar="OUT", help="write the run that was found as a scenario")
    p.add_argument(
        "--states", type=int, default=_STATES, metavar="N", help=f"look at so many states at most ({_STATES})"
    )
    arguments = p.parse_args(argv)
    if arguments.states < 1:
        complain("klpdsl explain-log: --states takes a number from 1 on")
        return USAGE
    log = _read(arguments.file)
    snapshot = _snapshot(arguments.snapshot)
    if not log.lines:
        name = "standard input" if arguments.file == _STDIN else arguments.file
        complain(f"klpdsl explain-log: {name}: none of the {log.total} lines is livepatch's")
        return USAGE
    engine, why = _engine(arguments, log, snapshot)
    story = tell_story(log)
    print("\n".join(_told(log, story, snapshot, engine, why)))
    if engine is None:
        print("\nwhich kernel it was is not known: -e names it, and says what that kernel would do")
        return CANNOT_JUDGE
    found = fit(story, [line.text for line in log.lines], engine, arguments.states)
    print("\n".join(("", *_fitted(log, found, engine))))
    if found.scenario and arguments.scenario is not None:
        replace_file(arguments.scenario, _scenario(found, engine, log).encode())
    return OK if found.scenario else MISMATCH if found.closed else CANNOT_JUDGE


def _read(file: str) -> KernelLog:
    if file == _STDIN:
        return read_log(_pieces())
    return read_log(_text(file).splitlines())


def _pieces() -> Iterator[str]:
    """The lines of standard input, of which a very long one comes in pieces. Raises `UnreadableError`."""
    left = LOG_BYTES
    while piece := sys.stdin.readline(_PIECE):
        left -= len(piece)
        if left < 0:
            raise UnreadableError("standard input", f"it is too large: {LOG_BYTES >> 20} MiB are the most")
        yield piece


def _text(file: str) -> str:
    return read_file(file, LOG_BYTES).decode("utf-8", "replace")


def _snapshot(file: str | None) -> Snapshot | None:
    if file is None:
        return None
    return read_snapshot(_text(file), file)


def _engine(
    arguments: argparse.Namespace, log: KernelLog, snapshot: Snapshot | None
) -> tuple[Engine | None, str]:
    """The engine that stands for the machine's kernel, and how that is known."""
    if arguments.engine:
        return resolve(arguments.engine), "as asked"
    return engine_behind(snapshot.release if snapshot and snapshot.release else log.release)


# --- the story ------------------------------------------------------------------------------------------------


def _told(
    log: KernelLog, story: LogStory, snapshot: Snapshot | None, engine: Engine | None, why: str
) -> Iterator[str]:
    first, last = log.lines[0], log.lines[-1]
    kernel = f"kernel: {engine.name} ({why})" if engine else f"kernel: not known{why and f' ({why})'}"
    yield kernel
    yield (
        f"log: {len(log.lines)} of {log.total} lines are livepatch's, lines {first.number} to {last.number}"
        + _span(first, last)
    )
    yield ""
    yield "what happened"
    for one in story.transitions:
        yield from wrapped(_transition(one, last), "  ", "    ")
    for what, patch, module, line in story.modules:
        yield f"  {_at(line)}{what.removesuffix(' patch')} {patch} {'to' if what[0] == 'a' else 'on'} module {module}"
    for line in story.failed:
        yield f"  {_at(line)}{line.text.removeprefix('livepatch: ')}"
    now = under_way(story, snapshot)
    if now is None:
        yield "no transition is under way at the end"
        return
    yield ""
    yield f"who holds {now.patch}'s transition"
    if engine is None:
        engine = resolve("mainline")
    found = holders(engine, now, snapshot)
    if not found:
        yield from wrapped(
            "the log does not say: only debug lines name tasks (echo 'file kernel/livepatch/* +p' > "
            "/sys/kernel/debug/dynamic_debug/control), or a snapshot does (klpdsl observe --print-script)",
            "  ",
        )
    for holder in found[:_SHOWN]:
        yield from wrapped(f"{holder.why.text} ({holder.known})", "  - ", "    ")
        yield from wrapped(f"by {holder.why.source}", "      ", "      ")
        yield from _reasons(holder.released)
    if len(found) > _SHOWN:
        yield f"  - and {len(found) - _SHOWN:,} others"
    yield "  for all of them"
    yield from _reasons(released_by_hand(engine))


def _reasons(reasons: Iterable[Reason]) -> Iterator[str]:
    for one in reasons:
        yield from wrapped(f"{one.text} ({one.source})", "      * ", "        ")


def _transition(one: LoggedTransition, last: LogLine) -> str:
    begin = one.begin
    where = (
        f"{_at(begin)}{one.patch}: {one.way}" if begin else f"{one.patch}: {one.way}, begun before the log"
    )
    end = one.end or "under way at the end of the log"
    until = one.last if one.end else last
    took = ""
    if begin and begin.seconds is not None and until.seconds is not None:
        took = f" after {until.seconds - begin.seconds:.1f} s"
    more = [f"signals sent {one.signalled} times"] if one.signalled > 1 else []
    more += ["signals sent once"] if one.signalled == 1 else []
    more += ["forced"] if one.forced else []
    return f"{where}, {end}{took}" + (f" ({', '.join(more)})" if more else "")


def _at(line: LogLine) -> str:
    return f"line {line.number}: " if line.seconds is None else f"line {line.number}, {line.seconds:.1f} s: "


def _span(first: LogLine, last: LogLine) -> str:
    if first.seconds is None or last.seconds is None:
        return ""
    return f", {last.seconds - first.seconds:.1f} s"


# --- the run --------------------------------------------------------------------------------------------------


def _fitted(log: KernelLog, found: Fit, engine: Engine) -> Iterator[str]:
    yield f"would {engine.name} say this?"
    if found.scenario:
        yield f"  yes: this run of the model gives the same {found.lines} lines ({found.states} states looked at)"
        yield ""
        yield from (f"    {line}" if line else "" for line in found.scenario.splitlines())
        return
    line = _line(log, found.lines)
    if found.closed:
        yield (
            f"  no: no run over what the log names gives line {line.number} after those before it "
            f"(closed, {found.states} states)"
        )
    else:
        yield (
            f"  not found in {found.states} states: the runs that were followed over what the log names stop before "
            f"line {line.number}, which says nothing against the log"
        )
    yield f"    {line.text}"
    if found.instead:
        yield "  what the model prints there:"
        yield from (f"    {text}" for text in found.instead)


def _line(log: KernelLog, place: int) -> LogLine:
    seen = [line for line in log.lines if visible([line.text])]
    return seen[min(place, len(seen) - 1)]


def _scenario(found: Fit, engine: Engine, log: KernelLog) -> str:
    about = (
        f"A run of {engine.name} that gives the {found.lines} lines of livepatch's in a machine's log of {log.total} "
        "lines, found by search. The functions are made up where the log names none."
    )
    head = "".join(f"# {line}\n" for line in textwrap.wrap(about, 98))
    return f"{head}engines {engine.name}\n\n{found.scenario}"
