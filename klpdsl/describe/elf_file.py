"""A kernel module's file as plain values: sections, symbols, and what its pointers point to.

The file may be anybody's. It is read with a bound on how much is read in how many pieces, nothing in it is unpacked by
pyelftools, and whatever that stumbles over is told as damage.
"""

from __future__ import annotations

import io
from bisect import bisect_left, bisect_right
from functools import cached_property

from klpdsl._errors import KlpdslError
from klpdsl._reading import read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Literal, NamedTuple

    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import Section as ElfSection
else:
    from klpdsl._records import NamedTuple

MODULE_BYTES = 128 << 20
"""The largest module that is read, packed or not; one with debug information has tens of megabytes."""

_MOST_READS = 1_500_000
_MOST_SECTIONS = 0xFF00
_MOST_RELOCATIONS = 1_000_000
_RELOCATION = 24
_LONGEST_NAME = 1024
_RELOCATED = ".klp.rela."

_ALLOCATED = 0x2
_EXECUTABLE = 0x4
_PACKED = 0x800

#: By machine: the relocation that writes an address into eight bytes of data (R_X86_64_64 and so on).
_ABSOLUTE = {
    "EM_X86_64": 1,
    "EM_AARCH64": 257,
    "EM_PPC64": 38,
    "EM_S390": 22,
    "EM_LOONGARCH": 2,
}
#: R_X86_64_PC32 and R_X86_64_PLT32, relative to the end of the instruction; R_X86_64_32S.
_RELATIVE = (2, 4)
_ABSOLUTE_IN_CODE = 11

_ZSTD = b"\x28\xb5\x2f\xfd"


class DescribeError(KlpdslError):
    """The file is no livepatch module, or a damaged one, or one that cannot be read without something else."""


class Spot(NamedTuple):
    """Somewhere in the module: a section by its number, and the offset in it."""

    section: int
    offset: int


class Section(NamedTuple):
    """A section: its name, and whether it is loaded and holds code. `size` is what it has in memory."""

    name: str
    loaded: bool
    code: bool
    size: int
    data: bytes


class ElfSymbol(NamedTuple):
    """A symbol; `place` is None for what the module imports, or livepatch resolves."""

    name: str
    place: Spot | None
    size: int


class ModuleFile:
    """A kernel module's file: what of it matters here, already read."""

    def __init__(
        self,
        sections: list[Section],
        symbols: list[ElfSymbol],
        *,
        pointers: dict[Spot, tuple[ElfSymbol, int]],
        named_by_code: set[Spot],
        relocated: dict[str, list[str]],
        big_endian: bool,
    ) -> None:
        self.sections = sections
        self.symbols = symbols
        self.relocated = relocated
        """The relocations that livepatch writes, by section (`.klp.rela.OBJECT.SECTION`): the symbols they name."""
        self._pointers = pointers
        self._named_by_code = named_by_code
        self._order: Literal["big", "little"] = "big" if big_endian else "little"

    # --- pointers and numbers ---------------------------------------------------------------------------------

    def points_to(self, place: Spot) -> Spot | None:
        """Where the pointer at a place leads to within the module; None where there is none, or it leads out."""
        symbol, addend = self._pointers.get(place, (None, 0))
        if symbol is None or symbol.place is None:
            return None
        return Spot(symbol.place.section, symbol.place.offset + addend)

    def pointers_to(self, name: str) -> list[Spot]:
        """The places in data that hold the address of the symbol of that name."""
        return [
            place for place, (symbol, addend) in self._pointers.items() if symbol.name == name and not addend
        ]

    def pointers_within(self, start: Spot, end: int) -> list[Spot]:
        """The places between two offsets of a section that hold pointers, in their order."""
        there = self._places.get(start.section, [])
        return there[bisect_left(there, start) : bisect_left(there, Spot(start.section, end))]

    def end_of(self, start: Spot) -> int:
        """Where the variable at a place ends: by its symbol, else where the next thing that is pointed to begins."""
        if size := self._sizes.get(start, 0):
            return start.offset + size
        known = self._starts.get(start.section, [])
        after = bisect_right(known, start.offset)
        return known[after] if after < len(known) else self.sections[start.section].size

    @cached_property
    def _places(self) -> dict[int, list[Spot]]:
        found: dict[int, list[Spot]] = {}
        for place in sorted(self._pointers):
            found.setdefault(place.section, []).append(place)
        return found

    @cached_property
    def _sizes(self) -> dict[Spot, int]:
        found: dict[Spot, int] = {}
        for symbol in self.symbols:
            if symbol.place is not None:
                found[symbol.place] = max(symbol.size, found.get(symbol.place, 0))
        return found

    @cached_property
    def _starts(self) -> dict[int, list[int]]:
        found: dict[int, set[int]] = {}
        for symbol, addend in self._pointers.values():
            if symbol.place is not None:
                found.setdefault(symbol.place.section, set()).add(symbol.place.offset + addend)
        for symbol in self.symbols:
            if symbol.place is not None and symbol.name:
                found.setdefault(symbol.place.section, set()).add(symbol.place.offset)
        return {section: sorted(offsets) for section, offsets in found.items()}

    def is_code(self, place: Spot) -> bool:
        """Whether a place lies in code."""
        return self.sections[place.section].code

    def is_named_by_code(self, place: Spot) -> bool:
        """Whether an instruction names this very place: one that writes it, or passes its address (x86-64 only)."""
        return place in self._named_by_code

    def number(self, place: Spot, size: int) -> int:
        """The number of `size` bytes at a place. Raises `DescribeError` where the section ends before."""
        section = self.sections[place.section]
        if place.offset < 0 or place.offset + size > section.size:
            raise DescribeError(
                f"damaged: {section.name} ends at {section.size}, before {place.offset + size}"
            )
        data = section.data[place.offset : place.offset + size]
        return int.from_bytes(data.ljust(size, b"\0"), self._order)

    def text(self, place: Spot) -> str:
        """The string at a place. Raises `DescribeError` for one that does not end or that no name is written in."""
        section = self.sections[place.section]
        raw = section.data[place.offset : place.offset + _LONGEST_NAME] if place.offset >= 0 else b""
        text, end, _ = raw.partition(b"\0")
        if not end or not text or not all(0x20 < byte < 0x7F for byte in text):
            raise DescribeError(f"damaged: no name stands at offset {place.offset} of {section.name}")
        return text.decode("ascii")

    def named_at(self, place: Spot) -> str:
        """The string that the pointer at a place leads to. Raises `DescribeError`, for no pointer, too."""
        return self.text(self.points_to(place) or place)

    # --- by name ----------------------------------------------------------------------------------------------

    def section(self, name: str) -> int | None:
        """The number of the first section of that name."""
        return next((number for number, section in enumerate(self.sections) if section.name == name), None)

    def imports(self, name: str) -> bool:
        """Whether the module calls a function of that name, which is not its own."""
        return any(symbol.name == name and symbol.place is None for symbol in self.symbols)

    @cached_property
    def modinfo(self) -> dict[str, str]:
        """What `modinfo` shows; of an entry that stands there several times, the first."""
        found: dict[str, str] = {}
        number = self.section(".modinfo")
        for entry in self.sections[number].data.split(b"\0") if number is not None else ():
            key, equals, value = entry.decode("utf-8", "backslashreplace").partition("=")
            if equals:
                found.setdefault(key, value)
        return found


# --- reading --------------------------------------------------------------------------------------------------


def read_module(path: str) -> ModuleFile:
    """Read a module's file, as it is or packed by gzip or xz. Raises `DescribeError`, and OSError."""
    content = _unpacked(read_file(path, MODULE_BYTES), path)
    if content[:4] != b"\x7fELF":
        raise DescribeError(f"{path}: this is no ELF file, which a kernel module is")
    try:
        from elftools.elf.elffile import ELFFile
    except ModuleNotFoundError:
        raise DescribeError("it needs pyelftools: pip install 'klpdsl[describe]'") from None
    try:
        return _read(ELFFile(_Bounded(content)))
    except DescribeError as error:
        raise DescribeError(f"{path}: {error}") from None
    except Exception as error:  # noqa: BLE001 - what pyelftools does with a hostile file is in no document
        raise DescribeError(f"{path}: damaged: {str(error) or type(error).__name__}") from None


def _unpacked(content: bytes, path: str) -> bytes:
    if content.startswith(_ZSTD):
        raise DescribeError(f"{path}: it is packed: zstd -d {path}, and give what that makes")
    import gzip
    import lzma
    import zlib

    opener: Callable[[io.BytesIO], io.BufferedIOBase]
    if content.startswith(b"\x1f\x8b"):
        opener = gzip.open
    elif content.startswith(b"\xfd7zXZ\0"):
        opener = lzma.open
    else:
        return content
    try:
        with opener(io.BytesIO(content)) as opened:
            unpacked = opened.read(MODULE_BYTES + 1)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DescribeError(f"{path}: damaged: it does not unpack: {error}") from None
    if len(unpacked) > MODULE_BYTES:
        raise DescribeError(f"{path}: it is too large: {MODULE_BYTES >> 20} MiB unpacked are the most")
    return unpacked


class _Bounded(io.BytesIO):
    """A file of which only so much is read in so many pieces: sections may overlap, and tables have any length."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._reads = _MOST_READS
        self._bytes = 2 * len(content) + (1 << 20)

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self._reads -= 1
        self._bytes -= len(piece)
        if self._reads < 0 or self._bytes < 0:
            raise DescribeError("it has more sections and symbols than a kernel module")
        return piece


def _read(elf: ELFFile) -> ModuleFile:
    header = elf.header
    if header["e_type"] != "ET_REL" or elf.elfclass != 64:
        raise DescribeError(
            "no kernel module: those are relocatable ELF files, of 64 bits where there is livepatch"
        )
    absolute = _ABSOLUTE.get(header["e_machine"])
    if absolute is None:
        raise DescribeError(f"a module for {header['e_machine']}, whose relocations are not known here")
    count = elf.num_sections()
    if count > _MOST_SECTIONS:
        raise DescribeError(f"damaged: {count} sections")
    found = list(elf.iter_sections())
    sections = [_section(elf, one) for one in found]
    symbols = list(_symbols(found))
    pointers: dict[Spot, tuple[ElfSymbol, int]] = {}
    named_by_code: set[Spot] = set()
    relocated: dict[str, list[str]] = {}
    left = _MOST_RELOCATIONS
    for one in found:
        if one["sh_type"] != "SHT_RELA" or not _is_wanted(one, sections):
            continue
        left -= one["sh_size"] // _RELOCATION
        if left < 0:
            raise DescribeError("it has more relocations than a livepatch module")
        entries = _relocations(elf, one, symbols)
        if one.name.startswith(_RELOCATED):
            relocated[one.name] = list(dict.fromkeys(symbol.name for _, _, symbol, _ in entries))
            continue
        target = one["sh_info"]
        for offset, kind, symbol, addend in entries:
            if not sections[target].code:
                if kind == absolute:
                    pointers[Spot(target, offset)] = symbol, addend
            elif symbol.place is not None and header["e_machine"] == "EM_X86_64":
                section, start = symbol.place
                if kind in _RELATIVE:
                    named_by_code.update(Spot(section, start + addend + width) for width in (4, 5))
                elif kind == _ABSOLUTE_IN_CODE:
                    named_by_code.add(Spot(section, start + addend))
    return ModuleFile(
        sections,
        symbols,
        pointers=pointers,
        named_by_code=named_by_code,
        relocated=relocated,
        big_endian=not elf.little_endian,
    )


def _is_wanted(one: ElfSection, sections: list[Section]) -> bool:
    """Whether relocations matter: livepatch's own, and those of what is loaded."""
    target = one["sh_info"]
    return one.name.startswith(_RELOCATED) or (target < len(sections) and sections[target].loaded)


def _section(elf: ELFFile, one: ElfSection) -> Section:
    flags, kind = one["sh_flags"], one["sh_type"]
    data = b""
    wanted = (flags & _ALLOCATED and not flags & _EXECUTABLE) or one.name == ".modinfo"
    if wanted and kind != "SHT_NOBITS":
        if flags & _PACKED:
            raise DescribeError(f"{one.name} is packed, which a kernel module's sections are not")
        elf.stream.seek(one["sh_offset"])
        data = elf.stream.read(one["sh_size"])
        if len(data) < one["sh_size"]:
            raise DescribeError(f"damaged: the file ends within {one.name}")
    return Section(one.name, bool(flags & _ALLOCATED), bool(flags & _EXECUTABLE), one["sh_size"], data)


def _symbols(found: list[ElfSection]) -> Iterator[ElfSymbol]:
    table = next((one for one in found if one["sh_type"] == "SHT_SYMTAB"), None)
    if table is None:
        raise DescribeError("it has no symbols, without which the kernel does not load it either")
    for symbol in table.iter_symbols():  # type: ignore[attr-defined]
        home = symbol["st_shndx"]
        place = Spot(home, symbol["st_value"]) if isinstance(home, int) and home < len(found) else None
        size = symbol["st_size"] if symbol["st_info"]["type"] == "STT_OBJECT" else 0
        yield ElfSymbol(symbol.name, place, size)


def _relocations(
    elf: ELFFile, one: ElfSection, symbols: list[ElfSymbol]
) -> Iterator[tuple[int, int, ElfSymbol, int]]:
    """The entries of a section of relocations: offset, type, symbol, addend."""
    import struct

    elf.stream.seek(one["sh_offset"])
    data = elf.stream.read(one["sh_size"])
    if len(data) < one["sh_size"] or len(data) % _RELOCATION:
        raise DescribeError(f"damaged: {one.name} does not hold whole relocations")
    for offset, info, addend in struct.iter_unpack("<QQq" if elf.little_endian else ">QQq", data):
        number = info >> 32
        if number >= len(symbols):
            raise DescribeError(f"damaged: {one.name} names symbol {number} of {len(symbols)}")
        yield offset, info & 0xFFFFFFFF, symbols[number], addend
