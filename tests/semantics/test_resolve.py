"""Names of engines: what resolves to what, and what is said of names that do not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from klpdsl.semantics.engines import ancestors, canonical, expand, resolve
from klpdsl.semantics.points import point_name
from klpdsl.semantics.records import EngineError
from klpdsl.semantics.table import order, table

ROOT = Path(__file__).resolve().parents[2]

RELEASES = [
    f"v{major}.{minor}"
    for major, last in (last.removeprefix("v").split(".") for last in table()["last"])
    for minor in range(int(last) + 1)
]
NEWEST = RELEASES[-1]


def test_every_release_resolves_to_the_newest_point_not_after_it() -> None:
    numbers = [tuple(map(int, canonical(name)[1:].split("."))) for name in RELEASES]
    own = [tuple(map(int, name[1:].split("."))) for name in RELEASES]
    assert all(point <= release for point, release in zip(numbers, own, strict=True))
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == len(table()["ends"])


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("v4.0", "v4.0"),
        ("v4.1", "v4.0"),
        ("v4.4", "v4.2"),
        ("v4.11", "v4.9"),
        ("v4.13", "v4.12"),
        ("v5.0", "v4.19"),
        ("v5.15", "v5.13"),
        ("v6.12", "v6.11"),
        ("v7.0", "v6.19"),
        ("v5.1~0", "v5.1"),
        ("v5.1~1", "v5.1@eopnotsupp"),
        ("v5.1~10", "v5.1@forced-per-patch"),
        ("v5.1~11", "v4.19"),
        ("v6.12~0", "v6.11"),
        ("v5.1@module-hooks-all-listed", "v5.1"),
        ("v5.1@e1452b607c48", "v5.1@atomic-replace"),
        ("atomic-replace", "v5.1@atomic-replace"),
        ("e1452b6", "v5.1@atomic-replace"),
        ("E1452B607C48C642CAF57299F4DA83AA002F8533", "v5.1@atomic-replace"),
        # Three changes were one commit: the commit's point is after all of them.
        ("958ef1e39d24", "v5.1@auto-free-on-disable"),
        ("v4.0~3", "v4.0~3"),
        ("v4.0~1", "v4.0@func-stack"),
        ("v4.0~2", "v4.0@enforce-stacking"),
    ],
)
def test_points(name: str, point: str) -> None:
    engine = resolve(name)
    assert engine.name == point
    assert resolve(engine.name) == engine


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("v3.19", "v3.19 has no livepatch: it came with v4.0"),
        ("v4.21", "there is no v4.21: v4.20 was followed by v5.0"),
        ("v5.20", "there is no v5.20: v5.19 was followed by v6.0"),
        (f"{NEWEST}9", f"{NEWEST}9 is not known here: the history ends with {NEWEST}"),
        ("v9999.0", f"v9999.0 is not known here: the history ends with {NEWEST}"),
        ("v4.01", "there is no engine v4.01; did you mean v4.1?"),
        ("6.12", "there is no engine 6.12; did you mean v6.12?"),
        ("v6.12.3", "engines are mainline releases, like v6.12"),
        ("v4.14-rc5", "engines are mainline releases, like v4.14"),
        ("baronv2", "did you mean baron-v2"),
        ("atomic-replcae", "did you mean atomic-replace?"),
        ("zzzzzzzz", "there is no engine zzzzzzzz (`klpdsl engines` lists them)"),
        ("", "there is no engine"),
        ("x" * 9_000, "(`klpdsl engines` lists them)"),
        ("x" * 10_001, "names are printable and at most 10000 characters long"),
        ("v5.1~" + "9" * 9_000, "go back to v5.1~11 at most"),
        ("v" + "9" * 9_000 + ".1", "there is no engine"),
        ("baron\n", "'baron\\n'… is no engine"),
        ("\x1b[31m", "is no engine: names are printable"),
        ("v5.1~12", "v5.1 has 11 changes, so go back to v5.1~11 at most"),
        ("v5.0~1", "v5.0 has 0 changes"),
        ("v5.1~", "what is after it a number"),
        ("v5.1~-1", "what is after it a number"),
        ("v5.1~1_0", "what is after it a number"),
        ("baron-v2~1", "what is before `~` must be a release"),
        ("v5.1@force-sysfs", "force-sysfs is a change of v4.16"),
        ("v5.1@atomic", "did you mean atomic-replace?"),
        ("d0807da78e12", "there is no engine d0807da78e12"),
        ("v4.\uff12", "there is no engine"),
    ],
)
def test_names_that_are_none(name: str, complaint: str) -> None:
    with pytest.raises(EngineError) as caught:
        resolve(name)
    assert complaint in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_release_descends_from_everything_before_it() -> None:
    line = ancestors(NEWEST)
    assert line[0] == point_name(len(order()) - 1)[0]
    assert line[-1] == "v4.0~3"
    assert len(line) == len(order())
    assert ancestors("v6.19")[0] == "v6.18"
    assert ancestors("v4.6") == (
        "v4.6@coming-refuses-module",
        "v4.5",
        "v4.5@sympos-lookup",
        "v4.2",
        "v4.0",
        "v4.0@func-stack",
        "v4.0@enforce-stacking",
        "v4.0~3",
    )
    assert ancestors("v4.0~3") == ()


def test_a_proposal_descends_from_its_base() -> None:
    assert ancestors("mladek")[:4] == ("mladek-keep-imm", "baron-v2", "v4.12", "v4.12@immediate-flags")
    assert ancestors("mladek-v14")[0] == "v5.1@no-stacking"
    assert ancestors("v4.14+replace=patch")[:2] == ("v4.14", "v4.12")
    assert ancestors(resolve("v4.14", ["replace=patch"])) == ancestors("v4.14+replace=patch")


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ("v4.12..v5.1", "v4.12 v4.14 v4.15 v4.16 v4.17 v4.19 v5.1"),
        ("v4.13..v4.14", "v4.12 v4.14"),
        ("v4.12 .. v4.13", "v4.12"),
        (f"{list(table()['ends'])[-2]}..", " ".join(list(table()["ends"])[-2:])),
        ("..v4.4", "v4.0 v4.2"),
        ("v5.1~2..v5.1~1", "v5.1@signal-attr-removed v5.1@eopnotsupp"),
        ("v5.1@atomic-replace..v5.2", "v5.1@atomic-replace v5.1 v5.2"),
        ("v4.15, baron, v4.15", "v4.15 baron-v2"),
        ("systems", "kgraft-early kgraft kgraft-always kpatch-core-old kpatch-core"),
        ("v4.14+replace=patch", "v4.14+replace=patch"),
    ],
)
def test_expand(spec: str, names: str) -> None:
    assert expand(spec) == tuple(names.split())


def test_all_is_mainline() -> None:
    assert set(expand("all")).isdisjoint(expand("proposals,mutants,systems"))
    assert set(expand("proposals,mutants,systems")) == set(table()["proposals"])


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("v5.1..v4.12", "v5.1..v4.12 is empty: v4.12 is older than v5.1; write v4.12..v5.1"),
        ("baron..v5.1", "a range runs along mainline, and baron is not part of it"),
        ("v4.12..v4.14..v4.15", "there is no engine"),
        ("v4.12,,v4.14", "lacks an engine beside a comma"),
        ("", "lacks an engine"),
        ("v4.12..v9.9", "v9.9 is not known here"),
    ],
)
def test_expand_refuses(spec: str, complaint: str) -> None:
    with pytest.raises(EngineError) as caught:
        expand(spec)
    assert complaint in str(caught.value)


def test_the_way_to_a_named_engine_imports_nothing_slow(tmp_path: Path) -> None:
    program = (
        "import sys; before = set(sys.modules); "
        "from klpdsl.semantics.engines import resolve; resolve(sys.argv[1]); "
        "print(*sorted(set(sys.modules) - before))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KLPDSL_CACHE_DIR": str(tmp_path)}

    def imported(name: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", program, name], capture_output=True, text=True, env=environment, check=True
        )
        return set(done.stdout.split())

    assert "tomllib" in imported("baron-v2")  # the first time
    for name in ("baron-v2", "baron", "v6.12", "v5.0", "mainline"):
        slow = {
            "typing",
            "re",
            "collections",
            "functools",
            "dataclasses",
            "pathlib",
            "tomllib",
            "hashlib",
            "enum",
        }
        assert slow.isdisjoint(imported(name)), name


def test_the_cache_is_not_used_for_other_data(tmp_path: Path) -> None:
    copy = tmp_path / "tree"
    shutil.copytree(ROOT / "klpdsl", copy / "klpdsl", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {**os.environ, "PYTHONPATH": str(copy), "KLPDSL_CACHE_DIR": str(tmp_path / "cache")}
    program = "from klpdsl.semantics.engines import resolve; print(resolve('v4.14').semantics.coming_unwind)"

    def said() -> str:
        command = [sys.executable, "-c", program]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=True
        )
        return done.stdout.strip()

    assert (said(), said()) == ("all", "all")
    data = copy / "klpdsl" / "semantics" / "data" / "mainline.toml"
    data.write_text(data.read_text().replace('coming_unwind = "all"', 'coming_unwind = "failing"'))
    assert (said(), said()) == ("failing", "failing")
