"""Mainline's points: which engine stands after how many changes, and by which names each can be called.

A point is a release (`v4.14`; one that changed nothing stands for the newest before it that did), so many changes
before the end of one (`v5.1~2`), or the place just after a change or a commit (`v5.1@atomic-replace`,
`atomic-replace`, `e1452b607c48`).
"""

from __future__ import annotations

from klpdsl.semantics.axes import Semantics
from klpdsl.semantics.records import Change, Engine, EngineError
from klpdsl.semantics.table import change, running_on, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

# A run needs nothing else of the changes.
_SET = Change._fields.index("set")
_HEX = frozenset("0123456789abcdef")
_SHORTEST_COMMIT = 7
_MOST_DIGITS = 4


def mainline_engine(count: int) -> Engine:
    """Return the point of mainline just after its first `count` changes."""
    changes = table()["order"][:count]
    name, kind = point_name(count)
    base = point_name(count - 1)[0] if count else ""
    return Engine(name, apply_changes(changes), base, kind, changes)


def apply_changes(changes: Iterable[str]) -> Semantics:
    """Return the semantics of mainline with exactly these changes, given in the order of their commits."""
    known = table()
    axes: dict[str, Any] = dict(known["root"])
    rows = known["changes"]
    for name in changes:
        axes.update(rows[name][_SET])
    return Semantics(**axes)


def point_name(count: int) -> tuple[str, str]:
    """Return the name and the kind of the point of mainline just after its first `count` changes."""
    known = table()
    if not count:
        first, changes = next(iter(known["ends"].items()))
        return f"{first}~{changes}", "root"
    last = Change(*known["changes"][known["order"][count - 1]])
    if known["ends"][last.release] == count:
        return last.release, "release"
    return f"{last.release}@{last.id}", "commit"


def points() -> tuple[str, ...]:
    """Return the mainline engines on which scenarios run unless they say otherwise, oldest first.

    These are the releases with a change that scenarios can show: the others give the traces of the one before.
    """
    known = table()
    changes = [Change(*known["changes"][name]) for name in known["order"]]
    shown = {change.release for change in changes if change.shown}
    return tuple(release for release in known["ends"] if release in shown)


# --- names ----------------------------------------------------------------------------------------------------


def position(name: str) -> int:
    """Return how many changes of mainline lie before the point of that name."""
    count: int | None = table()["releases"].get(name)
    if count is None:
        count = _parse(name)
    return count


def _parse(name: str) -> int:
    """Return how many changes of mainline lie before the point of that name, or raise EngineError."""
    base, mark, rest = name.partition("~")
    if mark:
        return _before_end(name, base, rest)
    base, mark, rest = name.partition("@")
    if mark:
        return _inside(name, base, rest)
    release = _release(name)
    if release is not None:
        raise EngineError(_no_release(name, release))
    found = _change_position(name)
    if found is None:
        raise EngineError(_unknown(name))
    return found


def _release(name: str) -> tuple[int, int] | None:
    """Return the numbers of `vX.Y`, or None if the name is none of a release."""
    major, dot, minor = name[1:].partition(".")
    if name[:1] != "v" or not dot or max(len(major), len(minor)) > _MOST_DIGITS:
        return None
    if not (major.isdecimal() and minor.isdecimal() and name.isascii()):
        return None
    return int(major), int(minor)


def _numbers(release: str) -> tuple[int, int]:
    numbers = _release(release)
    assert numbers is not None, f"{release} in the data is no release"
    return numbers


def _no_release(name: str, release: tuple[int, int]) -> str:
    """Return what to say of a release that mainline never had, or that is not known here."""
    known = table()
    first, *_ = known["ends"]
    plain = f"v{release[0]}.{release[1]}"
    if plain in known["releases"]:
        return f"there is no engine {name}; did you mean {plain}?"
    if release < _numbers(first):
        return f"{name} has no livepatch: it came with {first}"
    for last in known["last"]:
        if _numbers(last)[0] == release[0] and last != known["last"][-1]:
            return f"there is no {name}: {last} was followed by v{release[0] + 1}.0"
    return f"{name} is not known here: the history ends with {known['last'][-1]}"


def _changes_of(release: str) -> tuple[str, ...]:
    """Return the changes of one release, in order; none for a release that changed nothing."""
    known = table()
    return tuple(name for name in known["order"] if Change(*known["changes"][name]).release == release)


def _before_end(name: str, release: str, back: str) -> int:
    if _release(release) is None or not (back.isdecimal() and back.isascii()):
        raise EngineError(
            f"{name} is no engine: what is before `~` must be a release, what is after it a number"
        )
    end = position(release)
    changes = len(_changes_of(release))
    if len(back) > _MOST_DIGITS or int(back) > changes:
        raise EngineError(
            f"{name} is no engine: {release} has {changes} changes, so go back to {release}~{changes} at most"
        )
    return end - int(back)


def _inside(name: str, release: str, inner: str) -> int:
    count = _change_position(inner)
    if _release(release) is None or count is None:
        from klpdsl.semantics.spelling import hint

        near = hint(inner, _changes_of(release))
        raise EngineError(
            f"{name} is no engine: after `@` comes a change or a commit of the release before it{near}"
        )
    position(release)
    belongs = change(table()["order"][count - 1]).release
    if belongs != release:
        raise EngineError(f"{name} is no engine: {inner} is a change of {belongs}")
    return count


def _change_position(name: str) -> int | None:
    """Return the position just after a change, or after the last change of a commit; None if it is neither."""
    known = table()
    if name in known["changes"]:
        place: int = known["order"].index(name) + 1
        return place
    digits = name.lower()
    if len(digits) < _SHORTEST_COMMIT or not _HEX.issuperset(digits):
        return None
    found = {}
    for place, id_ in enumerate(known["order"], 1):
        commit = Change(*known["changes"][id_]).commit
        if commit and (commit.startswith(digits) or digits.startswith(commit)):
            found[commit] = place
    if len(found) > 1:
        raise EngineError(f"{name} may be any of {', '.join(found)}: give more digits")
    return next(iter(found.values()), None)


def all_names() -> tuple[str, ...]:
    """Return every name that stands in the data, mainline's releases first."""
    known = table()
    beside = (*known["proposals"], *known["distributions"], *known["aliases"])
    return (*known["ends"], *beside, *known["order"])


def _unknown(name: str) -> str:
    if _release(f"v{name}") is not None:
        return f"there is no engine {name}; did you mean v{name}?"
    small = name.lower()
    if small != name and (small in all_names() or small in table()["releases"]):
        return f"there is no engine {name}; did you mean {small}?"
    if running := running_on(name):
        return f"there is no engine {name}; that is what `uname -r` says on {running}"
    parts = name.removeprefix("v").replace("-rc", ".").split(".")
    if name[:1] in "v0123456789" and len(parts) == 3 and all(part.isdecimal() for part in parts):
        release, stable = f"v{parts[0]}.{parts[1]}", f"stable-{parts[0]}.{parts[1]}"
        known = (
            f", and {stable} is what its stable tree has become" if stable in table()["distributions"] else ""
        )
        return f"there is no engine {name}: engines are mainline releases, like {release}{known}"
    from klpdsl.semantics.spelling import hint

    near = hint(name, all_names())
    return f"there is no engine {name}{near or ' (`klpdsl engines` lists them)'}"
