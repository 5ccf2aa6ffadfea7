"""The projects that the tests here begin with."""

from pathlib import Path

import pytest

from tests.goldens.project import FIRST, SECOND, Project


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    """A project without scenarios."""
    root = tmp_path / "project"
    (root / "scenarios").mkdir(parents=True)
    return Project(root, tmp_path / "state")


@pytest.fixture
def fresh(empty: Project) -> Project:
    """A project with two scenarios, and no goldens."""
    empty.scenario("first", FIRST)
    empty.scenario("deep/second", SECOND)
    return empty


@pytest.fixture
def project(fresh: Project) -> Project:
    """A project with two scenarios and their goldens, all well."""
    fresh.ok("accept", "scenarios")
    return fresh
