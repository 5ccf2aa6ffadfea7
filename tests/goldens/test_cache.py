"""The cache of unchanged cases: quick, and never out of date, whatever of a scenario, its goldens or klpdsl changes."""

import re
from collections.abc import Callable

import pytest

from tests.goldens.project import Project, replace


def from_cache(project: Project, *arguments: str, code: int = 0) -> int:
    shown = project.ok("check", *arguments, code=code)
    found = re.search(r"(\d+) scenarios from the cache", shown)
    return int(found[1]) if found else 0


@pytest.fixture
def cached(project: Project) -> Project:
    project.scenario("common/shared", "patch shared { f }\n")
    project.scenario("importer", 'import "common/shared.klp"\nload shared\n')
    project.ok("accept", "scenarios/importer.klp")
    project.ok("check")
    assert from_cache(project) == 3
    return project


CHANGES: list[Callable[[Project], object]] = [
    lambda p: replace(p.root / "scenarios/first.klp", "t1: syscall f", "t1: call f"),
    lambda p: replace(p.root / "scenarios/common/shared.klp", "{ f }", "{ f, g }"),
    lambda p: replace(p.golden("first", "v4.0"), "refs 1", "refs 7"),
    lambda p: p.golden("first", "v5.1").unlink(),
    lambda p: p.golden("importer", "v5.2").write_bytes(p.golden("first", "v5.1").read_bytes()),
    lambda p: p.alter_code("engine/loader.py", ": tainting kernel with", ": tainting our kernel with"),
    lambda p: p.alter_code("trace/text.py", 'HEADER = "# klpdsl trace 1"', 'HEADER = "# klpdsl trace 2"'),
]


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
def test_no_change_is_overlooked(cached: Project, change: Callable[[Project], object]) -> None:
    change(cached)
    with_cache, without = cached.run("check"), cached.run("check", "--no-cache")
    assert with_cache.returncode == without.returncode == 1

    def told(text: str) -> list[str]:
        return [line for line in text.splitlines() if " runs on " not in line]

    assert told(with_cache.stdout) == told(without.stdout)


def test_what_did_not_change_is_not_run_again(cached: Project) -> None:
    replace(cached.root / "scenarios/first.klp", "t1: syscall f", "t1: call f")
    assert from_cache(cached, code=1) == 2
    replace(cached.root / "scenarios/first.klp", "t1: call f", "t1: syscall f")
    assert from_cache(cached) == 3
    assert from_cache(cached, "--no-cache") == 0


def test_an_import_that_appears_counts(project: Project) -> None:
    project.scenario("importer", 'import "common/later.klp"\nload later\n')
    assert project.run("check", "scenarios/importer.klp").returncode == 2
    project.scenario("common/later", "patch later { f }\n")
    assert "no golden yet" in project.ok("check", "scenarios/importer.klp", code=1)


def test_a_cache_that_is_damaged_or_cannot_be_used_costs_nothing_else(cached: Project) -> None:
    for path in (cached.environment_folder / "cache").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-3] + b"xyz")
    assert from_cache(cached) == 0
    assert cached.run("check", env={"KLPDSL_NO_CACHE": "1"}).returncode == 0
    assert cached.run("check", env={"KLPDSL_CACHE_DIR": "/dev/null/nowhere"}).returncode == 0
