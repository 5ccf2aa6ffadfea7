"""Damaged inputs for every reader: refused in words, soon, as the documents say, and nothing is written elsewhere.

`SIZE` inputs for each in the slow tier, in a process of their own, whose memory is measured; a few in the fast one. The
whole of it, 10,000 for each, is `make test-thorough`.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.security.fuzzing import MEGABYTES, SECONDS, fuzz
from tests.security.mutations import VALUES, damaged
from tests.security.targets import TARGETS, Sandbox
from tests.thorough import THOROUGH

ROOT = Path(__file__).resolve().parents[2]
FEW = 25
SIZE = int(os.environ.get("KLPDSL_FUZZ_INPUTS") or (10_000 if THOROUGH else 150))
#: What reads a file that is not ours with its own parser, and which target covers it.
READS = {
    "trace/jsonl.py": "trace in JSON lines",
    "trace/reading.py": "trace",
    "semantics/tabulate.py": "data of the engines",
    "semantics/custom.py": "engine file",
    "semantics/fidelity.py": "",  # the project's own documents, by make docs
    "separate/alphabets.py": "",  # our own; one that a user names is a scenario: "alphabet"
    "reasons/rules.py": "",
    "separate/shortest.py": "",  # our own, by make separators
    "semantics/distances.py": "",  # our own, by make distances
    "separate/served.py": "",  # questions of the process that started it, over a pipe
    "separate/trees.py": "",  # answers of the process it started: of a tree whose code it runs
    "kernel/evidence.py": "evidence",
    "goldens/deciding/pending.py": "pending",
    "goldens/deciding/transaction.py": "transaction",
    "goldens/deciding/bundle.py": "bundle",
    "goldens/storage/journal.py": "journal",
    "goldens/runs/cases.py": "scenario",
    "_cache.py": "cache",
}


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_inputs(name: str, tmp_path: Path) -> None:
    found = fuzz(name, FEW, tmp_path / "own")
    assert found.inputs == sum(found.codes.values()) == FEW


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_many_damaged_inputs(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.security.fuzzing", name, str(SIZE), str(tmp_path / "own")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4_000:]
    found = json.loads(done.stdout)
    assert found["inputs"] == SIZE
    assert found["slowest"] < SECONDS
    assert 10 < found["memory"] < MEGABYTES


def test_every_reader_has_a_target() -> None:
    found = set()
    for path in (ROOT / "klpdsl").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            of = node.func.value
            if isinstance(of, ast.Name) and (of.id, node.func.attr) in (
                ("json", "loads"), ("json", "load"), ("tomllib", "loads"), ("tomllib", "load"), ("marshal", "loads"),
            ):  # fmt: skip
                found.add(path.relative_to(ROOT / "klpdsl").as_posix())
    assert found == set(READS), "a reader, and no target for it in tests/security/targets.py"
    assert {name for name in READS.values() if name} <= set(TARGETS)


@pytest.mark.parametrize("form", [*VALUES, "text", "bytes"])
def test_the_same_number_is_the_same_input(form: str, tmp_path: Path) -> None:
    example = {"json": b'{"a": [1, "x"]}', "json lines": b'{"a": 1}\n', "toml": b"a = [1]\n"}.get(
        form, b"load p1\n"
    )
    made = [damaged([example], form, Random(seed)) for seed in range(60)]
    assert made == [damaged([example], form, Random(seed)) for seed in range(60)]
    assert len(set(made)) > 40
    assert not Sandbox(tmp_path).root.exists()
