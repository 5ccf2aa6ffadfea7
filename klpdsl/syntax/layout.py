"""The canonical form of a whole file.

One statement stands on each line. What has braces stays on one line where it fits, and is broken into one entry a line
where it does not, or where a comment stands in it; an `interleave` is always broken, one thread a line. Comments
stay where they are, before a statement or behind it, and of blank lines one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from klpdsl.syntax import tree, wording
from klpdsl.syntax.tree import Comment, ScenarioTree, Span

if TYPE_CHECKING:
    from klpdsl.syntax.wording import Node

WIDTH = 100
_INDENT = "    "


def format_scenario(scenario: ScenarioTree | str | bytes, source: str = "<text>") -> str:
    """Return the canonical text of a scenario: of its tree, or of a text, which `source` names in messages.

    Raises ScenarioError for a text that does not parse. Its names need not mean anything.
    """
    if isinstance(scenario, str | bytes):
        from klpdsl.syntax.parse import parse

        scenario = parse(scenario, source)
    layout = _Layout(scenario.comments)
    layout.children(scenario.items, 0, None)
    layout.comments_before(None, 0)
    return "".join(f"{line}\n" for line in layout.lines)


class _Group:
    """Entries in braces: the line that opens them, the entries, and where the closing brace stands."""

    def __init__(self, opening: str, entries: Sequence[Node], span: Span) -> None:
        self.opening = opening
        self.entries = entries
        self.end = (span.end_line, span.end_column)


def _groups(node: object) -> tuple[list[_Group], str]:
    """Return the braces of a node and what follows the last of them; no groups for what has no braces."""
    tail = ""
    if isinstance(node, tree.Step):
        tail = f" -> {node.result}" if node.result else ""
        node = node.operation
    if isinstance(node, tree.PatchDecl | tree.Load | tree.Apply):
        if node.body is None:
            return [], ""
        verb = (
            "patch"
            if isinstance(node, tree.PatchDecl)
            else "load"
            if isinstance(node, tree.Load)
            else "apply"
        )
        return [_Group(wording.patch_head(verb, node), node.body.items, node.body.span)], tail
    if isinstance(node, tree.Choose):
        branches = zip(node.branches, node.places, strict=True)
        return [_Group("or" if i else "choose", *branch) for i, branch in enumerate(branches)], ""
    head: str
    entries: Sequence[Node]
    if isinstance(node, tree.VmlinuxDecl):
        head, entries = "vmlinux", node.functions
    elif isinstance(node, tree.ModuleDecl) and node.functions:
        head, entries, tail = wording.module_head(node), node.functions, wording.module_tail(node)
    elif isinstance(node, tree.PatchObject):
        head, entries = wording.object_head(node), node.functions
    elif isinstance(node, tree.PatchCallbacks) and node.callbacks is not None:
        head, entries = wording.callbacks_head(node), node.callbacks
    elif isinstance(node, tree.PatchState) and node.callbacks is not None:
        head, entries = wording.state_head(node), node.callbacks
    elif isinstance(node, tree.PatchRelocations):
        head, entries = wording.relocations_head(node), node.symbols
    elif isinstance(node, tree.SetCallbacks):
        head, entries = wording.set_callbacks_head(node), node.callbacks
    elif isinstance(node, tree.Interleave):
        head, entries = wording.interleave_head(node), node.threads
    elif isinstance(node, tree.Thread):
        head, entries = wording.thread_head(node), node.body
    else:
        return [], ""
    return [_Group(head, entries, node.span)], tail


class _Layout:
    """The lines written so far, and the comments that are still to come."""

    def __init__(self, comments: Sequence[Comment]) -> None:
        self.lines: list[str] = []
        self._comments = sorted(comments, key=lambda comment: (comment.span.line, comment.span.column))
        self._next = 0
        # The last line of the text that is written already; 0 at the beginning of a block.
        self._line = 0

    def _write(self, line: str, depth: int) -> None:
        self.lines.append(_INDENT * depth + line)

    def _paragraph(self, line: int) -> None:
        """Keep a blank line that stood before `line`."""
        if 0 < self._line < line - 1:
            self.lines.append("")

    def comments_before(self, end: tuple[int, int] | None, depth: int) -> None:
        """Write the comments that stand before a place (None: all that are left)."""
        while self._next < len(self._comments):
            comment = self._comments[self._next]
            span = comment.span
            if end is not None and (span.line, span.column) >= end:
                return
            self._next += 1
            if comment.own_line or not self.lines:
                self._paragraph(span.line)
                self._write(comment.text, depth)
            else:
                self.lines[-1] += f"  {comment.text}"
            self._line = span.line

    def _comment_within(self, span: Span) -> bool:
        if self._next >= len(self._comments):
            return False
        place = self._comments[self._next].span
        return (place.line, place.column) < (span.end_line, span.end_column)

    def children(self, nodes: Sequence[Node], depth: int, task: str | None) -> None:
        """Write nodes, each on a line of its own or more."""
        for node in nodes:
            self.comments_before((node.span.line, node.span.column), depth)
            self._paragraph(node.span.line)
            self._node(node, depth, task)
            self._line = node.span.end_line

    def _node(self, node: Node, depth: int, task: str | None) -> None:
        within = self._comment_within(node.span)
        groups, tail = _groups(node)
        if not groups or not (within or isinstance(node, tree.Interleave)):
            line = wording.line_of(node, task)
            if not groups or len(_INDENT * depth + line) <= WIDTH:
                self._write(line, depth)
                return
        if isinstance(node, tree.Thread):
            task = wording.task_of(node)
        closing = ""
        for group in groups:
            self._write(f"{closing}{group.opening} {{", depth)
            self._line = 0
            if not within and wording.body_separator(group.entries) == ", ":
                self._filled([wording.line_of(entry) for entry in group.entries], depth + 1)
            else:
                self.children(group.entries, depth + 1, task)
                self.comments_before(group.end, depth + 1)
            closing = "} "
        self._write(f"}}{tail}", depth)

    def _filled(self, words: list[str], depth: int) -> None:
        """Write short entries, as many on a line as it holds."""
        line = ""
        for word in words:
            if line and len(_INDENT * depth) + len(line) + len(word) + 2 > WIDTH:
                self._write(line, depth)
                line = ""
            line = f"{line}, {word}" if line else word
        if line:
            self._write(line, depth)
