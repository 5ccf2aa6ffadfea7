"""Which model stands for a kernel that is at hand: a distribution's, a stable tree, or the release it is called after.

Debian follows the stable trees, which take fixes from later releases. What each carries is data, klpdsl/semantics/data/
distributions.toml; here is how a kernel is known by what it calls itself.
"""

from __future__ import annotations

import re

from klpdsl.kernel.kernels import KernelImage
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.records import Engine
from klpdsl.semantics.table import running_on, table


def engine_of(kernel: KernelImage) -> Engine:
    """Return the engine that should behave as `kernel` does."""
    return engine_of_release(kernel.release)


def engine_of_release(uname: str) -> Engine:
    """Return the engine for what `uname -r` says: a distribution's, or that of the stable tree or the release.

    A stable tree's engine is that of its newest version that was read. Raises EngineError for no kernel's release.
    """
    if known := running_on(uname):
        return resolve(known)
    found = re.match(r"(\d+\.\d+)(?:\.(\d+))?", uname)
    release = f"v{found[1]}" if found else uname
    stable = f"stable-{found[1]}" if found else ""
    if found and int(found[2] or 0) and stable in table()["distributions"]:
        return resolve(stable)
    return resolve(release)
