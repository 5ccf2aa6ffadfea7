"""Files, imports, and what stands between a text and a scenario that runs."""

import os
from pathlib import Path

import pytest

from klpdsl.syntax import tree
from klpdsl.syntax.diagnostics import Diagnostic, ScenarioError
from klpdsl.syntax.load import Analysis, load_scenario, load_text


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(**files: str) -> None:
    for name, text in files.items():
        path = Path(name.replace("__", "/") + ".klp")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def errors(path: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    return caught.value.diagnostics


def said(path: str) -> list[str]:
    return [f"{error.span.source}:{error.span.line}: {error.message}" for error in errors(path)]


def names(loaded: Analysis) -> list[str]:
    return [item.name for item in loaded.items if isinstance(item, tree.TaskDecl | tree.PatchDecl)]


def test_a_file() -> None:
    write(a="load p1\n")
    loaded = load_scenario("a.klp")
    assert loaded.items == loaded.scenario.items
    assert loaded.files == ("a.klp",)
    assert loaded.items[0].span == tree.Span("a.klp", 1, 1, 1, 8)
    assert loaded.texts() == {"a.klp": "load p1\n"}


def test_a_text_given_as_text_or_bytes() -> None:
    assert load_text("load p1").items == load_text(b"load p1").items
    assert load_text("load p1", "<command line>").items[0].span.source == "<command line>"


def test_line_ends_and_a_byte_order_mark_make_no_difference() -> None:
    assert load_text(b"\xef\xbb\xbfload p1\r\nenable p1\r\n").items == load_text("load p1\nenable p1\n").items


def test_imports_come_in_order_and_once() -> None:
    write(
        main='scenario "main"\nimport "common/two.klp"\nimport "common/one.klp"\ntask t3\nload p1\n',
        common__one="task t1\n",
        common__two='scenario "two"\nimport "one.klp"\nimport "deeper/p.klp"\ntask t2\n',
        common__deeper__p="patch p1 { f }\n",
    )
    loaded = load_scenario("main.klp")
    assert names(loaded) == ["t1", "p1", "t2", "t3"]
    assert loaded.files == ("main.klp", "common/two.klp", "common/one.klp", "common/deeper/p.klp")
    assert [item.span.source for item in loaded.items if isinstance(item, tree.TaskDecl)] == [
        "common/one.klp",
        "common/two.klp",
        "main.klp",
    ]
    assert not any(isinstance(item, tree.Import) for item in loaded.items)
    assert [type(item) for item in loaded.scenario.items[:3]] == [tree.Title, tree.Import, tree.Import]


def test_a_second_name_of_a_file_is_the_same_file() -> None:
    write(main='import "a.klp"\nimport "link.klp"\nimport "x/../a.klp"', a="task t1\n")
    Path("x").mkdir()
    os.symlink("a.klp", "link.klp")
    assert names(load_scenario("main.klp")) == ["t1"]


def test_imports_of_a_text_are_relative_to_its_name() -> None:
    write(dir__a="task t1\n")
    assert names(load_text('import "a.klp"', "dir/other.klp")) == ["t1"]
    assert names(load_text('import "dir/a.klp"', "-")) == ["t1"]


def test_the_digest_covers_every_file() -> None:
    write(main='import "a.klp"', a="task t1\n")
    before = load_scenario("main.klp").digest
    assert load_scenario("main.klp").digest == before
    write(a="task t2\n")
    assert load_scenario("main.klp").digest != before


def test_an_imported_file_holds_declarations_only() -> None:
    write(
        main='import "a.klp"',
        a='scenario "a"\ntask t1\nload p1\nenable p1\n',
        b='import "c.klp"',
        c="engines v4.12",
    )
    (error,) = errors("main.klp")
    assert (error.span.source, error.span.line) == ("a.klp", 3)
    assert error.message == "an imported file holds declarations only, not `load p1`"
    assert said("b.klp") == ["c.klp:1: an imported file holds declarations only, not `engines v4.12`"]


def test_errors_of_all_files_are_reported_under_their_names() -> None:
    write(
        main='import "a.klp"\nenable p9\nlaod p1\n',
        a='import "b.klp"\ntask t1 inn f\n',
        b="patch p1 imediate\ntask t2\ntask t2\n",
    )
    assert said("main.klp") == [
        "main.klp:2: there is no patch `p9`",
        "main.klp:3: `laod` begins no statement",
        "a.klp:2: unexpected `inn`",
        "b.klp:1: unexpected `imediate`",
        "b.klp:3: the task `t2` is declared twice",
    ]
    with pytest.raises(ScenarioError) as caught:
        load_scenario("main.klp")
    assert "    task t1 inn f\n            ^~~" in caught.value.render()


def test_what_is_declared_in_two_files_says_where() -> None:
    write(main='import "a.klp"\ntask t1\n', a="# first\ntask t1\n")
    (error,) = errors("main.klp")
    assert (error.message, error.hint) == ("the task `t1` is declared twice", "first on a.klp:2")


def test_a_circle() -> None:
    write(a='import "b.klp"', b='import "c.klp"', c='import "a.klp"', self='import "self.klp"')
    (error,) = errors("a.klp")
    assert (error.span.source, error.message) == ("c.klp", "the files import each other in a circle")
    assert error.hint == "a.klp imports b.klp imports c.klp imports a.klp"
    (error,) = errors("self.klp")
    assert error.hint == "self.klp imports self.klp"


def test_what_can_not_be_read() -> None:
    write(
        main='import "two-task.klp"\nimport "."\nimport "/etc/passwd"\nimport ""\nenable p1\n',
        common="task t1",
    )
    write(**{"two-tasks": "task t2"})
    Path("bytes.klp").write_bytes(b'import "\\n"')
    found = errors("main.klp")
    assert [error.message for error in found] == [
        "the file can not be read: No such file or directory",
        "the file can not be read: it is a folder, and no regular file",
        "an import names a file by its path from this one",
        "an import names a file by its path from this one",
    ]
    assert found[0].hint == "did you mean `two-tasks.klp`?"
    assert said("nowhere.klp") == ["nowhere.klp:1: the file can not be read: No such file or directory"]
    assert said(".") == [".:1: the file can not be read: it is a folder, and no regular file"]
    assert "can not be read" in said("a\0b")[0]


def test_a_pipe_is_not_imported_and_nobody_waits_for_it() -> None:
    write(main='import "pipe.klp"')
    os.mkfifo("pipe.klp")
    assert said("main.klp") == ["main.klp:1: the file can not be read: it is a pipe, and no regular file"]
    assert said("pipe.klp") == ["pipe.klp:1: the file can not be read: it is a pipe, and no regular file"]


def test_an_endless_file() -> None:
    no_file = ":1: the file can not be read: it is a device, and no regular file"
    assert said("/dev/zero") == ["/dev/zero" + no_file]
    os.symlink("/dev/zero", "zero.klp")
    assert "an import stays below" in said(write_main('import "zero.klp"'))[0]


def write_main(text: str) -> str:
    write(main=text)
    return "main.klp"


def test_imports_stay_below_the_suite_and_out_of_what_is_hidden() -> None:
    os.makedirs("suite/scenarios/deep")
    os.makedirs("suite/.git")
    Path("secret.klp").write_text("task secret {\n")
    Path("suite/.git/config").write_text("[token] secret\n")
    Path("suite/below.klp").write_text("task t1\n")
    os.symlink("../../secret.klp", "suite/scenarios/link.klp")
    os.symlink("../../below.klp", "suite/scenarios/deep/inside.klp")
    main = Path("suite/scenarios/deep/main.klp")
    for path in ("../../../secret.klp", "../../../nowhere.klp", "../link.klp", "../../.git/config"):
        main.write_text(f'import "{path}"\n')
        # The same words whether or not there is such a file, and not one of its.
        (error,) = errors(str(main))
        assert (error.message, error.hint) == ("an import stays below suite, and out of hidden folders", "")
    for path in ("../../below.klp", "inside.klp"):
        main.write_text(f'import "{path}"\n')
        assert names(load_scenario(str(main))) == ["t1"]
    (said_of_link,) = said("suite/scenarios/link.klp")
    assert "the file can not be read: it is outside of " in said_of_link


def test_imports_too_deep() -> None:
    write(**{f"n{i}": f'import "n{i + 1}.klp"' for i in range(30)})
    assert said("n0.klp") == ["n15.klp:1: imports within imports go too deep: 16 are the most"]


def test_imports_too_many() -> None:
    write(
        main="".join(f'import "n{i}.klp"\n' for i in range(100)),
        **{f"n{i}": f"task t{i}" for i in range(100)},
    )
    assert said("main.klp")[0] == "main.klp:65: too many files are imported: 64 are the most"


def test_imports_too_large() -> None:
    big = "#" * ((1 << 20) - 10)
    write(main="".join(f'import "n{i}.klp"\n' for i in range(6)), **{f"n{i}": f"{big}{i}" for i in range(6)})
    assert said("main.klp")[0] == "main.klp:4: the files together are too large: 4096 KiB are the most"


def test_a_bomb_of_imports_is_read_once() -> None:
    # Each file imports the next one ten times over: by the tenth that would be ten thousand million.
    write(**{f"n{i}": f'import "n{i + 1}.klp"\n' * 10 for i in range(10)}, n10="task t1\n")
    loaded = load_scenario("n0.klp")
    assert names(loaded) == ["t1"]
    assert len(loaded.files) == 11


# --- what statements introduce ----------------------------------------------------------------------------------

SOUND = [
    "load p1; enable p1; disable p1; unload p1",
    "enable p1; load p1",
    "choose { load p1 } or {}; enable p1",
    "expect t1 patch_state = undefined",
    "load p1; expect t1 sees f = p1",
    "t2: call f; expect t2 patch_state = undefined",
    "t1: fork t9; t9: run; expect t9 patch_state = undefined",
    "interleave { t3 {} }; expect t3 patch_state = undefined",
    'cpus 2; expect "swapper/1" patch_state = undefined',
    "module ext4 { read }; t1: call read, call ext4:read; load ext4; expect ext4 refs = 0",
    "module ext4 { read }; module nfs { read }; t1: call nfs:read",
    "module ext4 { read, read }; t1: call read sympos 2",
    "vmlinux { f, g }; load p1 { nosuch }",
    "module ext4 { read }; load p1 { ext4 { nosuch } }",
    "vmlinux { f }; load p1; t1: call f, call vmlinux:f",
    "t1: call whatever, call vmlinux:something",
    "patch p1 { f }; load p1 immediate",
    "load p1 { g }; unload p1; load p1 { g }; load p1",
    "module vmlinux; load vmlinux",
    "patch ext4-fix { f }; task ext4-fix; load ext4-fix; ext4-fix: call f",
    "load p1 -> EWOULDBLOCK; load p1 -> unsupported; load p1 -> blocked; load p1 -> 0",
    "expect t1 sees f = original; expect t1 sees f != gone",
    "arch unreliable-stacks; cpus 1 nohz",
    "never stale-code; always mixed; expect no violation leak",
]


@pytest.mark.parametrize("text", SOUND)
def test_it_is_introduced(text: str) -> None:
    load_text(text)


UNSOUND = {
    "enable p1": "there is no patch `p1`",
    "expect p1 enabled = 1": "there is no patch or module `p1`",
    "t2: run; expect t1 patch_state = undefined": "there is no task `t1`",
    "module ext4 { read }; t1: call ext4:raed": "`ext4` has no function `raed`",
    "vmlinux { f }; t1: call g": "nothing has a function `g`",
    "vmlinux { f }; task t1 in g": "nothing has a function `g`",
    "module ext4 { f }; load p1; t1: call f": "several objects have a function `f`",
    "task t9; t1: fork t9": "`t9` can not be forked: a task of that name is declared",
    'expect "swapper/0" patch_state = undefined': "the idle task `swapper/0` is not visible",
}


@pytest.mark.parametrize("text", UNSOUND)
def test_it_is_not_introduced(text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_text(text)
    assert [error.message for error in caught.value.diagnostics] == [UNSOUND[text]]
