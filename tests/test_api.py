"""The public interface: that docs/api.md is true, and that what is public is what stands there."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

import klpdsl
from klpdsl import api

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "api.md"
TEXT = PAGE.read_text(encoding="utf-8")
#: A row's first cell: a name, a call, or a method of a class that has a row.
ROWS = re.findall(r"^\| `([\w.]+)(?:\(.*?\))?` \|", TEXT, re.MULTILINE)


def test_the_examples_of_the_page() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert found.attempted > 10
    assert found.failed == 0


def test_the_page_has_a_row_for_each_public_name_and_for_nothing_else() -> None:
    rows = {row for row in ROWS if "." not in row}
    assert rows | {"__version__"} == set(klpdsl.__all__)
    assert "`__version__`" in TEXT
    assert set(api.__all__) | {"__version__"} == set(klpdsl.__all__)


@pytest.mark.parametrize("name", klpdsl.__all__)
def test_a_public_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(klpdsl, name)
    assert name in dir(klpdsl)
    if name not in ("__version__", "Event"):
        assert value.__doc__


def test_the_page_names_the_members_of_a_scenario() -> None:
    members = {name for name in vars(klpdsl.Scenario) if not name.startswith("_")}
    (row,) = (line for line in TEXT.splitlines() if line.startswith("| `Scenario` |"))
    named = re.findall(r"`(\w+)(?:\(\))?`", row.split("|")[2])
    assert set(named) == members


@pytest.mark.parametrize(
    "record", [klpdsl.StepTrace, klpdsl.Trace, klpdsl.RunResult, klpdsl.Comparison, klpdsl.Group, klpdsl.Row]
)
def test_the_page_names_the_fields_of_a_record(record: type[tuple[object, ...]]) -> None:
    (row,) = (line for line in TEXT.splitlines() if line.startswith(f"| `{record.__name__}` |"))
    fields: tuple[str, ...] = record._fields  # type: ignore[attr-defined]
    assert set(fields) <= set(re.findall(r"`(\w+)`", row))


def test_importing_costs_nothing() -> None:
    code = (
        "import sys, klpdsl; print([m for m in sys.modules if m.startswith(('klpdsl.', 'typing', 'lark'))])"
    )
    shown = subprocess.run(
        [sys.executable, "-S", "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert shown.stdout == "[]\n"


def test_what_is_not_public_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        klpdsl.lode  # type: ignore[attr-defined]  # noqa: B018


def test_the_rooms_of_the_same_package_hide_no_public_name() -> None:
    rooms = {path.stem for path in (ROOT / "klpdsl").iterdir()}
    assert not rooms & set(klpdsl.__all__)


def test_a_scenario_runs_where_it_is_meant_to(tmp_path: Path) -> None:
    path = tmp_path / "x.klp"
    path.write_text('scenario "a title"\nengines v4.12\nload p1\n', encoding="utf-8")
    scenario = klpdsl.load(path)
    assert (scenario.title, scenario.source, scenario.files) == ("a title", str(path), (str(path),))
    assert scenario.run() == scenario.run("v4.12") == scenario.run(klpdsl.get_engine("v4.12"))
    assert klpdsl.loads("load p1").run() == klpdsl.loads("load p1").run("mainline")
    with pytest.raises(klpdsl.ScenarioError, match="nosuch"):
        klpdsl.load(tmp_path / "nosuch.klp")
    with pytest.raises(klpdsl.EngineError):
        scenario.run("v1.0")


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_a_trace_in_either_form_is_read_back(form: str) -> None:
    trace = klpdsl.loads("load p1; enable p1; t1: call f; show").run().trace
    written = klpdsl.write_trace(trace, form)
    assert klpdsl.write_trace(klpdsl.read_trace(written), form) == written
    with pytest.raises(ValueError, match="not 'xml'"):
        klpdsl.write_trace(trace, "xml")
    with pytest.raises(klpdsl.TraceError):
        klpdsl.read_trace(written[:-1])


def test_engines_are_compared_by_name_or_by_text() -> None:
    scenario = klpdsl.loads("load p1; enable p1; t1: call f")
    assert scenario.compare("v4.4,v6.12") == scenario.compare(["v4.4", klpdsl.get_engine("v6.12")])
    assert scenario.compare().groups[0].engines[0] == scenario.engines[0]
