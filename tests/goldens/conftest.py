"""The projects that the tests here begin with."""

import shutil
from pathlib import Path

import pytest

from tests.goldens.project import FIRST, SECOND, Project


@pytest.fixture(scope="session")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project that others are copied from; no test writes to it."""
    root = tmp_path_factory.mktemp("accepted") / "project"
    made = Project(root, root.with_name("state"))
    made.scenario("first", FIRST)
    made.scenario("deep/second", SECOND)
    # A process that begins with nothing, so that all that can be kept is.
    assert made.run("accept", "scenarios", process=True).returncode == 0
    return made


@pytest.fixture
def empty(tmp_path: Path, accepted: Project) -> Project:
    """A project without scenarios."""
    root = tmp_path / "project"
    (root / "scenarios").mkdir(parents=True)
    made = Project(root, tmp_path / "state")
    # The parser's tables and the like depend on no project, and take long to make.
    for kind in ("tables", "engines"):
        shutil.copytree(accepted.cache / kind, made.cache / kind)
    return made


@pytest.fixture
def fresh(empty: Project) -> Project:
    """A project with two scenarios, and no goldens."""
    empty.scenario("first", FIRST)
    empty.scenario("deep/second", SECOND)
    return empty


@pytest.fixture
def project(empty: Project, accepted: Project) -> Project:
    """A project with two scenarios and their goldens, all well."""
    shutil.copytree(accepted.root, empty.root, dirs_exist_ok=True)
    shutil.copytree(accepted.cache, empty.cache, dirs_exist_ok=True)
    return empty
