"""How values are spelled, and what a mistyped name may have meant."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from klpdsl.semantics.records import Value

_LONGEST_TYPO = 80


def spell(value: Value) -> str:
    """Return a value as --set takes it."""
    return value if isinstance(value, str) else str(value).lower()


def hint(name: str, candidates: Iterable[str]) -> str:
    """Return `; did you mean A or B?` for the candidates nearest to a name, or an empty string."""
    from difflib import get_close_matches

    if len(name) > _LONGEST_TYPO:
        return ""
    near = get_close_matches(name, list(candidates), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""
