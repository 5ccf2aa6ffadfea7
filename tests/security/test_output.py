"""Foreign text reaches no terminal and no CI log as an order, in whatever format it goes out."""

import io
import json
import re

import pytest

from klpdsl import _output
from klpdsl._output import Screen, raw, screened, style, visible
from tests.goldens.project import Project, replace

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\x7f"
#: What no output may hold, apart from newlines and tabs.
ORDER = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> None:
    assert not ORDER.search(text), repr(ORDER.findall(text))
    for line in text.splitlines():
        assert not line.lstrip().startswith("::"), line


def spoilt(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "refs 1", f"refs {EVIL}")
    path = project.golden("first", "v5.1")
    path.write_text(path.read_text() + f"::error::{EVIL}\n")


@pytest.mark.parametrize("options", [[], ["--verbose"], ["--format", "json"]], ids=" ".join)
def test_a_golden_gives_no_orders(project: Project, options: list[str]) -> None:
    spoilt(project)
    done = project.run("check", *options, "--junit", "j.xml", "--summary", "s.md", "--bundle", "b.json")
    assert done.returncode == 1
    harmless(done.stdout + done.stderr)
    assert "<U+001B>" in done.stdout or "\\u001b" in done.stdout
    for name in ("j.xml", "s.md"):
        harmless((project.root / name).read_text())
    assert "\x1b" not in (project.root / "b.json").read_text()
    for command in (["review"], ["review", "--bundle", "b.json"], ["accept"], ["accept", "--reason", EVIL]):
        done = project.run(*command)
        harmless(done.stdout + done.stderr)
    blamed = project.run("blame", "goldens/first/v5.1.trace")
    harmless(blamed.stdout + blamed.stderr)


def test_annotations_are_ours_alone(project: Project) -> None:
    spoilt(project)
    project.scenario("third", f"::error::{'x' * 3}\nload p1\n")
    done = project.run("check", "--format", "github")
    assert done.stdout.startswith("::error file=scenarios/")
    assert not ORDER.search(done.stdout)
    for line in done.stdout.splitlines():
        assert re.match(r"::(error|warning|notice) ?[^:]*::", line)


def test_a_line_of_a_scenario_is_no_command(project: Project) -> None:
    project.scenario("third", "load p1\n  ::error file=x::owned\n")
    for command in (["check"], ["run", "scenarios/third.klp"], ["fmt", "scenarios/third.klp"]):
        done = project.run(*command)
        assert done.returncode == 2
        harmless(done.stdout + done.stderr)
        assert "<U+003A>:error file=x::owned" in done.stdout + done.stderr


def test_names_and_arguments_give_no_orders(project: Project) -> None:
    name = "a\x1b[31m\n::error::b\u202e"
    project.scenario(name, "load\n")
    (project.root / f"{name}.toml").write_text(f'base = "{EVIL[:1]}"\n')
    for command in (
        ["check"],
        ["fmt", f"scenarios/{name}.klp"],
        ["accept", "scenarios"],
        ["run", f"scenarios/{name}.klp"],
        ["run", "-c", "load p1", "-e", f"./{name}.toml"],
        ["run", "-c", "load p1", "--set", f"{EVIL}=1"],
        ["engines", EVIL],
        ["review", "--bundle", EVIL.replace("\x07", "")],
        ["accept", "--class", EVIL],
        [EVIL],
    ):
        done = project.run(*command)
        harmless(done.stdout + done.stderr)
        assert done.returncode


def test_an_older_form_of_commands_is_none_either(project: Project) -> None:
    project.scenario("third", "load p1 ##[error]owned ##vso[task]\nloud\n")
    done = project.run("check", env={"GITHUB_ACTIONS": "true"})
    assert "##[" not in done.stdout
    assert "##vso[" not in done.stdout


def test_only_our_own_styles_are_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    with Screen():
        # What is printed as a style is one; the same bytes from elsewhere are not.
        print(f"{style('31')}red{style('0')} \x1b[31mfake\x1b[0m")
    assert out.getvalue() == "\x1b[31mred\x1b[0m <U+001B>[31mfake<U+001B>[0m\n"
    assert style("31") == "\x1b[31m"
    assert len({_output._OWN, "\x1b"}) == 2


@pytest.mark.parametrize(
    "pieces",
    [
        ["::error::x"],
        [":", ":error::x"],
        ["  ", "::error::x"],
        ["a\n", " :", ":x"],
        ["a\n:", ":x\n::y"],
        ["\t::x"],
    ],
)
def test_a_command_in_pieces_is_none(pieces: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    with Screen():
        for piece in pieces:
            print(piece, end="")
    harmless(out.getvalue())
    assert out.getvalue().replace("<U+003A>", ":") == "".join(pieces)


def test_what_is_no_order_goes_out_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "tests/x.py::test  a: b :: c\n\tä ― 漢字 \u00a0 caf\u0301e\n::\n"
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    with Screen():
        print(text[:-3], end="")
        print("x::", end="\n")
    assert out.getvalue() == text[:-3] + "x::\n"
    assert visible("plain") == screened("plain") == "plain"
    with Screen():
        import sys

        raw(sys.stdout, "::notice::ours\n")
    assert out.getvalue().endswith("::notice::ours\n")


def test_a_trace_is_data_and_the_same_through_the_screen(project: Project) -> None:
    shown = project.ok("run", "scenarios/first.klp", "--engine", "v5.1")
    assert shown == project.golden("first", "v5.1").read_text()
    lines = project.ok("run", "scenarios/first.klp", "--format", "jsonl").splitlines()
    assert all(json.loads(line) for line in lines)
