"""`klpdsl blame` and `klpdsl diff`: which engine change, which commit, which reason."""

import json

import pytest

from tests.goldens.project import Project, replace


@pytest.fixture
def committed(project: Project) -> Project:
    project.git("init", "-q", "-b", "main")
    project.git("add", "-A")
    project.git("commit", "-qm", "Begin with two scenarios")
    return project


def line_of(project: Project, name: str, engine: str, text: str) -> int:
    lines = project.golden(name, engine).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_a_line_names_the_change_of_the_lineage_and_the_commit(committed: Project) -> None:
    number = line_of(committed, "deep/second", "v5.1", "enabling patch 'p1'")
    shown = committed.ok("blame", f"goldens/deep/second/v5.1.trace:{number}")
    assert "single-call-api, v5.1, 958ef1e39d24" in shown
    assert "A. U. Thor: Begin with two scenarios" in shown
    assert "reason" not in shown


def test_a_line_from_an_older_golden_is_traced_to_it(committed: Project) -> None:
    number = line_of(committed, "first", "v5.1", "sysfs p1/force")
    (line,) = json.loads(committed.ok("blame", "--format", "json", f"goldens/first/v5.1.trace:{number}"))
    assert line["change"] == "force-sysfs"
    first = line_of(committed, "first", "v5.1", "module p1 loaded")
    (line,) = json.loads(committed.ok("blame", "--format", "json", f"goldens/first/v5.1.trace:{first}"))
    assert (line["change"], line["engine"]) == ("", "v4.0")


def test_the_reason_is_found_before_and_after_the_commit(committed: Project) -> None:
    replace(committed.root / "scenarios/first.klp", "t1: syscall f", "t2: syscall f")
    committed.ok("accept", "scenarios/first.klp", "--reason", "two is the better task")
    number = line_of(committed, "first", "v4.0", "t2: syscall f")
    where = f"goldens/first/v4.0.trace:{number}"
    shown = committed.ok("blame", where)
    assert "commit: none yet" in shown
    assert "reason: two is the better task" in shown
    committed.git("add", "-A")
    committed.git("commit", "-qm", "Let t2 do it")
    shown = committed.ok("blame", where)
    assert "Let t2 do it" in shown
    assert "reason: two is the better task" in shown
    table = committed.ok("blame", "goldens/first/v4.0.trace").splitlines()
    assert len(table) == len(committed.golden("first", "v4.0").read_text().splitlines())
    assert sum("two is the better task" in line for line in table) == 4


def test_what_cannot_be_blamed(committed: Project) -> None:
    for where in ("scenarios/first.klp", "goldens/first/v9.trace", "goldens/first/v4.0.trace:100000"):
        done = committed.run("blame", where)
        assert done.returncode == 2, where
        assert done.stderr.startswith("klpdsl blame: ")
    assert committed.run("blame", "goldens/first/v4.0.trace:0").returncode == 2


def test_without_git_there_is_still_the_engine(project: Project) -> None:
    number = line_of(project, "deep/second", "v5.1", "enabling patch 'p1'")
    shown = project.ok("blame", f"goldens/deep/second/v5.1.trace:{number}")
    assert "single-call-api" in shown
    assert "commit: none yet" in shown


def test_diff_names_the_changes_between_two_engines(project: Project) -> None:
    shown = project.ok("diff", "scenarios/first.klp", "--engines", "v4.19", "v5.1", code=1)
    assert "single-call-api, v5.1, 958ef1e39d24" in shown
    assert "first at step 1: load p1" in shown
    assert "--- v4.19" in shown
    told = json.loads(
        project.ok("diff", "-c", "apply p1 replace", "--engines", "v4.19", "v5.1", "--format", "json", code=1)
    )
    assert "atomic-replace" in [change for one in told["responsible"] for change in one["changes"]]


def test_diff_of_what_is_the_same(project: Project) -> None:
    assert "no difference between v5.1 and v5.2" in project.ok(
        "diff", "scenarios/first.klp", "--engines", "v5.1", "v5.2"
    )
    assert project.run("diff", "scenarios/first.klp", "--engines", "v5.1", "nonsense").returncode == 2
    assert project.run("diff", "-c", "load", "--engines", "v5.1", "v5.2").returncode == 2
