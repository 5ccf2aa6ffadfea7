"""`klpdsl blame`: for a golden's lines, the engine change, the commit and the reason that brought them."""

from __future__ import annotations

import json

from klpdsl.cli.common import OK, USAGE, complain, parser
from klpdsl.goldens.suite import find_suite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.goldens.with_git.blame import BlamedLine


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "blame",
        "For each line of a golden, or for one: the change of the lineage that brought it into the traces of the\n"
        "scenario, the commit of this repository that brought it into the file, and the reason that was given when\n"
        "the golden was accepted.",
        "klpdsl blame goldens/replace/nops/v5.1.trace:12",
    )
    p.add_argument("where", metavar="FILE[:LINE]", help="a golden, and perhaps a line of it")
    p.add_argument("--format", choices=("text", "json"), default="text", help="how to print it")
    arguments = p.parse_args(argv)
    path, _, number = arguments.where.rpartition(":")
    if not path or not number.isdecimal():
        path, number = arguments.where, "0"
    elif int(number) == 0:
        complain("klpdsl blame: lines are counted from 1")
        return USAGE
    from klpdsl.goldens.with_git.blame import blame

    lines = blame(find_suite([path]), path, int(number))
    if arguments.format == "json":
        print(json.dumps([_plain(line) for line in lines], ensure_ascii=False, indent=2))
    elif int(number):
        print("\n".join(_in_full(lines[0])))
    else:
        print("\n".join(_table(lines)))
    return OK


def _plain(line: BlamedLine) -> dict[str, object]:
    row = line._asdict()
    row["commit"] = line.commit._asdict() if line.commit else None
    row["entry"] = {"reason": line.entry.reason, "date": line.entry.date} if line.entry else None
    return row


def _in_full(line: BlamedLine) -> list[str]:
    shown = [f"{line.number}: {line.text}", f"  engine: {line.engine}, {line.citation}"]
    if line.commit:
        one = line.commit
        shown.append(f"  commit: {one.id[:12]} {one.date} {one.author}: {one.subject}")
    else:
        shown.append("  commit: none yet")
    if line.entry:
        shown.append(f"  reason: {line.entry.reason} ({line.entry.date}, class {line.entry.class_id})")
    return shown


def _table(lines: list[BlamedLine]) -> list[str]:
    rows = [
        (
            line.change or line.engine,
            line.commit.id[:9] if line.commit else "-",
            _cut(line.entry.reason) if line.entry else "",
            str(line.number),
            line.text,
        )
        for line in lines
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    return [
        f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:{widths[2]}}  {row[3]:>{widths[3]}}  {row[4]}".rstrip()
        for row in rows
    ]


def _cut(text: str, width: int = 40) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
