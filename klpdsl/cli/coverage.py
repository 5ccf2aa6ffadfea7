"""What `klpdsl engines --coverage` says: what shows each change, each engine beside mainline, each value of an axis."""

from __future__ import annotations

import os

from klpdsl.cli.lists import listed, wrapped
from klpdsl.compare.coverage import corpus_coverage
from klpdsl.goldens.suite import find_suite
from klpdsl.semantics.lineage import coverage
from klpdsl.semantics.records import EngineError
from klpdsl.separate.shortest import kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from klpdsl.compare.coverage import ShownBy
    from klpdsl.separate.shortest import Shortest

_SHOWN_IN = "scenarios/changes"


def what_is_shown(folder: str | None) -> tuple[dict[str, Any], list[str]]:
    """Return it as plain values, and as lines of text. `folder` has the scenarios of the changes."""
    folder = folder or _SHOWN_IN
    said: dict[str, Any] = coverage(_scenarios(folder))
    lines = list(_changes(said, folder))
    if os.path.isdir(folder):
        found = corpus_coverage(find_suite([folder]))
        for key, title, rows in (
            ("proposals", "engines beside mainline", found.proposals),
            ("values", "values of axes", found.values),
        ):
            said[key] = {name: one and one._asdict() for name, one in rows.items()}
            lines += ["", *_by_corpus(title, rows)]
    by_machine = kept()
    said["by_machine"] = {name: row._asdict() for name, row in by_machine.items()}
    return said, [*lines, "", *_by_machine(by_machine)]


def _scenarios(folder: str) -> set[str]:
    if not os.path.exists(folder):
        if folder == _SHOWN_IN:
            return set()
        raise EngineError(f"{folder}: there is no such folder")
    names = os.listdir(folder)
    return {name.removesuffix(".klp") for name in names if name.endswith(".klp")}


def _changes(said: dict[str, Any], folder: str) -> Iterator[str]:
    count = len(said["not_showable"])
    yield (
        f"{said['changes']} changes: {len(said['shown'])} of {said['showable']} that scenarios can show are shown "
        f"in {folder}; {count} can not be shown"
    )
    yield from listed("without a scenario", said["missing"])
    yield from listed("scenarios of no change", said["unknown"])
    yield from listed("not to be shown", [f"{name}: {why}" for name, why in said["not_showable"].items()])


def _by_corpus(title: str, rows: dict[str, ShownBy | None]) -> Iterator[str]:
    """The scenario that tells each from others, a line each."""
    shown = sum(1 for one in rows.values() if one)
    yield f"scenarios that tell {title} from others, for {shown} of {len(rows)}"
    for name, one in rows.items():
        if one is None:
            yield f"    {name}: no scenario"
            continue
        others = f", which differ in {len(one.axes)} axes" if len(one.axes) > 1 else ""
        yield from wrapped(f"{name}: {one.scenario} ({one.left} / {one.right}{others})", "    ")


def _by_machine(rows: dict[str, Shortest]) -> Iterator[str]:
    """The shortest scenarios that a search has found for changes and for values of axes, a line each."""
    for title, chosen in (
        ("changes", [row for name, row in rows.items() if "=" not in name]),
        ("values of axes", [row for name, row in rows.items() if "=" in name]),
    ):
        found = sum(1 for row in chosen if row.steps)
        yield f"the shortest scenarios that a search has found, for {found} of {len(chosen)} {title}"
        for row in chosen:
            between = f"{row.left} / {row.right}: " if row.left else ""
            said = f"{'; '.join(row.actions)}  ({row.kind})" if row.steps else row.verdict
            yield from wrapped(f"{row.name}: {between}{said}", "    ")
