"""The engine's rules at work while a run goes on: what those who watch it from inside share.

Only an explanation runs scenarios like this; it costs several times a plain run.
"""

from __future__ import annotations

import os
import sys

from klpdsl.engine.context import Outcome
from klpdsl.run.session import Loaded, execute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

    from klpdsl.run.interpreter import Witness
    from klpdsl.semantics.records import Engine
    from klpdsl.trace.events import Trace

#: The modules of the rules, and the one whose functions only pass on what a rule says.
_ENGINE = os.sep + os.path.join("klpdsl", "engine") + os.sep
_HELPERS = "context.py"


def in_engine(frame: FrameType) -> bool:
    """Whether a function of the engine runs in the frame."""
    return _ENGINE in frame.f_code.co_filename


def rule_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames of the rules at work, innermost first; what merely passes an event on is left out."""
    while frame is not None:
        if in_engine(frame) and not frame.f_code.co_filename.endswith(_HELPERS):
            yield frame
        frame = frame.f_back


class Returned:
    """Where each outcome came from: the function of the engine that returned it first has decided it."""

    def __init__(self) -> None:
        # The outcomes are kept alive, so that their identities stay theirs.
        self._first: dict[int, tuple[Outcome, CodeType, int]] = {}

    def note(self, frame: FrameType, value: object) -> None:
        """A function of the engine returns."""
        if isinstance(value, Outcome):
            self._first.setdefault(id(value), (value, frame.f_code, frame.f_lineno))

    def take(self, outcome: Outcome) -> tuple[CodeType, int] | None:
        """Return the function and the line that an outcome came from, and forget all of them."""
        found = self._first.get(id(outcome))
        self._first.clear()
        return found[1:] if found else None


def run_profiled(
    loaded: Loaded, engine: Engine | str, witness: Witness, profile: Callable[[FrameType, str, object], None]
) -> Trace:
    """Run a scenario under a witness, with a function that sys.setprofile() calls meanwhile."""
    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        return execute(loaded, engine, witness).trace
    finally:
        sys.setprofile(before)
