"""The model does what kernel/livepatch does: compared with what its own code did."""

from __future__ import annotations

import pytest

from tests.recorded import recorded
from tests.recorded.random_scenarios import scenario

RECORDS = recorded.read()


@pytest.mark.parametrize("engine", list(RECORDS))
def test_the_model_does_what_the_release_did(engine: str) -> None:
    differing = [
        seed
        for seed, digest in RECORDS[engine]["digests"].items()
        if recorded.of_model(engine, int(seed)) != digest
    ]
    assert not differing, (
        f"{engine} differs from what the code of {RECORDS[engine]['tree']} did in the random scenarios of these seeds"
    )


def test_a_wrong_model_would_be_noticed() -> None:
    # v5.0 in the clothes of v5.1: most scenarios must end otherwise.
    digests = RECORDS["v5.0"]["digests"]
    same = [seed for seed in digests if recorded.of_model("v5.1", int(seed)) == digests[seed]]
    assert len(same) < len(digests) / 2


def test_the_records_cover_both_sides_of_the_great_changes() -> None:
    assert {"v4.12", "v4.16", "v5.0", "v5.2", "v6.19"} <= set(RECORDS)
    assert all(len(record["digests"]) == len(recorded.SEEDS) for record in RECORDS.values())


def test_random_scenarios_are_always_the_same() -> None:
    text = scenario(100_000, (6, 19))
    assert text == scenario(100_000, (6, 19))
    assert text.startswith("vmlinux { f, g, h, d, d, n notrace }\nmodule m1 { r, w }")
