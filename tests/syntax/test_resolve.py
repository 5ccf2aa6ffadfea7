"""Names know where they stand, what they mean, and where else they are named: what checks and editors stand on."""

from pathlib import Path

import pytest

from klpdsl.syntax import tree
from klpdsl.syntax.files import Files
from klpdsl.syntax.load import analyse, load_scenario
from klpdsl.syntax.parse import parse
from klpdsl.syntax.place import Name
from klpdsl.syntax.resolve import Entity, Names

ROOT = Path(__file__).resolve().parent.parent.parent
CORPUS = sorted((ROOT / "scenarios").rglob("*.klp"))

#: The fields that hold a text but no word that an author chose: keywords, and what is said by leaving a word out.
KEYWORDS = {
    (tree.Attach, "tracer"),
    (tree.Detach, "tracer"),
    (tree.BeginLoad, "window"),
    (tree.BeginUnload, "window"),
    (tree.Callback, "name"),
    (tree.PatchFlag, "name"),
    (tree.Shadow, "verb"),
    (tree.Simple, "verb"),
    (tree.TaskDecl, "kind"),
    (tree.Kill, "signal"),
    (tree.TasksAre, "quantifier"),
    (tree.TasksAre, "state"),
    (tree.TasksSee, "quantifier"),
    (tree.TaskStateIs, "state"),
    (tree.Comment, "text"),
}


def words(node: object) -> list[tuple[object, str, str]]:
    """Every text in a tree, with its node and the field's name."""
    if not isinstance(node, tuple) or isinstance(node, tree.Span):
        return []
    found: list[tuple[object, str, str]] = []
    names = getattr(node, "_fields", [""] * len(node))
    for name, part in zip(names, node, strict=True):
        if isinstance(part, str):
            found.append((node, name, part))
        elif name != "flags" or not isinstance(node, tree.TaskDecl):
            found += words(part)
    return found


@pytest.mark.parametrize("path", CORPUS[::3], ids=lambda path: path.stem)
def test_every_word_knows_where_it_stands(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node, field, word in words(parse(text, "x")):
        if (type(node), field) in KEYWORDS or word in {"", tree.OPERATOR}:
            continue
        if isinstance(node, tree.Shadow) and field == "constructor" and word == "0":
            continue
        assert isinstance(word, Name), (node, field)
        _, line, column, end_line, end_column = word.span
        written = lines[line - 1][column - 1 : end_column - 1]
        assert line == end_line
        assert written.strip('"').replace('\\"', '"').replace("\\n", "\n") == word


def resolved(text: str) -> Names:
    return analyse(text, "x").names


TEXT = """module ext4 { read }
patch p1 { f; ext4 { read } }
task t1 in read
load p1
expect p1 enabled = 1
t1: call f, return
expect t1 sees f = p1
t1: fork t2
t2: run
"""


def places(names: Names, entity: Entity) -> list[tuple[int, int]]:
    return [occurrence.place[1:3] for occurrence in names.references(entity)]


def test_definitions_and_references() -> None:
    names = resolved(TEXT)
    assert places(names, Entity("patch", "p1")) == [(2, 7), (4, 6), (5, 8), (7, 20)]
    assert places(names, Entity("function", "read", "ext4")) == [(1, 15), (2, 22), (3, 12)]
    assert places(names, Entity("task", "t2")) == [(8, 10), (9, 1)]
    for line, column, entity, defined in (
        (7, 20, Entity("patch", "p1"), (2, 7)),
        (7, 22, Entity("patch", "p1"), (2, 7)),
        (3, 13, Entity("function", "read", "ext4"), (1, 15)),
        (9, 1, Entity("task", "t2"), (8, 10)),
        (7, 16, Entity("function", "f", "vmlinux"), (2, 12)),
    ):
        found = names.at("x", line, column)
        assert found
        assert found.entity == entity
        definition = names.definition(entity)
        assert definition
        assert definition.place[1:3] == defined
    assert names.at("x", 7, 12) is None


def test_a_rename_changes_what_it_means_and_nothing_else() -> None:
    edits = resolved(TEXT).rename(Entity("patch", "p1"), "kpatch one")
    lines = TEXT.splitlines()
    for span, new in sorted(edits, reverse=True):
        line = lines[span.line - 1]
        lines[span.line - 1] = line[: span.column - 1] + new + line[span.end_column - 1 :]
    renamed = analyse("\n".join(lines), "x")
    assert renamed.problems == ()
    assert list(renamed.names.patches) == ["kpatch one"]
    assert "p1" not in "\n".join(lines)
    for entity, new in (
        (Entity("patch", "p1"), "ext4"),
        (Entity("task", "t1"), "t2"),
        (Entity("task", "t1"), ""),
    ):
        with pytest.raises(ValueError, match=r"already|can not be"):
            resolved(TEXT).rename(entity, new)


def test_what_could_stand_somewhere() -> None:
    names = resolved(TEXT)
    assert names.known("patch or module") == ["p1", "ext4"]
    assert names.known("task") == ["t1", "t2"]
    assert names.known("function") == ["f", "read"]


def test_wrong_names_have_a_tree() -> None:
    found = analyse("patch p1\nload p1\nexpect p2 enabled = p2\nlaod p1\n", "x")
    assert [(problem.span.line, problem.span.column) for problem in found.problems] == [(3, 8), (4, 1)]
    assert [type(item) for item in found.items] == [tree.PatchDecl, tree.Step, tree.Expect]
    assert list(found.names.patches) == ["p1"]


def test_the_name_that_is_meant_is_underlined() -> None:
    (problem,) = analyse("load p1\nexpect enabled enabled = enabled\n", "x").problems
    assert problem.span[1:] == (2, 8, 2, 15)
    (problem,) = analyse("load p1\nt1: call f\nexpect t1 sees f = f\n", "x").problems
    assert problem.span[1:] == (3, 20, 3, 21)


def test_unsaved_text_lies_over_the_disk(tmp_path: Path) -> None:
    main, common = tmp_path / "main.klp", tmp_path / "common.klp"
    main.write_text('import "common.klp"\nload p9\n')
    common.write_text("patch p1 { f }\n")
    files = Files({str(tmp_path / "." / "common.klp"): "patch p9 { f }\npatch p8 { g }\n"})
    assert list(load_scenario(str(main), files).names.patches) == ["p9", "p8"]
    assert list(load_scenario(str(main)).names.patches) == ["p1", "p9"]
    files = Files({str(main): "load p7\n"})
    assert list(load_scenario(str(main), files).names.patches) == ["p7"]
    # What the overlay says needs no file.
    files = Files({str(tmp_path / "common.klp"): "patch p9 { f }\n"})
    common.unlink()
    assert list(load_scenario(str(main), files).names.patches) == ["p9"]
