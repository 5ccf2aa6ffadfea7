"""The catalogue of scenarios/atomic-replace: it agrees with its goldens, and shows what it promises to show."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from klpdsl.compare.groups import observe
from klpdsl.run.session import execute, load_file
from klpdsl.semantics.engines import expand, resolve
from klpdsl.semantics.records import Proposal
from klpdsl.semantics.table import proposal, table
from klpdsl.trace.events import Trace, Violation
from klpdsl.trace.text import event_text, to_text

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "scenarios" / "atomic-replace"
SCENARIOS = sorted(FOLDER.glob("*.klp"))


def violations(trace: Trace) -> set[str]:
    return {event.property for step in trace.steps for event in step.events if isinstance(event, Violation)}


def violated(pattern: str) -> dict[str, set[str]]:
    """By engine, the properties that any scenario of that name violates on it."""
    found: dict[str, set[str]] = {}
    for path in FOLDER.glob(pattern):
        loaded = load_file(str(path))
        for engine in loaded.engine_names():
            found.setdefault(engine, set()).update(violations(execute(loaded, engine).trace))
    return found


def test_the_goldens_agree() -> None:
    command = [sys.executable, "-m", "klpdsl", "check", str(FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_scenario_of_the_catalogue_is_there() -> None:
    numbers = {re.match(r"S\d\d", path.name).group() for path in SCENARIOS}  # type: ignore[union-attr]
    # S23 has no description.
    assert numbers == {f"S{n:02}" for n in range(1, 35)} - {"S23"}


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_opens_with_the_argument_that_it_decides(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    prose = re.match(r"(?:# .*\n)+", text)
    assert prose, "no comment at the top"
    assert len(prose.group().split()) >= 12
    assert "\nengines " in text


def test_every_mutant_is_caught_by_what_its_data_says() -> None:
    for name, row in table()["proposals"].items():
        mutant = Proposal(*row)
        if mutant.kind != "mutant" or mutant.debate:
            continue
        found = violated(f"{mutant.caught[0].split(':')[0]}-*.klp")
        for line in mutant.caught:
            scenario, _, _ = line.partition(":")
            assert violated(f"{scenario}-*.klp").get(name), f"{name}: nothing is violated in {scenario}"
        assert found[name]


def test_two_immediate_layers_break_every_rule_that_is_not_safe_along_the_chain() -> None:
    found = violated("S09-*.klp")
    safe = {"mladek-put-optimised", "kgraft-early", "kpatch-core", "kpatch-core-old"}
    safe |= set(expand("sle15-v6,mladek-v8,mladek-v14,v5.1@atomic-replace,v5.1,v5.5"))
    assert {engine for engine, names in found.items() if "stale-code" not in names} == safe
    with_immediate = {name for name in expand("proposals") if resolve(name).semantics.immediate}
    assert with_immediate - {"baron-v1-sysctl"} <= set(found)


def test_an_immediate_replacement_is_safe_where_the_review_came_to_an_agreement() -> None:
    found = violated("S06-*.klp")
    assert "stale-code" in found["baron-v2"]
    assert "stale-code" in found["kgraft-early"]
    assert "stale-code" not in found["mladek-keep-imm"]
    assert "stale-code" not in found["baron-v2-reject-imm"]


def test_what_was_merged_breaks_nothing_but_the_point_of_a_scenario() -> None:
    by_design = {
        "v5.1": {"stale-data", "leak"},
        "v5.5": {"leak"},
        "v5.1@atomic-replace": {"leftover-nop", "leak"},
    }
    for path in SCENARIOS:
        loaded = load_file(str(path))
        for engine in {"v4.13", *by_design} & set(loaded.engine_names()):
            assert violations(execute(loaded, engine).trace) <= by_design.get(engine, set()), (
                path.name,
                engine,
            )


def test_the_catalogue_tells_every_two_engines_apart() -> None:
    names = [name for name in expand("proposals,mutants,systems") if not proposal(name).debate]
    names.remove("baron-v1-sysctl")
    names += ["v5.1@atomic-replace", "v5.1", "v5.5"]
    seen: dict[str, list[str]] = {name: [] for name in names}
    for path in SCENARIOS:
        loaded = load_file(str(path))
        for name in names:
            run = observe(loaded, name)
            seen[name].append(to_text(run.trace) + "\n".join(map(event_text, run.final)))
    alike = [(a, b) for a, b in itertools.combinations(names, 2) if seen[a] == seen[b]]
    assert alike == []
