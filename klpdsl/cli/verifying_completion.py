"""`klpdsl verify --completes`: whether every transition completes at last, who may hold it for ever, what frees it."""

from __future__ import annotations

import argparse

from klpdsl.cli.common import CANNOT_JUDGE, MISMATCH, OK, USAGE, complain
from klpdsl.cli.exploring import ScenarioChoice, bounds_of, progress_of, worst_of
from klpdsl.explore import witness
from klpdsl.explore.judging import holding
from klpdsl.explore.outcome_report import counted
from klpdsl.explore.progress import CompletionFound, HeldTransition, search_completion, time_passes
from klpdsl.run.flow import Flow
from klpdsl.semantics.records import Engine

_ASSUMED = """\
Assumed: tasks and time go on and the operator does nothing more; time never stops passing, and a task that can return
is outside all functions now and then. What else tasks do is up to them."""


def verify_completion(arguments: argparse.Namespace, chosen: ScenarioChoice, depth: int) -> int:
    """Search on each engine, and print what was found; returns the exit code. Depth 0: there is no alphabet."""
    source = chosen.loaded.source
    if not depth:
        complain(
            f"klpdsl verify: {source}: whether transitions complete is asked of runs without end (`interleave "
            "forever`, or --forever)"
        )
        return USAGE
    if not time_passes(Flow(chosen.loaded.program.statements, forever=True)):
        complain(
            f"klpdsl verify: {source}: no time passes in the alphabet, so nothing is tried again; add `tick`"
        )
        return USAGE
    return worst_of(_on(arguments, chosen, engine, depth) for engine in chosen.engines)


def _on(arguments: argparse.Namespace, chosen: ScenarioChoice, engine: Engine, depth: int) -> int:
    bounds, tell = bounds_of(arguments), progress_of(arguments)
    search = search_completion(chosen.loaded.program, engine.semantics, depth, bounds, tell)
    explored, seen = search.explored, search.found
    size = counted(explored.effort.states, "state")
    if seen is None:
        print(
            f"completion: not known on {engine.name}: {explored.stopped} stopped the search\n"
            f"{size} seen, {explored.effort.frontier:,} not gone on from"
        )
        return CANNOT_JUDGE
    print("\n".join(_said(engine, seen, size)))
    if crashed := sum(search.graph.crashed):
        print(f"(nothing was followed behind {counted(crashed, 'state')} in which the machine has crashed)")
    if not seen.held:
        return OK
    first = seen.held[0]
    end = "nothing that tasks and time do completes it" if first.trap else "it need never complete"
    comment = (
        f"{_holders(first)} may hold the transition of {first.patch} for ever on {engine.name}:\n"
        f"in a run that goes on from the remark below as it does there, {end}."
    )
    print("\n" + witness.held_scenario(search.paths, engine, search.way, first, comment), end="")
    return MISMATCH


def _said(engine: Engine, seen: CompletionFound, size: str) -> list[str]:
    size = f"{size}, in {seen.states:,} of which one is under way: the search has closed"
    if not seen.states:
        return [f"completion: no transition is ever under way on {engine.name} ({size})"]
    if not seen.held:
        return [f"completion: every transition completes on {engine.name} ({size})", _ASSUMED]
    lines = [f"completion: may never come on {engine.name} ({size})"]
    for one in seen.held:
        lines.append(f"    {holding(one)}")
        if one.at_once:
            lines.append(f"        ended by: {', '.join(one.at_once)}")
        if one.freed:
            lines.append(f"        completes at last after: {', '.join(one.freed)}")
        if not one.at_once and not one.freed:
            lines.append("        nothing in the alphabet frees it")
    return [*lines, _ASSUMED]


def _holders(one: HeldTransition) -> str:
    return " and ".join(one.holders) or "no task"
