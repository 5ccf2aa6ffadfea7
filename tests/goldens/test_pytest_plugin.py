"""The pytest plugin, as a project's own pytest finds it: installed, by its entry point."""

import re
import subprocess
import sys

from tests.goldens.project import Project, replace


def pytest_(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=project.root,
        env=project.env({"PYTHONDONTWRITEBYTECODE": "1"}),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "INTERNALERROR" not in done.stdout + done.stderr, done.stdout
    return done


def test_one_item_for_each_scenario_and_engine(project: Project) -> None:
    project.scenario("common/shared", "patch p1 { f }\n")
    listed = pytest_(project, "scenarios", "--collect-only", "-q").stdout
    assert "scenarios/first.klp::v4.0\n" in listed
    assert "scenarios/deep/second.klp::v5.1\n" in listed
    assert "common" not in listed
    count = listed.count(".klp::")
    ran = pytest_(project, "scenarios", "-q")
    assert ran.returncode == 0
    assert f"{count} passed" in ran.stdout


def test_items_can_be_selected(project: Project) -> None:
    assert "1 passed" in pytest_(project, "scenarios/first.klp::v4.0").stdout
    assert "4 passed" in pytest_(project, "scenarios", "--klp-engine", "v5.1..v5.2").stdout
    assert "2 passed" in pytest_(project, "scenarios", "-k", "v4.0").stdout
    wrong = pytest_(project, "scenarios", "--klp-engine", "v9.9")
    assert wrong.returncode == 4
    assert "--klp-engine: v9.9 is not known here" in wrong.stderr


def test_a_failure_shows_what_check_shows_and_nothing_is_written(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "call t1 vmlinux f -> original", "call t1 vmlinux f -> p1")
    before = project.snapshot(state=True)
    done = pytest_(project, "scenarios")
    assert done.returncode == 1
    assert "- call t1 vmlinux f -> p1" in done.stdout
    assert "why: klpdsl.engine.tasks:" in done.stdout
    assert "Traceback" not in done.stdout
    assert re.search(r"FAILED scenarios/first.klp::v4.0", done.stdout)
    assert project.snapshot(state=True) == before


def test_the_same_with_several_workers(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "call t1 vmlinux f -> original", "call t1 vmlinux f -> p1")

    def verdict(*arguments: str) -> tuple[int, list[str], str]:
        done = pytest_(project, "scenarios", "-q", *arguments)
        failed = sorted(
            line.partition(" - ")[0] for line in done.stdout.splitlines() if line.startswith("FAILED")
        )
        return done.returncode, failed, re.findall(r"\d+ failed, \d+ passed", done.stdout)[0]

    assert verdict("-n", "2") == verdict("-n", "0")


def test_new_scenarios_and_broken_ones_fail(project: Project) -> None:
    project.scenario("new", "load p1\n")
    project.scenario("broken", "load\n")
    project.scenario("wrong", "engines v5.1\nload p1\nexpect transition = p1\n")
    done = pytest_(project, "scenarios", "--continue-on-collection-errors")
    assert "there is no golden: klpdsl accept writes it" in done.stdout
    assert "scenarios/broken.klp:1:" in done.stdout
    assert "expect transition = p1, but got none" in done.stdout


def test_files_of_no_suite_are_left_alone(project: Project) -> None:
    (project.root / "elsewhere").mkdir()
    (project.root / "elsewhere/x.klp").write_text("this is nothing of ours")
    (project.root / "elsewhere/test_x.py").write_text("def test_x(): pass\n")
    assert "1 passed" in pytest_(project, "elsewhere").stdout
