"""`klpdsl engines` as users run it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from klpdsl.semantics.engines import resolve
from klpdsl.semantics.table import change, order

ROOT = Path(__file__).resolve().parents[2]


def klpdsl(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "klpdsl", "engines", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        check=False,
    )


def lines(*arguments: str) -> list[str]:
    done = klpdsl(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\033" not in done.stdout
    return done.stdout.splitlines()


def data(*arguments: str) -> Any:
    done = klpdsl(*arguments, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_the_lineage_is_a_tree() -> None:
    tree = lines()
    assert tree[0] == "v4.0"
    newest = resolve("mainline")
    place = tree.index(f"{newest.name} (mainline, latest)")
    assert tree[place + 1].endswith(order()[-1])
    assert all("+ " in line for line in tree[place + 2 :])
    place = tree.index("v4.12 (klp-v4.13)")
    assert tree[place + 2 : place + 5] == [
        "    + baron-v1-sysctl  Jason Baron, 2017-07-19",
        "    + baron-v2 (baron)  Jason Baron, 2017-08-30",
        "        + baron-v2-skip  Jason Baron, 2017-08-30",
    ]
    assert "            + nop-inherit-put  mutant: Jason Baron, a first claim, 2017-09-11" in tree


def test_the_lineage_with_the_points_inside_releases() -> None:
    tree = lines("--all")
    assert tree[0] == "v4.0~3"
    assert tree[tree.index("v5.1@no-stacking") + 1] == "    + mladek-v14  Petr Mladek, 2018-11-29"


def test_the_lineage_for_programs() -> None:
    nodes = {node["name"]: node for node in data()}
    assert nodes["baron-v2"] == {
        "name": "baron-v2",
        "kind": "proposal",
        "parent": "v4.12",
        "aliases": ["baron"],
        "changes": [],
        "title": "Jason Baron, 2017-08-30",
    }
    assert nodes["v4.14"]["changes"] == ["coming-failure-unwinds"]
    assert nodes["v4.14"]["parent"] == "v4.12"
    assert nodes["mladek-v14"]["parent"] == "v5.1"
    assert all(node["parent"] in {"", *nodes} for node in nodes.values())


def test_what_lies_between_v4_11_and_v4_12() -> None:
    said = lines("v4.11..v4.12")
    assert said[0] == "v4.9 .. v4.12"
    found = [line.split() for line in said if line.startswith("  ") and line[2] != " "]
    assert [(words[0], words[2]) for words in found if words[2] != "commit"] == [
        ("per-task-consistency", "d83a7cb375eec21f"),
        ("immediate-flags", "d83a7cb375eec21f"),
        ("disabled-patch-rmmod", "3ec24776bfd0"),
    ]
    assert "    consistency    none -> per-task" in said


def test_what_lies_between_a_proposal_and_a_release() -> None:
    said = data("baron..v4.14")
    assert said["from"] == "baron-v2"
    assert said["to"] == "v4.14"
    assert [change["id"] for change in said["added"]] == ["coming-failure-unwinds"]
    assert said["removed"] == []
    assert said["axes"]["replace"] == {"from": "patch", "to": "none"}


def test_going_back_takes_changes_away() -> None:
    said = data("v4.15..v4.14")
    assert said["added"] == []
    assert [change["id"] for change in said["removed"]][-1] == "reloc-target-check"
    assert "changes taken away:" in lines("v4.15..v4.14")


def test_a_proposal() -> None:
    said = lines("mladek-put-after-sync")
    assert said[0] == "mladek-put-after-sync: a proposal, on baron-v2"
    assert said[1] == "Petr Mladek, 2017-09-11; the review"
    marked = [line.split() for line in said if line.startswith("  * ")]
    assert marked == [["*", "put_when", "after-sync", "was", "first", "by", "mladek-put-after-sync"]]


def test_a_release_is_compared_with_the_one_before() -> None:
    said = data("v5.0")
    assert said["asked"] == "v5.0"
    assert said["name"] == "v4.19"
    assert said["base"] == "v4.17"
    assert [change["id"] for change in said["changes"]] == ["name-length-check", "late-stack-check"]
    differs = {axis for axis, one in said["axes"].items() if one["value"] != one["base"]}
    assert differs == {"name_limit", "early_stack_check"}
    assert lines("v5.0")[0] == "v5.0 stands for v4.19"


def test_a_change_that_can_not_be_shown_says_why() -> None:
    said = lines("v5.11")
    place = said.index(next(line for line in said if line.startswith("  handler-recursion-guard")))
    assert said[place + 2].startswith("      not shown: the handler is one indivisible step")


def test_an_engine_made_by_hand() -> None:
    said = data(
        "v4.14", "--set", "replace=patch", "--with", "callbacks", "--without", "coming-failure-unwinds"
    )
    assert said["name"] == "v4.14+callbacks^coming-failure-unwinds+replace=patch"
    assert said["axes"]["replace"] == {"value": "patch", "base": "none", "by": "--set"}
    assert [change["id"] for change in said["changes"]] == ["callbacks"]
    assert said["without"] == ["coming-failure-unwinds"]


def test_several_names_one_after_the_other() -> None:
    assert [said["name"] for said in data("v4.14", "v4.15")] == ["v4.14", "v4.15"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["v4.99"], "klpdsl engines: there is no v4.99: v4.20 was followed by v5.0"),
        (
            ["v4.4", "--set", "immediate=true"],
            "klpdsl engines: immediate=true (from --set) needs consistency=per-task",
        ),
        (["v4.14..nosuch"], "klpdsl engines: there is no engine nosuch"),
        (["--set", "replace=patch"], "klpdsl engines: name the engine that is meant"),
        (["./absent.toml"], "klpdsl engines: ./absent.toml: No such file or directory"),
    ],
)
def test_errors_are_one_line_and_exit_2(arguments: list[str], complaint: str) -> None:
    done = klpdsl(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(complaint)
    assert done.stderr.count("\n") == 1


def test_coverage(tmp_path: Path) -> None:
    folder = tmp_path / "scenarios" / "changes"
    folder.mkdir(parents=True)
    (folder / "callbacks.klp").touch()
    (folder / "nosuch.klp").touch()
    done = klpdsl("--coverage", cwd=tmp_path)
    assert done.returncode == 0
    first, *rest = done.stdout.splitlines()
    hidden = [name for name in order() if not change(name).shown]
    showable = len(order()) - len(hidden)
    assert first == (
        f"{len(order())} changes: 1 of {showable} that scenarios can show are shown in scenarios/changes; "
        f"{len(hidden)} can not be shown"
    )
    assert "  - atomic-replace" in rest
    assert "  - callbacks" not in rest
    assert "  - nosuch" in rest
    said = json.loads(klpdsl("--coverage", "--format", "json", cwd=tmp_path).stdout)
    assert said["shown"] == ["callbacks"]
    assert said["unknown"] == ["nosuch"]
    assert len(said["missing"]) == showable - 1
    assert said["not_showable"] == {name: change(name).why for name in hidden}


def test_coverage_without_any_scenario(tmp_path: Path) -> None:
    showable = sum(change(name).shown for name in order())
    start = f"{len(order())} changes: 0 of {showable} "
    assert klpdsl("--coverage", cwd=tmp_path).stdout.startswith(start)
    (tmp_path / "file").touch()
    done = klpdsl("--coverage", "--scenarios", "file", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "klpdsl engines: file: Not a directory\n")
    # A folder that somebody has named and mistyped is not one that shows nothing.
    done = klpdsl("--coverage", "--scenarios", "scenaros", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "klpdsl engines: scenaros: there is no such folder\n")


def test_the_output_does_not_depend_on_the_environment(tmp_path: Path) -> None:
    usual = klpdsl("--all").stdout
    assert (
        klpdsl("--all", PYTHONHASHSEED="7", LC_ALL="C", COLUMNS="40", TERM="xterm-256color").stdout == usual
    )
    assert klpdsl("--all", cwd=tmp_path, NO_COLOR="1").stdout == usual
