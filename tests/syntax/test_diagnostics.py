"""What a user reads when a scenario is wrong: errors/*.klp, and beside each the report it gives."""

from pathlib import Path

import pytest

from klpdsl.syntax.diagnostics import Diagnostic, ScenarioError
from klpdsl.syntax.load import load_scenario, load_text
from klpdsl.syntax.parse import parse
from klpdsl.syntax.rendering import render, visible
from klpdsl.syntax.tree import Span

HERE = Path(__file__).parent / "errors"


@pytest.mark.parametrize("name", sorted(path.stem for path in HERE.glob("*.klp")))
def test_the_report(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(f"{name}.klp")
    assert caught.value.render() + "\n" == Path(f"{name}.txt").read_text(encoding="utf-8")


def errors(text: str | bytes) -> tuple[Diagnostic, ...]:
    with pytest.raises(ScenarioError) as caught:
        load_text(text, "x")
    return caught.value.diagnostics


def places(text: str) -> list[tuple[int, int]]:
    return [diagnostic.span[1:3] for diagnostic in errors(text)]


def test_errors_come_in_the_order_of_the_text() -> None:
    assert places("enable p1\nlaod p2\nenable p3\n\nload p4 x") == [(1, 8), (2, 1), (3, 8), (5, 9)]


@pytest.mark.parametrize(
    "broken", ["laod p1", "load p1 x", "load", "t1: cal f", 'load "p1', "@", "expect p1", "load p1 { f"]
)
@pytest.mark.parametrize("separator", ["\n", "\n\n# note\n", "\r\n"])
def test_one_mistake_is_one_error_and_hides_no_other(broken: str, separator: str) -> None:
    text = separator.join(["load p", broken, "tick 0", broken, "enable p", "disable p x"])
    rows = text.split("\n")
    wrong = [line for line, row in enumerate(rows, 1) if row.rstrip() in {broken, "tick 0", "disable p x"}]
    assert [line for line, _ in places(text)] == wrong


@pytest.mark.parametrize("entry", ["f x", "ext4 { read x }", "state 1 2", "@", "'f'", "f sympos"])
def test_one_mistake_in_braces_is_one_error(entry: str) -> None:
    text = (
        f"module ext4 {{ read }}\npatch p {{ f; {entry}; g, {entry}\n vmlinux {{ h }} }}\nenable p\nreverse x"
    )
    assert [line for line, _ in places(text)] == [2, 2, 5]


def test_too_many_errors_end_with_a_word_about_the_rest() -> None:
    found = errors("laod p\n" * 5000)
    assert len(found) == 201
    assert found[-1].message == "more errors follow, which are not shown"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{" * 17, "braces stand too deep within braces: 16 are the most"),
        ("choose {" * 17, "braces stand too deep within braces: 16 are the most"),
        (";" * 20_000, "the file has too many statements: 20000 are the most, empty ones included"),
        ("t1: " + "run, " * 10_000 + "run", "the scenario has too many steps: 10000 are the most"),
        ("choose { tick } or { tick }\n" * 5_001, "the scenario has too many steps: 10000 are the most"),
        ("#" * (1 << 20) + "#", "the file is too large: 1024 KiB are the most"),
        (f'scenario "{"x" * 2001}"', "a text of 2001 characters is too long: 2000 are the most"),
        (
            "task t in " + " > ".join("f" * 101),
            "the task is too deep in the kernel: 100 functions are the most",
        ),
    ],
)
def test_bounds(text: str, message: str) -> None:
    assert errors(text)[0].message == message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_other_encodings(encoding: str) -> None:
    found = errors('scenario "title"\nload p1\n'.encode(encoding))
    assert len(found) <= 20
    assert found[-1].hint


def test_what_the_command_line_could_not_decode() -> None:
    (found,) = errors("load p\udcff")
    assert found.message == "this is not UTF-8: byte 0xff"
    assert errors("load p\ud800")[0].message.startswith("this is not UTF-8")


def test_a_byte_order_mark_is_no_character() -> None:
    assert places("\ufeffenable p1") == [(1, 8)]


def test_control_characters_can_not_reach_the_terminal() -> None:
    report = ScenarioError(errors("enable \x1b[31m\u202ered"), {"x": "enable \x1b[31m\u202ered"}).render()
    assert all(character.isprintable() or character == "\n" for character in report)
    assert visible("a\x1b\u202eb") == "a<U+001B><U+202E>b"


@pytest.mark.parametrize(
    ("line", "column", "end", "shown"),
    [
        ("load p1", 6, 8, "    load p1\n         ^~"),
        ("\tload p1", 7, 9, "            load p1\n                 ^~"),
        ("a\tb", 3, 4, "    a       b\n            ^"),
        ("漢字 x", 4, 5, "    漢字 x\n         ^"),
        ("漢字 x", 1, 3, "    漢字 x\n    ^~~~"),
        ("e\u0301 x", 4, 5, "    e\u0301 x\n      ^"),
        ("load", 5, 6, "    load\n        ^"),
        ("", 1, 2, "\n    ^"),
    ],
)
def test_the_caret_stands_below_the_word(line: str, column: int, end: int, shown: str) -> None:
    diagnostic = Diagnostic(Span("x", 1, column, 1, end), "wrong")
    assert render(diagnostic, line) == f"x:1:{column}: error: wrong\n{shown}"


def test_of_ten_megabytes_a_window_is_shown() -> None:
    line = "a" * 5_000_000 + " here " + "b" * 5_000_000
    report = render(Diagnostic(Span("x", 1, 5_000_002, 1, 5_000_006), "wrong"), line)
    _, shown, caret = report.split("\n")
    assert len(shown) < 110
    assert shown[caret.index("^") : caret.index("^") + 4] == "here"
    assert caret.endswith("^~~~")


def test_without_its_text_a_diagnostic_still_says_where() -> None:
    assert render(Diagnostic(Span("x", 3, 4, 3, 5), "wrong", ("`a`", "`b`", "c"), "look"), None) == (
        "x:3:4: error: wrong\n    expected `a`, `b` or c\n    look"
    )


def test_parse_alone_follows_no_import_and_knows_no_names() -> None:
    assert len(parse('import "nowhere.klp"\nenable p1').items) == 2
