"""`klpdsl prune`: remove goldens that belong to no scenario, or say what their ancestor's say."""

from __future__ import annotations

import os

from klpdsl.cli.common import HOUSEKEEPING, MISMATCH, NOTHING_SELECTED, OK, complain, parser
from klpdsl.cli.golden import add_write_arguments, may_write, tell, writing
from klpdsl.goldens.checking import inventory, scenario_check
from klpdsl.goldens.deciding import accepting, transaction
from klpdsl.goldens.deciding.transaction import Operation, Plan
from klpdsl.goldens.runs import cases
from klpdsl.goldens.storage import store, writes
from klpdsl.goldens.suite import Suite, find_suite


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "prune",
        "Find goldens without a scenario, goldens that say what their nearest ancestor's says or are for an engine\n"
        "that the scenario is not meant for, and other files among them. The static inventory decides, never what a\n"
        "run has touched. Only with --apply is anything removed, in one transaction.",
        "klpdsl prune --apply",
    )
    p.add_argument("--apply", action="store_true", help="remove them (otherwise they are only listed)")
    p.add_argument("--stray", action="store_true", help="with --apply: also files that are no goldens at all")
    add_write_arguments(p)
    arguments = p.parse_args(argv)
    code = may_write("prune", arguments) if arguments.apply else OK
    if code:
        return code
    suite = find_suite([])
    if not suite.names([]):
        # An empty scenarios/ is more likely a mistake than a wish to lose every golden.
        complain("klpdsl prune: there are no scenarios here, so nothing says which goldens are needed")
        return NOTHING_SELECTED
    if not arguments.apply:
        return _prune(suite, apply=False, stray=True)
    with writing(suite):
        return _prune(suite, apply=True, stray=arguments.stray)


def _prune(suite: Suite, *, apply: bool, stray: bool) -> int:
    operations: list[Operation] = []
    taken = inventory.take(suite)
    for orphans in taken.orphans:
        hint = f": it seems to be {orphans.renamed} now" if orphans.renamed else ""
        print(f"goldens/{orphans.name}/: there is no scenario {orphans.name}{hint}")
        operations += [
            _removal(suite, os.path.join(suite.goldens, orphans.name, file)) for file in orphans.files
        ]
    for name in suite.names([]):
        operations += _layout(suite, name)
    for path in taken.stray:
        print(f"{suite.relative(path)}: this is no golden{'' if stray else ' (--stray removes it)'}")
        if stray:
            operations.append(_removal(suite, path))
    if taken.conflicts:
        complain("git holds files for unmerged here: resolve them first")
        return MISMATCH
    if not operations:
        if not taken.stray:
            print("nothing to prune")
        return HOUSEKEEPING if taken.stray else OK
    if not apply:
        for operation in operations:
            print(f"would {'remove' if operation.new is None else 'write'} {operation.path}")
        print("klpdsl prune --apply does it")
        return HOUSEKEEPING
    finished = transaction.commit(suite, Plan(tuple(operations)))
    tell(suite, finished)
    return MISMATCH if finished.moved else OK


def _removal(suite: Suite, path: str) -> Operation:
    relative = suite.relative(path)
    return Operation(relative, None, writes.state_of(suite, relative))


def _layout(suite: Suite, name: str) -> list[Operation]:
    engines = cases.meant_for(suite, name)
    if engines is None:
        complain(f"{name}: cannot be read, so its goldens stay")
        return []
    redundant, unmeant = scenario_check.housekeeping(store.read(suite, name), engines)
    for engine in redundant:
        print(f"goldens/{name}/{store.file_of(engine)}: says what its ancestor's says")
    for engine in unmeant:
        if engine not in redundant:
            print(f"goldens/{name}/{store.file_of(engine)}: {name} is not meant for {engine}")
    if not redundant and not unmeant:
        return []
    return accepting.tidy(suite, name, engines)
