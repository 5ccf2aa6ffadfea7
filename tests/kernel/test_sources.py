"""The C that scenarios become, and what cannot become C."""

import pytest

from klpdsl.kernel.sources import (
    STAND_IN,
    Function,
    PatchedFunction,
    PatchedObject,
    PatchModule,
    TargetModule,
    module_name_problem,
    patch_source,
    symbol_problem,
    target_source,
    task_name_problem,
)


def test_a_function_keeps_its_name_as_a_symbol_only() -> None:
    source = target_source(TargetModule("ext4", (Function("schedule"),)))
    assert len(source.parts) == 1
    assert 'static noinline void fn0(void) asm("schedule");' in source.parts[0]
    assert '{ "ext4", "schedule", 1, "original", fn0 },' in source.parts[0]
    assert "void schedule(" not in source.parts[0]


@pytest.mark.parametrize(
    "name", ["sites", "klprt_body", "fn0", "fn12", "part0_register", "init_module", "__fentry__"]
)
def test_a_function_is_not_called_like_what_is_there_already(name: str) -> None:
    assert "something else in the guest" in symbol_problem(name)


@pytest.mark.parametrize("name", ["klprt", STAND_IN])
def test_a_module_is_not_called_like_one_of_our_own(name: str) -> None:
    assert "of our own" in module_name_problem(name)


def test_the_stand_in_says_it_is_vmlinux() -> None:
    assert (
        '{ "vmlinux", "f", 1, "original", fn0 },'
        in target_source(TargetModule(STAND_IN, (Function("f"),))).parts[0]
    )


def test_namesakes_stand_in_files_of_their_own_in_order() -> None:
    first, second = target_source(
        TargetModule("ext4", (Function("read"), Function("g"), Function("read")))
    ).parts
    assert '"read", 1' in first
    assert '"g", 1' in first
    assert '"read", 2' in second
    assert '"read", 1' not in second
    assert "module_init" in second
    assert "module_init" not in first
    assert "part0_register();\n\tpart1_register();" in second


def test_a_function_that_cannot_be_traced() -> None:
    assert (
        "static noinline notrace void fn0"
        in target_source(TargetModule("m", (Function("f", notrace=True),))).parts[0]
    )


def test_a_patch_names_what_it_replaces() -> None:
    patch = PatchModule(
        "p1",
        (
            PatchedObject("vmlinux", (PatchedFunction("f", 0),)),
            PatchedObject("ext4", (PatchedFunction("read", 2),)),
        ),
        replace=True,
    )
    (text,) = patch_source(patch).parts
    assert f'.name = "{STAND_IN}", .funcs = funcs0' in text
    assert '.name = "ext4", .funcs = funcs1' in text
    assert '{ .old_name = "f", .new_func = new0 },' in text
    assert '{ .old_name = "read", .new_func = new1, .old_sympos = 2 },' in text
    assert ".replace = true," in text
    assert 'MODULE_INFO(livepatch, "Y");' in text
    assert ".states" not in text


def test_a_patch_of_nothing_has_no_list_of_objects() -> None:
    assert ".objs" not in patch_source(PatchModule("p1", ())).parts[0]


def test_callbacks_and_their_errors() -> None:
    callbacks = (("pre_patch", 19), ("post_unpatch", 0))
    (text,) = patch_source(PatchModule("p1", (PatchedObject("vmlinux", (), callbacks),))).parts
    assert "static int pre_patch0(struct klp_object *object)" in text
    assert 'return klprt_callback("p1", "vmlinux", "pre_patch", -19);' in text
    assert "static void post_unpatch0(struct klp_object *object)" in text
    assert ".callbacks.pre_patch = pre_patch0, .callbacks.post_unpatch = post_unpatch0," in text
    assert "post_patch0" not in text


def test_states_and_the_missing_mark() -> None:
    patch = PatchModule(
        "p1", (PatchedObject("vmlinux", (PatchedFunction("f", 0),)),), marked=False, states=((1, 2), (3, 0))
    )
    (text,) = patch_source(patch).parts
    assert "{ .id = 1, .version = 2 },\n\t{ .id = 3, .version = 0 },\n\t{ }" in text
    assert ".states = states," in text
    assert "livepatch, " not in text


@pytest.mark.parametrize("name", ["p-1", "1p", "a b", "ext4.ko", "p" * 56])
def test_names_that_no_module_has(name: str) -> None:
    assert name in module_name_problem(name)


@pytest.mark.parametrize("name", ["p1", "_x", "p" * 55])
def test_names_that_a_module_can_have(name: str) -> None:
    assert module_name_problem(name) == ""


def test_other_names() -> None:
    assert symbol_problem("f.isra.0") == ""
    assert "'f g'" in symbol_problem("f g")
    assert task_name_problem("kworker/0:1") == ""
    assert "a b" in task_name_problem("a b")
    assert "63" in task_name_problem("t" * 64)
