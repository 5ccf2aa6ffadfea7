"""What the kernels' own code did in random scenarios, kept as digests."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TypedDict

from klpdsl.run.session import load_text
from klpdsl.semantics.engines import resolve
from tests.recorded.observed import Seen, model_steps
from tests.recorded.random_scenarios import scenario

FILE = Path(__file__).resolve().parent / "recorded.json"
SEEDS = range(100_000, 100_060)


class Record(TypedDict):
    """What one release did: the tree it was built from, and a digest of each seed's scenario and observations."""

    tree: str
    digests: dict[str, str]


def of_model(engine: str, seed: int) -> str:
    """The digest of what the model does in the scenario of that seed."""
    major, minor = engine.removeprefix("v").split(".")
    text = scenario(seed, (int(major), int(minor)))
    # The harness runs one operation after another: nothing interrupts a CPU when code is rewritten.
    sets = ("start_interrupts=false",) if resolve(engine).semantics.start_interrupts else ()
    return digest(text, model_steps(load_text(text, f"seed {seed}"), resolve(engine, sets)))


def digest(text: str, steps: list[Seen]) -> str:
    """One value for a scenario and all that is observed of it."""
    return hashlib.sha256(json.dumps([text, steps]).encode()).hexdigest()[:16]


def read() -> dict[str, Record]:
    """The records, by release."""
    records: dict[str, Record] = json.loads(FILE.read_text(encoding="utf-8"))
    return records
