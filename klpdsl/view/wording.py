"""What is written into the cells of a picture, the same words in every medium."""

from __future__ import annotations

from klpdsl.view.grid import ORIGINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple, TypeAlias

    from klpdsl.view.grid import Cell, GridRow

    Style: TypeAlias = Literal["", "version", "state", "holds", "bad", "faint", "transition"]
else:
    from klpdsl._records import NamedTuple


class Token(NamedTuple):
    """A word that is not broken, how it is meant, and for a `version` whose."""

    text: str
    style: Style = ""
    version: str = ""


LEGEND = (
    ("f@p1", "in f, in p1's version"),
    ("->p1", "would run p1's version"),
    ("[u] [p]", "patch_state unpatched, patched"),
    ("*", "TIF_PATCH_PENDING"),
    ("<holds", "holds the transition open"),
)
"""The marks of a cell and what they mean."""

_STATES = {"unpatched": "u", "patched": "p", "": ""}


def cell_tokens(cell: Cell | None) -> list[Token]:
    """A task's cell in few words."""
    if cell is None:
        return [Token("-", "faint")]
    tokens: list[Token] = []
    for depth, (function, code) in enumerate(cell.inside):
        tail = " >" if depth < len(cell.inside) - 1 else ""
        if code == ORIGINAL:
            tokens.append(Token(function + tail))
        else:
            tokens.append(Token(f"{function}@{code}{tail}", "version", code))
    if cell.place:
        tokens.append(Token(f"in {cell.place}" if cell.place in ("handler", "fork") else cell.place, "faint"))
    tokens += _would_call(cell)
    if cell.running:
        tokens.append(Token("running", "faint"))
    mark = _STATES[cell.state] + "*" * cell.pending
    if mark:
        tokens.append(Token(f"[{mark}]", "state"))
    if cell.holds:
        tokens.append(Token("<holds", "holds"))
    return tokens


def _would_call(cell: Cell) -> list[Token]:
    versions = {code for _, code in cell.calls}
    if versions <= {ORIGINAL}:
        return []
    if len(versions) == 1:
        version = cell.calls[0].code
        return [Token(f"->{version}", "version", version)]
    return [Token(f"{function}->{code}", "version", code) for function, code in cell.calls]


def machine_tokens(row: GridRow) -> list[Token]:
    """Stacks of versions, the transition, references and waiting work, in few words."""
    tokens = [Token(f"{stack.function}[{' '.join(stack.versions)}]") for stack in row.stacks]
    if row.transition:
        patch, direction = row.transition.split()
        tokens.append(Token(f"{patch}:{direction}", "transition", patch))
    tokens += [Token(f"{name}={refs}", "faint") for name, refs in row.refs]
    tokens += [Token(f"later:{what.replace(' ', ':')}", "faint") for what in row.later]
    return tokens


def cell_sentence(cell: Cell | None, task: str) -> str:
    """A task's cell in full words, for whoever points at it or hears it read."""
    if cell is None:
        return f"{task} is not there"
    if cell.inside:
        where = "in " + ", then ".join(f"{function} ({_whose(code)})" for function, code in cell.inside)
    else:
        where = {"user": "in user space", "kthread": "in its own function", "idle": "idle"}.get(
            cell.place, ""
        )
    parts = [where] if where else []
    if cell.place == "handler":
        parts.append("stopped in the ftrace handler")
    elif cell.place == "fork":
        parts.append("in the middle of fork")
    if cell.running:
        parts.append("on a CPU")
    if cell.state:
        parts.append(cell.state + (", pending" if cell.pending else ""))
    elif cell.pending:
        parts.append("pending")
    parts += [f"a call of {function} would run {_whose(code)}" for function, code in cell.calls]
    if cell.holds:
        parts.append(f"holds the transition open: {cell.holds}")
    return f"{task}: {'; '.join(parts)}"


def _whose(code: str) -> str:
    return "the original" if code == ORIGINAL else f"{code}'s version"


def shade(cell: Cell | None) -> str:
    """The version by which a cell is coloured: what it is in, else what it would call; empty where that differs."""
    if cell is None:
        return ""
    if cell.inside:
        return cell.inside[-1].code
    versions = {code for _, code in cell.calls}
    return versions.pop() if len(versions) == 1 else ""
