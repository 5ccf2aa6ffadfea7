"""Puts a scenario together from its files: the imports, everything that is wrong in any of them, and the checks.

Nothing is imported that the cache makes unnecessary: a parser where all files are known, checks where their
names have been found right together.
"""

from __future__ import annotations

import os

from klpdsl import _cache
from klpdsl._checkout import may_be_named, root_of
from klpdsl._reading import OutsideError
from klpdsl.syntax import limits, tree
from klpdsl.syntax.analysis import Analysis
from klpdsl.syntax.diagnostics import Diagnostic, unreadable
from klpdsl.syntax.files import File, Files, key_of, look_up, remember
from klpdsl.syntax.resolve import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.syntax.resolve import Names
    from klpdsl.syntax.tree import Import, Item, ScenarioTree

_CHECKED = "checked"


def assemble(main: File, files: Files) -> Analysis:
    """Return the scenario in a file, ready to run, or as much of it as there is and all that is wrong with it."""
    assembly = _Assembly(files)
    items = tuple(assembly.add(main, ()))
    names = resolve(items)
    contents = [file.data for file in assembly.files]
    sources = tuple(file.source for file in assembly.files)
    key = key_of(*contents)
    if assembly.problems or key is None or not _cache.load(_CHECKED, key):
        assembly.check(names)
        if assembly.problems:
            pass
        elif len(contents) == 1:
            remember(assembly.files[0]._replace(checked=True))
        elif key is not None:
            _cache.store(_CHECKED, key, True)
    scenario = assembly.files[0].scenario or tree.ScenarioTree((), (), tree.Span(main.source, 1, 1, 1, 1))
    digest = _cache.digest(*contents)
    return Analysis(scenario, items, names, sources, digest, tuple(contents), tuple(assembly.problems))


class _Assembly:
    """The files read so far and what is wrong with them."""

    def __init__(self, files: Files) -> None:
        self._disk = files
        self.files: list[File] = []
        self.problems: list[Diagnostic] = []
        # Words of what did not parse: it may have declared what other statements name.
        self._doubtful: set[str] = set()
        # Whether there is a file of which nothing is known.
        self._incomplete = False
        self._identities: set[str] = set()
        self._bytes = 0
        # The folder that no import leads out of.
        self._root = ""

    def add(self, file: File, chain: tuple[str, ...]) -> list[Item]:
        """Take a file in, and what it imports; return what there is to run. `chain` are the files that led here."""
        identity = os.path.realpath(file.source)
        self._identities.add(identity)
        self._bytes += len(file.data)
        place = len(self.files)
        self.files.append(file)
        scenario = file.scenario
        if scenario is None:
            scenario = self._parse(file)
            if scenario is None:
                self._incomplete = True
                return []
            self.files[place] = file._replace(scenario=scenario)
        items: list[Item] = []
        foreign = False
        for item in scenario.items:
            if isinstance(item, tree.Import):
                items += self._import(item, (*chain, identity))
            elif not chain or isinstance(item, _DECLARATIONS):
                items.append(item)
            elif not foreign and not isinstance(item, tree.Title):
                foreign = True
                self._refuse(item)
        return items

    def check(self, names: Names) -> None:
        """Check the names of all files together, and put all that is wrong in the order of the files."""
        from klpdsl.syntax.validity import check_header, check_names

        for file in self.files:
            if file.scenario is not None:
                self.problems += check_header(file.scenario.items)
        self.problems += check_names(names, None if self._incomplete else self._doubtful)
        order = {file.source: place for place, file in enumerate(self.files)}
        self.problems.sort(key=lambda problem: (order[problem.span.source], problem.span[1:]))

    def _parse(self, file: File) -> ScenarioTree | None:
        from klpdsl.syntax.parse import examine

        found = examine(file.data, file.source)
        self._doubtful |= found.doubtful
        self.problems += found.problems
        if found.scenario is not None and not found.problems:
            remember(file._replace(scenario=found.scenario))
        return found.scenario

    def _import(self, item: Import, chain: tuple[str, ...]) -> list[Item]:
        """Take an imported file in, unless it is in already."""
        source = os.path.normpath(os.path.join(os.path.dirname(item.span.source), item.path))
        self._root = self._root or root_of(self.files[0].source)
        problem = self._obstacle(item, source, chain)
        if problem:
            self.problems.append(problem)
            return []
        if os.path.realpath(source) in self._identities:
            return []
        try:
            data = self._disk.read(source, self._root)
        except OutsideError:
            self.problems.append(self._outside(item))
            self._incomplete = True
            return []
        except (OSError, ValueError) as error:
            self.problems.append(unreadable(item.span, error)._replace(hint=_neighbour(source)))
            self._incomplete = True
            return []
        if self._bytes + len(data) > limits.IMPORT_BYTES:
            message = f"the files together are too large: {limits.IMPORT_BYTES >> 10} KiB are the most"
            self.problems.append(Diagnostic(item.span, message))
            return []
        return self.add(look_up(data, source), chain)

    def _outside(self, item: Import) -> Diagnostic:
        shown = os.path.relpath(self._root)
        shown = self._root if shown.startswith(os.pardir) else shown
        message = f"an import stays below {'this folder' if shown == os.curdir else shown}, and out of hidden folders"
        return Diagnostic(item.span, message)

    def _obstacle(self, item: Import, source: str, chain: tuple[str, ...]) -> Diagnostic | None:
        """Return why a file can not be imported, whatever is in it."""
        message = hint = ""
        if not item.path or os.path.isabs(item.path) or "\0" in item.path:
            message = "an import names a file by its path from this one"
        elif not may_be_named(os.path.realpath(source), self._root):
            return self._outside(item)
        elif os.path.realpath(source) in chain:
            message = "the files import each other in a circle"
            names = [file.source for file in self.files if os.path.realpath(file.source) in chain]
            hint = " imports ".join([*names[chain.index(os.path.realpath(source)) :], source])
        elif len(chain) >= limits.IMPORT_DEPTH:
            message = f"imports within imports go too deep: {limits.IMPORT_DEPTH} are the most"
        elif len(self.files) > limits.IMPORT_FILES and os.path.realpath(source) not in self._identities:
            message = f"too many files are imported: {limits.IMPORT_FILES} are the most"
        return Diagnostic(item.span, message, (), hint) if message else None

    def _refuse(self, item: Item) -> None:
        from klpdsl.syntax.wording import format_statement

        shown = format_statement(item)
        shown = shown if len(shown) <= 40 else f"{shown[:39]}…"
        self.problems.append(
            Diagnostic(
                item.span, f"an imported file holds declarations only, not `{shown}`", _DECLARATION_WORDS
            )
        )


_DECLARATIONS = (
    tree.VmlinuxDecl,
    tree.ModuleDecl,
    tree.TaskDecl,
    tree.CpusDecl,
    tree.ContendedDecl,
    tree.ArchDecl,
    tree.AsyncDecl,
    tree.PatchDecl,
)
_DECLARATION_WORDS = tuple(
    f"`{word}`"
    for word in (
        "vmlinux",
        "module",
        "task",
        "kthread",
        "cpus",
        "contended",
        "arch",
        "async",
        "patch",
        "import",
    )
)


def _neighbour(source: str) -> str:
    """Return a hint at a file whose name is nearly that one."""
    from klpdsl.syntax.spelling import did_you_mean

    folder, name = os.path.split(source)
    try:
        names = os.listdir(folder or ".")
    except (OSError, ValueError):
        return ""
    return did_you_mean(name, names[:1000], 0.8)
