"""One thing that is wrong with a scenario, as a value."""

from __future__ import annotations

from klpdsl.syntax.place import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple


class Diagnostic(NamedTuple):
    """One error: where, what, what could stand there instead (empty when that is no question), and what to do."""

    span: Span
    message: str
    expected: tuple[str, ...] = ()
    hint: str = ""
