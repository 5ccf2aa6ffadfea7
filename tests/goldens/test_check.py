"""`klpdsl check` in a project of its own: what it says, what it exits with, and that it leaves everything alone."""

import json
import os
import re
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.goldens.project import Project, replace
from tests.goldens.terminal import Terminal

TAINT = "p1: tainting kernel with TAINT_LIVEPATCH"


def test_says_with_counts_that_nothing_changed(project: Project) -> None:
    shown = project.ok("check")
    assert re.fullmatch(
        r"2 scenarios, (\d+) runs on \d+ engines: 0 differ from their golden, 0 fail an expectation  \[.*\]\n",
        shown,
    )
    assert int(re.findall(r"(\d+) runs", shown)[0]) > 40


def test_a_scenario_without_goldens_is_a_mismatch(fresh: Project) -> None:
    shown = fresh.ok("check", code=1)
    assert "no golden yet" in shown
    assert "deep/second: " in shown
    assert "have no golden" in shown


def test_all_mismatches_are_told_and_follow_ons_marked(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "call t1 vmlinux f -> original", "call t1 vmlinux f -> p1")
    replace(project.golden("deep/second", "v5.1"), TAINT, "p1: tainting")
    replace(project.golden("deep/second", "v5.1"), "call t1 vmlinux f -> p2", "call t1 vmlinux f -> p1")
    done = project.run("check")
    assert done.returncode == 1
    assert "first: v4.0" in done.stdout
    assert "deep/second: v5.1" in done.stdout
    assert "call t1 vmlinux f -> original" in done.stdout
    # The first event of the second one is the log line; the call is told to follow.
    second = done.stdout[done.stdout.index("scenarios/deep/second.klp:2 on") :]
    assert "first at step 1: load p1" in second
    assert "what follows it: 1 later step differ" in second
    assert "step 3: call 1: code: 'p1' -> 'p2'" in second


def test_a_check_changes_nothing_but_what_is_pending(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    project.git("init", "-q")
    before = project.snapshot()
    project.ok("check", code=1)
    assert project.snapshot() == before
    assert ".klpdsl" not in project.git("status", "--porcelain", "--untracked-files=all")


def test_a_check_has_no_way_to_write_goldens(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    code = (
        "import sys; from klpdsl.cli import check; check.main(['-j', '1']); "
        "print([m for m in sys.modules if m in ('klpdsl.goldens.deciding.accepting', 'klpdsl.cli.golden')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project.root,
        env=project.env(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("[]\n")


def test_ci_leaves_nothing_pending(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    project.ok("reject")
    before = project.snapshot(state=True)
    project.ok("check", env={"CI": "true"}, code=1)
    assert project.snapshot(state=True) == before


def test_a_read_only_tree_can_be_checked(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    folders = [project.root, *(path for path in project.root.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        shown = project.ok("check", code=1)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert "first: v4.0" in shown


def test_a_scenario_that_does_not_parse_hides_no_other(project: Project) -> None:
    project.scenario("broken", "load\n")
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    done = project.run("check")
    assert done.returncode == 2
    assert "scenarios/broken.klp:1:" in done.stdout
    assert "first: v4.0" in done.stdout
    assert "1 scenarios cannot run" in done.stdout


def test_a_failed_expectation_is_a_mismatch_even_where_the_golden_has_it(project: Project) -> None:
    project.scenario("wrong", "load p1\nexpect transition = p1\n")
    done = project.run("check")
    assert done.returncode == 1
    assert "wrong on v4.0, " in done.stdout
    assert "expect transition = p1, but got none" in done.stdout


def test_only_some_engines(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    assert "2 scenarios, 4 runs" in project.ok("check", "--engine", "v5.2", "--engine", "v6.1")
    project.ok("check", "-e", "v4.0", code=1)
    done = project.run("check", "-e", "baron-v2")
    assert (done.returncode, done.stdout) == (5, "")
    assert project.run("check", "-e", "v9.9").returncode == 2


def test_nothing_selected(empty: Project) -> None:
    assert empty.run("check").returncode == 5
    assert empty.run("check", "scenarios/nowhere.klp").returncode == 2
    assert empty.run("check", cwd=empty.root.parent).returncode == 2


def test_housekeeping_alone_exits_with_3(project: Project) -> None:
    golden = project.golden("first", "v4.0")
    twin = golden.with_name("v4.2.trace")
    assert not twin.exists()
    twin.write_bytes(golden.read_bytes())
    (golden.parent / "notes.txt").write_text("x")
    os.rename(project.root / "scenarios/deep/second.klp", project.root / "scenarios/deep/renamed.klp")
    project.run("accept", "scenarios/deep/renamed.klp")
    shown = project.ok("check", code=3)
    assert "first: the golden for v4.2 says what its ancestor's says" in shown
    assert "goldens/first/notes.txt: no golden" in shown
    assert "goldens/deep/second/: goldens without a scenario" in shown
    assert ", 3 to be tidied up" in shown


def test_a_golden_with_conflict_markers_is_told_from_git(project: Project) -> None:
    project.git("init", "-q", "-b", "main")
    project.git("add", "-A")
    project.git("commit", "-qm", "one")
    project.git("checkout", "-qb", "side")
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    project.git("commit", "-qam", "two")
    project.git("checkout", "-q", "main")
    replace(project.golden("first", "v4.0"), "refs 1", "refs 8")
    project.git("commit", "-qam", "three")
    done = subprocess.run(
        ["git", "merge", "side"], cwd=project.root, env=project.env(), capture_output=True, check=False
    )
    assert done.returncode == 1
    shown = project.ok("check", code=1)
    assert "goldens/first/v4.0.trace: git holds this for unmerged" in shown
    assert "1 files are in conflict" in shown


def test_json(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "call t1 vmlinux f -> original", "call t1 vmlinux f -> p1")
    told = json.loads(project.ok("check", "--format", "json", code=1))
    assert told["exit_code"] == 1
    assert told["counts"]["scenarios"] == 2
    (one,) = told["classes"]
    assert one["specimen"]["scenario"] == "first"
    assert one["specimen"]["first"]["old"] == "call t1 vmlinux f -> p1"
    assert one["specimen"]["first"]["line"] == 4
    assert one["cause"]["function"].startswith("klpdsl.engine.tasks:")
    engines = [member["engine"] for member in one["members"]]
    assert engines[0] == "v4.0"
    assert told["counts"]["differ"] == len(engines)


def test_github(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "call t1 vmlinux f -> original", "call t1 vmlinux f -> p1")
    project.scenario("odd, 100%", "load p1\nexpect transition = p1\n")
    shown = project.ok("check", "--format", "github", code=1)
    annotation, *_ = shown.splitlines()
    assert annotation.startswith("::error file=scenarios/first.klp,line=4,title=class ")
    assert "%0A" in annotation
    assert "::error file=scenarios/odd%2C 100%25.klp,line=1,title=an expectation does not hold::" in shown
    # Nothing but commands: a line of a trace that looked like one would be one.
    assert all(line.startswith(("::error ", "::warning", "::notice ")) for line in shown.splitlines())


def test_junit_and_summary(project: Project, tmp_path: Path) -> None:
    replace(project.golden("first", "v4.0"), "call t1 vmlinux f -> original", "call t1 vmlinux f -> p1")
    junit, summary = tmp_path / "j.xml", tmp_path / "s.md"
    project.ok("check", "--junit", str(junit), "--summary", str(summary), code=1)
    root = ET.parse(junit).getroot()
    runs = int(root.attrib["tests"])
    assert len(root.findall("testsuite/testcase")) == runs
    failures = root.findall("testsuite/testcase/failure")
    assert len(failures) == int(root.attrib["failures"]) >= 1
    assert "call t1 vmlinux f -> original" in (failures[0].text or "")
    text = summary.read_text()
    assert text.startswith("## klpdsl check: to be looked at\n")
    assert "<details><summary>one of them</summary>" in text
    assert "Rules involved: `klpdsl.engine.tasks:" in text


def test_no_colours_where_nobody_sees_them(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    assert "\x1b" not in project.ok("check", code=1)


def test_a_changed_rule_is_one_class_with_its_function(project: Project) -> None:
    for number in range(12):
        project.scenario(f"many/s{number}", f"apply p{number + 1}\nt1: syscall f\n")
    project.ok("accept", "scenarios/many")
    project.alter_code("engine/loader.py", ": tainting kernel with", ": tainting the kernel with")
    told = json.loads(project.ok("check", "--format", "json", code=1))
    classes = told["classes"]
    assert len(classes) == 1
    assert {one["cause"]["kind"] for one in classes} == {"code"}
    assert all(one["cause"]["function"].startswith("klpdsl.engine.loader:") for one in classes)
    assert sum(len(one["members"]) for one in classes) == told["counts"]["differ"] >= 2 * 12
    shown = project.ok("check", code=1)
    assert "tainting kernel with TAINT_LIVEPATCH became log notice X: tainting the kernel" in shown


def test_changed_data_name_the_change_and_the_axis(project: Project) -> None:
    project.alter_code(
        "semantics/data/mainline.toml", 'set = { taint = "load" }', 'set = { taint = "enable" }'
    )
    told = json.loads(project.ok("check", "--format", "json", code=1))
    assert {one["cause"]["kind"] for one in told["classes"]} == {"data"}
    assert any("taint" in one["cause"]["axes"] for one in told["classes"])


def test_an_engine_change_that_a_golden_does_not_have_yet_is_named(project: Project) -> None:
    # Without its file, v5.1 has the golden of an engine before it: what lies between them is responsible.
    project.golden("first", "v5.1").unlink()
    told = json.loads(project.ok("check", "-e", "v5.1", "--format", "json", code=1))
    (one,) = told["classes"]
    assert one["cause"]["kind"] == "lineage"
    assert one["cause"]["change"]
    assert one["cause"]["axes"]


def test_an_edited_scenario_is_told_as_such(project: Project) -> None:
    replace(project.root / "scenarios/first.klp", "t1: syscall f", "t1: call f")
    told = json.loads(project.ok("check", "--format", "json", code=1))
    (one,) = told["classes"]
    assert one["cause"]["kind"] == "scenario"
    assert "step 2 was `t1: syscall f`" in one["cause"]["text"]


def test_an_edited_comment_changes_nothing(project: Project) -> None:
    replace(project.root / "scenarios/first.klp", "# Loading", "# About\n# loading")
    project.ok("check")


@pytest.mark.parametrize(
    "command", ["check", "accept", "reject", "prune", "review", "diff", "blame", "git-setup", "doctor"]
)
def test_help_has_an_example(project: Project, command: str) -> None:
    assert "\nexample: klpdsl " in project.ok(command, "--help")


def test_a_look_at_some_engines_leaves_what_is_pending(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    project.ok("check", code=1)
    before = project.snapshot(state=True)
    project.ok("check", "-e", "v5.1")
    project.ok("check", "-e", "v4.0", code=1)
    assert project.snapshot(state=True) == before
    project.ok("accept", "--reason", "x")


def test_an_interrupted_check_ends_quietly(project: Project) -> None:
    for number in range(300):
        project.scenario(f"many/s{number}", f"load p{number}\napply q\nt1: syscall f\nsettle\n")
    with Terminal(project, "check", "--jobs", "2", "--no-cache") as terminal:
        terminal.wait_for("/302 scenarios")
        terminal.send("\x03")
        code = terminal.end()
        assert code == 130
        assert "klpdsl: interrupted" in terminal.text
        assert "Traceback" not in terminal.raw
    assert not (project.root / ".klpdsl/pending").exists() or not list(
        (project.root / ".klpdsl/pending").rglob("*.json")
    )
