"""Where along the lineage the behaviour over an alphabet turns, found without a scenario."""

from __future__ import annotations

from klpdsl.semantics.axes import differing
from klpdsl.separate.listening import axes_read
from klpdsl.separate.separation import separate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from klpdsl.bisect.history import Stretch
    from klpdsl.bisect.route import Move, Point
    from klpdsl.semantics.records import Engine
    from klpdsl.separate.alphabets import Alphabet
    from klpdsl.separate.listening import AxesRead
    from klpdsl.separate.pairs import Bounds
    from klpdsl.separate.separation import Separation
    from klpdsl.separate.view import Level
else:
    from klpdsl._records import NamedTuple


class Turning(NamedTuple):
    """A point at which the behaviour turns: what moved there, and the shortest scenario that shows it.

    Where `separation` has no findings its search was not closed: whether anything turns there is not known.
    """

    point: Point
    since: Point
    moves: tuple[Move, ...]
    separation: Separation


class Turnings(NamedTuple):
    """What is known of a stretch: where it turns, where that is not known, and how often that it does not was proved.

    `unread` points differ from the one before in axes that no rule reads over these alphabets, `alike` ones were
    searched and the search closed.
    """

    stretch: Stretch
    turns: tuple[Turning, ...]
    unknown: tuple[Turning, ...]
    unread: int
    alike: int


class _Readings:
    """What the alphabets read on an engine, asked once and kept as long as the engine's behaviour is the same."""

    def __init__(self, alphabets: list[Alphabet], bounds: Bounds) -> None:
        self._alphabets = alphabets
        self._bounds = bounds
        self._kept: tuple[AxesRead, ...] | None = None

    def unread(self, before: Engine, after: Engine) -> bool:
        """Whether the engines differ in axes alone that nothing reads: a proof, over these alphabets."""
        axes = set(differing(before.semantics, after.semantics))
        if not axes:
            return True
        if not self._alphabets:
            return False
        if self._kept is None:
            self._kept = tuple(axes_read(one, before.semantics, self._bounds) for one in self._alphabets)
        return all(one.closed and not axes & one.axes for one in self._kept)

    def forget(self) -> None:
        """Ask again: the engine reads other axes from here on."""
        self._kept = None


def turnings(stretch: Stretch, level: Level, chosen: list[Alphabet], bounds: Bounds) -> Turnings:
    """Separate each point of a stretch from the one before it, at a level, over the alphabets that were chosen.

    Without `chosen` each pair is asked with the alphabets that can touch what differs, as `separate` does.
    """
    readings = _Readings(chosen, bounds)
    turns: list[Turning] = []
    unknown: list[Turning] = []
    unread = alike = 0
    for since, point in zip(stretch.points, stretch.points[1:], strict=False):
        if readings.unread(since.engine, point.engine):
            unread += 1
            continue
        readings.forget()
        found = separate(since.engine, point.engine, level, chosen, bounds)
        if found.findings:
            turns.append(Turning(point, since, point.moves, found))
        elif found.closed:
            alike += 1
        else:
            unknown.append(Turning(point, since, point.moves, found))
    return Turnings(stretch, tuple(turns), tuple(unknown), unread, alike)
