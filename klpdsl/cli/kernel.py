"""`klpdsl kernel`: the same scenario on the real kernel, in qemu. Never touches goldens."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from klpdsl._output import raw, visible
from klpdsl._writing import replace_file
from klpdsl.cli.arguments import make_parser
from klpdsl.cli.common import CANNOT_JUDGE, MISMATCH, NOTHING_SELECTED, OK, complain
from klpdsl.cli.scenario_options import add_scenario, loaded_of
from klpdsl.kernel.errors import KernelError
from klpdsl.kernel.kernels import (
    KernelImage,
    fetch,
    given_kernel,
    how_to_fetch,
    kernel_named,
    kernels_at_hand,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klpdsl.kernel.batch import Played
    from klpdsl.kernel.confirm import KernelVerdict


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    arguments = _parser().parse_args(argv)
    code: int = arguments.action(arguments)
    return code


def _parser() -> argparse.ArgumentParser:
    top = make_parser(
        "kernel",
        "Play scenarios on a real kernel, in qemu (docs/real-kernel.md).",
        "klpdsl kernel run -c 'load p1; t1: syscall f' --kernel 6.12",
    )
    actions = top.add_subparsers(metavar="ACTION", required=True)

    listing = _action(actions, "list", "which kernels are at hand", "klpdsl kernel list")
    listing.set_defaults(action=_list)

    fetching = _action(
        actions,
        "fetch",
        "get a kernel and its headers through apt, without installing them",
        "klpdsl kernel fetch 6.12",
    )
    fetching.add_argument("series", metavar="X.Y", help="for example 6.12")
    fetching.add_argument(
        "--dry-run", "-n", action="store_true", help="print the commands, for another machine"
    )
    fetching.set_defaults(action=_fetch)

    _confirm_parser(
        _action(
            actions,
            "confirm",
            "compare the model with kernels, scenario by scenario",
            "klpdsl kernel confirm scenarios/replace --kernel 6.12 --record",
        )
    )

    evidence = _action(
        actions, "evidence", "what kernels have said so far, as Markdown", "klpdsl kernel evidence --changes"
    )
    evidence.add_argument(
        "--changes", action="store_true", help="instead, which changes of the history that bears out"
    )
    evidence.set_defaults(action=_evidence)

    running = _action(
        actions,
        "run",
        "print the trace of a scenario on a kernel",
        "klpdsl kernel run -c 'load p1; t1: syscall f' --kernel 6.12",
    )
    add_scenario(running)
    _kernel_options(running)
    running.add_argument("--format", choices=("text", "jsonl"), default="text", help="how to print the trace")
    running.add_argument(
        "--keep", metavar="FOLDER", type=Path, help="keep the guest's report and console here"
    )
    running.set_defaults(action=_run)
    return top


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, what: str, example: str
) -> argparse.ArgumentParser:
    """Return the parser of one of the command's own commands, with what it does and an example in its help."""
    described = f"{what[0].upper()}{what[1:]}."
    return actions.add_parser(
        name, help=what, description=described, epilog=f"example: {example}", allow_abbrev=False
    )


def _confirm_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="scenarios or folders (default: all of the suite)"
    )
    parser.add_argument(
        "--kernel", metavar="X.Y", action="append", help="may be repeated (default: all at hand)"
    )
    parser.add_argument(
        "--all", action="store_true", help="also scenarios whose header does not name the release"
    )
    parser.add_argument("--record", action="store_true", help="keep what they say, in evidence/")
    parser.add_argument(
        "--machines", metavar="N", type=int, default=2, help="as many run side by side (default: 2)"
    )
    parser.add_argument("--accel", choices=("tcg", "kvm"), default="tcg", help="as for run")
    parser.add_argument(
        "--keep", metavar="FOLDER", type=Path, help="keep report and console of what is not confirmed"
    )
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="how to print the verdicts"
    )
    parser.set_defaults(action=_confirm)


def _kernel_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kernel", metavar="X.Y", help="a kernel that `klpdsl kernel list` shows")
    parser.add_argument("--vmlinuz", metavar="PATH", type=Path, help="any kernel image (with --headers)")
    parser.add_argument("--headers", metavar="PATH", type=Path, help="the headers to build its modules with")
    parser.add_argument(
        "--accel",
        choices=("tcg", "kvm"),
        default="tcg",
        help="tcg (default) is slower and repeatable to the instruction",
    )


def _kernel(arguments: argparse.Namespace) -> KernelImage:
    if arguments.vmlinuz or arguments.headers:
        if not (arguments.vmlinuz and arguments.headers):
            raise KernelError("--vmlinuz and --headers go together")
        return given_kernel(arguments.vmlinuz, arguments.headers)
    if arguments.kernel:
        return kernel_named(arguments.kernel)
    kernels = kernels_at_hand()
    if not kernels:
        raise KernelError("no kernel at hand; get one with: klpdsl kernel fetch 6.12")
    return kernels[-1]


def _list(_: argparse.Namespace) -> int:
    kernels = kernels_at_hand()
    for kernel in kernels:
        print(f"{kernel.name:8} {kernel.release}")
    if not kernels:
        print("none; get one with: klpdsl kernel fetch 6.12", file=sys.stderr)
    return OK


def _fetch(arguments: argparse.Namespace) -> int:
    if arguments.dry_run:
        for command in how_to_fetch(arguments.series):
            print(shlex.join(command))
        return OK
    kernel = fetch(arguments.series)
    print(f"{kernel.name:8} {kernel.release}")
    return OK


def _run(arguments: argparse.Namespace) -> int:
    from klpdsl.kernel.batch import Batch
    from klpdsl.kernel.plan import make_plan
    from klpdsl.kernel.retrace import retrace

    plan = make_plan(loaded_of(arguments.file, arguments.text).program)
    kernel = _kernel(arguments)
    outcome = Batch(kernel, {"1": plan}, accel=arguments.accel, machines=1).run()["1"]
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        _put(arguments.keep, outcome)
    trace = retrace(plan, outcome.seen)
    if arguments.format == "jsonl":
        from klpdsl.trace.jsonl import to_jsonl

        print(to_jsonl(trace), end="")
    else:
        from klpdsl.trace.text import to_text

        print(to_text(trace), end="")
    for step in outcome.seen.steps:
        for note in step.notes:
            complain(f"klpdsl kernel run: step {step.number}: {note}")
    if outcome.end != "played":
        complain(f"klpdsl kernel run: the guest {outcome.end} after step {len(outcome.seen.steps) - 1}")
        return CANNOT_JUDGE
    return OK if all(check.ok for step in trace.steps for check in step.checks) else MISMATCH


def _confirm(arguments: argparse.Namespace) -> int:
    from klpdsl.goldens.suite import find_suite
    from klpdsl.kernel import confirm, evidence

    suite = find_suite(arguments.paths)
    names = suite.names(arguments.paths)
    if not names:
        complain("klpdsl kernel confirm: no scenarios there")
        return NOTHING_SELECTED
    kernels = [kernel_named(name) for name in arguments.kernel or ()] or kernels_at_hand()
    if not kernels:
        raise KernelError("no kernel at hand; get one with: klpdsl kernel fetch 6.12")
    verdicts: list[confirm.KernelVerdict] = []
    for kernel in kernels:
        progress = _Progress(kernel.name)
        asked = confirm.confirm(
            suite,
            names,
            kernel,
            everything=arguments.all,
            accel=arguments.accel,
            machines=arguments.machines,
            progress=progress.one,
        )
        progress.done()
        verdicts += asked
    if arguments.record:
        for kernel in kernels:
            evidence.write_kernel(suite, kernel.name, kernel.release, kernel.facts())
        for name in names:
            kept = {v.kernel: v.evidence for v in verdicts if v.scenario == name and v.evidence is not None}
            evidence.write(suite, name, kept)
    if arguments.keep:
        _keep(arguments.keep, verdicts)
    _print_verdicts(verdicts, arguments.format)
    contradicted = [
        (v, v.evidence) for v in verdicts if v.answer == "contradicted" and v.evidence is not None
    ]
    known = [
        v for v, now in contradicted if evidence.is_known(evidence.read(suite, v.scenario).get(v.kernel), now)
    ]
    if known and arguments.format == "text":
        print(f"{len(known)} of the contradictions {'is' if len(known) == 1 else 'are'} known (evidence/)")
    if len(known) < len(contradicted):
        return MISMATCH
    return CANNOT_JUDGE if any(verdict.answer == "cannot-judge" for verdict in verdicts) else OK


def _evidence(arguments: argparse.Namespace) -> int:
    from klpdsl.goldens.suite import find_suite
    from klpdsl.kernel.attribution import borne_out
    from klpdsl.kernel.confirmed import render
    from klpdsl.kernel.evidence import read

    suite = find_suite([])
    names = suite.names([])
    if not arguments.changes:
        print(render(suite), end="")
        return OK
    for kernel in sorted({kernel for name in names for kernel in read(suite, name)}):
        for change, shown_in in sorted(borne_out(suite, names, kernel).items()):
            print(
                f"{kernel} {change}: {len(shown_in)} ({', '.join(shown_in[:3])}{', …' if shown_in[3:] else ''})"
            )
    return OK


class _Progress:
    """A line on the terminal that counts scenarios; nothing elsewhere."""

    def __init__(self, kernel: str) -> None:
        self._kernel = kernel
        self._count = 0

    def one(self, scenario: str) -> None:
        self._count += 1
        if sys.stderr.isatty():
            raw(sys.stderr, f"\r\033[K{visible(f'{self._kernel}: {self._count} played, {scenario}')}")
            sys.stderr.flush()

    def done(self) -> None:
        if sys.stderr.isatty():
            raw(sys.stderr, "\r\033[K")
            sys.stderr.flush()


def _keep(folder: Path, verdicts: Sequence[KernelVerdict]) -> None:
    for verdict in verdicts:
        if verdict.outcome is None or verdict.answer == "confirmed":
            continue
        place = folder / verdict.kernel / verdict.scenario
        place.mkdir(parents=True, exist_ok=True)
        _put(place, verdict.outcome)


def _put(folder: Path, outcome: Played) -> None:
    for name, text in (("report", outcome.boot.report), ("console", outcome.boot.console)):
        replace_file(str(folder / name), text.encode("utf-8", "surrogateescape"))


def _print_verdicts(verdicts: Sequence[KernelVerdict], form: str) -> None:
    if form == "json":
        import json

        for verdict in verdicts:
            row = {
                "scenario": verdict.scenario,
                "kernel": verdict.kernel,
                "answer": verdict.answer,
                "why": verdict.why,
            }
            print(json.dumps(row))
        return
    for verdict in verdicts:
        if verdict.answer in {"contradicted", "cannot-judge"}:
            print(f"{verdict.scenario} on {verdict.kernel}: {verdict.answer}")
            print("".join(f"    {line}\n" for line in verdict.why), end="")
    for kernel in dict.fromkeys(verdict.kernel for verdict in verdicts):
        counts: dict[str, int] = {}
        for verdict in verdicts:
            if verdict.kernel == kernel:
                counts[verdict.answer] = counts.get(verdict.answer, 0) + 1
        said = ", ".join(f"{count} {answer.replace('-', ' ')}" for answer, count in sorted(counts.items()))
        print(f"{kernel}: {said}")
