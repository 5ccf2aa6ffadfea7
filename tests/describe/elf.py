"""Kernel modules for tests, written byte by byte: as the compiler and the livepatch tools lay them out, or damaged.

The layouts were taken from real files (what gcc, kpatch-build's tools and the kernel's headers make); a test says of
each what it stands for. Nothing here can run.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

ALLOC, EXEC, WRITE, COMPRESSED = 0x2, 0x4, 0x1, 0x800
PROGBITS, SYMTAB, STRTAB, RELA, NOBITS = 1, 2, 3, 4, 8
X86_64, S390 = 62, 22
#: The relocation of a pointer, by machine.
ABSOLUTE = {X86_64: 1, S390: 22, 183: 257, 21: 38}
PC32, S32 = 2, 11
LIVEPATCH = 0xFF20


class Pointer(NamedTuple):
    """A pointer in a section's data to a symbol of that name."""

    offset: int
    symbol: str
    addend: int = 0
    kind: int = 0


class Data:
    """A section's data as it grows, with its pointers."""

    def __init__(self, order: str = "<") -> None:
        self.bytes = bytearray()
        self.pointers: list[Pointer] = []
        self._order = order

    @property
    def here(self) -> int:
        return len(self.bytes)

    def number(self, value: int, size: int = 8) -> None:
        self.bytes += value.to_bytes(size, "little" if self._order == "<" else "big")

    def pointer(self, symbol: str | None, addend: int = 0) -> None:
        if symbol is not None:
            self.pointers.append(Pointer(self.here, symbol, addend))
        self.number(0)

    def zeros(self, count: int) -> None:
        self.bytes += bytes(count)


class Elf:
    """An ELF file of a machine: sections in their order, symbols, relocations."""

    def __init__(self, machine: int = X86_64, kind: int = 1, bits: int = 64) -> None:
        self.machine, self.kind, self.bits = machine, kind, bits
        self.order = ">" if machine == S390 else "<"
        self._sections: list[tuple[str, int, int, bytes, int, int]] = [("", 0, 0, b"", 0, 0)]
        self._symbols: list[tuple[str, int, int, int, int]] = [("", 0, 0, 0, 0)]
        self._relocations: list[tuple[str, int, Sequence[Pointer], int]] = []

    def data(self) -> Data:
        return Data(self.order)

    def section(self, name: str, data: Data | bytes, flags: int = ALLOC | WRITE, kind: int = PROGBITS) -> int:
        """Add a section; a symbol of its name stands for it, as a section's symbol does."""
        number = len(self._sections)
        content = bytes(data.bytes) if isinstance(data, Data) else data
        self._sections.append((name, kind, flags, content, 0, 0))
        self._symbols.append((f"section {name}", 3, number, 0, 0))
        if isinstance(data, Data) and data.pointers:
            self._relocations.append((f".rela{name}", number, data.pointers, 0))
        return number

    def symbol(self, name: str, section: int = 0, value: int = 0, size: int = 0, kind: int = 1) -> None:
        """Add a symbol: of an object (1) or a function (2); in section 0 it is imported."""
        self._symbols.append((name, kind, section, value, size))

    def relocations(self, name: str, section: int, pointers: Sequence[Pointer], flags: int = 0) -> None:
        """Add a section of relocations, as livepatch's own are."""
        self._relocations.append((name, section, pointers, flags))

    def build(self) -> bytes:
        """The file."""
        numbers = {name: number for number, (name, *_) in enumerate(self._symbols)}
        names, symbols = bytearray(b"\0"), bytearray()
        for name, kind, section, value, size in self._symbols:
            at = 0
            if name and not name.startswith("section "):
                at = len(names)
                names += name.encode() + b"\0"
            symbols += struct.pack(self.order + "IBBHQQ", at, kind, 0, section, value, size)
        sections = list(self._sections)
        table = len(sections) + len(self._relocations)
        for name, target, pointers, flags in self._relocations:
            content = b"".join(
                struct.pack(
                    self.order + "QQq",
                    one.offset,
                    (numbers[one.symbol] << 32) | (one.kind or ABSOLUTE.get(self.machine, 1)),
                    one.addend,
                )
                for one in pointers
            )
            sections.append((name, RELA, flags, content, table, target))
        sections.append((".symtab", SYMTAB, 0, bytes(symbols), table + 1, 1))
        sections.append((".strtab", STRTAB, 0, bytes(names), 0, 0))
        shown = b"\0"
        places = []
        for name in [*(one[0] for one in sections), ".shstrtab"]:
            places.append(len(shown))
            shown += name.encode() + b"\0"
        sections.append((".shstrtab", STRTAB, 0, shown, 0, 0))
        body, headers = bytearray(), b""
        for (_, kind, flags, content, link, info), at in zip(sections, places, strict=True):
            size = 24 if kind in (SYMTAB, RELA) else 0
            headers += struct.pack(
                self.order + "IIQQQQIIQQ",
                at,
                kind,
                flags,
                0,
                64 + len(body),
                len(content),
                link,
                info,
                8,
                size,
            )
            body += content
        ident = b"\x7fELF" + bytes([2 if self.bits == 64 else 1, 2 if self.order == ">" else 1, 1]) + bytes(9)
        count = len(sections)
        header = ident + struct.pack(
            self.order + "HHIQQQIHHHHHH",
            *(self.kind, self.machine, 1, 0, 0, 64 + len(body), 0, 64, 0, 0, 64, count, count - 1),
        )
        return header + bytes(body) + headers
