"""What can be said of two engines for which no difference was found, with all that it rests on."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.separate.separation import Separation


def verdict(left: str, right: str, found: Separation, nesting: int) -> str:
    """What can be said of two engines for which no difference was found."""
    if not found.axes:
        return f"none, at any length: {left} and {right} have the same semantics in every axis"
    over = ", ".join(one.alphabet for one in found.asked)
    pairs = sum(one.searched.pairs for one in found.asked)
    assumed = f"tasks at most {nesting} functions deep, nothing followed after a crash"
    if found.closed:
        read = dict.fromkeys(axis for one in found.asked for axis in one.searched.read)
        proof = "" if read else "; no rule that was asked read an axis in which they differ"
        text = f"none, at any length, over {over}: closed, {pairs} pairs{proof} ({assumed})"
    else:
        open_ = [f"{one.alphabet} {one.searched.stopped}" for one in found.asked if not one.searched.closed]
        depth = min(one.searched.depth for one in found.asked if not one.searched.closed)
        text = (
            f"none found up to {depth} actions over {over} ({pairs} pairs; {assumed}); "
            f"not closed: {', '.join(open_)}"
        )
    if found.untouched:
        text += f"\nno alphabet that was asked can touch: {', '.join(found.untouched)}"
    return text
