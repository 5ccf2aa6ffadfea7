"""What real kernels have said in all, as a document: docs/confirmed.md is what this gives for the project's suite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from klpdsl.goldens.suite import Suite
from klpdsl.kernel import evidence
from klpdsl.kernel.evidence import Evidence
from klpdsl.kernel.evidence_files import names_kept

_HEAD = """# What real kernels said

<!-- Made by `make docs` from evidence/: change that with `klpdsl kernel confirm --record`, not this. -->

Scenarios played on real kernels and compared with the model; [real-kernel.md](real-kernel.md) says how, and what is
compared. *Confirmed*: from the first step to the last the kernel did what the model says. *Not expressible*: a
real kernel cannot be made to play it. Every file in `evidence/` has the digests of what was asked and what was said.
"""


def _version(kernel: str) -> tuple[int, ...]:
    return tuple(int(part) for part in kernel.split(".") if part.isdecimal())


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _count(rows: Mapping[str, Mapping[str, Evidence]], kernel: str, state: str, folder: str = "") -> int:
    return sum(
        kernel in kept and kept[kernel].state == state
        for name, kept in rows.items()
        if not folder or name.split("/")[0] == folder
    )


def render(suite: Suite) -> str:
    """Return the document."""
    rows = {name: evidence.read(suite, name) for name in names_kept(suite)}
    kernels = sorted({kernel for kept in rows.values() for kernel in kept}, key=_version)
    return "\n".join(
        [_HEAD, _totals(rows, kernels), _folders(rows, kernels), _contradicted(rows), _refused(rows)]
    )


def _totals(rows: Mapping[str, Mapping[str, Evidence]], kernels: list[str]) -> str:
    releases = {
        kernel: sorted({kept[kernel].release for kept in rows.values() if kernel in kept})
        for kernel in kernels
    }
    states = ("confirmed", "contradicted", "not-expressible")
    table = _table(
        ("kernel", "releases", "confirmed", "contradicted", "not expressible"),
        (
            (kernel, ", ".join(releases[kernel]), *(_count(rows, kernel, state) for state in states))
            for kernel in kernels
        ),
    )
    both = sum(
        len(kept) == len(kernels) and all(row.state == "confirmed" for row in kept.values())
        for kept in rows.values()
    )
    return f"{table}\n{both} scenarios are confirmed on all of them.\n"


def _folders(rows: Mapping[str, Mapping[str, Evidence]], kernels: list[str]) -> str:
    folders = sorted({name.split("/")[0] for name in rows})
    table = _table(
        ("scenarios", *(f"confirmed on {kernel}" for kernel in kernels)),
        ((folder, *(_count(rows, kernel, "confirmed", folder) for kernel in kernels)) for folder in folders),
    )
    return f"## By subject\n\n{table}"


def _contradicted(rows: Mapping[str, Mapping[str, Evidence]]) -> str:
    text = "## Contradicted\n"
    for name, kept in rows.items():
        for kernel, row in kept.items():
            if row.state == "contradicted":
                lines = "".join(f"    {line}\n" for line in row.why)
                text += f"\n`{name}` on {kernel}:\n\n{lines}"
    return text


def _refused(rows: Mapping[str, Mapping[str, Evidence]]) -> str:
    refused: dict[str, tuple[str, ...]] = {}
    for name, kept in rows.items():
        for row in kept.values():
            if row.state == "not-expressible":
                refused[name] = row.why
    table = _table(("scenario", "why not"), ((f"`{name}`", "; ".join(why)) for name, why in refused.items()))
    return f"## Not expressible\n\n{table}"
