"""`klpdsl init` and `klpdsl new`: from an empty folder to goldens, and what is there already stays."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from klpdsl.goldens.with_git.starting import FILES
from tests.calls import call


def klpdsl(*arguments: str, cwd: Path, code: int = 0) -> tuple[str, str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "KLPDSL_NO_CACHE": "1"}
    done = call(arguments, cwd=cwd, environment=environment)
    assert done.returncode == code, done
    return done.stdout, done.stderr


def test_from_an_empty_folder_to_a_first_golden(tmp_path: Path) -> None:
    assert "klpdsl init makes a project" in klpdsl("check", cwd=tmp_path, code=2)[1]
    out, _ = klpdsl("init", "cases", cwd=tmp_path)
    project = tmp_path / "cases"
    assert out.splitlines()[:3] == [f"written: cases/{path}" for path in FILES]
    assert "    cd cases\n    klpdsl check " in out
    assert {path: (project / path).read_text(encoding="utf-8") for path in FILES} == FILES
    klpdsl("fmt", "--check", "scenarios", cwd=project)
    assert "0 fail an expectation" in klpdsl("check", cwd=project, code=1)[0]
    klpdsl("accept", cwd=project)
    klpdsl("check", cwd=project)


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / ".pre-commit-config.yaml").write_text("mine\n", encoding="utf-8")
    out, _ = klpdsl("init", cwd=tmp_path)
    assert out.splitlines()[:3] == [
        "kept:    ./scenarios/first.klp",
        "kept:    ./.pre-commit-config.yaml",
        "written: ./.github/workflows/klpdsl.yml",
    ]
    assert (tmp_path / ".pre-commit-config.yaml").read_text(encoding="utf-8") == "mine\n"
    assert list((tmp_path / "scenarios").iterdir()) == []
    assert "written" not in klpdsl("init", cwd=tmp_path)[0]
    assert "klpdsl new NAME" in klpdsl("check", cwd=tmp_path, code=5)[1]


def test_a_new_scenario_is_one_that_runs(tmp_path: Path) -> None:
    klpdsl("init", cwd=tmp_path)
    out, _ = klpdsl("new", "replace/two-at_once", cwd=tmp_path)
    path = "scenarios/replace/two-at_once.klp"
    assert (
        out
        == f"written: {path}\n\nFill in its comment, then:\n    klpdsl run {path}\n    klpdsl check {path}\n"
    )
    assert 'scenario "two at once"\n' in (tmp_path / path).read_text(encoding="utf-8")
    klpdsl("fmt", "--check", path, cwd=tmp_path)
    assert "expect ok: t1 patch_state = unpatched" in klpdsl("run", path, cwd=tmp_path)[0]
    before = (tmp_path / path).read_bytes()
    assert f"there is a {path} already" in klpdsl("new", path, cwd=tmp_path, code=2)[1]
    assert (tmp_path / path).read_bytes() == before
    assert klpdsl("new", "another", cwd=tmp_path / "scenarios" / "replace")[0].startswith(
        "written: ../another.klp\n"
    )


@pytest.mark.parametrize(
    "name", ["../x", "a/../b", "/etc/x", "", "a b", "-x", "common/x", "a//b", "x/.hidden", "\u202ex", "a/"]
)
def test_names_that_no_scenario_has(name: str, tmp_path: Path) -> None:
    klpdsl("init", cwd=tmp_path)
    before = sorted(tmp_path.rglob("*"))
    said = klpdsl("new", "--", name, cwd=tmp_path, code=2)[1]
    assert "no scenario can be called" in said
    assert sorted(tmp_path.rglob("*")) == before


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    project = tmp_path / "project"
    project.mkdir()
    (project / ".github").symlink_to(tmp_path / "outside")
    said = klpdsl("init", "project", cwd=tmp_path, code=2)[1]
    assert ".github" in said
    assert list((tmp_path / "outside").iterdir()) == []
    (project / "scenarios" / "sub").symlink_to(tmp_path / "outside")
    assert "sub" in klpdsl("new", "sub/x", cwd=project, code=2)[1]
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "file" in klpdsl("init", "file", cwd=tmp_path, code=2)[1]
    if os.geteuid():
        (tmp_path / "closed").mkdir()
        (tmp_path / "closed").chmod(stat.S_IRUSR | stat.S_IXUSR)
        assert "closed" in klpdsl("init", "closed", cwd=tmp_path, code=2)[1]


def test_an_empty_scenario_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.klp").write_text("# to be written\n", encoding="utf-8")
    assert "x.klp has no steps (klpdsl new NAME" in klpdsl("run", "x.klp", cwd=tmp_path)[1]
    assert "has no steps" not in klpdsl("run", "-c", "show", cwd=tmp_path)[1]
