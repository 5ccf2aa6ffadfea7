"""What was probably meant by a word that means nothing where it stands."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST = 60


def nearest(word: str, candidates: Iterable[str], likeness: float = 0.66) -> str:
    """Return the candidate that a word is nearly like, or nothing."""
    if len(word) > _LONGEST:
        return ""
    known = {candidate: None for candidate in candidates if len(candidate) <= _LONGEST}
    folded = {candidate.casefold(): candidate for candidate in known}
    if word.casefold() in folded:
        return folded[word.casefold()]
    # Of two letters one may be wrong, if the length is right: p2 for p1 is a guess worth making.
    found = difflib.get_close_matches(
        word.casefold(), folded, n=1, cutoff=0.5 if len(word) <= 3 else likeness
    )
    return folded[found[0]] if found else ""


def did_you_mean(word: str, candidates: Iterable[str], likeness: float = 0.66) -> str:
    """Return the hint `did you mean …?`, or nothing."""
    meant = nearest(word, candidates, likeness)
    return f"did you mean `{meant}`?" if meant else ""
