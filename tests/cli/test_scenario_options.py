"""A scenario on the command line: a file, standard input or a text, wherever a command takes one."""

from __future__ import annotations

from pathlib import Path

import pytest

from klpdsl.cli.common import MISMATCH, OK, USAGE
from tests.cli.command import call, give

SHOWN = "load p1\nshow p1\n"
COMMANDS = {
    "run": ["-e", "v6.14"],
    "compare": ["-e", "v6.12,v6.14"],
    "diff": ["-e", "v6.12,v6.14"],
    "history": ["--from", "v6.12"],
    "bisect": ["--good", "v6.12", "--bad", "v6.14"],
    "reduce": ["--keep-line", "refs 1", "-e", "v6.14"],
}
Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("command", list(COMMANDS))
def test_it_is_the_same_however_it_is_given(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scenario.klp").write_text(SHOWN, encoding="utf-8")
    more = COMMANDS[command]
    from_file = call(capsys, command, "scenario.klp", *more)
    assert from_file.code == (MISMATCH if command == "diff" else OK)
    from_text = call(capsys, command, "-c", SHOWN, *more)
    give(monkeypatch, SHOWN)
    from_input = call(capsys, command, "-", *more)
    # What it is called may stand in what is printed.
    said = from_file.out.replace("scenario: ", "")
    assert from_text.out.replace("<command line>: ", "") == said
    assert from_input.out.replace("-: ", "", 1 if command == "compare" else 0) == said
    assert (from_text.code, from_input.code) == (from_file.code, from_file.code)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_one_is_wanted(command: str, capsys: Capture) -> None:
    done = call(capsys, command, *COMMANDS[command])
    assert (done.code, done.out) == (USAGE, "")
    assert "- for standard input" in done.err
    assert "-c" in done.err


def test_what_needs_a_file_says_so(capsys: Capture) -> None:
    done = call(capsys, "bisect", "-c", SHOWN, "--run", "true")
    assert (done.code, done.err) == (USAGE, "klpdsl bisect: --run needs the scenario in a file\n")
    done = call(capsys, "bisect", "-c", SHOWN, "--git", "a..b")
    assert (done.code, done.err) == (USAGE, "klpdsl bisect: --git needs the scenario in a file\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["bisect", "--property", "stalecode"], "no property is called 'stalecode'; did you mean stale-code"),
        (
            ["bisect", "--result", "unload p1=EAGIN"],
            "`EAGIN` is no result: a step ends with 0, an errno's name or",
        ),
        (["bisect", "--events", "hok"], "no event is called 'hok'; did you mean hook"),
        (["reduce", "--keep-violation", "stalecode"], "did you mean stale-code"),
        (["reduce", "--keep-difference", "v6.12", "v6.14", "--property", "mixd"], "did you mean mixed"),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, list) else "",
)
def test_a_mistyped_question_gets_no_answer(arguments: list[str], complaint: str, capsys: Capture) -> None:
    done = call(capsys, arguments[0], "-c", SHOWN, *arguments[1:])
    assert (done.code, done.out) == (USAGE, "")
    assert complaint in done.err
