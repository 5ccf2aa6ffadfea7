"""Worlds without a script: an alphabet of steps, taken in any order and as often as one likes, until nothing is new."""

from __future__ import annotations

import pytest

from klpdsl.cli import verify
from klpdsl.explore.bounds import SearchBounds
from klpdsl.explore.exploration import Exploration, PathSearch
from klpdsl.explore.paths import Paths
from klpdsl.run.session import load_text
from klpdsl.semantics.engines import resolve

_TASK = "{ call f; return; run; sleep }"
_LIFE = "apply p1; unload p1; enable p1; disable p1; reverse; tick"


def alphabet(operator: str = _LIFE, task: str = _TASK) -> str:
    threads = f"operator {{ {operator} }}\n t1 {task}\n t2 {task}"
    return f"task t1; task t2; patch p1 {{ f }}\ninterleave {{\n {threads}\n}}\n"


def explored(engine: str, *, symmetric: bool = True, depth: int = 1) -> Exploration:
    program = load_text(alphabet(), "model").program
    paths = Paths(program, resolve(engine).semantics, "final", symmetric=symmetric, depth=depth)
    return PathSearch(paths).run(SearchBounds(100_000))


@pytest.mark.parametrize(("symmetric", "states"), [(False, 192), (True, 112)])
def test_the_model_closes_at_the_states_that_the_engine_alone_has(symmetric: bool, states: int) -> None:
    # tests/engine/test_closing.py says why there are so many.
    found = explored("v4.14", symmetric=symmetric)
    assert not found.stopped
    assert found.effort.states == states


def test_force_mixes_versions_where_tasks_may_nest(capsys: pytest.CaptureFixture[str]) -> None:
    forced = [
        "-c",
        alphabet(f"{_LIFE}; force", "{ call f; return }"),
        "-p",
        "mixed",
        "--forever",
        "-e",
        "v4.16",
    ]
    assert verify.main([*forced, "--depth", "2"]) == 1
    shown = capsys.readouterr().out
    assert "mixed: violated on v4.16" in shown
    assert "expect violation mixed" in shown
    assert verify.main([*forced, "--depth", "1"]) == 0
    assert "the search has closed" in capsys.readouterr().out
    assert verify.main([*forced, "--depth", "2", "--max-states", "3"]) == 125
    assert "not known" in capsys.readouterr().out


def test_an_alphabet_is_an_interleave_of_steps(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main(["-c", "apply p1", "--forever"]) == 2
    assert "--forever asks for" in capsys.readouterr().err


_OPERATORS = (
    _LIFE,
    "apply p1; apply p2; disable p2; reverse; unload p1; tick",
    "apply p1; enable p1; disable p1; force p1; unload p1; tick",
)


@pytest.mark.parametrize(
    "engine", ["v4.12", "v4.16", "v5.1", "baron-v2", "reenable-stale-nops", "loop-unguarded"]
)
@pytest.mark.parametrize("operator", _OPERATORS)
def test_exchanging_tasks_changes_neither_what_is_violated_nor_how_soon(engine: str, operator: str) -> None:
    threads = "\n".join(f"t{n} {{ call f; call g; return }}" for n in (1, 2))
    declared = "task t1; task t2; patch p1 { f, g }; patch p2 replace { f }"
    text = f"{declared}\ninterleave {{\noperator {{ {operator} }}\n{threads}\n}}\n"
    program = load_text(text, "model").program
    found = []
    for symmetric in (True, False):
        paths = Paths(program, resolve(engine).semantics, "final", symmetric=symmetric, depth=1)
        # References that are put without end leave no bound but this one.
        seen = PathSearch(paths).run(SearchBounds(2_000 if symmetric else 4_000))
        found.append((seen, {name: len(broken.way.nodes) for name, broken in seen.broken.items()}))
    (exchanged, soon), (plain, sooner) = found
    if exchanged.stopped:
        assert plain.stopped
        soon, sooner = ({name: steps for name, steps in one.items() if steps <= 6} for one in (soon, sooner))
    else:
        assert exchanged.effort.states < plain.effort.states
    assert soon == sooner
