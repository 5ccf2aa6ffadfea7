"""The less usual names: points inside a release, commits, ranges and groups, and what to say of an unknown name."""

from __future__ import annotations

from klpdsl.semantics.engines import canonical, point_name, points, position, resolve
from klpdsl.semantics.records import Change, EngineError, Proposal
from klpdsl.semantics.table import change, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_GROUPS = {"proposals": "proposal", "mutants": "mutant", "systems": "system"}
_HEX = frozenset("0123456789abcdef")
_SHORTEST_COMMIT = 7
_LONGEST_TYPO = 80
_MOST_DIGITS = 4


def parse_position(name: str) -> int:
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


def hint(name: str, candidates: Iterable[str]) -> str:
    """Return `; did you mean A or B?` for the candidates nearest to a name, or an empty string."""
    from difflib import get_close_matches

    if len(name) > _LONGEST_TYPO:
        return ""
    near = get_close_matches(name, list(candidates), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def all_names() -> tuple[str, ...]:
    """Return every name that stands in the data, mainline's releases first."""
    known = table()
    return (*known["ends"], *known["proposals"], *known["aliases"], *known["order"])


def _unknown(name: str) -> str:
    if _release(f"v{name}") is not None:
        return f"there is no engine {name}; did you mean v{name}?"
    parts = name.removeprefix("v").replace("-rc", ".").split(".")
    if name.startswith("v") and len(parts) == 3 and all(part.isdecimal() for part in parts):
        return f"there is no engine {name}: engines are mainline releases, like v{parts[0]}.{parts[1]}"
    near = hint(name, all_names())
    return f"there is no engine {name}{near or ' (`klpdsl engines` lists them)'}"


# --- ranges and groups ----------------------------------------------------------------------------------------


def expand_spec(spec: str) -> tuple[str, ...]:
    """Return what `engines.expand` promises."""
    names: dict[str, None] = {}
    for part in spec.split(","):
        word = part.strip()
        if not word:
            raise EngineError(f"`{spec}` lacks an engine beside a comma")
        # A path may hold two dots side by side; then it holds a slash too, or ends like an engine file.
        if ".." in word and "/" not in word and not word.endswith(".toml"):
            names.update(dict.fromkeys(_range(word)))
        elif word == "all":
            names.update(dict.fromkeys(points()))
        elif word in _GROUPS:
            names.update(dict.fromkeys(_group(_GROUPS[word])))
        else:
            names[canonical(word)] = None
    return tuple(names)


def _group(kind: str) -> tuple[str, ...]:
    rows = table()["proposals"].values()
    return tuple(proposal.id for proposal in (Proposal(*row) for row in rows) if proposal.kind == kind)


def _range(spec: str) -> tuple[str, ...]:
    first_name, _, last_name = (part.strip() for part in spec.partition(".."))
    ends = table()["ends"]
    first = range_end(first_name or next(iter(ends)), spec)
    last = range_end(last_name or list(ends)[-1], spec)
    if first > last:
        raise EngineError(
            f"{spec} is empty: {last_name} is older than {first_name}; write {last_name}..{first_name}"
        )
    inside = {count for count in ends.values() if first <= count <= last}
    return tuple(point_name(count)[0] for count in sorted(inside | {first, last}))


def range_end(name: str, spec: str) -> int:
    """Return the place of a range's end in mainline's history, or say that it has none."""
    engine = resolve(name)
    if engine.kind not in {"release", "commit", "root"}:
        raise EngineError(f"{spec}: a range runs along mainline, and {name} is not part of it")
    return len(engine.changes)
