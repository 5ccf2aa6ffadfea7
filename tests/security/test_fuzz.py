"""Damaged inputs for the readers that a program calls: each says what is wrong with its own error, and soon."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import klpdsl

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted(path for path in (ROOT / "scenarios").rglob("*.klp"))
GOLDENS = sorted((ROOT / "goldens" / "basics").rglob("*.trace"))
ENGINE = 'base = "v6.12"\nwhy = "to try it"\n\n[set]\nforce = "listed"\nreplace = "patch"\n'
FEW, MANY = 150, 10_000
#: What a reader may take for one input, in seconds: generous, for slow machines.
PATIENCE = 5


PIECES = (b'"', b"\n", b"{", b"}", b"\0", b"\xff", b"::", b"\x1b[2J", b"-1", b"9" * 30)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The same with a few bytes changed, taken out, doubled, or cut off."""
    bytes_ = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        at, length = chance.randrange(len(bytes_) + 1), chance.randrange(1, 20)
        piece = bytes_[at : at + length]
        match chance.randrange(5):
            case 0:
                bytes_[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del bytes_[at : at + length]
            case 2:
                bytes_[at:at] = piece * chance.randrange(1, 40)
            case 3:
                bytes_[at:at] = chance.choice(
                    [b'"', b"\n", b"{", b"}", b"\0", b"\xff", b"::", b"\x1b[2J", b"-1", b"9" * 30]
                )
            case _:
                del bytes_[at:]
    return bytes(bytes_)


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def scenario(data: bytes, _folder: Path) -> None:
    klpdsl.loads(data, "fuzzed.klp")


def trace(data: bytes, _folder: Path) -> None:
    klpdsl.read_trace(text(data))


def engine_file(data: bytes, folder: Path) -> None:
    path = folder / "engine.toml"
    path.write_bytes(data)
    klpdsl.get_engine(str(path))


def lines(path: Path) -> bytes:
    return klpdsl.write_trace(klpdsl.read_trace(path.read_text(encoding="utf-8")), "jsonl").encode()


READERS: dict[
    str, tuple[Callable[[bytes, Path], None], type[Exception], Callable[[random.Random], bytes]]
] = {
    "scenario": (scenario, klpdsl.ScenarioError, lambda chance: chance.choice(SCENARIOS).read_bytes()),
    "golden": (trace, klpdsl.TraceError, lambda chance: chance.choice(GOLDENS).read_bytes()),
    "trace in JSON lines": (trace, klpdsl.TraceError, lambda chance: lines(chance.choice(GOLDENS))),
    "engine file": (engine_file, klpdsl.EngineError, lambda _: ENGINE.encode()),
}


def fuzz(reader: str, inputs: int, folder: Path) -> None:
    read, error, example = READERS[reader]
    refused: list[str] = []
    for seed in range(inputs):
        chance = random.Random(seed)
        data = damaged(example(chance), chance)
        started = time.monotonic()
        try:
            read(data, folder)
        except error as told:
            refused.append(str(told))
        except Exception as other:
            raise AssertionError(f"{reader}, seed {seed}: {data!r}") from other
        assert time.monotonic() - started < PATIENCE, seed
    assert refused, "nothing was damaged"
    assert all(refused), "an error without a text"
    assert {path.name for path in folder.iterdir()} <= {"engine.toml"}


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KLPDSL_NO_CACHE", "1")
    return tmp_path


@pytest.mark.parametrize("reader", READERS)
def test_damaged_inputs(reader: str, inside: Path) -> None:
    fuzz(reader, FEW, inside)


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
def test_many_damaged_inputs(reader: str, inside: Path) -> None:
    fuzz(reader, MANY, inside)
