"""Kernels that people run: what each is made of, and that it behaves as the kernels themselves were seen to."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from klpdsl.cli import bisect, engines, history, run
from klpdsl.goldens.suite import Suite
from klpdsl.kernel import evidence
from klpdsl.kernel.distribution import engine_of_release
from klpdsl.kernel.evidence_files import names_kept
from klpdsl.run.session import execute, load_file
from klpdsl.semantics.checks import check_axes, check_requires
from klpdsl.semantics.engines import ancestors, expand, resolve
from klpdsl.semantics.records import EngineError
from klpdsl.semantics.table import data_text, distributions, order, table
from klpdsl.semantics.tabulate import build

ROOT = Path(__file__).resolve().parents[2]
MAINLINE, PROPOSALS, DISTRIBUTIONS = (
    data_text(f"{name}.toml").decode() for name in ("mainline", "proposals", "distributions")
)
NAMES = [one.id for one in distributions()]


def test_these_kernels_are_known() -> None:
    wanted = {
        "debian-11",
        "debian-12",
        "debian-13",
        "ubuntu-20.04",
        "ubuntu-24.04",
        "rhel-8",
        "rhel-9",
        "rhel-10",
    }
    trees = {f"stable-{name}" for name in ("4.14", "4.19", "5.4", "5.10", "5.15", "6.1", "6.6", "6.12")}
    assert wanted | trees <= {*NAMES, *table()["aliases"]}
    assert resolve("latest") == resolve("mainline")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_release_with_changes_of_later_ones(name: str) -> None:
    (one,) = (row for row in distributions() if row.id == name)
    engine, base = resolve(name), resolve(one.base)
    assert engine.name == name
    assert engine.kind == one.kind
    assert engine.base == base.name
    assert set(engine.changes) == (set(base.changes) | set(one.carries)) - set(one.lacks)
    assert engine.changes == tuple(change for change in order() if change in engine.changes)
    assert ancestors(name)[0] == base.name
    check_requires(engine.changes, name)
    check_axes(engine.semantics, str)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_how_it_is_known(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (one,) = (row for row in distributions() if row.id == name)
    assert date.fromisoformat(one.read) <= date(2030, 1, 1)
    assert engines.main([name]) == 0
    said = capsys.readouterr().out
    for part in (one.title, one.version, one.read, one.base):
        assert part in said
    assert " ".join(one.source.split()) in " ".join(said.split())
    for change in one.carries:
        assert change in said.partition("axes (")[0]


@pytest.mark.parametrize(
    ("like", "name"),
    [
        ("v6.12", "rhel-10.0"),
        ("v4.18", "rhel-8.1"),
        ("v7.3", "debian-13-backports"),
        ("stable-5.4", "ubuntu-20.04"),
        ("stable-6.12", "debian-13"),
    ],
)
def test_what_is_alike_in_all_axes(like: str, name: str) -> None:
    assert resolve(like).semantics == resolve(name).semantics


def test_the_livepatch_of_v6_12_is_on_a_kernel_called_5_14() -> None:
    # What is beside livepatch in that tree, ftrace's direct users and the loop around a guest, was not read.
    beside = {"direct_calls", "direct_retry", "direct_modify", "guest_notify"}
    mainline, rebuilt = (resolve(name).semantics._asdict() for name in ("v6.12", "rhel-9.6"))
    assert {axis for axis in mainline if mainline[axis] != rebuilt[axis]} <= beside


def test_a_kernel_knows_its_name() -> None:
    assert engine_of_release("6.1.0-56-cloud-amd64").name == "debian-12"
    assert engine_of_release("6.12.117+deb12-cloud-amd64").name == "debian-12-backports"
    assert engine_of_release("5.14.0-570.32.1.el9_6.x86_64").name == "rhel-9.6"
    assert engine_of_release("4.18.0-553.el8_10.x86_64").name == "rhel-8.10"
    assert engine_of_release("6.8.0-49-generic").name == "ubuntu-24.04"
    # What no distribution is known to call its kernel is that of the tree or the release it is called after.
    assert engine_of_release("5.15.100").name == "stable-5.15"
    assert engine_of_release("5.15.0").name == resolve("v5.15").name
    assert engine_of_release("6.17.3-custom").name == resolve("v6.17").name


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("6.1.0-56-amd64", "that is what `uname -r` says on debian-12"),
        (
            "6.1.150",
            "engines are mainline releases, like v6.1, and stable-6.1 is what its stable tree has become",
        ),
        ("v6.13.5", "engines are mainline releases, like v6.13"),
        ("debain-12", "did you mean debian-12"),
        ("rhel9", "did you mean rhel-9"),
    ],
)
def test_what_is_no_name(name: str, complaint: str) -> None:
    with pytest.raises(EngineError) as caught:
        resolve(name)
    assert complaint in str(caught.value)


def test_groups() -> None:
    assert {"debian-12", "rhel-9.6"} <= set(expand("distributions"))
    assert {"stable-4.14", "stable-6.12"} <= set(expand("stable"))
    assert not set(expand("distributions")) & set(expand("stable"))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('id = "debian-12"', 'id = "debian-11"', "two of that id"),
        ('kind = "stable"', 'kind = "stabel"', "kind is one of"),
        ('grade = "read"', 'grade = "guessed"', "grade one of"),
        ('base = "v5.10"', 'base = "v5.55"', "its base is no release: v5.55"),
        (
            'carries = ["direct-modify-asked", "sympos-0-equals-1"]',
            'carries = ["sympos"]',
            "there is no change sympos",
        ),
        (
            'carries = ["direct-modify-asked", "sympos-0-equals-1"]',
            'carries = ["callbacks"]',
            "v6.1 has callbacks",
        ),
        (
            'carries = ["direct-modify-asked", "sympos-0-equals-1"]',
            'carries = []\nlacks = ["replace-attr"]',
            "v6.1 does not have replace-attr",
        ),
        ('rhel-9 = "rhel-9.6"', 'debian-12 = "rhel-9.6"', "the alias debian-12 must be"),
    ],
)
def test_broken_data_is_refused(old: str, new: str, complaint: str) -> None:
    assert old in DISTRIBUTIONS
    with pytest.raises(EngineError) as caught:
        build(MAINLINE, PROPOSALS, DISTRIBUTIONS.replace(old, new, 1), "")
    assert complaint in str(caught.value)


# --- as ends ----------------------------------------------------------------------------------------------------

FORCED = "task t1 in f uninterruptible\napply p1 { f }\nforce p1\nsettle\ndisable p1\nunload p1\n"


def test_bisect_between_two_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "forced.klp"
    file.write_text("load p1\nshow p1\n", encoding="utf-8")
    assert bisect.main([str(file), "--good", "debian-11", "--bad", "debian-12"]) == 0
    assert "object-patched-attr" in capsys.readouterr().out


def test_history_from_one_to_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "shown.klp"
    file.write_text("load p1\nshow p1\n", encoding="utf-8")
    assert history.main([str(file), "--from", "rhel-9.0", "--to", "rhel-9"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("rhel-9.0 to rhel-9.6: ")
    assert "object-patched-attr" in said
    assert "replace-attr" in said
    assert "stack-order-attr" not in said
    # And as a branch beside mainline.
    assert history.main([str(file), "-e", "rhel-9"]) == 0
    assert "rhel-9.6: " in capsys.readouterr().out


def test_a_run_on_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["-c", FORCED.replace("\n", ";"), "--engine", "rhel-9.0"]) in {0, 1}
    assert "livepatch: forcing remaining tasks" in capsys.readouterr().out


# --- what real kernels did ----------------------------------------------------------------------------------------


def test_the_engines_of_debian_do_what_debian_s_kernels_did() -> None:
    """Every scenario that Debian's 6.1.192 and 6.12.117 confirmed, by the digest of what could be seen of it."""
    suite = Suite(str(ROOT))
    asked = 0
    for name in names_kept(suite):
        rows = {row.release: row for row in evidence.read(suite, name).values() if row.state == "confirmed"}
        for release, row in rows.items():
            engine = engine_of_release(release)
            assert engine.name in {"debian-12", "debian-12-backports"}
            trace = execute(load_file(suite.scenario_path(name)), engine).trace
            assert evidence.digest_of_trace(trace) == row.model, f"{name} on {release}"
            asked += 1
    assert asked > 400
