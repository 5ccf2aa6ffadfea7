"""Where evidence lies in a suite: `evidence/<scenario>.toml`, and beside it what the kernels are."""

from __future__ import annotations

import os

from klpdsl.goldens.suite import EVIDENCE, Suite, below

FOLDER = EVIDENCE
SUFFIX = ".toml"
KERNELS = "kernels"
"""The folder in it that is about kernels, not about a folder of scenarios."""


def path_of(suite: Suite, name: str) -> str:
    """Return the file of a scenario's evidence."""
    return os.path.join(suite.root, FOLDER, *name.split("/")) + SUFFIX


def names_kept(suite: Suite) -> list[str]:
    """Return the names of the scenarios about which something is kept, sorted."""
    top = os.path.join(suite.root, FOLDER)
    try:
        found = [path[len(top) + 1 :].removesuffix(SUFFIX) for path in below(top) if path.endswith(SUFFIX)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in found if name.split("/")[0] != KERNELS)
