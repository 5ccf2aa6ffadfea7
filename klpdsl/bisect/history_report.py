"""A scenario's history, and the matrix of many, as text, Markdown or plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from klpdsl.bisect.history import Matrix, Passage, Turn, unshowable
from klpdsl.bisect.route import Move, Point
from klpdsl.bisect.trace_text import sentences, sides
from klpdsl.semantics.table import change

_COMMIT = 12


def move_line(move: Move) -> str:
    """Return a move with its commit, subject and release, on one line."""
    undone = "without " if move.undone else ""
    if move.setting is not None:
        return f"{undone}{move.title}  ({move.subject})"
    return f"{undone}{move.title}  {move.commit[:_COMMIT] or '-'}  {move.subject}  ({move.release})"


def move_json(move: Move) -> dict[str, Any]:
    """Return a move as plain values."""
    return {
        "change": move.change or None,
        "axis": move.setting.axis if move.setting else None,
        "title": move.title,
        "undone": move.undone,
        "commit": move.commit or None,
        "subject": move.subject,
        "release": move.release or None,
    }


# --- one scenario -------------------------------------------------------------------------------------------------


def text(passages: Iterable[Passage]) -> Iterator[str]:
    """Yield the lines of the text form."""
    for found in passages:
        points = found.stretch.points
        yield (
            f"{found.stretch.name}: {len(points)} points from {points[0].name} to {points[-1].name}, "
            f"the trace changes at {len(found.turns)}"
        )
        for turn in found.turns:
            yield from _turn_text(turn)
        for line in _refused(found.refused):
            yield f"  {line}"


def _turn_text(turn: Turn) -> Iterator[str]:
    yield f"  {turn.point.name}"
    if len(turn.moves) > 1:
        yield f"    one or more of these {len(turn.moves)}:"
    for move in turn.moves:
        yield f"    {move_line(move)}"
    for line in sentences(turn.divergence):
        yield f"      {line}"


def _refused(refused: Sequence[tuple[Point, str]]) -> Iterator[str]:
    for point, why in refused:
        yield f"{point.name}: cannot judge: {why}"


def json(name: str, passages: Iterable[Passage]) -> dict[str, Any]:
    """Return a scenario's history as plain values."""
    return {
        "scenario": name,
        "stretches": [
            {
                "name": found.stretch.name,
                "from": found.stretch.points[0].name,
                "to": found.stretch.points[-1].name,
                "points": len(found.stretch.points),
                "turns": [_turn_json(turn) for turn in found.turns],
                "cannot_judge": [{"engine": point.name, "why": why} for point, why in found.refused],
            }
            for found in passages
        ],
    }


def _turn_json(turn: Turn) -> dict[str, Any]:
    step = turn.divergence.step
    before, after = sides(turn.divergence)
    return {
        "engine": turn.point.name,
        "since": turn.since.name,
        "moves": [move_json(move) for move in turn.moves],
        "step": int(step.number) if step.number.isdigit() else step.number,
        "statement": step.statement,
        "before": list(before),
        "after": list(after),
    }


def markdown(name: str, passages: Iterable[Passage]) -> Iterator[str]:
    """Yield the lines of the Markdown form."""
    yield f"# {_cell(name)}"
    for found in passages:
        yield ""
        yield f"## {_cell(found.stretch.name)}"
        yield ""
        if not found.turns:
            yield "The trace does not change."
        else:
            yield "| engine | change | commit | subject | what changes |"
            yield "|---|---|---|---|---|"
        for turn in found.turns:
            changed = "<br>".join(_code(line.strip()) for line in sentences(turn.divergence))
            for index, move in enumerate(turn.moves):
                engine = _cell(turn.point.name) if index == 0 else ""
                undone = "without " if move.undone else ""
                commit = move.commit[:_COMMIT] or "-"
                told = changed if index == 0 else ""
                yield f"| {engine} | {undone}{_cell(move.title)} | {commit} | {_cell(move.subject)} | {told} |"
        if found.refused:
            yield ""
        for line in _refused(found.refused):
            yield f"- {_cell(line)}"


def _cell(words: str) -> str:
    for character in "\\`*_<>[]|":
        words = words.replace(character, f"\\{character}")
    return words


def _code(words: str) -> str:
    """Text as code in a table's cell: backticks inside need longer fences, bars an escape."""
    words = words.replace("|", "\\|")
    return f"`` {words} ``" if "`" in words else f"`{words}`"


# --- many scenarios -----------------------------------------------------------------------------------------------


def matrix_text(matrix: Matrix) -> Iterator[str]:
    """Yield the lines of the matrix as text: a row for each scenario, a numbered column for each change."""
    columns = matrix.columns()
    width = max((len(name) for name in matrix.shown), default=0)
    tens = "".join(str(i // 10) if i >= 10 else " " for i in range(1, len(columns) + 1))
    ones = "".join(str(i % 10) for i in range(1, len(columns) + 1))
    if tens.strip():
        yield f"{'':{width}}  {tens}"
    yield f"{'':{width}}  {ones}"
    for name, titles in matrix.shown.items():
        marks = "".join("x" if title in titles else "." for title in columns)
        yield f"{name:{width}}  {marks}"
    yield ""
    for number, title in enumerate(columns, 1):
        count = sum(title in titles for titles in matrix.shown.values())
        yield f"{number:3}  {_described(title)}: {count} scenario{'s' if count != 1 else ''}"
    yield ""
    yield from _summary(matrix)


def _described(title: str) -> str:
    if "=" in title:
        return title
    found = change(title)
    return f"{title}  {found.commit[:_COMMIT] or '-'}  ({found.release})"


def _summary(matrix: Matrix) -> Iterator[str]:
    silent = matrix.silent()
    yield f"{len(matrix.shown)} scenarios, {len(matrix.columns())} changes shown, {len(silent)} shown by none"
    for id_ in silent:
        found = change(id_)
        yield f"  no scenario shows {_described(id_)}: {found.effect}"
    for id_ in unshowable():
        yield f"  none can show {_described(id_)}: {change(id_).why}"


def matrix_json(matrix: Matrix) -> dict[str, Any]:
    """Return the matrix as plain values."""
    return {
        "scenarios": {name: list(titles) for name, titles in matrix.shown.items()},
        "changes": {
            title: [name for name, titles in matrix.shown.items() if title in titles]
            for title in matrix.columns()
        },
        "shown_by_none": list(matrix.silent()),
        "cannot_be_shown": list(unshowable()),
        "errors": matrix.errors,
    }


def matrix_markdown(matrix: Matrix) -> Iterator[str]:
    """Yield the lines of the matrix as a Markdown table: a row for each change."""
    yield "| change | commit | release | scenarios |"
    yield "|---|---|---|---|"
    for title in matrix.columns():
        names = ", ".join(_cell(name) for name, titles in matrix.shown.items() if title in titles)
        found = None if "=" in title else change(title)
        commit = (found.commit[:_COMMIT] if found else "") or "-"
        yield f"| {_cell(title)} | {commit} | {found.release if found else '-'} | {names} |"
    yield ""
    for number, line in enumerate(_summary(matrix)):
        yield f"{_cell(line)}" if number == 0 else f"- {_cell(line.strip())}"
        if number == 0:
            yield ""
