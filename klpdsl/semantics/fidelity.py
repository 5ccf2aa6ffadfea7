"""The generator of docs/fidelity.md: how each change is known, and where the model is known to differ.

`python -m klpdsl.semantics.fidelity docs/fidelity.md` writes the document, `--check` only says whether it is what the
data give (exit 1 if not).
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from typing import Any

from klpdsl._documents import markdown_table, write_or_compare
from klpdsl.semantics.records import Change, Distribution, EngineError, Proposal
from klpdsl.semantics.table import change, data_text, distributions, order, proposal, table

_KINDS = {
    "inferred": "The model does what follows from other things; no source says so.",
    "simplified": "The kernel does more, or does it in more ways, than the model shows.",
    "not modelled": "Scenarios can not ask for it, or traces do not show it.",
}
_KEYS = {"id", "kind", "engines", "text", "source"}

_HEAD = """\
# How faithful the model is

<!-- Made by `make docs` from klpdsl/semantics/data/*.toml: change those, not this. -->

An engine of mainline is the first version of its release, X.Y.0, on x86-64. What each change of behaviour does was
taken, in this order of trust, from a running kernel, from source, from documentation and mails, and from reasoning.
This page says for each change which of these it was, and what is known to be different from the kernel.
"""

_WORDS = """\
The word under *known by*:

- **read**: the commit was read, or the code right after it, and so was the release that has it first;
- **read; release inferred**: the commit or its code was read; that the release is the first follows from dates, from
  the series it was part of, or from its neighbours;
- **subject and date read**: the commit is known from a log; the code was read only in a later release;
- **trees compared**: the difference was found between the sources of two releases; which commit made it is from
  memory, or not known;
- **from memory**: nothing was read.

*Between* gives the newest source tree that was read without the change, and the oldest with it; the third numbers are
stable or distribution trees of that release. *Seen on* names running kernels on which the effect was observed; what
was before the change was not run. Which scenarios that were, and how many agree in all, is in
[confirmed.md](confirmed.md).

Beside this, the code of `kernel/livepatch` itself was run in user space, in lockstep with the model, and compared at
the moment of every event: log lines, callbacks, calls, task states, references, sysfs and stacks of versions. On 36
trees from v4.0 on all scenarios that can be played so and hundreds of random ones agree. Digests of what the
kernels' code did are kept, and tests hold the model to them: [tests/recorded](../tests/recorded/README.md).
"""


def differences() -> list[dict[str, str]]:
    """Return the known differences, as the data file has them."""
    rows: list[dict[str, Any]] = tomllib.loads(data_text("known-differences.toml").decode())["difference"]
    seen: set[str] = set()
    for row in rows:
        name = row.get("id", "?")
        if set(row) != _KEYS or not all(isinstance(value, str) and value for value in row.values()):
            raise EngineError(
                f"known-differences.toml: {name} must have {', '.join(sorted(_KEYS))}, all of them text"
            )
        if row["kind"] not in _KINDS or name in seen:
            raise EngineError(
                f"known-differences.toml: {name} is there twice or is of a kind that does not exist"
            )
        seen.add(name)
    return rows


def render() -> str:
    """Return the document."""
    changes = [change(name) for name in order()]
    beside = [proposal(name) for name in table()["proposals"]]
    debated = [one for one in beside if one.debate]
    beside = [one for one in beside if not one.debate]
    parts = [
        _HEAD,
        _changes(changes),
        _not_shown(changes),
        _run(distributions()),
        _beside(beside),
        _debated(debated),
        _differences(),
    ]
    return "\n".join(parts)


def _changes(changes: list[Change]) -> str:
    rows = [
        (
            f"`{one.id}`",
            one.release,
            f"`{one.commit[:12]}`" if one.commit else "not known",
            one.evidence,
            ", ".join(one.trees),
            ", ".join(one.confirmed),
            one.source,
        )
        for one in changes
    ]
    counts = {
        word: sum(one.evidence == word for one in changes)
        for word in dict.fromkeys(o.evidence for o in changes)
    }
    summary = ", ".join(f'{count} "{word}"' for word, count in counts.items())
    seen = sum(bool(one.confirmed) for one in changes)
    table_ = markdown_table(
        ("change", "release", "commit", "known by", "between", "seen on", "what was read"), rows
    )
    total = f"{len(changes)} changes: {summary}; {seen} seen on a running kernel.\n"
    return f"## The changes of mainline\n\n{_WORDS}\n{total}\n{table_}"


def _not_shown(changes: list[Change]) -> str:
    rows = [(f"`{one.id}`", one.effect, one.why) for one in changes if not one.shown]
    return f"## Changes that no scenario can show\n\n{markdown_table(('change', 'effect', 'why'), rows)}"


def _run(kernels: Sequence[Distribution]) -> str:
    rows = [
        (
            f"`{one.id}`",
            f"{one.title}, {one.version}",
            one.base,
            ", ".join(f"`{name}`" for name in one.carries) or "nothing",
            one.grade,
            f"{one.source} ({one.read})",
            one.note,
        )
        for one in kernels
    ]
    unread = "".join(f"- {name}: {why}.\n" for name, why in table()["unread"].items())
    head = ("engine", "kernel", "made from", "carries", "known by", "what was read, and when", "remark")
    return f"""\
## Kernels of distributions and stable trees

Each is a release and the changes of later ones that it carries. *Read*: `kernel/livepatch` and what it needs around it
was read in the tree of that very kernel and compared with the history; *rebuild read*: in that of a rebuild from the
same source packages; *inferred*: in the tree named.

{markdown_table(head, rows)}
What was looked for and could not be read has no engine:

{unread}"""


def _beside(beside: list[Proposal]) -> str:
    rows = [
        (f"`{one.id}`", f"`{one.base}`", f"{one.who}, {one.when}", one.where, "; ".join(one.inferred))
        for one in beside
    ]
    return (
        "## Engines beside mainline\n\n"
        "What is not said to be inferred stands in the source named.\n\n"
        f"{markdown_table(('engine', 'on', 'proposed by', 'source', 'inferred'), rows)}"
    )


def _debated(debated: list[Proposal]) -> str:
    rows = [
        (
            f"`{one.id}`",
            f"`{one.base}`",
            f"{one.who}, {one.when}",
            one.where,
            one.grade,
            "; ".join(one.inferred),
        )
        for one in debated
    ]
    return (
        "## Engines of the debates of 2023 to 2026\n\n"
        "*Patch read*: the text of the posting was read; *discussion read*: a cover letter or mails; *quoted*: only\n"
        "what others' mails quote. What became of each stands in [proposals.md](proposals.md).\n\n"
        f"{markdown_table(('engine', 'on', 'proposed by', 'source', 'known by', 'inferred'), rows)}"
    )


def _differences() -> str:
    lines = ["## Known differences", ""]
    rows = differences()
    for kind, meaning in _KINDS.items():
        lines += [f"### {kind.capitalize()}", "", meaning, ""]
        for row in rows:
            if row["kind"] == kind:
                text = " ".join(row["text"].split())
                lines.append(f"- **{row['id']}** ({row['engines']}): {text} *Source: {row['source']}.*")
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def main(argv: list[str]) -> int:
    """Write the document to the path given, or compare with it."""
    return write_or_compare(argv, "klpdsl.semantics.fidelity", "klpdsl/semantics/data gives", render)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
