"""What of klpdsl itself has changed since the goldens were last touched, asked of git where it can know.

That is so where the suite and klpdsl lie in one repository. Elsewhere the answer is that nothing is known.
"""

from __future__ import annotations

import os

from klpdsl._git import git
from klpdsl.goldens.suite import Suite

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from typing import NamedTuple
else:
    from klpdsl._records import NamedTuple


class Changed(NamedTuple):
    """`data`: the semantics' data differ; `functions`: the functions of the rules that differ. None: not known."""

    data: bool | None = None
    functions: frozenset[str] | None = None


_known: dict[str, Changed] = {}


def since_goldens(suite: Suite) -> Changed:
    """What has changed since the last commit that touched a golden. Asked once per process."""
    if suite.root not in _known:
        _known[suite.root] = _ask(suite)
    return _known[suite.root]


def _ask(suite: Suite) -> Changed:
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    tops = [git(folder, "rev-parse", "--show-toplevel") for folder in (suite.root, package)]
    if tops[0] is None or tops[0] != tops[1]:
        return Changed()
    commit = (git(suite.root, "log", "-1", "--format=%H", "--", suite.goldens) or "").strip()
    if not commit:
        return Changed()
    data = git(package, "diff", "--name-only", commit, "--", "semantics")
    rules = git(package, "diff", "-U0", "--no-color", "--no-ext-diff", "--relative", commit, "--", "engine")
    if data is None or rules is None:
        return Changed()
    return Changed(bool(data.strip()), frozenset(_functions(package, rules)))


def _functions(package: str, difference: str) -> set[str]:
    """The functions that the hunks of a difference lie in."""
    import ast
    import re

    hunks = re.compile(r"^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")
    touched: dict[str, set[int]] = {}
    path = ""
    for line in difference.splitlines():
        if line.startswith("+++ "):
            path = line[6:] if line.startswith("+++ b/") else ""
        elif path and (hunk := hunks.match(line)):
            start, count = int(hunk[1]), int(hunk[2] or 1)
            # A hunk that only takes lines away lies between two lines.
            touched.setdefault(path, set()).update(range(start, start + max(count, 2)))
    found: set[str] = set()
    for path, lines in touched.items():
        try:
            with open(os.path.join(package, path), encoding="utf-8") as file:
                module = ast.parse(file.read())
        except (OSError, SyntaxError):
            continue
        stem = path.removesuffix(".py").replace("/", ".")
        found.update(f"klpdsl.{stem}:{name}" for name in _around(module, lines, ""))
    return found


def _around(node: ast.AST, lines: set[int], prefix: str) -> set[str]:
    import ast

    found: set[str] = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            if isinstance(child, ast.ClassDef):
                found |= _around(child, lines, f"{prefix}{child.name}.")
            elif lines & set(range(child.lineno, (child.end_lineno or child.lineno) + 1)):
                found.add(prefix + child.name)
    return found
