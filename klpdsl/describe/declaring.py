"""A built livepatch module as a `patch` declaration, with what has to be in the world for it."""

from __future__ import annotations

import os
import re

from klpdsl._names import VMLINUX
from klpdsl.describe.elf_file import DescribeError, read_module
from klpdsl.describe.origins import find
from klpdsl.syntax import limits, tree
from klpdsl.syntax.diagnostics import ScenarioError
from klpdsl.syntax.layout import format_scenario
from klpdsl.syntax.parse import parse
from klpdsl.syntax.place import NOWHERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NamedTuple

    from klpdsl.describe.elf_file import ModuleFile
    from klpdsl.describe.origins import FoundObject, WhatIsPatched
else:
    from klpdsl._records import NamedTuple

_RELEASE = re.compile(r"[\w.+~-]+")
_SUFFIXES = (".gz", ".xz", ".ko")
#: How livepatch itself takes them apart (klp_apply_section_relocs and klp_resolve_symbols in kernel/livepatch/core.c).
_RELA = re.compile(r"\.klp\.rela\.([^.]{1,55})\..*", re.ASCII)
_SYMBOL = re.compile(r"\.klp\.sym\.([^.]{1,55})\.([^,]{1,511}),(\d{1,9})", re.ASCII)


class DescribedPatch(NamedTuple):
    """What a livepatch module is: its `patch` declaration, and the modules and functions that have to be declared.

    `release` is the kernel's that it was built for, empty where the module does not say; `made_by` says how it was
    made; `notes` what the file does not tell.
    """

    patch: tree.PatchDecl
    world: tuple[tree.VmlinuxDecl | tree.ModuleDecl, ...]
    release: str
    made_by: str
    notes: tuple[str, ...]

    def text(self) -> str:
        """Return the declarations as the beginning of a scenario, in canonical form."""
        return format_scenario(tree.ScenarioTree((*self.world, self.patch), (), NOWHERE))


def describe(path: str) -> DescribedPatch:
    """Return what the livepatch module in a file patches. Raises `DescribeError`, and OSError."""
    module = read_module(path)
    try:
        described = _described(module, path)
        parse(described.text(), path)
    except DescribeError as error:
        raise DescribeError(f"{path}: {error}") from None
    except ScenarioError as error:
        # Names of 500 characters, states beyond 32 bits: the kernel takes them, and no scenario does.
        raise DescribeError(f"{path}: a scenario can not say it: {error}") from None
    return described


def _described(module: ModuleFile, path: str) -> DescribedPatch:
    found = find(module)
    info = module.modinfo
    relocations, notes = _relocations(module)
    name = info.get("name") or _by_file(path)
    flags = [
        word
        for word, is_set in (
            ("immediate", found.immediate),
            ("replace", found.replace),
            ("unmarked", info.get("livepatch") != "Y"),
        )
        if is_set
    ]
    items: list[tree.PatchItem] = []
    for number, one in enumerate(found.objects):
        items += _items(one, number == 0)
    items += (tree.PatchState(*state, False, False, None, NOWHERE) for state in found.states)
    items += relocations
    patch = tree.PatchDecl(
        name,
        tuple(tree.PatchFlag(word, (), NOWHERE) for word in flags),
        tree.PatchBody(tuple(items), NOWHERE),
        NOWHERE,
    )
    release = _RELEASE.match(info.get("vermagic", ""))
    return DescribedPatch(
        patch,
        tuple(_world(found, relocations)),
        release[0] if release else "",
        found.made_by,
        (*found.notes, *notes),
    )


def _by_file(path: str) -> str:
    """A module's name by its file's, as kbuild makes it (modules from before v4.13 do not say their own)."""
    name = os.path.basename(path)
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name.replace("-", "_")


def _items(one: FoundObject, is_first: bool) -> Iterator[tree.PatchItem]:
    for function in one.functions:
        if function.sympos > limits.SYMPOS:
            raise DescribeError(f"damaged: {function.name} at position {function.sympos} among its namesakes")
    functions = tuple(tree.PatchFunction(f.name, f.sympos, f.immediate, NOWHERE) for f in one.functions)
    if one.name == VMLINUX and is_first and functions:
        yield from functions
    else:
        yield tree.PatchObject(one.name, "", functions, NOWHERE)
    if one.callbacks:
        chosen = tuple(
            tree.Callback(name, "", "", "", "", NOWHERE)
            for name in tree.CALLBACK_NAMES
            if name in one.callbacks
        )
        yield tree.PatchCallbacks(
            one.name, None if len(chosen) == len(tree.CALLBACK_NAMES) else chosen, NOWHERE
        )


def _relocations(module: ModuleFile) -> tuple[list[tree.PatchRelocations], list[str]]:
    """What livepatch relocates, by the object for whose code it is; and what is said of those that it does not."""
    symbols: dict[str, dict[tree.FunctionRef, None]] = {}
    notes = []
    for section, names in module.relocated.items():
        matched = _RELA.fullmatch(section)
        if matched is None:
            notes.append(f"{section} is not called as livepatch's relocations are")
            continue
        of = matched[1]
        for name in names:
            parts = _SYMBOL.fullmatch(name)
            if parts is None:
                continue  # a symbol of the module itself, as in the relocations of any module
            owner, symbol, position = parts[1], parts[2], int(parts[3])
            if position > limits.SYMPOS or not symbol.isprintable():
                raise DescribeError(f"damaged: {section} names a symbol that there can not be")
            reference = tree.FunctionRef(None if owner == of else owner, symbol, position, NOWHERE)
            symbols.setdefault(of, {})[reference] = None
    return [tree.PatchRelocations(of, tuple(some), NOWHERE) for of, some in symbols.items()], notes


def _world(
    found: WhatIsPatched, relocations: list[tree.PatchRelocations]
) -> Iterator[tree.VmlinuxDecl | tree.ModuleDecl]:
    """The modules with the functions that are named of them; vmlinux's only where a position needs its namesakes."""
    named: dict[str, dict[str, int]] = {}
    for one in found.objects:
        for function in one.functions:
            _name(named, one.name, function.name, function.sympos)
        named.setdefault(one.name, {})
    for group in relocations:
        for symbol in group.symbols:
            _name(named, symbol.object or group.object, symbol.name, symbol.sympos)
    for owner, functions in named.items():
        declared = tuple(
            tree.FunctionDecl(name, False, NOWHERE) for name, times in functions.items() for _ in range(times)
        )
        if owner != VMLINUX:
            yield tree.ModuleDecl(owner, declared, (), (), False, "", "", "", NOWHERE)
        elif any(times > 1 for times in functions.values()):
            yield tree.VmlinuxDecl(declared, NOWHERE)


def _name(named: dict[str, dict[str, int]], owner: str, name: str, position: int) -> None:
    functions = named.setdefault(owner, {})
    functions[name] = max(functions.get(name, 1), position)
