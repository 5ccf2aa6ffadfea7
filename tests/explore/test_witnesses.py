"""Witnesses are scenarios like any other, and end as they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from klpdsl.cli import explore, run

_SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


@pytest.mark.slow
def test_every_witness_runs_as_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    race = str(_SCENARIOS / "language" / "interleave.klp")
    assert explore.main([race, "-e", "v4.14", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "3,150 orders, all taken" in shown
    written = sorted(tmp_path.iterdir())
    assert len(written) == 8
    for witness in written:
        assert "interleave {" not in witness.read_text("utf-8")
        assert run.main([str(witness), "--engine", "v4.14"]) == 0


@pytest.mark.slow
def test_an_expectation_is_judged_over_all_orders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "task t1\npatch p1 { f }\ninterleave {\noperator { apply p1 }\nt1 { syscall f; expect t1 sees f = p1 }\n}\n"
    assert explore.main(["-c", text, "-e", "v6.12", "--out", str(tmp_path)]) == 1
    assert "sometimes  expect t1 sees f = p1, after t1: syscall f" in capsys.readouterr().out
    (holds,), (fails,) = tmp_path.glob("*.holds.klp"), tmp_path.glob("*.fails.klp")
    assert run.main([str(holds), "--engine", "v6.12"]) == 0
    assert run.main([str(fails), "--engine", "v6.12"]) == 1


def test_a_bound_is_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    race = str(_SCENARIOS / "language" / "interleave.klp")
    assert explore.main([race, "-e", "v4.14", "--max-states", "5"]) == 125
    assert "not all orders were taken" in capsys.readouterr().out
