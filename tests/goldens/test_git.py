"""`klpdsl git-setup` and `klpdsl doctor`: goldens that two branches have changed are recomputed, in real merges."""

import json
import shutil
import subprocess

import pytest

from tests.goldens.project import ROOT, Project, replace

BASE = ["engines v4.12, v5.1", *(f"load p{number}" for number in range(1, 8))]


def write(project: Project, lines: list[str], message: str) -> None:
    project.scenario("shared", "\n".join(lines) + "\n")
    project.ok("accept", "scenarios", "--reason", message)
    project.git("add", "-A")
    project.git("commit", "-qm", message)


@pytest.fixture
def repository(empty: Project) -> Project:
    """Two branches, main and side, that have both changed one scenario, at different places."""
    empty.git("init", "-q", "-b", "main")
    write(empty, BASE, "base")
    return empty


def fork(project: Project) -> None:
    project.git("checkout", "-qb", "side")
    write(project, [*BASE, "t1: syscall f"], "side")
    project.git("checkout", "-q", "main")
    write(project, [BASE[0], "load p0", *BASE[1:]], "ours")


def git(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments], cwd=project.root, env=project.env(), capture_output=True, text=True, check=False
    )


def test_setting_up_installs_and_verifies(repository: Project) -> None:
    assert "not working: the driver is not registered" in repository.run("git-setup", "--check").stderr
    assert not (repository.root / ".gitattributes").exists()
    shown = repository.ok("git-setup", "--workflow")
    assert "verified: a golden in conflict was recomputed" in shown
    assert (repository.root / ".gitattributes").read_text() == "goldens/**/*.trace merge=klpdsl -text\n"
    assert "klpdsl check --format github" in (repository.root / ".github/workflows/klpdsl.yml").read_text()
    assert repository.ok("git-setup") == "verified: a golden in conflict was recomputed\n"
    repository.ok("git-setup", "--check")


def test_a_driver_that_does_not_work_is_found_out(repository: Project) -> None:
    repository.ok("git-setup")
    repository.git("config", "merge.klpdsl.driver", "false %O %A %B %P")
    done = repository.run("git-setup", "--check")
    assert done.returncode == 3
    assert "not working: " in done.stderr
    done = repository.run("doctor")
    assert done.returncode == 3
    assert "no  merge driver: " in done.stdout


@pytest.mark.parametrize("how", [["merge", "-q", "side", "-m", "merged"], ["rebase", "-q", "side"]])
def test_a_conflict_in_goldens_is_recomputed(repository: Project, how: list[str]) -> None:
    repository.ok("git-setup")
    repository.git("add", "-A")
    repository.git("commit", "-qm", "Set up git")
    fork(repository)
    done = git(repository, *how)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "goldens/shared/v5.1.trace: recomputed on v5.1" in done.stderr
    text = repository.golden("shared", "v5.1").read_text()
    assert "1 load p0\n" in text
    assert "9 t1: syscall f\n" in text
    assert repository.git("status", "--porcelain") == ""
    repository.ok("check")


def test_without_the_driver_git_merges_texts_and_check_notices(repository: Project) -> None:
    fork(repository)
    # Without a word, and wrongly: the step that one branch has added has the number that it had there.
    assert git(repository, "merge", "-q", "side", "-m", "merged").returncode == 0
    assert "\n8 t1: syscall f\n" in repository.golden("shared", "v5.1").read_text()
    repository.ok("check", code=1)


def test_without_the_driver_a_conflict_is_told_and_accept_recomputes(repository: Project) -> None:
    repository.git("checkout", "-qb", "side")
    write(repository, [*BASE[:2], "load p2 immediate", *BASE[3:]], "side")
    repository.git("checkout", "-q", "main")
    write(repository, [BASE[0], "load p0", *BASE[1:]], "ours")
    assert git(repository, "merge", "-q", "side").returncode == 1
    done = repository.run("check")
    assert done.returncode == 1
    assert "goldens/shared/v5.1.trace: git holds this for unmerged" in done.stdout
    repository.ok("accept", "scenarios", "--reason", "merged")
    repository.git("add", "-A")
    repository.git("commit", "-qm", "merged")
    repository.ok("check")


def test_where_the_scenario_is_in_conflict_the_golden_waits(repository: Project) -> None:
    repository.ok("git-setup")
    repository.git("add", "-A")
    repository.git("commit", "-qm", "Set up git")
    repository.git("checkout", "-qb", "side")
    write(repository, [*BASE[:4], "load a", *BASE[5:]], "side")
    repository.git("checkout", "-q", "main")
    write(repository, [*BASE[:4], "load b", *BASE[5:]], "ours")
    ours = repository.golden("shared", "v5.1").read_bytes()
    done = git(repository, "merge", "side")
    assert done.returncode == 1
    assert "scenarios/shared.klp is in conflict itself" in done.stderr
    assert repository.golden("shared", "v5.1").read_bytes() == ours
    assert "goldens/shared/v5.1.trace: git holds this for unmerged" in repository.run("check").stdout


def test_code_that_a_branch_brings_is_not_run(repository: Project) -> None:
    for folder in ("klpdsl", "grammar"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, repository.root / folder, ignore=ignore)
    (repository.root / ".gitignore").write_text("__pycache__/\n")
    repository.ok("git-setup")
    repository.git("add", "-A")
    repository.git("commit", "-qm", "Keep klpdsl here")
    repository.git("checkout", "-qb", "same")
    write(repository, [*BASE, "t1: syscall f"], "another scenario")
    repository.git("checkout", "-qb", "side", "main")
    owned = repository.root.parent / "owned"
    for file in ("__init__.py", "__main__.py", "engine/loader.py"):
        with (repository.root / "klpdsl" / file).open("a") as code:
            code.write(f"\nopen({str(owned)!r}, 'w')\n")
    repository.git("commit", "-qam", "Bring code")
    write(repository, [*BASE, "t1: syscall f"], "side: with another scenario")
    repository.git("checkout", "-q", "main")
    write(repository, [BASE[0], "load p0", *BASE[1:]], "ours: another scenario")
    ours = repository.golden("shared", "v5.1").read_bytes()
    for how in (["merge", "-q", "side", "-m", "merged"], ["rebase", "-q", "side"]):
        done = git(repository, *how)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "the merged klpdsl is not the one that is installed" in done.stderr
        assert not owned.exists()
        if how[0] == "merge":
            assert repository.golden("shared", "v5.1").read_bytes() == ours
        repository.git(how[0], "--abort")
    # Where both have the code that is installed, the scenario decides.
    done = git(repository, "merge", "-q", "same", "-m", "merged")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "t1: syscall f" in repository.golden("shared", "v5.1").read_text()


def test_a_klpdsl_of_the_repository_does_not_become_its_driver(repository: Project) -> None:
    for folder in ("klpdsl", "grammar"):
        shutil.copytree(ROOT / folder, repository.root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    repository.code = repository.root
    done = repository.run("git-setup")
    assert done.returncode == 2
    assert "klpdsl runs from this repository itself" in done.stderr
    assert "merge.klpdsl" not in repository.git("config", "--list")


def test_the_cause_is_the_function_that_git_says_has_changed(repository: Project) -> None:
    for folder in ("klpdsl", "grammar"):
        shutil.copytree(ROOT / folder, repository.root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    repository.git("add", "-A")
    repository.git("commit", "-qm", "Keep klpdsl here")
    repository.code = repository.root
    replace(
        repository.root / "klpdsl/engine/loader.py", ": tainting kernel with", ": tainting our kernel with"
    )
    shown = repository.ok("check", code=1)
    assert "which has changed, gives another event (klpdsl/engine/loader.py:" in shown
    replace(
        repository.root / "klpdsl/engine/loader.py", ": tainting our kernel with", ": tainting kernel with"
    )
    repository.ok("check")


def test_doctor_outside_git(project: Project) -> None:
    done = project.run("doctor")
    assert done.returncode == 3
    assert "no  git: no repository" in done.stdout
    assert project.run("git-setup").returncode == 2


def test_where_git_refuses_no_new_repository_is_advised(project: Project) -> None:
    project.git("init", "-q")
    shown = project.ok("doctor", code=3, env={"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    assert f"{project.root}: detected dubious ownership in repository" in shown
    assert "git init" not in shown
    assert f"git config --global --add safe.directory {project.root}, if you trust who owns it" in shown


def test_doctor_when_all_is_set_up(repository: Project) -> None:
    repository.ok("git-setup", "--workflow")
    (repository.root / ".pre-commit-config.yaml").write_text("repos: []  # klpdsl-check would be here\n")
    assert "\nno  " not in "\n" + repository.ok("doctor")


def test_one_line_of_a_rule_is_one_class_over_the_real_corpus(empty: Project) -> None:
    for folder in ("klpdsl", "grammar"):
        shutil.copytree(ROOT / folder, empty.root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("basics", "callbacks", "replace", "reverse", "common"):
        shutil.copytree(ROOT / "scenarios" / folder, empty.root / "scenarios" / folder)
        if folder != "common":
            shutil.copytree(ROOT / "goldens" / folder, empty.root / "goldens" / folder)
    empty.git("init", "-q", "-b", "main")
    empty.git("add", "-A")
    empty.git("commit", "-qm", "Everything as it is")
    empty.code = empty.root
    empty.ok("check")
    # The reference to a patch's module is not given back when the patch is freed: a leak, seen in many ways.
    replace(empty.root / "klpdsl/engine/free.py", "        k.module_put(name)\n", "        pass\n")
    told = json.loads(empty.ok("check", "--format", "json", "--summary", "s.md", code=1))
    (one,) = told["classes"]
    assert one["cause"]["function"] == "klpdsl.engine.free:klp_free_patch_finish"
    assert one["shape"] == "- module M refs N"
    assert len(one["members"]) == told["counts"]["differ"] > 200
    assert len({member["scenario"] for member in one["members"]}) > 15
    summary = (empty.root / "s.md").read_text()
    assert summary.count("\n### Class ") == 1
    assert "Rules involved: `klpdsl.engine.free:klp_free_patch_finish`" in summary
    shown = empty.ok("review", code=3)
    assert shown.startswith("1 class pending")
