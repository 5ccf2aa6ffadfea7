"""`klpdsl merge-golden`: the merge driver that git calls for goldens. `klpdsl git-setup` installs it."""

from __future__ import annotations

from klpdsl._writing import replace_file
from klpdsl.cli.common import MISMATCH, OK, complain, parser


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code: git takes anything but 0 for a conflict."""
    p = parser(
        "merge-golden",
        "Merge a golden for git: not the texts, but what the merged scenario gives. klpdsl git-setup installs this.",
        "git config merge.klpdsl.driver 'klpdsl merge-golden %O %A %B %P'",
    )
    for name, what in (
        ("base", "%%O"),
        ("ours", "%%A: the result goes here"),
        ("theirs", "%%B"),
        ("path", "%%P"),
    ):
        p.add_argument(name, help=what)
    arguments = p.parse_args(argv)
    from klpdsl.goldens.with_git.merging import merge

    merged = merge(arguments.path)
    if merged.text is None:
        # Our own golden stays, whole and without markers; git holds the file for unmerged, and klpdsl check says so.
        complain(f"klpdsl: {arguments.path}: {merged.said}")
        return MISMATCH
    replace_file(arguments.ours, merged.text.encode("utf-8", "surrogateescape"))
    complain(f"klpdsl: {arguments.path}: {merged.said}")
    return OK
