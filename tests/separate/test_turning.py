"""History and bisection without a scenario: where behaviour over an alphabet turns, and the proofs that it does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from klpdsl.bisect.history import stretches
from klpdsl.semantics.engines import resolve
from klpdsl.separate.alphabets import alphabets, named
from klpdsl.separate.listening import axes_read
from klpdsl.separate.pairs import Bounds, Search
from klpdsl.separate.turning import turnings
from klpdsl.trace.events import KIND
from tests.calls import call

SMALL = (
    "task t1\npatch p1 { f }\npatch p2 replace { f }\n"
    "apply p1\napply p2\ndisable p1\ndisable p2\nt1: call f\nt1: return\n"
)


def klpdsl(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    done = call(arguments, cwd=cwd, environment={"KLPDSL_NO_CACHE": "1"})
    return done.returncode, done.stdout, done.stderr


def test_history_finds_the_turns_by_itself(tmp_path: Path) -> None:
    (tmp_path / "small.klp").write_text(SMALL, encoding="utf-8")
    code, out, err = klpdsl(
        "history",
        "--level",
        "outcome",
        "--alphabet",
        "small.klp",
        "--from",
        "v5.0",
        "--to",
        "v5.4",
        cwd=tmp_path,
    )
    assert (code, err) == (0, "")
    assert out == Path(__file__).with_name("history.txt").read_text(encoding="utf-8")


def test_history_gives_the_same_as_separating_each_pair(tmp_path: Path) -> None:
    (tmp_path / "small.klp").write_text(SMALL, encoding="utf-8")
    (alphabet,) = named([str(tmp_path / "small.klp")])
    (stretch,) = stretches((), (), "v4.15", "v6.12")
    found = turnings(stretch, "behaviour", [alphabet], Bounds())
    expected = []
    for before, after in zip(stretch.points, stretch.points[1:], strict=False):
        search = Search(
            alphabet.loaded.program,
            alphabet.actions,
            before.engine.semantics,
            after.engine.semantics,
            "behaviour",
        )
        # Without the short cut, and without what is known of axes: each side is run for itself.
        search._bait = None
        result = search.run(Bounds())
        assert result.partings or result.closed
        if result.partings:
            expected.append((after.name, len(result.partings[0].path)))
    assert [(one.point.name, one.separation.findings[0].step) for one in found.turns] == expected
    assert not found.unknown
    assert found.unread > 0
    assert found.unread + found.alike + len(found.turns) == len(stretch.points) - 1


def test_a_bound_leaves_a_point_unknown(tmp_path: Path) -> None:
    arguments = ("history", "--level", "outcome", "--alphabet", "core", "--from", "v6.3", "--to", "v6.4")
    code, out, _ = klpdsl(*arguments, "--pairs", "20", cwd=tmp_path)
    assert code == 125
    assert "not known: no difference found, and the search is not closed (core after 20 pairs)" in out
    code, out, _ = klpdsl(*arguments, "--pairs", "20", "--format", "json", cwd=tmp_path)
    assert code == 125
    (stretch,) = json.loads(out)
    assert stretch["unknown"]
    assert stretch["turns"] == []


def test_what_an_alphabet_reads_is_no_guess() -> None:
    alphabet = alphabets()["shadow"]
    semantics = resolve("v6.12").semantics
    found = axes_read(alphabet, semantics, Bounds())
    assert found.closed
    assert "system" in found.axes
    assert set(semantics._fields) - found.axes
    assert not axes_read(alphabet, semantics, Bounds(pairs=2)).closed
    assert not axes_read(alphabet, semantics, Bounds(depth=1)).closed


def test_bisect_finds_its_scenario(tmp_path: Path) -> None:
    arguments = ("bisect", "--level", "outcome", "--alphabet", "replace", "--good", "v5.0", "--bad", "v5.4")
    code, out, _ = klpdsl(*arguments, cwd=tmp_path)
    assert code == 0
    assert out.startswith("# The shortest difference between v4.19 and v5.4")
    assert "The difference comes with v5.1@atomic-replace:" in out
    code, out, _ = klpdsl(*arguments, "--format", "json", cwd=tmp_path)
    assert code == 0
    assert json.loads(out)["culprits"][0]["after"] == "v5.1@atomic-replace"


def test_bisect_says_that_there_is_none(tmp_path: Path) -> None:
    code, _, err = klpdsl(
        "bisect",
        "--level",
        "outcome",
        "--alphabet",
        "shadow",
        "--good",
        "v6.1",
        "--bad",
        "v6.4",
        cwd=tmp_path,
    )
    assert code == 1
    assert "none, at any length, over shadow: closed" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("history", "x.klp", "--level", "full"),
        ("history", "-c", "load p1", "--alphabet", "core"),
        ("bisect", "-c", "load p1", "--level", "full"),
        ("bisect", "--level", "full", "--git", "a..b"),
        ("history", "--alphabet", "cor"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], tmp_path: Path) -> None:
    code, out, err = klpdsl(*arguments, cwd=tmp_path)
    assert (code, out) == (2, "")
    assert "alphabet" in err


def test_levels_name_kinds_of_events() -> None:
    from klpdsl.separate.view import kinds_at

    assert set(kinds_at("full")) == set(KIND.values())
    assert {"log", "sysfs"} == set(kinds_at("full")) - set(kinds_at("behaviour"))
    assert "result" in kinds_at("outcome")
    assert set(kinds_at("outcome")) < set(kinds_at("behaviour"))
