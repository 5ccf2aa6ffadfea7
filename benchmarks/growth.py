"""How a time grows, as benchmarks tell it."""

from collections.abc import Sequence
from itertools import pairwise


def per_doubling(seconds: Sequence[float]) -> str:
    """What the times of sizes that double come to, each in parts of the one before."""
    told = ", ".join(f"{after / before:.2f}" for before, after in pairwise(seconds))
    return f"{seconds[-1]:.2f} s, {told} times per doubling"
