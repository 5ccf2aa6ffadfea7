"""klpdsl history: every change at which a trace changes, and the matrix of a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from klpdsl.semantics.points import mainline_engine
from klpdsl.semantics.table import change, order

ROOT = Path(__file__).parents[2]
CHANGES = sorted((ROOT / "scenarios" / "changes").glob("*.klp"))
REGISTERED = "load p1 { f }\nenable p1\ndisable p1\nunload p1\n"

Write = Callable[..., Path]


def history(klpdsl: Any, *arguments: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(klpdsl("history", *arguments, "--format", "json").stdout)
    return found


def titles(stretch: dict[str, Any]) -> list[list[str]]:
    return [[move["title"] for move in turn["moves"]] for turn in stretch["turns"]]


@pytest.mark.parametrize("path", CHANGES, ids=lambda path: path.stem)
def test_the_scenario_of_a_change_finds_that_change_at_its_place(path: Path, klpdsl: Any) -> None:
    (stretch, *_) = history(klpdsl, path)["stretches"]
    name = path.stem
    (turn,) = [turn for turn in stretch["turns"] if [move["change"] for move in turn["moves"]] == [name]]
    place = order().index(name)
    assert (turn["since"], turn["engine"]) == (mainline_engine(place).name, mainline_engine(place + 1).name)
    (move,) = turn["moves"]
    row = change(name)
    assert (move["commit"] or "", move["subject"], move["release"]) == (row.commit, row.subject, row.release)
    assert turn["before"] or turn["after"]


def test_each_point_is_told_in_two_lines_with_its_commit(klpdsl: Any, scenario: Write) -> None:
    shown = klpdsl("history", scenario(REGISTERED), "--from", "v4.7", "--to", "v4.9").stdout
    assert shown == (
        "v4.7 to v4.9: 2 points from v4.7 to v4.9, the trace changes at 1\n"
        "  v4.9\n"
        "    taint-at-module-load  2992ef29ae01  livepatch/module: make TAINT_LIVEPATCH module-specific  (v4.9)\n"
        "      step 2 `enable p1`: was log notice livepatch: tainting kernel with TAINT_LIVEPATCH\n"
        "             is now (nothing)\n"
    )


def test_a_line_that_only_moves_is_said_to_be_elsewhere(klpdsl: Any, scenario: Write) -> None:
    path = scenario("apply p1\n")
    (stretch,) = history(klpdsl, path, "--from", "v4.11", "--to", "v4.12")["stretches"]
    (turn,) = [turn for turn in stretch["turns"] if turn["moves"][0]["change"] == "disabled-patch-rmmod"]
    assert turn["before"][0] == "module p1 refs 1"
    shown = klpdsl("history", path, "--from", "v4.11", "--to", "v4.12").stdout
    assert "was module p1 refs 1\n             is now (further down)\n" in shown


def test_going_back_in_time_says_what_is_undone(klpdsl: Any, scenario: Write) -> None:
    forth = history(klpdsl, scenario(REGISTERED), "--from", "v4.4", "--to", "v5.1")["stretches"][0]
    back = history(klpdsl, scenario(REGISTERED), "--from", "v5.1", "--to", "v4.4")["stretches"][0]
    assert titles(back) == titles(forth)[::-1]
    assert all(move["undone"] for turn in back["turns"] for move in turn["moves"])


def test_a_branch_is_a_stretch_of_its_own_from_where_it_leaves_mainline(klpdsl: Any, scenario: Write) -> None:
    path = scenario("patch p2 replace { f }\nload p1\nenable p1\nload p2\nenable p2\nsettle\nunload p1\n")
    mainline, branch = history(klpdsl, path, "--engine", "mladek")["stretches"]
    assert (mainline["name"], mainline["from"]) == ("mainline", "v4.0~3")
    assert (branch["name"], branch["to"]) == ("mladek-unlink", "mladek-unlink")
    assert ["replace=patch"] in titles(branch)
    assert all(move["commit"] is None for turn in branch["turns"] for move in turn["moves"])


def test_the_engines_line_of_the_scenario_names_branches_too(klpdsl: Any, scenario: Write) -> None:
    path = scenario("engines v4.12 .. v4.14, baron\nload p1\n")
    assert [stretch["name"] for stretch in history(klpdsl, path)["stretches"]] == ["mainline", "baron-v2"]


def test_markdown_has_a_row_for_each_change(klpdsl: Any, scenario: Write) -> None:
    shown = klpdsl("history", scenario("apply p1\n"), "--to", "v4.9", "--format", "markdown").stdout
    rows = [line for line in shown.splitlines() if line.startswith("| v4.")]
    assert len(rows) == 2
    assert "`sysfs p1/vmlinux/f/`" not in rows[0]
    assert "was sysfs p1/vmlinux/f/" in rows[0]
    assert all(row.count(" | ") == 4 for row in rows)


def test_a_folder_gives_the_matrix_and_what_nobody_shows(klpdsl: Any, scenario: Write) -> None:
    scenario("load p1\n", "some/one.klp")
    scenario("t1: call f\n", "some/deep/two.klp")
    scenario("task t1\n", "some/common/imported.klp")
    folder = scenario("load\n", "some/wrong.klp").parent
    done = klpdsl("history", folder, "--format", "json", code=2)
    found = json.loads(done.stdout)
    assert list(found["scenarios"]) == ["one.klp", "deep/two.klp"]
    assert found["scenarios"]["deep/two.klp"] == []
    assert "sysfs-func-sympos" in found["scenarios"]["one.klp"]
    assert found["changes"]["sysfs-func-sympos"] == ["one.klp"]
    assert "force-sysfs" not in found["shown_by_none"]
    assert "callbacks" in found["shown_by_none"]
    assert set(found["cannot_be_shown"]) == {name for name in order() if not change(name).shown}
    assert list(found["errors"]) == ["wrong.klp"]
    assert "wrong.klp:1:5: error:" in done.stderr


def test_the_matrix_for_people_and_for_pages(klpdsl: Any, scenario: Write) -> None:
    scenario("apply p1\n", "some/one.klp")
    folder = scenario("load p1\n", "some/two.klp").parent
    arguments = ["history", folder, "--from", "v4.4", "--to", "v4.9"]
    grid, legend, counts = klpdsl(*arguments).stdout.split("\n\n", 2)
    assert grid == "         12\none.klp  xx\ntwo.klp  x."
    assert legend == (
        "  1  sysfs-func-sympos  -  (v4.5): 2 scenarios\n  2  taint-at-module-load  2992ef29ae01  (v4.9): 1 scenario"
    )
    assert counts.startswith("2 scenarios, 2 changes shown, ")
    assert "  no scenario shows callbacks  93862e385ded  (v4.15): objects have callbacks" in counts
    hidden = [change(name) for name in order() if not change(name).shown]
    assert hidden
    assert all(
        f"  none can show {row.id}  {row.commit[:12] or '-'}  ({row.release}): {row.why}" in counts
        for row in hidden
    )
    page = klpdsl(*arguments, "--format", "markdown").stdout.splitlines()
    assert page[:4] == [
        "| change | commit | release | scenarios |",
        "|---|---|---|---|",
        "| sysfs-func-sympos | - | v4.5 | one.klp, two.klp |",
        "| taint-at-module-load | 2992ef29ae01 | v4.9 | one.klp |",
    ]


def test_the_examples_in_the_help_work(klpdsl: Any) -> None:
    for command in ("history", "bisect"):
        example = klpdsl(command, "--help").stdout.rpartition("example: klpdsl ")[2].split()
        example[1] = str(ROOT / example[1])
        assert klpdsl(*example).stdout


def test_the_suite_of_changes_leaves_no_change_unshown(klpdsl: Any) -> None:
    found = json.loads(klpdsl("history", CHANGES[0].parent, "--format", "json").stdout)
    assert found["shown_by_none"] == []
    shown = klpdsl("history", CHANGES[0].parent).stdout
    assert f"{len(CHANGES)} scenarios" in shown
    assert "0 shown by none" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "v4.99"], "there is no v4.99"),
        (["--engine", "v5.1"], "v5.1 is a point of mainline"),
        (["--engine", "baron", "--to", "v5.1"], "--engine adds branches to all of mainline"),
        (["--engine", "baronn"], "did you mean baron"),
    ],
)
def test_what_cannot_be_asked_is_said(klpdsl: Any, scenario: Write, arguments: list[str], said: str) -> None:
    assert said in klpdsl("history", scenario("load p1\n"), *arguments, code=2).stderr


def test_a_missing_file_and_an_empty_folder(klpdsl: Any, tmp_path: Path) -> None:
    assert "nosuch.klp" in klpdsl("history", "nosuch.klp", code=2).stderr
    (tmp_path / "empty").mkdir()
    assert "no scenarios here" in klpdsl("history", tmp_path / "empty", code=5).stderr


def test_a_run_without_end_cannot_be_judged(klpdsl: Any, scenario: Write) -> None:
    (stretch,) = history(
        klpdsl, scenario("load p1\ntick 100000\ntick 100000\n"), "--from", "v5.1", "--to", "v5.4"
    )["stretches"]
    assert stretch["turns"] == []
    assert stretch["cannot_judge"][0]["engine"] == "v5.1"
    assert "100000" in stretch["cannot_judge"][0]["why"]
