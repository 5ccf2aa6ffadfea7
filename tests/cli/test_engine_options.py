"""Engines on the command line: given alike everywhere, run once each, and named as they were asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from klpdsl.semantics.engines import asked_names, called, resolve
from klpdsl.semantics.table import table
from klpdsl.trace.jsonl import from_jsonl
from klpdsl.trace.reading import TraceError
from tests.cli.command import call

SHOWN = "load p1\nshow p1\n"
Capture = pytest.CaptureFixture[str]
NEWEST = table()["last"][-1]


@pytest.mark.parametrize(
    "asked",
    [
        ["-e", "v6.12", "-e", "v6.13"],
        ["-e", "v6.12,v6.13"],
        ["--engine", "v6.12", "--engines", "v6.13"],
        ["--engines=v6.12,v6.13"],
    ],
    ids=" ".join,
)
def test_one_engine_by_two_names_runs_once(asked: list[str], capsys: Capture) -> None:
    done = call(capsys, "run", "-c", "load p1", *asked)
    assert (done.code, done.err) == (0, "on v6.12 (= v6.11), v6.13 (= v6.11)\n")
    assert done.out.count("# klpdsl trace 1") == 1
    assert "====" not in done.out


def test_several_engines_are_told_apart_by_the_names_they_were_asked_by(capsys: Capture) -> None:
    done = call(capsys, "run", "-c", "load p1", "-e", "v6.12,v6.13,v6.14,latest")
    assert [line for line in done.out.splitlines() if line.startswith("====")] == [
        "==== <command line> on v6.12 (= v6.11), v6.13 (= v6.11)",
        "==== <command line> on v6.14",
        f"==== <command line> on {called(resolve('latest').name, ['latest'])}",
    ]
    assert done.err == ""


def test_a_single_run_names_its_engine(capsys: Capture) -> None:
    assert call(capsys, "run", "-c", "load p1", "-e", "v6.14").err == "on v6.14\n"
    assert call(capsys, "run", "-c", "load p1", "-e", "baron").err == "on baron (= baron-v2)\n"
    newest = called(resolve(NEWEST).name, ["mainline"])
    assert call(capsys, "run", "-c", "load p1").err == f"on {newest}\n"
    altered = call(capsys, "run", "-c", "load p1", "-e", "v6.12", "--set", "force=listed")
    assert altered.err == "on v6.11+force=listed\n"


def test_the_header_of_json_names_the_engine(capsys: Capture) -> None:
    done = call(capsys, "run", "-c", "load p1", "-e", "v6.12", "-e", "v6.13", "--format", "jsonl")
    header = json.loads(done.out.splitlines()[0])
    assert header == {"kind": "header", "trace": 1, "engine": "v6.11", "asked": ["v6.12", "v6.13"]}
    assert done.err == ""
    # And the trace is still one.
    assert from_jsonl(done.out).steps[0].text == "load p1"
    several = call(capsys, "run", "-c", "load p1", "-e", "v6.12,v6.14", "--format", "jsonl")
    runs = [json.loads(line) for line in several.out.splitlines() if '"kind": "run"' in line]
    assert [(run["engine"], run["asked"]) for run in runs] == [("v6.11", ["v6.12"]), ("v6.14", ["v6.14"])]


@pytest.mark.parametrize("more", ['"engine": 3', '"asked": "v6.12"', '"x": ""'])
def test_no_other_header_is_one(more: str) -> None:
    with pytest.raises(TraceError):
        from_jsonl(f'{{"kind": "header", "trace": 1, {more}}}\n')


def test_compare_names_engines_as_they_were_asked_for(capsys: Capture) -> None:
    text = call(capsys, "compare", "-c", SHOWN, "-e", "v6.12,v6.13", "-e", "v6.14").out
    assert "\nA  v6.12 (= v6.11), v6.13 (= v6.11)\nB  v6.14\n" in text
    assert "2 engines, 2 ways to behave" in text
    markdown = call(capsys, "compare", "-c", SHOWN, "-e", "v6.12,v6.14", "--format", "markdown").out
    assert "| A | `v6.12 (= v6.11)` |" in markdown
    plain = json.loads(call(capsys, "compare", "-c", SHOWN, "-e", "v6.12,v6.14", "--format", "json").out)
    assert plain["asked"] == {"v6.11": ["v6.12"]}
    assert [group["engines"] for group in plain["groups"]] == [["v6.11"], ["v6.14"]]


def test_a_range_speaks_of_its_ends_as_they_were_given() -> None:
    assert asked_names("v6.12..v6.15") == {"v6.11": ("v6.12",), "v6.14": ("v6.15",)}
    assert asked_names("v6.12..v6.13") == {"v6.11": ("v6.12",)}
    assert asked_names("v6.11,v6.12") == {"v6.11": ("v6.11", "v6.12")}


def test_an_engine_file_may_stand_beside_a_comma(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine.toml", "a,b.toml"):
        (tmp_path / name).write_text('base = "v6.14"\n[set]\nreplace_attr = false\n', encoding="utf-8")
    done = call(capsys, "compare", "-c", SHOWN, "-e", "v6.14,./mine.toml")
    assert "\nA  v6.14\nB  ./mine.toml\n" in done.out
    assert call(capsys, "run", "-c", SHOWN, "-e", "./a,b.toml").err == "on ./a,b.toml\n"


def test_every_command_takes_engines_in_the_same_ways(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "shown.klp"
    file.write_text(SHOWN, encoding="utf-8")
    for given in (["-e", "v6.12,v6.14"], ["-e", "v6.12", "-e", "v6.14"], ["--engines", "v6.12", "v6.14"]):
        done = call(capsys, "diff", str(file), *given)
        assert (done.code, "stack_order" in done.out) == (1, True), given
    assert call(capsys, "diff", str(file), "v6.12", "v6.14").code == 1
    kept = ["reduce", str(file), "--keep-line", "refs 1"]
    for given in (["-e", "v6.12,v6.13"], ["--engine", "v6.12"], ["--engines", "v6.12"]):
        assert call(capsys, *kept, *given).code == 0, given
    assert "v6.11, v6.14 are 2" in call(capsys, *kept, "-e", "v6.12,v6.14").err
    for given in (
        ["-e", "rhel-9,debian-12"],
        ["-e", "rhel-9", "-e", "debian-12"],
        ["--engines", "rhel-9,debian-12"],
    ):
        done = call(capsys, "history", str(file), *given)
        assert "\nrhel-9.6: " in done.out
        assert "\ndebian-12: " in done.out


def test_diff_wants_two_engines(capsys: Capture) -> None:
    done = call(capsys, "diff", "-c", SHOWN, "-e", "v6.12")
    assert (done.code, done.out) == (2, "")
    assert done.err == "klpdsl diff: it compares two engines, and v6.11 is 1: -e v4.19,v5.1\n"
