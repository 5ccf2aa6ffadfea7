"""The canonical form."""

from pathlib import Path

import pytest

from klpdsl.syntax.layout import WIDTH, format_scenario
from klpdsl.syntax.load import load_scenario
from klpdsl.syntax.parse import parse
from klpdsl.syntax.wording import format_statement, line_of

ROOT = Path(__file__).parent.parent.parent

# What somebody wrote, and its canonical form; where both are the same, None.
CASES: list[tuple[str, str | None]] = [
    ("", None),
    ("load p1\n", None),
    ("load p1", "load p1\n"),
    ("load p1; enable p1;;reverse\n", "load p1\nenable p1\nreverse\n"),
    ("\n\n\nload p1\n\n\n\nenable p1\n\n", "load p1\n\nenable p1\n"),
    ("\ufeffload   p1\r\nenable\tp1 \r\n", "load p1\nenable p1\n"),
    ('load "p1"; load "p 1"; load "1"\n', 'load p1\nload "p 1"\nload "1"\n'),
    ("tick 1; tick 007\n", "tick\ntick 7\n"),
    ("sysctl kernel.ftrace_enabled = 0\n", "sysctl kernel.ftrace_enabled 0\n"),
    (
        'write p1 enabled "1"; write p1 enabled "-1"; write p1 enabled ""\n',
        'write p1 enabled 1\nwrite p1 enabled "-1"\nwrite p1 enabled ""\n',
    ),
    ("load p1->EBUSY\n", "load p1 -> EBUSY\n"),
    ("engines v4.12..v4.14,baron\n", "engines v4.12 .. v4.14, baron\n"),
    ("engines v4.12.., ..v5.0, v6.1 .. v6.1\n", "engines v4.12 .., .. v5.0, v6.1\n"),
    ("patch p{f;g}\n", "patch p { f, g }\n"),
    (
        "patch p{f immediate sympos 2,ext4{read},state 1 version 0}\n",
        "patch p { f sympos 2 immediate; ext4 { read }; state 1 }\n",
    ),
    ("patch p { }\n", "patch p {}\n"),
    ("module m {} loaded\n", "module m loaded\n"),
    ("task t unreliable uninterruptible\n", "task t uninterruptible unreliable\n"),
    ("t1:call f,return\n", "t1: call f, return\n"),
    ("choose{force}or{settle;tick}\n", "choose { force } or { settle; tick }\n"),
    ("choose { force }\n\nor {}\n", "choose { force } or {}\n"),
    (
        "interleave { operator { enable p2, reverse }; t1 { call f; return -> 0 } }\n",
        "interleave {\n    operator { enable p2; reverse }\n    t1 { call f; return -> 0 }\n}\n",
    ),
    # Comments stay where they are.
    ("# one\n\n# two\nload p1 # three\n#four\n", "# one\n\n# two\nload p1  # three\n#four\n"),
    ("   # indented\nload p1;   # both\n", "# indented\nload p1  # both\n"),
    (
        "patch p { # open\n f # f\n\n\n # alone\n g, h\n # last\n} # closed\nload p\n",
        "patch p {  # open\n    f  # f\n\n    # alone\n    g\n    h\n    # last\n}  # closed\nload p\n",
    ),
    ("load p {\n f # why\n} -> EBUSY # so\n", "load p {\n    f  # why\n} -> EBUSY  # so\n"),
    ("module m { f # why\n } loaded\n", "module m {\n    f  # why\n} loaded\n"),
    (
        "choose { # a\n} or { # b\n # c\n} # d\n",
        "choose {  # a\n} or {  # b\n    # c\n}  # d\n",
    ),
    ("choose { force } # a\nor { settle } # b\n", "choose {\n    force\n} or {  # a\n    settle\n}  # b\n"),
    (
        "interleave { t1 { # one\n run }\n\n # two\n t2 { sleep } }\n",
        "interleave {\n    t1 {  # one\n        run\n    }\n\n    # two\n    t2 { sleep }\n}\n",
    ),
    # Blank lines separate paragraphs, also in braces.
    ("patch p {\n\n  f # x\n\n\n  g\n\n}\n", "patch p {\n    f  # x\n\n    g\n}\n"),
]


@pytest.mark.parametrize(("text", "canonical"), CASES)
def test_the_canonical_form(text: str, canonical: str | None) -> None:
    expected = text if canonical is None else canonical
    assert format_scenario(text) == expected
    assert format_scenario(expected) == expected
    assert format_scenario(parse(text)) == expected


def test_long_lists_are_broken() -> None:
    functions = ", ".join(f"function_{i}" for i in range(20))
    text = format_scenario(f"vmlinux {{ {functions} }}")
    assert text.startswith("vmlinux {\n    function_0, function_1, ")
    assert text.endswith(", function_19\n}\n")
    assert text.count("\n") == 5
    assert all(len(line) <= WIDTH for line in text.split("\n"))
    assert format_scenario(text) == text


def test_long_patches_and_choices_are_broken() -> None:
    body = "vmlinux { function_one, function_two }; ext4 { function_three sympos 2 }; callbacks ext4; state 1 version 2"
    assert format_scenario(f"load p replace {{ {body} }} -> EBUSY") == (
        "load p replace {\n"
        "    vmlinux { function_one, function_two }\n"
        "    ext4 { function_three sympos 2 }\n"
        "    callbacks ext4\n"
        "    state 1 version 2\n"
        "} -> EBUSY\n"
    )
    steps = "; ".join(["load p replace"] * 4)
    assert format_scenario(f"choose {{ {steps} }} or {{ {steps} }}").count("\n") == 11


def test_a_line_of_exactly_the_width_is_not_broken() -> None:
    name = "a" * (WIDTH - len("patch p {  }"))
    assert format_scenario(f"patch p {{ {name} }}").count("\n") == 1
    assert format_scenario(f"patch p {{ {name}a }}").count("\n") == 3


def test_the_texts_of_steps() -> None:
    def text(statement: str) -> str:
        (item,) = parse(statement).items
        return format_statement(item)

    assert text("load  p1 immediate -> EBUSY") == "load p1 immediate"
    assert text('load "p2" replace { g }') == "load p2 replace { g }"
    assert text("t1:  call f") == "t1: call f"
    assert text("expect p1 enabled = 1") == "expect p1 enabled = 1"
    (item,) = parse("load p1 -> EBUSY").items
    assert line_of(item) == "load p1 -> EBUSY"


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios").rglob("*.klp")), ids=lambda path: path.stem)
def test_the_corpus_is_canonical(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_scenario(text) == text
    load_scenario(str(path))
