"""Evidence: kept, read back, and found stale."""

from pathlib import Path

import pytest

from klpdsl.goldens.storage import store
from klpdsl.goldens.suite import Suite
from klpdsl.kernel import evidence
from klpdsl.kernel.confirm import describe
from klpdsl.kernel.evidence import Evidence
from klpdsl.kernel.evidence_files import names_kept, path_of
from klpdsl.kernel.evidence_notes import look_over
from klpdsl.kernel.observable import Difference
from klpdsl.trace.reading import from_text

TRACE = "# klpdsl trace 1\n\n1 load p1\n    module p1 loaded\n    module p1 refs 1\n  = 0\n"


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(str(tmp_path))


def confirmed(engine: str = "v6.12") -> Evidence:
    return Evidence("confirmed", "6.12.1", engine, "a" * 16, evidence.digest_of_trace(from_text(TRACE)))


def test_what_is_written_is_read_back(suite: Suite) -> None:
    rows = {
        "6.12": confirmed(),
        "6.1": Evidence(
            "contradicted", "6.1.0", "v6.1", "b", "c", "d", ('step 1: write p1 enabled "\u00e4\\"', "= 0")
        ),
    }
    assert evidence.write(suite, "a/b", rows)
    assert evidence.read(suite, "a/b") == rows
    assert not evidence.write(suite, "a/b", rows)
    text = Path(path_of(suite, "a/b")).read_text(encoding="utf-8")
    assert text.index('["6.1"]') < text.index('["6.12"]')


def test_other_kernels_rows_stay(suite: Suite) -> None:
    evidence.write(suite, "a", {"6.1": Evidence("not-expressible", "6.1.0", why=("cpus",))})
    evidence.write(suite, "a", {"6.12": confirmed()})
    assert list(evidence.read(suite, "a")) == ["6.1", "6.12"]


def test_a_contradiction_stays_until_something_changes(suite: Suite) -> None:
    seen = confirmed()._replace(state="contradicted", why=("step 1: tick",))
    evidence.write(suite, "a", {"6.12": seen})
    assert not evidence.write(suite, "a", {"6.12": confirmed()})
    assert evidence.read(suite, "a") == {"6.12": seen}
    assert evidence.is_known(seen, seen)
    assert not evidence.is_known(None, seen)
    assert not evidence.is_known(confirmed(), seen)
    newer = confirmed()._replace(release="6.12.2")
    assert evidence.write(suite, "a", {"6.12": newer})
    assert evidence.read(suite, "a") == {"6.12": newer}


def test_a_kernel_is_no_scenario(suite: Suite) -> None:
    evidence.write_kernel(suite, "6.12", "6.12.1", {"CONFIG_HZ": "250"})
    assert (
        (Path(suite.root) / "evidence/kernels/6.12.toml")
        .read_text(encoding="utf-8")
        .endswith('\nrelease = "6.12.1"\nCONFIG_HZ = "250"\n')
    )
    assert names_kept(suite) == []


def golden(suite: Suite, engine: str, text: str) -> None:
    path = Path(store.path_of(suite, "a", engine))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_nothing_is_kept_about_most(suite: Suite) -> None:
    assert evidence.read(suite, "nothing") == {}
    assert evidence.stale(suite, "nothing") == []


def test_evidence_is_stale_when_the_model_says_something_else(suite: Suite) -> None:
    evidence.write(suite, "a", {"6.12": confirmed()})
    assert evidence.stale(suite, "a") == ["6.12"]
    golden(suite, "v6.4", TRACE)
    assert evidence.stale(suite, "a") == []
    golden(suite, "v6.11", TRACE.replace("refs 1", "refs 2"))
    assert evidence.stale(suite, "a") == ["6.12"]
    golden(suite, "v6.11", "no trace")
    assert evidence.stale(suite, "a") == ["6.12"]


def test_what_a_kernel_cannot_show_makes_nothing_stale(suite: Suite) -> None:
    evidence.write(suite, "a", {"6.12": confirmed()})
    golden(
        suite, "v6.4", TRACE.replace("    module p1 refs 1\n", "    sysfs p1/ gone\n    module p1 refs 1\n")
    )
    assert evidence.stale(suite, "a") == []


def test_an_engine_with_backports_is_not_judged_by_the_goldens_of_another(suite: Suite) -> None:
    evidence.write(suite, "a", {"6.12": confirmed("v6.12+something")})
    golden(suite, "v6.4", TRACE.replace("refs 1", "refs 2"))
    assert evidence.stale(suite, "a") == []


def test_what_accept_is_told(suite: Suite) -> None:
    contradicted = confirmed()._replace(state="contradicted", release="6.1.0", engine="v6.1")
    evidence.write(suite, "a", {"6.1": contradicted, "6.12": confirmed()})
    golden(suite, "v5.1", TRACE)
    assert evidence.objections(suite, ["goldens/a/v5.1.trace", "goldens/b/v5.1.trace"]) == [
        "a: Linux 6.1 contradicts this (evidence/a.toml)"
    ]
    golden(suite, "v6.4", TRACE.replace("refs 1", "refs 2"))
    assert (
        "a: Linux 6.12 was seen to do something else: klpdsl kernel confirm can tell"
        in evidence.objections(suite, ["goldens/a/v6.4.trace"])
    )


def test_what_check_is_told(suite: Suite) -> None:
    scenarios = Path(suite.root) / "scenarios"
    scenarios.mkdir()
    (scenarios / "a.klp").write_text("load p1\n", encoding="utf-8")
    evidence.write(suite, "a", {"6.12": confirmed()})
    evidence.write(suite, "gone/b", {"6.12": confirmed()})
    gone = "evidence/gone/b.toml: evidence about no scenario"
    stale = "a: what Linux 6.12 said is about another trace (klpdsl kernel confirm)"
    assert look_over(suite, {"a": ""}) == ((stale, gone), ())
    assert look_over(suite, {}) == ((gone,), ())
    golden(suite, "v6.4", TRACE)
    assert look_over(suite, {"a": ""}) == ((gone,), ())
    Path(path_of(suite, "a")).write_text("x = 1\n", encoding="utf-8")
    _, (damaged,) = look_over(suite, {"a": ""})
    assert damaged.startswith("evidence/a.toml: this is no evidence: ")


def test_what_check_is_told_is_kept(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLPDSL_CACHE_DIR", str(Path(suite.root) / "cache"))
    scenarios = Path(suite.root) / "scenarios"
    scenarios.mkdir()
    for name in ("a", "b"):
        (scenarios / f"{name}.klp").write_text("load p1\n", encoding="utf-8")
        evidence.write(suite, name, {"6.12": confirmed()})
    Path(path_of(suite, "b")).write_text("x = 1\n", encoding="utf-8")
    keys = {"a": "one", "b": "one"}
    asked: list[str] = []

    def stale(suite: Suite, name: str) -> list[str]:
        asked.append(name)
        return found(suite, name)

    found = evidence.stale
    monkeypatch.setattr(evidence, "stale", stale)
    first = look_over(suite, keys)
    assert [len(part) for part in first] == [1, 1]
    assert look_over(suite, keys) == first
    assert asked == ["a", "b"]
    # The golden is another one, and with it the report's key.
    golden(suite, "v6.4", TRACE)
    assert [len(part) for part in look_over(suite, {**keys, "a": "two"})] == [0, 1]
    assert asked == ["a", "b", "a"]
    # So is the evidence.
    evidence.write(suite, "a", {"6.12": confirmed()._replace(model="f" * 16)})
    assert [len(part) for part in look_over(suite, {**keys, "a": "two"})] == [1, 1]
    assert asked == ["a", "b", "a", "a"]


def test_a_difference_in_words() -> None:
    assert describe(Difference(2, "tick", ("= 0",), ("= EINVAL",))) == (
        "step 2: tick",
        "only the model:  = 0",
        "only the kernel: = EINVAL",
    )
