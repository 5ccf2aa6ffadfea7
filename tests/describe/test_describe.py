"""`klpdsl describe` reads out of a module's file what was put into it, and says what it cannot read."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.calls import call
from tests.describe.elf import ALLOC, S390, WRITE, X86_64, Elf
from tests.describe.modules import CALLBACKS, Layout, Made, Thing, by_hand, declared, klp_build, kpatch_build

pytest.importorskip("elftools")

EXT4 = Thing("ext4", (("ext4_read", 0), ("ext4_write", 2)), CALLBACKS)
CORE = Thing("vmlinux", (("cmdline_proc_show", 1), ("meminfo_proc_show", 0)), ("pre_patch", "post_unpatch"))
WHOLE = Made(
    (CORE, EXT4),
    states=((1, 2), (7, 0)),
    replace=True,
    relocations=(("ext4", "ext4", "ext4_lock", 0), ("vmlinux", "vmlinux", "printk_lock", 2)),
)


def _describe(
    folder: Path, content: bytes, *more: str, name: str = "livepatch-fix.ko"
) -> tuple[int, str, str]:
    (folder / name).write_bytes(content)
    done = call(["describe", name, *more], cwd=folder, environment={"COLUMNS": "100"})
    return done.returncode, done.stdout, done.stderr


def _items(folder: Path, content: bytes) -> dict[str, object]:
    code, out, err = _describe(folder, content, "--format", "json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def test_a_module_by_hand_comes_out_as_the_beginning_of_a_scenario(tmp_path: Path) -> None:
    assert _describe(tmp_path, by_hand(WHOLE)) == (
        0,
        """\
# p1: built for 6.12.0-test; made by hand: struct klp_patch
vmlinux { cmdline_proc_show, meminfo_proc_show, printk_lock, printk_lock }
module ext4 { ext4_read, ext4_write, ext4_write, ext4_lock }
patch p1 replace {
    cmdline_proc_show sympos 1
    meminfo_proc_show
    callbacks vmlinux { pre_patch; post_unpatch }
    ext4 { ext4_read, ext4_write sympos 2 }
    callbacks ext4
    state 1 version 2
    state 7
    relocations ext4 { ext4_lock }
    relocations vmlinux { printk_lock sympos 2 }
}
""",
        "",
    )


def test_what_is_printed_runs_once_it_has_steps(tmp_path: Path) -> None:
    _, out, _ = _describe(tmp_path, by_hand(WHOLE))
    (tmp_path / "case.klp").write_text(f"{out}load p1 -> 0\nload ext4 -> 0\nsettle\n", encoding="utf-8")
    done = call(["run", "case.klp", "-e", "v6.12"], cwd=tmp_path, environment={"KLPDSL_NO_CACHE": "1"})
    assert (done.returncode, done.stderr) == (0, "on v6.12 (= v6.11)\n")
    assert "livepatch: applying patch 'p1' to loading module 'ext4'" in done.stdout


def test_a_module_of_kpatch_build_comes_in_the_order_of_its_init(tmp_path: Path) -> None:
    # Its init puts each object, and each function, in front of those that it has (patch_add_func_to_object).
    made = WHOLE._replace(states=())
    found = _items(tmp_path, kpatch_build(made))
    assert found["items"] == declared(made, reverse=True)
    assert found["flags"] == ["replace"]
    assert found["notes"] == [
        "that it replaces is the default of kpatch-build, and decided in its init: its data does not say"
    ]


def test_kpatch_build_before_positions(tmp_path: Path) -> None:
    made = Made((Thing("vmlinux", (("f", 0), ("g", 0))),), replace=True)
    assert _items(tmp_path, kpatch_build(made, positions=False))["items"] == ["g", "f"]


def test_a_module_for_kpatch_itself_is_told_apart(tmp_path: Path) -> None:
    found = _items(tmp_path, kpatch_build(Made((Thing("vmlinux", (("f", 0),)),)), livepatch=False))
    assert found["flags"] == ["unmarked"]
    assert found["notes"] == [
        "it is for kpatch's own core module, and not for livepatch: see the engine kpatch-core"
    ]


@pytest.mark.parametrize("section", [".init.klp_objects", "__klp_objects"])
def test_a_module_of_klp_build(tmp_path: Path, section: str) -> None:
    made = WHOLE._replace(states=())
    found = _items(tmp_path, klp_build(made, section))
    assert (found["items"], found["flags"], found["made_by"]) == (declared(made), ["replace"], "klp-build")


def test_a_patch_whose_init_decides_whether_it_replaces(tmp_path: Path) -> None:
    found = _items(tmp_path, by_hand(WHOLE._replace(replace=False), Layout(parameter=True)))
    assert found["flags"] == []
    assert found["notes"] == [
        "its init writes `replace` (a parameter of the module may say it); this is what its data says"
    ]


def test_a_patch_of_nothing(tmp_path: Path) -> None:
    found = _items(tmp_path, by_hand(Made(()), Layout(parameter=True)))
    assert (found["items"], found["made_by"]) == ([], "hand: struct klp_patch")


OLD = Made((Thing("vmlinux", (("f", 0),)), Thing("ext4", (("g", 0),))), replace=True, release="4.14.0")


def test_releases_before(tmp_path: Path) -> None:
    # v5.1 to v5.4: no states, and `replace` in their place.
    assert _items(tmp_path, by_hand(OLD, Layout(replace=16)))["flags"] == ["replace"]
    # v4.12 to v4.15: the same byte was `immediate`, and patches were registered.
    assert _items(tmp_path, by_hand(OLD, Layout(replace=16, registers=True)))["flags"] == ["immediate"]
    # Up to v4.6: relocations before the functions, and no callbacks.
    found = _items(
        tmp_path, by_hand(OLD._replace(replace=False), Layout(replace=16, registers=True, relocs=True))
    )
    assert (found["items"], found["flags"]) == (declared(OLD), [])


def test_an_address_is_no_position(tmp_path: Path) -> None:
    made = Made((Thing("vmlinux", (("f", 0xFFFFFFFF81000000),)),), release="4.4.0")
    found = _items(tmp_path, by_hand(made, Layout(registers=True)))
    assert found["items"] == ["f"]
    assert found["notes"] == [
        "f is chosen by its address 0xffffffff81000000, as up to v4.4, and not by a position"
    ]


def test_packed_modules(tmp_path: Path) -> None:
    content = by_hand(WHOLE)
    plain = _describe(tmp_path, content)
    assert _describe(tmp_path, gzip.compress(content), name="p.ko.gz") == plain
    assert _describe(tmp_path, lzma.compress(content), name="p.ko.xz") == plain
    code, _, err = _describe(tmp_path, b"\x28\xb5\x2f\xfd" + content, name="p.ko.zst")
    assert (code, err) == (
        2,
        "klpdsl describe: p.ko.zst: it is packed: zstd -d p.ko.zst, and give what that makes\n",
    )


def test_a_name_that_no_modinfo_says_is_the_files(tmp_path: Path) -> None:
    made = Made((Thing("vmlinux", (("f", 0),)),), name="")
    content = by_hand(made).replace(b"name=\0", b"nome=\0", 1)
    assert _items(tmp_path, content)["name"] == "livepatch_fix"


# --- every description, every layout --------------------------------------------------------------------------

_NAME = st.from_regex(r"[a-z_][a-z0-9_.]{0,12}", fullmatch=True)
_OBJECT = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
_FUNCTIONS = st.lists(st.tuples(_NAME, st.integers(0, 3)), max_size=4, unique_by=lambda one: one[0]).map(
    tuple
)
_CALLBACKS = st.sets(st.sampled_from(CALLBACKS)).map(lambda some: tuple(sorted(some)))
_MADE = st.builds(
    Made,
    objects=st.lists(
        st.builds(Thing, st.just("vmlinux") | _OBJECT, _FUNCTIONS, _CALLBACKS),
        min_size=1,
        max_size=4,
        unique_by=lambda one: one.name,
    ).map(tuple),
    states=st.lists(
        st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=3, unique_by=lambda s: s[0]
    ).map(tuple),
    replace=st.booleans(),
    marked=st.booleans(),
    relocations=st.lists(
        st.tuples(_OBJECT, _OBJECT, _NAME, st.integers(0, 2)), max_size=3, unique_by=lambda r: r[:3]
    ).map(tuple),
    name=st.just("p1"),
    release=st.just("6.12.0-test"),
)
_LAYOUT = st.builds(
    Layout,
    func=st.sampled_from((64, 120, 136, 184)),
    object=st.sampled_from((88, 144, 160)),
    sized=st.booleans(),
    replace=st.just(24),
    relocs=st.just(False),
    registers=st.just(False),
    parameter=st.just(False),
    uneven=st.just(0),
    machine=st.sampled_from((X86_64, S390, 183, 21)),
)


@settings(max_examples=150, deadline=None)
@given(made=_MADE, layout=_LAYOUT)
def test_what_was_put_in_comes_out(
    made: Made, layout: Layout, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("made")
    found = _items(folder, by_hand(made, layout))
    groups = {of: None for of, *_ in made.relocations}
    ordered = made._replace(
        relocations=tuple(sorted(made.relocations, key=lambda r: list(groups).index(r[0])))
    )
    assert found["items"] == declared(ordered)
    assert found["flags"] == [
        word for word, is_set in (("replace", made.replace), ("unmarked", not made.marked)) if is_set
    ]


@settings(max_examples=60, deadline=None)
@given(made=_MADE)
def test_the_tools_say_the_same(made: Made, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("made")
    made = made._replace(states=(), relocations=(), marked=True)
    assert _items(folder, klp_build(made))["items"] == declared(made)
    # kpatch-build makes an object of what it finds for it first: functions, then callbacks.
    whole = made._replace(objects=tuple(one for one in made.objects if one.functions))
    assert _items(folder, kpatch_build(whole))["items"] == declared(whole, reverse=True)


# --- what cannot be read --------------------------------------------------------------------------------------


def test_what_is_no_livepatch_module(tmp_path: Path) -> None:
    elf = Elf()
    elf.section(".data", bytes(64), ALLOC | WRITE)
    assert _describe(tmp_path, elf.build()) == (
        2,
        "",
        (
            "klpdsl describe: livepatch-fix.ko: no struct klp_patch is in its data, and it does not call "
            "klp_enable_patch(): it is no livepatch module\n"
        ),
    )
    elf.symbol("klp_enable_patch")
    assert "known when it runs" in _describe(tmp_path, elf.build())[2]
    for content, said in (
        (b"patch p1 { f }\n", "this is no ELF file, which a kernel module is"),
        (Elf(kind=2).build(), "no kernel module: those are relocatable ELF files"),
        (Elf(bits=32).build(), "no kernel module: those are relocatable ELF files, of 64 bits"),
        (Elf(machine=8).build(), "a module for EM_MIPS, whose relocations are not known here"),
    ):
        code, out, err = _describe(tmp_path, content)
        assert (code, out) == (2, "")
        assert said in err


def test_another_module_has_variables_of_that_shape_too(tmp_path: Path) -> None:
    # A pointer to the module and one to data: what 400 of Debian's modules have, and no damage.
    content = by_hand(Made((Thing("m", (("f", 0), ("g", 0), ("h", 0))),)), Layout(uneven=8))
    assert "damaged" in _describe(tmp_path, content)[2]
    other = content.replace(b"klp_enable_patch", b"klp_enable_match")
    assert "it is no livepatch module" in _describe(tmp_path, other)[2]


def test_a_file_cut_anywhere_is_damaged(tmp_path: Path) -> None:
    for content in (by_hand(WHOLE), kpatch_build(WHOLE), klp_build(WHOLE)):
        for end in range(5, len(content), 97):
            code, out, err = _describe(tmp_path, content[:end])
            assert (code, out) == (2, ""), end
            assert err.startswith("klpdsl describe: livepatch-fix.ko: ")
            assert err.count("\n") == 1


def test_names_that_no_symbol_can_have(tmp_path: Path) -> None:
    content = by_hand(Made((Thing("vmlinux", (("evil_name", 0),)),)))
    for name in (b"evil\x1b[2J_", b"evil\nname", b"evil\xffname", b"evil name"):
        code, out, err = _describe(tmp_path, content.replace(b"evil_name", name[:9].ljust(9, b"x")))
        assert (code, out) == (2, "")
        assert "no name stands at offset 0 of .rodata.str1.1" in err


def test_without_pyelftools_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "elftools.elf.elffile", None)
    assert _describe(tmp_path, by_hand(WHOLE)) == (
        2,
        "",
        "klpdsl describe: it needs pyelftools: pip install 'klpdsl[describe]'\n",
    )
