"""A scenario that has been read: its tree, what its names mean, and what is wrong with it."""

from __future__ import annotations

from klpdsl.syntax.resolve import Names
from klpdsl.syntax.tree import Item, ScenarioTree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from klpdsl.syntax.diagnostics import Diagnostic
else:
    from klpdsl._records import NamedTuple


class Analysis(NamedTuple):
    """A scenario that has been read, with all that it imports.

    `scenario` is the file itself. `items` are what there is to run, in order: each import is replaced by the
    declarations it brings (by the first import, if there are several of one file). `names` are what all the names in
    them mean. `files` are the names of the files that were read, the scenario first, `contents` what is in them, and
    `digest` a hash over that. `problems` is empty for a scenario that can run; where it is not, the rest is there as
    far as it could be had.
    """

    scenario: ScenarioTree
    items: tuple[Item, ...]
    names: Names
    files: tuple[str, ...]
    digest: str
    contents: tuple[bytes, ...] = ()
    problems: tuple[Diagnostic, ...] = ()

    def texts(self) -> dict[str, str]:
        """Return the texts by the files' names, as ScenarioError wants them to show lines from."""
        from klpdsl.syntax.texts import read_text

        return {name: read_text(data, name)[0] for name, data in zip(self.files, self.contents, strict=False)}
