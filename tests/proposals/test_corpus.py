"""`klpdsl compare` on many scenarios: what an engine of one's own changes, grouped by cause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import call

ALIKE = "task t1 in g\napply p1 { f }\nt1: return\nsettle\n"
CONFLICT = "apply a1 { f }\nsettle\nload b1 { f }\nsettle\n"
ALSO = "apply x1 { g }\nsettle\nload x2 { g }\n"


@pytest.fixture(autouse=True)
def _suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "scenarios"
    (folder / "common").mkdir(parents=True)
    (folder / "alike.klp").write_text(ALIKE)
    (folder / "conflict.klp").write_text(CONFLICT)
    (folder / "also.klp").write_text(ALSO)
    (folder / "common" / "shared.klp").write_text("task t7\n")
    (tmp_path / "mine.toml").write_text(
        'base = "v6.19"\n[set]\nplain_conflict = "refuse"\nset_force = "same-set"\n'
    )
    (tmp_path / "same.toml").write_text('base = "v6.19"\n[set]\nset_force = "same-set"\n')
    monkeypatch.chdir(tmp_path)


def test_scenarios_of_one_cause_and_shape_are_one_way(capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "compare", "scenarios/", "--engines", "v6.19,./mine.toml")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(
        "v6.19 and ./mine.toml: 2 scenarios differ, in 1 way; no difference for the other 1\n\n"
        "1. engine change ./mine.toml (plain_conflict): module M refs N became module X gone\n"
        "   class "
    )
    assert "   why: between v6.19 and ./mine.toml: plain_conflict: allow -> refuse\n" in done.out
    assert "   scenarios/also.klp:3, first at step 3: load x2 { g }\n" in done.out
    assert (
        "   a step that ended with 0 ends with EINVAL: 2 scenarios (scenarios/also.klp, scenarios/conflict.klp)\n"
        in done.out
    )
    assert done.out.endswith("   scenarios/also.klp\n   scenarios/conflict.klp\n")


def test_ci_can_hold_a_change_to_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    same = ("compare", "scenarios", "-e", "v6.19", "-e", "./same.toml", "--fail-on-difference")
    assert call(capsys, *same) == (0, "v6.19 and ./same.toml: no difference in 3 scenarios\n", "")
    mine = ("compare", "scenarios", "--engines", "./mine.toml", "--fail-on-difference", "--brief")
    assert call(capsys, *mine).code == 1  # alone, it is held against its base
    assert call(capsys, *mine[:-1]).out.startswith("v6.19 and ./mine.toml: 2 scenarios differ")
    one = ("compare", "scenarios/conflict.klp", "-e", "v6.19,./mine.toml", "--fail-on-difference")
    assert call(capsys, *one).code == 1
    assert call(capsys, "compare", "scenarios/alike.klp", *one[2:]).code == 0


def test_several_files_and_several_engines(capsys: pytest.CaptureFixture[str]) -> None:
    files = ("scenarios/alike.klp", "scenarios/conflict.klp")
    done = call(capsys, "compare", *files, "-e", "v6.19,./same.toml,./mine.toml", "--format", "json")
    told = json.loads(done.out)
    assert (told["base"], told["scenarios"], told["errors"]) == ("v6.19", 2, [])
    assert [(one["engine"], one["differ"], one["same"]) for one in told["engines"]] == [
        ("./same.toml", 0, 2),
        ("./mine.toml", 1, 1),
    ]
    (way,) = told["engines"][1]["ways"]
    assert way["cause"]["axes"] == ["plain_conflict"]
    (scenario,) = way["scenarios"]
    assert (scenario["file"], scenario["ends"]) == ("scenarios/conflict.klp", [["0", "EINVAL"]])


def test_markdown_for_a_mail(capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "compare", "scenarios", "-e", "v6.19,./mine.toml", "--format", "markdown")
    assert done.out.startswith(
        "**v6.19 and ./mine.toml: 2 scenarios differ, in 1 way; no difference for the other 1**"
    )
    assert "\n   ```diff\n   - module x2 refs 1\n   + module x2 gone\n   ```\n" in done.out
    assert "2 scenarios: `scenarios/also.klp`, `scenarios/conflict.klp`" in done.out


def test_properties_that_only_one_side_violates(capsys: pytest.CaptureFixture[str]) -> None:
    force = "task t1\nvmlinux { f, h }\npatch a1 { f }\npatch b1 { h }\npatch a2 replace { f }\napply b1\nsettle\n"
    force += "write b1 replaceable 1\napply a1\nsettle\nt1: call f\napply a2\nforce a2\ntick\nt1: return\nunload b1\n"
    (Path("scenarios") / "force.klp").write_text(force)
    told = call(capsys, "compare", "scenarios", "-e", "v6.19,shao-hybrid", "--format", "json")
    ways = json.loads(told.out)["engines"][0]["ways"]
    found = {
        scenario["file"]: (scenario["violates"], scenario["cures"])
        for way in ways
        for scenario in way["scenarios"]
    }
    assert "unreplaced" in found["scenarios/force.klp"][0]


def test_what_cannot_run_is_told_and_hides_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    (Path("scenarios") / "bad.klp").write_text("aply p1\n")
    done = call(capsys, "compare", "scenarios", "-e", "v6.19,./mine.toml", "--brief")
    assert done.code == 2
    assert "scenarios/bad.klp:1:1: error" in done.err
    assert done.out.startswith("v6.19 and ./mine.toml: 2 scenarios differ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("scenarios", "-e", "v6.19"), "many scenarios need a base"),
        (("scenarios", "-e", "v6.19,./mine.toml", "--view", "svg"), "--view draws one scenario"),
        (("scenarios", "-", "-e", "v6.19,./mine.toml"), "several scenarios are files and folders"),
        (
            ("scenarios", "nowhere.klp", "-e", "v6.19,./mine.toml"),
            "nowhere.klp: there is no such file or folder",
        ),
        (("scenarios/common", "-e", "v6.19,./mine.toml"), "scenarios/common: no scenario is in this folder"),
    ],
)
def test_a_wrong_command_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    if arguments[0] == "scenarios/common":
        (Path("scenarios") / "common" / "shared.klp").unlink()
    done = call(capsys, "compare", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_check_names_the_command_for_an_engine_without_goldens(capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "check", "--engine", "./mine.toml")
    assert done.code == 5
    assert done.err == (
        "klpdsl check: no golden is meant for ./mine.toml: goldens are for engines that have a name of their own, and "
        "for those that a scenario names\n"
        "    klpdsl compare scenarios/ --engines v6.19,./mine.toml\n"
        "shows what it does differently\n"
    )
    assert (
        "compare scenarios/also.klp" in call(capsys, "check", "scenarios/also.klp", "-e", "./mine.toml").err
    )
