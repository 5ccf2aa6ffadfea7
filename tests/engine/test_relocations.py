"""What is written into a patch's code for a module, and taken back when it goes (klp_clear_object_relocs())."""

from __future__ import annotations

from klpdsl.run.session import execute, load_text

COMES_BACK = (
    "module ext4 { read, commit }; patch p1 { ext4 { read }; relocations ext4 { commit } }; "
    "load p1; load ext4; unload ext4; load ext4"
)


def results(engine: str) -> list[str]:
    steps = execute(load_text(COMES_BACK, "<test>"), engine).trace.steps
    return [step.result.value for step in steps if step.result is not None]


def test_they_are_cleared_for_a_patch_that_is_not_enabled_too() -> None:
    # Up to v5.0 a patch can be there and not enabled. Its relocations were written when the module came all the same,
    # and klp_cleanup_module_patches_limited() stands behind the question whether it is enabled when it forgets them.
    assert results("v4.14+reloc_targets=cleared") == ["0", "0", "0", "0"] == results("v4.14")
    assert results("v4.14+reloc_targets=refused")[-1] == "ENOEXEC"
