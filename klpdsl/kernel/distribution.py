"""Which model stands for a distribution's kernel: the mainline release it is made from, and what was taken back to it.

Debian follows the stable trees, which take fixes from later releases. Each row names the changes of the history
(`klpdsl engines`) that a release of the distribution has and its mainline namesake has not.
"""

from __future__ import annotations

from klpdsl.kernel.kernels import KernelImage
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.records import Engine

BACKPORTS: dict[str, tuple[str, ...]] = {
    # Both stable trees took "livepatch: Match old_sympos 0 and 1 in klp_find_func()" (139560e8b973).
    "v6.1": ("sympos-0-equals-1",),
    "v6.12": ("sympos-0-equals-1",),
}


def engine_of(kernel: KernelImage) -> Engine:
    """Return the engine that should behave as `kernel` does."""
    return resolve(kernel.version, (), BACKPORTS.get(kernel.version, ()), ())
