"""`klpdsl review`: by keys on a real terminal, without one, on a full screen, and from a bundle."""

import json
from pathlib import Path

import pytest

from tests.goldens.project import Project, replace
from tests.goldens.terminal import Terminal
from tests.goldens.test_accept import class_ids, journal

PROMPT = "q ? > "


@pytest.fixture
def differing(project: Project) -> Project:
    """Three classes: two that alter goldens, and one of new ones."""
    replace(project.golden("first", "v4.0"), "call t1 vmlinux f -> original", "call t1 vmlinux f -> p1")
    replace(
        project.golden("first", "v5.1"), "log notice livepatch: enabling", "log notice livepatch: Enabling"
    )
    project.scenario("new", "load p1\n")
    project.ok("check", code=1)
    return project


def test_without_a_terminal_it_prints_the_exact_commands(differing: Project) -> None:
    shown = differing.ok("review", code=3)
    ids = class_ids(differing)
    assert len(ids) == 3
    for id_ in ids:
        assert f"klpdsl accept --class {id_}" in shown
        assert f"klpdsl reject --class {id_}" in shown
    assert shown.count("--reason '…'") == 2
    # The commands do what they say.
    for id_ in ids:
        differing.ok("accept", "--class", id_, "--reason", "as printed")
    assert differing.ok("review") == "nothing is pending (klpdsl check finds what differs)\n"
    differing.ok("check")


def test_accept_reject_and_skip_by_keys(differing: Project) -> None:
    first, second, _ = class_ids(differing)
    rejected = differing.golden("first", "v5.1").read_bytes(), differing.golden("first", "v4.0").read_bytes()
    with Terminal(differing, "review") as terminal:
        shown = terminal.wait_for(PROMPT)
        assert "class 1 of 3" in shown
        assert first in shown
        terminal.send("a")
        terminal.wait_for("reason: ")
        terminal.send("because of x\n")
        terminal.wait_for("class 2 of 3")
        terminal.wait_for(PROMPT)
        terminal.send("r")
        terminal.wait_for("class 3 of 3")
        terminal.wait_for(PROMPT)
        terminal.send("s")
        terminal.wait_for("1 accepted, 1 rejected, 1 skipped, 0 undecided; carry it out?")
        terminal.send("\n")
        assert terminal.end() == 3
    (entry,) = journal(differing)
    assert (entry["class_id"], entry["reason"]) == (first, "because of x")
    now = differing.golden("first", "v5.1").read_bytes(), differing.golden("first", "v4.0").read_bytes()
    assert sum(a != b for a, b in zip(rejected, now, strict=True)) == 1
    assert second in class_ids(differing)  # until the rule changes, the next check finds it again


def test_back_undo_search_explain_and_help(differing: Project) -> None:
    ids = class_ids(differing)
    with Terminal(differing, "review") as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("?")
        terminal.wait_for("take the latest decision back")
        terminal.wait_for(PROMPT)
        terminal.send("e")
        terminal.wait_for("the rule: klpdsl.engine.")
        terminal.wait_for(PROMPT)
        terminal.send("r")
        terminal.wait_for("class 2 of 3")
        terminal.send("b")
        terminal.wait_for("class 1 of 3, decided: reject")
        terminal.send("u")
        terminal.wait_for("class 1 of 3")
        assert "decided" not in terminal.wait_for(PROMPT)
        terminal.send("/")
        terminal.wait_for("search: ")
        terminal.send("no golden\n")
        terminal.wait_for("class 3 of 3")
        terminal.wait_for(PROMPT)
        terminal.send("/")
        terminal.wait_for("search: ")
        terminal.send("nonsense\n")
        terminal.wait_for("no class has 'nonsense' in it")
        terminal.send("d")
        assert "text:" not in terminal.wait_for(PROMPT)
        terminal.send("q")
        assert terminal.end() == 3
    assert class_ids(differing) == ids


def test_ctrl_c_loses_no_decision(differing: Project) -> None:
    before = differing.snapshot()
    with Terminal(differing, "review") as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("a")
        terminal.wait_for("reason: ")
        terminal.send("decided before the interruption\n")
        terminal.wait_for("class 2 of 3")
        terminal.wait_for(PROMPT)
        terminal.send("\x03")
        terminal.wait_for("the decisions are kept")
        assert terminal.end() == 3
    assert differing.snapshot() == before
    assert "1 decision is made and not carried out" in differing.run("check").stdout
    with Terminal(differing, "review") as terminal:
        terminal.wait_for("1 decision from an earlier review")
        terminal.wait_for("class 2 of 3")
        terminal.wait_for(PROMPT)
        terminal.send("S")
        terminal.wait_for("1 accepted, 0 rejected, 2 skipped")
        terminal.send("\n")
        terminal.end()
    assert [entry["reason"] for entry in journal(differing)] == ["decided before the interruption"]


def test_all_at_once(differing: Project) -> None:
    with Terminal(differing, "review") as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("A")
        terminal.wait_for("reason: ")
        terminal.send("all of it\n")
        terminal.wait_for("3 accepted")
        terminal.send("\n")
        assert terminal.end() == 0
    differing.ok("check")
    assert {entry["reason"] for entry in journal(differing)} == {"all of it"}


def test_no_reason_no_acceptance_and_intent_blocks(differing: Project) -> None:
    differing.scenario("wrong", "load p1\nexpect transition = p1\n")
    differing.ok("check", code=1)
    with Terminal(differing, "review", "scenarios/wrong.klp") as terminal:
        terminal.wait_for("cannot be accepted: wrong on v4.0: ")
        terminal.send("a")
        terminal.wait_for("not accepted: wrong on v4.0")
        terminal.send("q")
        terminal.end()
    with Terminal(differing, "review", "scenarios/first.klp") as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("a")
        terminal.wait_for("reason: ")
        terminal.send("\n")
        terminal.wait_for("goldens that exist change only for a reason")
        terminal.send("q")
        terminal.end()
    assert journal(differing) == []


def test_colours_only_where_they_are_wanted(differing: Project) -> None:
    with Terminal(differing, "check") as terminal:
        assert terminal.end() == 1
        assert "\x1b[31;7m" in terminal.raw  # the words that changed
    with Terminal(differing, "check", env={"NO_COLOR": "1"}) as terminal:
        assert terminal.end() == 1
        assert "\x1b[" not in terminal.raw
        assert "/3 scenarios" in terminal.raw  # progress


def test_full_screen(differing: Project) -> None:
    first, *_ = class_ids(differing)
    with Terminal(differing, "review", "--tui") as terminal:
        terminal.wait_for(first)
        terminal.wait_for("3 undecided")
        terminal.send("a")
        terminal.wait_for("reason")
        terminal.send("seen in full\r")
        terminal.wait_for("accepted")
        terminal.send("S")
        terminal.wait_for("carries it out")
        terminal.send("\r")
        assert terminal.end() == 3
    (entry,) = journal(differing)
    assert (entry["class_id"], entry["reason"]) == (first, "seen in full")


def test_leaving_the_full_screen_keeps_decisions(differing: Project) -> None:
    with Terminal(differing, "review", "--tui") as terminal:
        terminal.wait_for("3 undecided")
        terminal.send("r")
        terminal.wait_for("rejected")
        terminal.send("\x03")
        assert terminal.end() == 3
    assert "1 decision is made and not carried out" in differing.run("check").stdout


def bundled(project: Project, path: Path) -> Path:
    project.ok("check", "--bundle", str(path), code=1)
    project.ok("reject")
    return path


def test_a_bundle_is_reviewed_elsewhere(differing: Project, tmp_path: Path) -> None:
    path = bundled(differing, tmp_path / "b.json")
    shown = differing.ok("review", "--bundle", str(path), code=3)
    assert shown.count("klpdsl accept --class ") == 3
    with Terminal(differing, "review", "--bundle", str(path)) as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("A")
        terminal.wait_for("reason: ")
        terminal.send("from the bundle\n")
        terminal.wait_for("carry it out?")
        terminal.send("\n")
        assert terminal.end() == 0
    differing.ok("check")


def test_a_bundle_is_refused_where_the_base_has_moved(differing: Project, tmp_path: Path) -> None:
    path = bundled(differing, tmp_path / "b.json")
    replace(differing.golden("first", "v4.0"), "load p1", "load p9")
    done = differing.run("review", "--bundle", str(path))
    assert "'first': refused, the base has moved: goldens/first/v4.0.trace" in done.stderr
    assert "new" in done.stdout
    replace(differing.root / "scenarios/new.klp", "load p1", "load p2")
    done = differing.run("review", "--bundle", str(path))
    assert done.returncode == 1
    assert "'new': refused, the scenario here is another" in done.stderr


def test_what_a_bundle_says_is_not_taken_on_trust(differing: Project, tmp_path: Path) -> None:
    path = bundled(differing, tmp_path / "b.json")
    row = json.loads(path.read_text())
    for record in row["records"]:
        record["texts"] = [text.replace("module p1 loaded", "module p1 forged") for text in record["texts"]]
    path.write_text(json.dumps(row))
    before = differing.snapshot()
    with Terminal(differing, "review", "--bundle", str(path)) as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("A")
        terminal.wait_for("reason: ")
        terminal.send("x\n")
        terminal.wait_for("carry it out?")
        terminal.send("\n")
        assert "this klpdsl gives another trace" in terminal.wait_for("another trace")
        assert terminal.end() != 0
    assert differing.snapshot() == before


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"klpdsl-bundle": 1}', '{"klpdsl-bundle": 1, "records": [{"version": 1}]}']
)
def test_what_is_no_bundle(differing: Project, tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text)
    done = differing.run("review", "--bundle", str(path))
    assert done.returncode == 2
    assert "no review bundle" in done.stderr


def test_a_bundle_names_nothing_outside(differing: Project, tmp_path: Path) -> None:
    path = bundled(differing, tmp_path / "b.json")
    row = json.loads(path.read_text())
    row["records"][0]["scenario"] = "../../outside"
    path.write_text(json.dumps(row))
    assert (
        "'../../outside': refused, there is no such scenario here"
        in differing.run("review", "--bundle", str(path)).stderr
    )
