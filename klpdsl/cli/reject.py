"""`klpdsl reject`: drop pending changes, undecided or decided. Goldens stay as they are."""

from __future__ import annotations

from klpdsl.cli.common import NOTHING_SELECTED, OK, parser
from klpdsl.cli.golden import add_class_argument, writing
from klpdsl.goldens.deciding import pending
from klpdsl.goldens.suite import find_suite


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "reject",
        "Drop pending changes: the goldens stay, and it is the rule or the scenario that has to change.\n"
        "Until it has, the next check finds the differences again.",
        "klpdsl reject --class 3f2a91c0",
    )
    p.add_argument("paths", nargs="*", metavar="PATH", help="scenarios or folders of them (default: all)")
    add_class_argument(p)
    p.add_argument("--dry-run", action="store_true", help="only say what would be dropped")
    arguments = p.parse_args(argv)
    suite = find_suite(arguments.paths)
    wanted = set(suite.names(arguments.paths)) if arguments.paths else None
    with writing(suite):
        names = [name for name in pending.names(suite) if wanted is None or name in wanted]
        found = 0
        for name in names:
            record = pending.read(suite, name)
            if record is None:
                if not arguments.dry_run:
                    pending.drop(suite, name)
                continue
            left = tuple(e for e in record.entries if arguments.classes and e[0] not in arguments.classes)
            dropped = len(record.entries) - len(left)
            if not dropped:
                continue
            found += dropped
            print(f"{name}: {dropped} {'would be ' if arguments.dry_run else ''}rejected")
            if arguments.dry_run:
                continue
            if left:
                pending.write(suite, record._replace(entries=left))
            else:
                pending.drop(suite, name)
        if not arguments.dry_run:
            remaining = {one.id for one in pending.classes(pending.iterate(suite, pending.names(suite)))}
            made = pending.decisions(suite)
            if set(made) - remaining:
                pending.decide(suite, {id_: one for id_, one in made.items() if id_ in remaining})
    if not found:
        print("nothing is pending")
        return NOTHING_SELECTED if arguments.classes else OK
    return OK
