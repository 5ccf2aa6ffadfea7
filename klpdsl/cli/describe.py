"""`klpdsl describe`: what a built livepatch module patches, as the beginning of a scenario."""

from __future__ import annotations

from klpdsl.cli.common import OK, parser
from klpdsl.describe.declaring import describe
from klpdsl.syntax.wording import format_statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from klpdsl.describe.declaring import DescribedPatch


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "describe",
        "Read what a built livepatch module patches out of its file (.ko, also packed by gzip or xz): objects,\n"
        "functions and their positions, callbacks, states, whether it replaces, what livepatch relocates; made by\n"
        "hand, by kpatch-build or by klp-build. It is printed as declarations with which a scenario can begin; what\n"
        "the file does not tell stands before them. Nothing of the module is run.",
        "klpdsl describe livepatch-sample.ko > case.klp",
    )
    p.add_argument("file", metavar="PATCH.ko", help="the module's file")
    p.add_argument(
        "--format", choices=("text", "json"), default="text", help="how to print it (default: text)"
    )
    arguments = p.parse_args(argv)
    found = describe(arguments.file)
    if arguments.format == "json":
        import json

        print(json.dumps(_plain(found), ensure_ascii=False, indent=2))
    else:
        print("\n".join(_text(found)))
    return OK


def _text(found: DescribedPatch) -> Iterator[str]:
    built = f" for {found.release}" if found.release else ""
    yield f"# {found.patch.name}: built{built}; made by {found.made_by}"
    for note in found.notes:
        yield f"# {note}"
    yield found.text().rstrip("\n")


def _plain(found: DescribedPatch) -> dict[str, object]:
    body = found.patch.body
    return {
        "name": found.patch.name,
        "release": found.release,
        "made_by": found.made_by,
        "flags": [flag.name for flag in found.patch.flags],
        "items": [format_statement(item) for item in body.items] if body else [],
        "world": [format_statement(item) for item in found.world],
        "notes": list(found.notes),
    }
