"""Which changes a kernel bears out: those without which the model would contradict it."""

from pathlib import Path

from klpdsl.goldens.suite import Suite
from klpdsl.kernel import evidence
from klpdsl.kernel.attribution import borne_out
from klpdsl.kernel.evidence import Evidence, State


def suite_with(tmp_path: Path, text: str, state: State) -> Suite:
    suite = Suite(str(tmp_path))
    (tmp_path / "scenarios").mkdir()
    Path(suite.scenario_path("one")).write_text(text, encoding="utf-8")
    evidence.write(suite, "one", {"6.12": Evidence(state, "6.12.1", "v6.12", "a", "b")})
    return suite


def test_a_change_whose_effect_the_scenario_shows(tmp_path: Path) -> None:
    suite = suite_with(tmp_path, "load p1\nshow\n", "confirmed")
    assert borne_out(suite, ["one"], "6.12")["replace-attr"] == ["one"]
    assert borne_out(suite, ["one"], "6.1") == {}


def test_a_change_that_makes_no_difference_there(tmp_path: Path) -> None:
    suite = suite_with(tmp_path, "load p1\n", "confirmed")
    assert "force-only-removed" not in borne_out(suite, ["one"], "6.12")


def test_a_contradicted_scenario_bears_nothing_out(tmp_path: Path) -> None:
    suite = suite_with(tmp_path, "load p1\nshow\n", "contradicted")
    assert borne_out(suite, ["one"], "6.12") == {}
