"""What is shipped: the wheel's content, the version's one source, and the lock files."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import klpdsl
from klpdsl import _resources

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from it, with what is installed here: without a network."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    return folder


def shipped_files() -> set[str]:
    """Return, as paths in a wheel, the files of the package and the grammar as they are in this tree."""
    package = [
        path for path in (ROOT / "klpdsl").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    grammars = [path for path in [ROOT / "grammar" / "klp.lark"] if path.exists()]
    return {str(path.relative_to(ROOT)) for path in package} | {f"klpdsl/_grammar/{g.name}" for g in grammars}


def test_the_wheel_holds_the_package_its_data_and_the_grammar(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {n for n in names if ".dist-info/" not in n} == shipped_files()
    assert f"klpdsl-{klpdsl.__version__}.dist-info/licenses/LICENSE" in names


def test_the_sdist_holds_what_the_wheel_and_the_tests_need(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {path.replace("klpdsl/_grammar/", "grammar/") for path in shipped_files()}
    wanted |= {
        "pyproject.toml",
        "Makefile",
        "README.md",
        "LICENSE",
        "requirements/dev.lock",
        "tests/test_packaging.py",
    }
    assert wanted - names == set()


def test_the_installed_wheel_finds_its_grammar(dist: Path, tmp_path: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path)
    grammar = tmp_path / "klpdsl" / "_grammar" / "klp.lark"
    grammar.parent.mkdir(exist_ok=True)
    grammar.touch()
    code = "import klpdsl._resources as r; print(r.grammar_path())"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    shown = subprocess.run(
        [sys.executable, "-S", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd="/",
        env=environment,
    )
    assert shown.stdout.strip() == str(grammar)


def test_a_missing_grammar_is_said_plainly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_resources, "_PACKAGE", str(tmp_path / "klpdsl"))
    with pytest.raises(FileNotFoundError, match=r"grammar is neither at .* reinstall klpdsl"):
        _resources.grammar_path()
    (tmp_path / "grammar").mkdir()
    (tmp_path / "grammar" / "klp.lark").touch()
    assert _resources.grammar_path() == str(tmp_path / "grammar" / "klp.lark")


def test_the_version_is_said_once(dist: Path) -> None:
    assert PYPROJECT["project"]["dynamic"] == ["version"]
    assert sorted(path.name for path in dist.iterdir()) == [
        f"klpdsl-{klpdsl.__version__}-py3-none-any.whl",
        f"klpdsl-{klpdsl.__version__}.tar.gz",
    ]


def test_the_command_says_its_version(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "klpdsl", "--version"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert shown.stdout == f"klpdsl {klpdsl.__version__}\n"


def pins(lock: Path) -> dict[str, str]:
    """Return the versions that a lock file pins, by canonical name, and check that each has a hash."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line or line.lstrip().startswith("#"):
            continue
        assert "--hash=sha256:" in line, f"{lock.name}: no hash: {line}"
        requirement = Requirement(line.partition("--hash")[0].strip())
        (pin,) = requirement.specifier
        assert pin.operator == "==", f"{lock.name}: not pinned: {line}"
        found[canonicalize_name(requirement.name)] = pin.version
    return found


def group(name: str) -> list[Requirement]:
    """Return the requirements of a dependency group, with those of the groups it includes."""
    found = []
    for entry in PYPROJECT["dependency-groups"][name]:
        found += [Requirement(entry)] if isinstance(entry, str) else group(entry["include-group"])
    return found


def direct(lock: str) -> list[Requirement]:
    """Return the requirements of pyproject.toml that a lock file is made from."""
    runtime = [Requirement(entry) for entry in PYPROJECT["project"]["dependencies"]]
    return {
        "dev.lock": runtime + group("dev"),
        "lowest.lock": runtime + group("test"),
        "runtime.lock": runtime,
        "tools.lock": group("tools"),
    }[lock]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_covers_pyproject(lock: Path) -> None:
    pinned = pins(lock)
    for requirement in direct(lock.name):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{lock.name} has no {requirement.name}: run make lock"
        assert version in requirement.specifier, (
            f"{lock.name} pins {version} for {requirement}: run make lock"
        )


def test_the_runtime_lock_is_a_part_of_the_developers() -> None:
    assert (
        pins(ROOT / "requirements" / "runtime.lock").items()
        <= pins(ROOT / "requirements" / "dev.lock").items()
    )


def test_the_lowest_lock_is_at_the_lower_bounds() -> None:
    pinned = pins(ROOT / "requirements" / "lowest.lock")
    for requirement in direct("lowest.lock"):
        (bound,) = requirement.specifier
        version = pinned[canonicalize_name(requirement.name)]
        # The bound itself, or the first release after it where that one was withdrawn.
        prefix = bound.version.removesuffix(".0")
        assert version == prefix or version.startswith(f"{prefix}."), f"{requirement} is tested at {version}"


def test_every_build_requirement_is_in_the_test_group() -> None:
    wanted = {Requirement(entry).name for entry in PYPROJECT["build-system"]["requires"]}
    assert wanted <= {requirement.name for requirement in group("test")}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert re.findall(r".*(?:://|--index|--extra-index|--find-links|--trusted-host).*", text) == []
