"""Livepatch modules for tests, in each of the three forms, from one description of what they patch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tests.describe.elf import ALLOC, EXEC, LIVEPATCH, NOBITS, PC32, S32, WRITE, X86_64, Data, Elf, Pointer

CALLBACKS = ("pre_patch", "post_patch", "pre_unpatch", "post_unpatch")


class Thing(NamedTuple):
    """An object: its functions with their positions, and its callbacks."""

    name: str
    functions: tuple[tuple[str, int], ...]
    callbacks: tuple[str, ...] = ()


class Made(NamedTuple):
    """What a module patches; `relocations` are (object, symbol's object, symbol, position)."""

    objects: tuple[Thing, ...]
    states: tuple[tuple[int, int], ...] = ()
    replace: bool = False
    relocations: tuple[tuple[str, str, str, int], ...] = ()
    name: str = "p1"
    marked: bool = True
    release: str = "6.12.0-test"


class Layout(NamedTuple):
    """How the structures lie: sizes of an entry, which differ by configuration, and what a release has.

    `replace` is the offset in struct klp_patch (24, and 16 in v5.1 to v5.4; `immediate` of v4.12 to v4.15 stands there
    too); `relocs`: struct klp_object has a pointer to relocations before its functions (up to v4.6).
    """

    func: int = 136
    object: int = 160
    replace: int = 24
    relocs: bool = False
    registers: bool = False
    sized: bool = True
    parameter: bool = False
    machine: int = X86_64
    uneven: int = 0


class _Strings:
    """A section of strings, each once."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self._known: dict[str, int] = {}

    def at(self, text: str) -> int:
        if text not in self._known:
            self._known[text] = len(self.bytes)
            self.bytes += text.encode() + b"\0"
        return self._known[text]


def _start(made: Made, layout: Layout = Layout()) -> tuple[Elf, _Strings]:  # noqa: B008 - it has no state
    elf = Elf(layout.machine)
    info = [f"name={made.name}", f"vermagic={made.release} SMP mod_unload "]
    info += ["livepatch=Y"] if made.marked else []
    elf.section(".modinfo", b"\0".join(entry.encode() for entry in info) + b"\0", ALLOC)
    elf.section(".text", b"\xc3" * 64, ALLOC | EXEC)
    elf.section(".bss", b"", ALLOC | WRITE, NOBITS)
    elf.symbol("klp_enable_patch")
    if layout.registers:
        elf.symbol("klp_register_patch")
    return elf, _Strings()


def _finish(made: Made, elf: Elf, strings: _Strings) -> bytes:
    elf.section(".rodata.str1.1", bytes(strings.bytes), ALLOC)
    by_object: dict[str, list[str]] = {}
    for of, owner, symbol, position in made.relocations:
        by_object.setdefault(of, []).append(f".klp.sym.{owner}.{symbol},{position}")
    for of, names in by_object.items():
        for name in names:
            elf.symbol(name, LIVEPATCH)
        elf.relocations(
            f".klp.rela.{of}..text", 2, [Pointer(8 * i, n) for i, n in enumerate(names)], 0x100000
        )
    return elf.build()


def by_hand(made: Made, layout: Layout = Layout()) -> bytes:  # noqa: B008
    """A module with struct klp_patch in its data, as the kernel's samples have it."""
    elf, strings = _start(made, layout)
    data = elf.data()
    starts: list[tuple[str, int]] = []
    sizes: dict[str, int] = {}

    def begin(name: str) -> None:
        data.zeros(-data.here % 32)
        starts.append((name, data.here))

    def end(name: str, size: int) -> None:
        data.zeros(size)
        sizes[name] = data.here - starts[-1][1]

    for number, thing in enumerate(made.objects):
        begin(f"funcs{number}")
        for index, (function, position) in enumerate(thing.functions):
            at = data.here
            data.pointer("section .rodata.str1.1", strings.at(function))
            data.pointer("section .text", 8)
            data.number(position)
            data.zeros(at + layout.func - data.here)
            data.zeros(0 if index else layout.uneven)
        end(f"funcs{number}", layout.func)
    begin("objs")
    for number, thing in enumerate(made.objects):
        at = data.here
        if thing.name == "vmlinux":
            data.pointer(None)
        else:
            data.pointer("section .rodata.str1.1", strings.at(thing.name))
        if layout.relocs:
            data.pointer(None)
        data.pointer(f"funcs{number}")
        for callback in () if layout.relocs else CALLBACKS:
            data.pointer("section .text" if callback in thing.callbacks else None)
        data.zeros(at + layout.object - data.here)
    end("objs", layout.object)
    if made.states:
        begin("states")
        for number, version in made.states:
            data.number(number)
            data.number(version, 4)
            data.zeros(12)
        end("states", 24)
    begin("patch")
    at = data.here
    data.pointer("__this_module")
    data.pointer("objs" if made.objects else None)
    if layout.replace == 24:
        data.pointer("states" if made.states else None)
    data.number(int(made.replace), 1)
    end("patch", at + 200 - data.here)
    # Something else that has an owner, as struct file_operations has, and that is no patch.
    begin("fops")
    data.pointer("__this_module")
    data.pointer("section .text", 16)
    end("fops", 32)
    home = elf.section(".data", data)
    elf.symbol("__this_module", elf.section(".gnu.linkonce.this_module", bytes(64)), size=64)
    for name, offset in starts:
        elf.symbol(name, home, offset, sizes[name] if layout.sized else 0)
    if layout.parameter:
        # movb %al, patch+24(%rip), and what the compiler writes for klp_enable_patch(&patch).
        code = [Pointer(2, "patch", layout.replace - 4, PC32), Pointer(9, "patch", 0, S32)]
        elf.relocations(".rela.text", 2, code)
    return _finish(made, elf, strings)


def kpatch_build(made: Made, positions: bool = True, livepatch: bool = True) -> bytes:
    """A module as kpatch-build makes it; before 2016 without positions, and for its own core without livepatch."""
    elf, strings = _start(made)
    if not livepatch:
        elf = Elf()
        elf.section(".modinfo", f"name={made.name}\0".encode(), ALLOC)
        elf.section(".text", b"\xc3" * 64, ALLOC | EXEC)
        elf.symbol("kpatch_register")
    functions = elf.data()
    for thing in made.objects:
        for function, position in thing.functions:
            functions.pointer("section .text", 8)
            for value in (16, 0xFFFFFFFF81000000, 16, *((position,) if positions else ())):
                functions.number(value)
            functions.pointer("section .kpatch.strings", strings.at(function))
            functions.pointer("section .kpatch.strings", strings.at(thing.name))
    lists: list[tuple[str, Data]] = []
    for callback in CALLBACKS:
        entries = elf.data()
        for thing in made.objects:
            if callback in thing.callbacks:
                entries.pointer("section .text")
                entries.pointer("section .kpatch.strings", strings.at(thing.name))
        entries.zeros(8)
        lists.append((f".kpatch.callbacks.{callback}", entries))
    elf.section(".kpatch.strings", bytes(strings.bytes), ALLOC)
    elf.section(".kpatch.funcs", functions, ALLOC)
    for name, entries in lists:
        elf.section(name, entries)
    return _finish(made, elf, _Strings())


def klp_build(made: Made, section: str = ".init.klp_objects", more: int = 0) -> bytes:
    """A module as klp-build makes it (v6.19); each object claims to have so many `more` functions."""
    elf, strings = _start(made)
    functions, objects = elf.data(), elf.data()
    for thing in made.objects:
        objects.pointer(None if thing.name == "vmlinux" else "section .rodata.str1.1", strings.at(thing.name))
        objects.pointer("section .init.klp_funcs", functions.here)
        for callback in CALLBACKS:
            objects.pointer("section .text" if callback in thing.callbacks else None)
        objects.number(0)
        objects.number(len(thing.functions) + more, 4)
        objects.number(0, 4)
        for function, position in thing.functions:
            functions.pointer("section .rodata.str1.1", strings.at(function))
            functions.pointer("section .text", 8)
            functions.number(position)
    elf.section(".init.klp_funcs", functions)
    elf.section(section, objects)
    return _finish(made, elf, strings)


def declared(made: Made, reverse: bool = False) -> Sequence[str]:
    """The items of the declaration that a module should come out as; `reverse`: as kpatch-build's init turns them."""
    items: list[str] = []
    for number, thing in enumerate(reversed(made.objects) if reverse else made.objects):
        functions = [f"{name} sympos {position}" if position else name for name, position in thing.functions]
        functions = functions[::-1] if reverse else functions
        if thing.name == "vmlinux" and number == 0 and functions:
            items += functions
        else:
            items.append(f"{thing.name} {{ {', '.join(functions)} }}" if functions else f"{thing.name} {{}}")
        chosen = [name for name in CALLBACKS if name in thing.callbacks]
        if chosen:
            listed = f" {{ {'; '.join(chosen)} }}" if len(chosen) < len(CALLBACKS) else ""
            items.append(f"callbacks {thing.name}{listed}")
    items += [
        f"state {number} version {version}" if version else f"state {number}"
        for number, version in made.states
    ]
    groups: dict[str, list[str]] = {}
    for of, owner, symbol, position in made.relocations:
        text = symbol if owner == of else f"{owner}:{symbol}"
        groups.setdefault(of, []).append(f"{text} sympos {position}" if position else text)
    return [*items, *(f"relocations {of} {{ {', '.join(names)} }}" for of, names in groups.items())]
