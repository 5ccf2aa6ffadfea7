"""How far engines are from one another: the length of the shortest scenario that tells two of them apart, as kept.

The table is data (data/distances.toml): `make distances` searches for it (klpdsl/separate/measuring.py).
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from klpdsl._shapes import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple

ALIKE, UNKNOWN = 0, -1
"""In place of a number of steps: there is no difference of any length, over the alphabets; and none was found."""


class Distance(NamedTuple):
    """Steps to the first difference between two engines at each level, or `ALIKE` or `UNKNOWN`."""

    full: int
    behaviour: int
    outcome: int


@cache
def _table() -> dict[str, Distance]:
    text = (files("klpdsl.semantics") / "data" / "distances.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)
    check(rows, {str: [int]})
    return {pair: Distance(*row) for pair, row in rows.items()}


def measured() -> tuple[tuple[str, str], ...]:
    """Every pair of engines that was measured, by their names."""
    pairs = (pair.split(" ") for pair in _table())
    return tuple((left, right) for left, right in pairs)


def distance(left: str, right: str) -> Distance | None:
    """How far two engines are apart, whichever is named first; None where that was not measured."""
    known = _table()
    return known.get(f"{left} {right}") or known.get(f"{right} {left}")


def said(steps: int) -> str:
    """A distance as a table has it: the steps, `=` for certainly none, `?` for none found."""
    return "=" if steps == ALIKE else "?" if steps == UNKNOWN else str(steps)
