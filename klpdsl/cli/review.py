"""`klpdsl review`: look at what is pending, one class at a time, and decide."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from klpdsl.cli.accept import gather
from klpdsl.cli.common import HOUSEKEEPING, MISMATCH, OK, USAGE, colours, complain, default_jobs, parser
from klpdsl.cli.golden import add_write_arguments, may_write, tell, writing
from klpdsl.goldens.checking.classes import Class
from klpdsl.goldens.deciding import accepting, bundle, pending, transaction
from klpdsl.goldens.deciding.accepting import Choice
from klpdsl.goldens.deciding.pending import Record
from klpdsl.goldens.reporting.check_report import several
from klpdsl.goldens.reporting.paint import Paint
from klpdsl.goldens.reporting.reviewing import ACCEPT, KEYS, REJECT, SKIP, Review
from klpdsl.goldens.suite import Suite, find_suite

#: Scenarios of a class that are named where there is no terminal.
_NAMED = 8


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    arguments = _arguments(argv)
    suite = find_suite(arguments.paths)
    names = suite.names(arguments.paths) if arguments.paths else None
    records = _records(suite, names, arguments)
    if records is None:
        return MISMATCH
    classes = pending.classes(records)
    if not classes:
        print("nothing is pending (klpdsl check finds what differs)")
        return OK
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _without_terminal(classes, arguments.bundle)
    review = Review(suite, classes, arguments.with_violations)
    show = _full_screen if arguments.tui else _line_mode
    finished = show(review)
    if finished is None:
        return USAGE
    if not finished:
        _kept(review)
        return HOUSEKEEPING
    return _carry_out(review, records, arguments)


def _arguments(argv: list[str]) -> argparse.Namespace:
    p = parser(
        "review",
        "Show what klpdsl check has left pending, one class of differences at a time, and decide by a key:\n\n"
        + "\n".join(f"  {key}  {word:11} {what}" for key, word, what in KEYS)
        + "\n\nEach decision is saved when it is made, and all are carried out at the end in one transaction.\n"
        "Without a terminal the classes are listed with the commands that decide them.",
        "klpdsl review scenarios/replace",
    )
    p.add_argument(
        "paths", nargs="*", metavar="PATH", help="scenarios or folders of them (default: all that is pending)"
    )
    p.add_argument(
        "--bundle",
        metavar="FILE",
        help="what klpdsl check --bundle has written, instead of what is pending here",
    )
    p.add_argument("--tui", action="store_true", help="full screen (needs klpdsl[tui])")
    p.add_argument(
        "--with-violations", action="store_true", help="also traces that violate a property by surprise"
    )
    p.add_argument("--jobs", "-j", type=int, default=default_jobs(), help="how many processes to use")
    add_write_arguments(p)
    return p.parse_args(argv)


def _records(suite: Suite, names: list[str] | None, arguments: argparse.Namespace) -> list[Record] | None:
    if not arguments.bundle:
        with writing(suite):
            return gather(suite, names, arguments.jobs)[0]
    found = bundle.read(suite, arguments.bundle)
    for sentence in found.refused:
        complain(sentence)
    if not found.same_code:
        complain(
            "this bundle was made by another klpdsl: look at it; what is accepted of it is checked here first"
        )
    if found.refused and not found.records:
        return None
    return list(found.records)


# --- without a terminal -----------------------------------------------------------------------------------------


def _without_terminal(classes: tuple[Class, ...], bundled: str | None) -> int:
    print(
        f"{several(len(classes), 'class')}".replace("classs", "classes")
        + " pending; there is no terminal to ask, so:"
    )
    if bundled:
        print("on a terminal this asks about each; or check out the branch, run klpdsl check there, and then")
    for one in classes:
        print(f"\n{one.id}  {one.title}")
        print(f"  {several(len(one.members), 'run')} of {several(len(one.scenarios), 'scenario')}")
        print(f"  in {', '.join(one.scenarios[:_NAMED])}{' …' if len(one.scenarios) > _NAMED else ''}")
        print(f"  why: {one.specimen.cause_text}")
        if one.blocked:
            print(f"  cannot be accepted: {one.blocked[0].blocked[0]}")
        else:
            reason = " --reason '…'" if one.alters else ""
            print(f"  klpdsl accept --class {one.id}{reason}")
        print(f"  klpdsl reject --class {one.id}")
    print("\nthe whole difference: klpdsl check --verbose")
    return HOUSEKEEPING


# --- line mode --------------------------------------------------------------------------------------------------


def _line_mode(review: Review) -> bool | None:
    paint = Paint(colours())
    if review.resumed:
        print(f"{several(review.resumed, 'decision')} from an earlier review; u takes them back")
    try:
        while review.current is not None:
            print("\n" + "\n".join(review.lines(paint)))
            while not _step(review, paint):
                pass
            if not review.remaining and not _confirm(review):
                review.undo()
    except (KeyboardInterrupt, EOFError):
        print()
        return False
    except _Quit:
        return False
    return True


class _Quit(Exception):  # noqa: N818 (a wish, no error)
    """The user has had enough."""


def _step(review: Review, paint: Paint) -> bool:
    """Ask for a key and do what it says; True when another class (or this one anew) is to be shown."""
    print(paint("a r s  A R S  i d e b u / q ? > ", "cyan"), end="", flush=True)
    key = read_key()
    print(key if key.isprintable() else "")
    if key in ("\x03", "\x04"):
        raise KeyboardInterrupt
    if key == "q":
        raise _Quit
    action = _ACTIONS.get(key)
    if action is None:
        if key == "?":
            print("\n".join(f"  {paint(one, 'bold')}  {word}: {what}" for one, word, what in KEYS))
        return False
    if key == "e":
        print("\n".join(review.explain(paint)))
        return False
    said = action(review)
    if said:
        print(paint(said, "yellow"))
    return not said


def read_key() -> str:
    """One key, without waiting for the end of the line. Raises EOFError at the end of input."""
    import termios
    import tty

    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    try:
        # What was typed ahead is not thrown away, which is what setcbreak() does unless told.
        tty.setcbreak(handle, termios.TCSADRAIN)
        data = os.read(handle, 1)
        while data and _is_cut(data):
            data += os.read(handle, 1)
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)
    if not data:
        raise EOFError
    return data.decode("utf-8", "replace")


def _is_cut(data: bytes) -> bool:
    """Whether the bytes are the beginning of a character of several."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False


def _accept(review: Review) -> str:
    one = review.current
    assert one is not None, "a key is only read while a class is shown"
    problem = review.blocked(one)
    if problem:
        return f"not accepted: {problem}"
    return review.decide(ACCEPT, _ask_reason() if one.alters else "")


def _accept_all(review: Review) -> str:
    left = [one for one in review.classes[review.place :] if one.id not in review.made]
    return review.decide_all(ACCEPT, _ask_reason() if any(one.alters for one in left) else "")


def _ask_reason() -> str:
    return input("reason: ").strip()


def _toggle(what: str) -> Callable[[Review], str]:
    def toggle(review: Review) -> str:
        setattr(review, what, not getattr(review, what))
        return ""

    return toggle


_ACTIONS: dict[str, Callable[[Review], str]] = {
    "a": _accept,
    "A": _accept_all,
    "r": lambda review: review.decide(REJECT),
    "R": lambda review: review.decide_all(REJECT),
    "s": lambda review: review.decide(SKIP),
    "S": lambda review: review.decide_all(SKIP),
    "i": _toggle("info"),
    "d": _toggle("diff"),
    "b": Review.back,
    "u": Review.undo,
    "/": lambda review: review.search(input("search: ")),
    "e": lambda _: "",
}


def _confirm(review: Review) -> bool:
    print(f"\n{review.totals()}; carry it out? [Enter, or u to take the latest back] ", end="", flush=True)
    key = read_key()
    print()
    if key in ("\x03", "\x04", "q"):
        raise _Quit
    return key != "u"


# --- full screen ------------------------------------------------------------------------------------------------


def _full_screen(review: Review) -> bool | None:
    try:
        from klpdsl.cli.tui import show
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith(("textual", "rich")):
            raise
        complain("klpdsl review: --tui needs the extra: pip install 'klpdsl[tui]'")
        return None
    return show(review)


# --- carrying out -----------------------------------------------------------------------------------------------


def _kept(review: Review) -> None:
    kept = len(review.decided(ACCEPT)) + len(review.decided(REJECT))
    print(f"{review.totals()}; nothing was carried out")
    if kept:
        print("the decisions are kept: klpdsl review goes on, klpdsl reject forgets them")


def _carry_out(review: Review, records: list[Record], arguments: argparse.Namespace) -> int:
    accepted = review.decided(ACCEPT)
    code = may_write("review", arguments) if accepted else OK
    if code:
        return code
    with writing(review.suite):
        return _apply(review, records, arguments)


def _apply(review: Review, records: list[Record], arguments: argparse.Namespace) -> int:
    suite = review.suite
    accepted, rejected = review.decided(ACCEPT), review.decided(REJECT)
    refused: list[str] = []
    if arguments.bundle:
        records, refused = _agreeing(records, {one.id for one in accepted}, arguments.jobs, suite)
        for sentence in refused:
            complain(sentence)
    choice = Choice(
        {one.id for one in accepted},
        {one.id: review.made[one.id].reason for one in accepted},
        arguments.with_violations,
    )
    found = accepting.plan(suite, records, choice)
    for sentence in found.refused:
        complain(sentence)
    gone = {one.id for one in rejected}
    left = [record for record in found.plan.left if any(entry[0] not in gone for entry in record.entries)]
    left = [_without(record, gone) for record in left]
    kept = {record.scenario for record in left}
    done = [*found.plan.done, *(r.scenario for r in found.plan.left if r.scenario not in kept)]
    touched = {*done, *kept}
    for record in records:
        if record.scenario not in touched and any(entry[0] in gone for entry in record.entries):
            rest = _without(record, gone)
            if rest.entries:
                left.append(rest)
            else:
                done.append(record.scenario)
    # What was refused of a bundle is not pending here: nothing would ever carry such a decision out.
    decided = (*found.plan.decided, *gone, *({one.id for one in accepted} if refused else ()))
    plan = found.plan._replace(done=tuple(done), left=tuple(left), decided=tuple(decided))
    if plan.operations or plan.done or plan.left or plan.decided:
        finished = transaction.commit(suite, plan)
        tell(suite, finished)
        if finished.moved:
            return MISMATCH
    print(review.totals())
    if refused or found.refused or found.want_reason:
        return MISMATCH
    return HOUSEKEEPING if len(accepted) + len(rejected) < len(review.classes) else OK


def _without(record: Record, classes: set[str]) -> Record:
    return record._replace(entries=tuple(entry for entry in record.entries if entry[0] not in classes))


def _agreeing(
    records: list[Record], accepted: set[str], jobs: int, suite: Suite
) -> tuple[list[Record], list[str]]:
    """The records of a bundle that say what this klpdsl gives too; the traces of others are not taken on trust."""
    from klpdsl.goldens.checking.suite_check import check_all

    wanted = [record for record in records if any(entry[0] in accepted for entry in record.entries)]
    reports = {report.name: report for report in check_all(suite, [r.scenario for r in wanted], jobs)}
    agreeing, refused = [], []
    for record in records:
        report = reports.get(record.scenario)
        if report is None:
            agreeing.append(record)
            continue
        here = {case.engine: case.run.text for case in report.cases}
        other = [
            e[3].engine for e in record.entries if e[0] in accepted and here.get(e[3].engine) != e[3].text
        ]
        if other:
            refused.append(
                f"{record.scenario}: not accepted, this klpdsl gives another trace on {', '.join(other)} "
                "(check out the branch that the bundle is from)"
            )
        else:
            agreeing.append(record)
    return agreeing, refused
