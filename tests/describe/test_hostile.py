"""A module's file that was made to cost time or memory, or to be taken for something else."""

from __future__ import annotations

import gzip
import resource
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.describe.elf import ALLOC, WRITE, Elf, Pointer
from tests.describe.modules import Layout, Made, Thing, by_hand, klp_build, kpatch_build

pytest.importorskip("elftools")

MADE = Made((Thing("vmlinux", (("f", 0),)),))


def _described(folder: Path, content: bytes) -> str:
    """What is said of a module that is refused: within 20 s of the processor, half a gigabyte, and no traceback."""

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (800 << 20, 800 << 20))
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))

    (folder / "p.ko").write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-m", "klpdsl", "describe", "p.ko"],
        cwd=folder, capture_output=True, text=True, check=False, preexec_fn=bounded,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("klpdsl describe: p.ko: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def _sections(content: bytes) -> tuple[bytearray, int, int]:
    changed = bytearray(content)
    return changed, struct.unpack_from("<Q", content, 40)[0], struct.unpack_from("<H", content, 60)[0]


def test_tables_that_claim_too_much(tmp_path: Path) -> None:
    # A million symbols, each a few bytes of file.
    elf = Elf()
    for _ in range(1_000_000):
        elf.symbol("x")
    assert "more sections and symbols than a kernel module" in _described(tmp_path, elf.build())
    # More relocations than a livepatch module has.
    elf = Elf()
    home = elf.section(".data", bytes(64), ALLOC | WRITE)
    elf.symbol("x", home)
    elf.relocations(".rela.data", home, [Pointer(0, "x")] * 1_000_001)
    assert "more relocations than a livepatch module" in _described(tmp_path, elf.build())
    # Sections that are all the whole file.
    elf = Elf()
    for number in range(2000):
        elf.section(f".data{number}", b"", ALLOC | WRITE)
    content, headers, count = _sections(elf.build() + bytes(1 << 20))
    for number in range(1, count - 3):
        struct.pack_into("<QQ", content, headers + 64 * number + 24, 0, len(content))
    assert "more sections and symbols than a kernel module" in _described(tmp_path, bytes(content))
    # A number of sections that stands in the first of them, and is endless.
    content, headers, _ = _sections(by_hand(MADE))
    struct.pack_into("<H", content, 60, 0)
    struct.pack_into("<Q", content, headers + 32, 1 << 63)
    assert "damaged" in _described(tmp_path, bytes(content))


def test_what_unpacks_to_more_than_there_is_room_for(tmp_path: Path) -> None:
    assert "it is too large" in _described(tmp_path, gzip.compress(bytes(200 << 20), 1))
    assert "does not unpack" in _described(tmp_path, gzip.compress(bytes(1000))[:-9])


def test_a_count_of_functions_that_are_not_there(tmp_path: Path) -> None:
    assert "an object with 4294967295 functions that are not there" in _described(
        tmp_path, klp_build(MADE, more=0xFFFFFFFE)
    )


def test_a_position_that_no_function_has(tmp_path: Path) -> None:
    # Each would have to be declared.
    made = Made((Thing("vmlinux", (("f", 1 << 40),)),))
    for content in (kpatch_build(made), klp_build(made)):
        assert "damaged: f at position 1099511627776 among its namesakes" in _described(tmp_path, content)


def test_arrays_whose_entries_differ_in_size(tmp_path: Path) -> None:
    made = Made((Thing("vmlinux", (("f", 0), ("g", 0), ("h", 0))),))
    said = _described(tmp_path, by_hand(made, Layout(uneven=8)))
    assert "damaged: at offset 0 of .data stands no array of structures" in said


@pytest.mark.parametrize("release", ["6\nload\tq\n::x", "6\u2028load q", "\nload q"])
def test_what_it_was_built_for_stays_in_the_comment(release: str, tmp_path: Path) -> None:
    (tmp_path / "p.ko").write_bytes(by_hand(MADE._replace(release=release)))
    done = subprocess.run(
        [sys.executable, "-m", "klpdsl", "describe", "p.ko"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "load" not in done.stdout
    assert done.stdout.startswith("# p1: ")
