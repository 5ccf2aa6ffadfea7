"""docs/proposals.md: what the data and the goldens give, with an answer for every alternative."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from klpdsl.goldens.reporting.proposals_page import answer, render
from klpdsl.goldens.suite import Suite
from klpdsl.run.session import execute, load_text
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.records import EngineError
from klpdsl.semantics.table import debate, proposal, table

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "proposals.md"
TRACE = execute(
    load_text(
        "vmlinux { f }\npatch p1 { f; callbacks vmlinux { pre_patch } }\ntask t1\n"
        "load p1\nt1: call f, return\nload p1\nshow\nnever leak\nunload p1\ntick\n",
        "page.klp",
    ),
    resolve("v6.19"),
).trace


def test_the_page_is_what_the_data_and_the_goldens_give() -> None:
    command = [sys.executable, "-m", "klpdsl.goldens.reporting.proposals_page", "--check", str(PAGE)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_not_it_is_said(tmp_path: Path) -> None:
    other = tmp_path / "proposals.md"
    other.write_text(PAGE.read_text(encoding="utf-8").replace("EINVAL", "0", 1), encoding="utf-8")
    command = [sys.executable, "-m", "klpdsl.goldens.reporting.proposals_page", "--check", str(other)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("is not what the data and the goldens give: run make docs\n")


def test_every_scenario_that_it_names_is_there() -> None:
    named = re.findall(r"\]\(\.\./(scenarios/[^)]*)\)", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_every_alternative_has_an_answer_in_its_debate() -> None:
    sections = render(Suite(str(ROOT))).split("\n## ")[1:]
    titles = {section.split("\n")[0]: section for section in sections}
    for name in table()["proposals"]:
        about = proposal(name).debate
        if about:
            row = re.search(rf"^\| `{name}` \|(.*)$", titles[debate(about).title], flags=re.MULTILINE)
            assert row, name
            assert set(row[1].split("|")) - {" - ", ""}, f"no scenario of {about} is for {name}"


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        ("result: load p1", "0"),
        ("result last: load p1", "EEXIST"),
        ("calls: t1: call f", "f of p1"),
        ("callbacks: load p1", "p1 vmlinux pre_patch"),
        ("callbacks: show", "none"),
        ("callbacks: unload p1", "EAGAIN"),
        ("sysfs p1/enabled: show", "1"),
        ("sysfs p2/enabled: show", "not there"),
        ("complete p1", "in `load p1`"),
        ("complete p2", "never"),
        ("violations", "nothing broken"),
    ],
)
def test_where_to_look(look: str, expected: str) -> None:
    assert answer(TRACE, look) == expected


@pytest.mark.parametrize("look", ["result: load p9", "colour: load p1", "resolt: show"])
def test_looking_nowhere_is_an_error(look: str) -> None:
    with pytest.raises(EngineError, match=r"nowhere|there is no"):
        answer(TRACE, look)
