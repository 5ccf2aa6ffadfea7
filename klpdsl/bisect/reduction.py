"""Reduction: the smallest scenario that still has what must be kept.

Deterministic. First big pieces go: what comes after, everything about one task, patch or module, then halves and
quarters of what is left (`ddmin`). Then every statement and declaration is made simpler as long as any can be.
"""

from __future__ import annotations

import textwrap
from typing import NamedTuple

from klpdsl.bisect.ddmin import ddmin
from klpdsl.bisect.keeping import Items, Keep, KeepCondition
from klpdsl.bisect.scenario import text_of, title
from klpdsl.bisect.simplify import actors, names_in, simpler
from klpdsl.syntax import tree
from klpdsl.syntax.layout import format_scenario
from klpdsl.syntax.resolve import resolve
from klpdsl.syntax.validity import check_names
from klpdsl.syntax.wording import engine, quoted

_WIDTH = 98
_STATEMENTS = (tree.Step, tree.Expect, tree.Always, tree.Never, tree.Interleave, tree.Choose)


class Reduced(NamedTuple):
    """A reduced scenario as text, the items in it, and how many scenarios were tried on the way."""

    text: str
    items: Items
    tried: int


def reduce(items: Items, keep: Keep, source: str) -> Reduced:
    """Reduce a scenario that `keep` holds for; `source` says in the result where it came from."""
    body: Items = tuple(
        item for item in items if not isinstance(item, tree.Title | tree.Engines | tree.Import)
    )
    work = _Reduction(keep)
    body = work.run(body)
    return Reduced(_written(body, keep, title(items), source), body, work.tried)


class _Reduction:
    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._known: dict[Items, bool] = {}
        self.tried = 0

    def run(self, items: Items) -> Items:
        items = self._shorten(items)
        items = self._without_actors(items)
        items = tuple(ddmin(items, self._holds_list))
        while (smaller := self._sweep(items)) != items:
            items = smaller
        return items

    def _holds(self, items: Items) -> bool:
        known = self._known.get(items)
        if known is None:
            self.tried += 1
            known = self._known[items] = _is_scenario(items) and self._keep.holds(items)
        return known

    def _holds_list(self, items: list[tree.Item]) -> bool:
        return self._holds(tuple(items))

    def _shorten(self, items: Items) -> Items:
        """Cut off what comes after: the shortest beginning that will do."""
        enough, too_short = len(items), 0
        while enough > too_short + 1:
            middle = (enough + too_short) // 2
            if self._holds(items[:middle]):
                enough = middle
            else:
                too_short = middle
        return items[:enough]

    def _without_actors(self, items: Items) -> Items:
        """Leave out everything about a task, a patch or a module, one after the other."""
        for name in reversed(actors(items)):
            candidate = tuple(item for item in items if name not in names_in(item))
            if len(candidate) < len(items) and self._holds(candidate):
                items = candidate
        return items

    def _sweep(self, items: Items) -> Items:
        """Make every item simpler as long as it can be, the last ones first."""
        index = len(items) - 1
        while index >= 0:
            for form in simpler(items[index]):
                candidate = (*items[:index], *form, *items[index + 1 :])
                if self._holds(candidate):
                    items = candidate
                    # Look next at the last of what stands there now, or at what stands before it.
                    index += len(form) - 1
                    break
            else:
                index -= 1
        return items


def _is_scenario(items: Items) -> bool:
    """Whether every name is one that some statement introduces."""
    return not check_names(resolve(items))


def _written(items: Items, keep: Keep, name: str, source: str) -> str:
    """The scenario as a file: prose, header, declarations, statements."""
    sentences = keep.prose(items)
    sentences.append(f"Reduced from {source}" + (f' ("{name}").' if name else "."))
    if isinstance(keep, KeepCondition):
        items = (*items, keep.expectation)
    declared = tuple(item for item in items if not isinstance(item, _STATEMENTS))
    done = tuple(item for item in items if isinstance(item, _STATEMENTS))
    prose = textwrap.wrap(
        " ".join(sentences), _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )
    header = [f"scenario {quoted(f'{name}, reduced')}"] if name else []
    header.append(f"engines {', '.join(map(engine, keep.engines))}")
    parts = ["\n".join(prose), "\n".join(header), text_of(declared), text_of(done)]
    return format_scenario("\n\n".join(part.rstrip("\n") for part in parts if part) + "\n", source)
