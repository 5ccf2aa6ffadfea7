"""What the corpus shows: every engine beside mainline and every value of an axis is told from others by a scenario."""

import json
import os
import shutil
from pathlib import Path

import pytest

from klpdsl.compare.coverage import CorpusCoverage, corpus_coverage
from klpdsl.goldens.suite import Suite
from klpdsl.run.session import execute, load_file
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.table import proposal
from tests.calls import call

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def shown() -> CorpusCoverage:
    return corpus_coverage(Suite(str(ROOT)))


def test_each_engine_beside_mainline_differs_from_what_it_stands_on(shown: CorpusCoverage) -> None:
    assert [name for name, one in shown.proposals.items() if one is None] == []
    for name, one in shown.proposals.items():
        assert one is not None
        assert {one.left, one.right} == {name, resolve(proposal(name).base).name}


def test_each_value_of_an_axis_is_shown(shown: CorpusCoverage) -> None:
    assert [name for name, one in shown.values.items() if one is None] == []


def test_what_shows_them_runs_so(shown: CorpusCoverage) -> None:
    for name, one in [*list(shown.proposals.items())[::9], *list(shown.values.items())[::33]]:
        assert one is not None
        loaded = load_file(str(ROOT / "scenarios" / f"{one.scenario}.klp"))
        left, right = (execute(loaded, resolve(engine)).trace for engine in (one.left, one.right))
        assert left != right, name


def test_the_command_says_what_nothing_shows(tmp_path: Path) -> None:
    folder = tmp_path / "scenarios" / "proposals"
    goldens = tmp_path / "goldens" / "proposals"
    name = "R6-plain-patches-replace"
    folder.mkdir(parents=True)
    goldens.mkdir(parents=True)
    shutil.copy(ROOT / "scenarios" / "proposals" / f"{name}.klp", folder)
    shutil.copytree(ROOT / "goldens" / "proposals" / name, goldens / name)
    done = call(
        ("engines", "--coverage", "--scenarios", "scenarios"), cwd=tmp_path, environment=dict(os.environ)
    )
    assert "scenarios that tell engines beside mainline from others, for 3 of " in done.stdout
    assert (
        f"    shao-replace-set-v2: proposals/{name} (v6.19 / shao-replace-set-v2, which differ in "
        in done.stdout
    )
    assert "    baron-v2: no scenario\n" in done.stdout
    assert f"    set_zero=none: proposals/{name} (shao-replace-set-v2 / liu-replace-set-zero)" in done.stdout
    said = json.loads(
        call(
            ("engines", "--coverage", "--scenarios", "scenarios", "--format", "json"),
            cwd=tmp_path,
            environment=dict(os.environ),
        ).stdout
    )
    assert said["proposals"]["baron-v2"] is None
    assert said["values"]["set_zero=none"]["axes"] == ["set_zero"]


def test_an_axis_that_is_none_says_where_one_is_made(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('base = "v6.19"\nset = { set_zeros = "none" }\n', encoding="utf-8")
    done = call(("engines", "./mine.toml"), cwd=tmp_path, environment=dict(os.environ))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "klpdsl engines: ./mine.toml: there is no axis `set_zeros`; did you mean set_zero? "
        "(`klpdsl engines --axes` lists them; a new one is declared in klpdsl/semantics/axes.py, and a rule below "
        "klpdsl/engine/ has to read it)\n"
    )
