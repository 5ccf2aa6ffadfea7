"""`klpdsl observe`: the script that collects on a machine what `klpdsl explain-log --snapshot` reads."""

from __future__ import annotations

from klpdsl.cli.common import OK, USAGE, complain, parser
from klpdsl.dmesg.snapshot import script


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "observe",
        "Print a script (POSIX sh, no dependencies) that is run as root on a machine and prints livepatch's state\n"
        "there: patches, and of each task its name, ids, state, patch_state and the kernel functions that it is in.\n"
        "It writes nothing and sends nothing anywhere.",
        "klpdsl observe --print-script > observe.sh",
    )
    p.add_argument("--print-script", action="store_true", help="print the script")
    arguments = p.parse_args(argv)
    if not arguments.print_script:
        complain("klpdsl observe: --print-script prints the script; run that as root on the machine")
        return USAGE
    print(script(), end="")
    return OK
