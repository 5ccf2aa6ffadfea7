"""`klpdsl accept`, `reject` and `prune`: what they write, what they refuse, and that they never guess."""

import inspect
import os
import subprocess
import time
import tomllib

import pytest

from klpdsl.goldens.deciding import locking
from tests.goldens.project import Project, replace


def journal(project: Project) -> list[dict[str, object]]:
    folder = project.root / "goldens/.journal"
    paths = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    return [tomllib.loads(path.read_text(encoding="utf-8")) for path in paths]


def class_ids(project: Project) -> list[str]:
    import json

    told = json.loads(project.run("check", "--format", "json").stdout)
    return [one["id"] for one in told["classes"]]


def test_lists_every_path_it_wrote(fresh: Project) -> None:
    shown = fresh.ok("accept", "scenarios")
    written = {str(path.relative_to(fresh.root)) for path in (fresh.root / "goldens").rglob("*.trace")}
    assert set(shown.split()) == written
    assert len(written) > 10
    assert journal(fresh) == []
    assert fresh.ok("accept", "scenarios") == "nothing to accept: all is as the goldens say\n"


def test_files_only_where_the_trace_changes(project: Project) -> None:
    engines = [path.stem for path in (project.root / "goldens/first").iterdir()]
    texts = [project.golden("first", engine).read_text() for engine in engines]
    assert "v4.0" in engines
    assert "v5.2" not in engines
    assert len(engines) < 20
    assert all(text.startswith("# klpdsl trace 1\n") for text in texts)


def test_a_dry_run_writes_nothing(fresh: Project) -> None:
    before = fresh.snapshot()
    shown = fresh.ok("accept", "--dry-run", "scenarios")
    assert "would write goldens/first/v4.0.trace" in shown
    assert fresh.snapshot() == before


def test_what_exists_changes_only_for_a_reason(project: Project) -> None:
    good = project.golden("first", "v4.0").read_bytes()
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    before = project.snapshot()
    done = project.run("accept", "scenarios")
    assert done.returncode == 1
    assert "nobody has said why" in done.stderr
    assert "klpdsl accept scenarios --reason '…'" in done.stderr
    assert project.snapshot() == before
    project.ok("accept", "scenarios", "--reason", 'the count was "wrong" \\ before')
    assert project.golden("first", "v4.0").read_bytes() == good
    (entry,) = journal(project)
    assert entry["reason"] == 'the count was "wrong" \\ before'
    assert entry["files"]["goldens/first/v4.0.trace"]  # type: ignore[index]


def test_accepting_without_paths_takes_what_is_pending(project: Project) -> None:
    assert project.ok("accept") == "nothing is pending\n"
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    project.ok("check", code=1)
    assert "goldens/first/v4.0.trace" in project.ok("accept", "--reason", "x")
    project.ok("check")


def test_one_class_of_two(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    replace(project.golden("first", "v5.1"), "call t1 vmlinux f -> p1", "call t1 vmlinux f -> original")
    one, other = class_ids(project)
    project.ok("accept", "--class", one, "--reason", "x")
    assert class_ids(project) == [other]
    project.ok("accept", "--class", other, "--reason", "y")
    project.ok("check")
    assert sorted(str(entry["class_id"]) for entry in journal(project)) == sorted([one, other])
    assert project.run("accept", "--class", "nonsense").returncode == 2


def test_a_golden_changed_after_the_check_is_refused(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    project.ok("check", code=1)
    replace(project.golden("first", "v4.0"), "refs 7", "refs 8")
    before = project.snapshot()
    for arguments in (["accept"], ["accept", "scenarios"]):
        done = project.run(*arguments, "--reason", "x")
        assert done.returncode == 1
        assert "since the check somebody has changed goldens/first/v4.0.trace" in done.stderr
        assert project.snapshot() == before
    project.ok("check", code=1)
    project.ok("accept", "--reason", "x")
    project.ok("check")


def test_a_scenario_edited_after_the_check_is_checked_anew(project: Project) -> None:
    project.scenario("new", "load p1\n")
    project.ok("check", code=1)
    project.scenario("new", "load p1\nload p2\n")
    project.ok("accept", "scenarios/new.klp")
    assert "2 load p2" in project.golden("new", "v4.0").read_text()
    project.ok("check")


@pytest.mark.parametrize(
    "text",
    [
        "load p1\nexpect transition = p1\n",
        "load p1 -> EBUSY\n",
        "always t1 patch_state = patched\nload p1\nt1: syscall f\n",
    ],
)
def test_intent_blocks(fresh: Project, text: str) -> None:
    fresh.scenario("wrong", text)
    done = fresh.run("accept", "scenarios/wrong.klp", "--reason", "I insist")
    assert done.returncode == 1
    assert "its author's intent does not hold on v4.0: " in done.stderr
    assert not (fresh.root / "goldens").exists()


def test_a_surprising_violation_blocks_until_somebody_says_it_is_right(fresh: Project) -> None:
    text = "engines v4.9\ntask t1 in f\npatch p1 { f, g }\napply p1\nt1: call g\n"
    fresh.scenario("stale", text)
    shown = fresh.run("check", "scenarios/stale.klp").stdout
    assert "stale on v4.9: violation of mixed, which nobody expects" in shown
    done = fresh.run("accept", "scenarios/stale.klp")
    assert done.returncode == 1
    assert "a property is violated that nobody expects, on v4.9: mixed" in done.stderr
    fresh.ok("accept", "scenarios/stale.klp", "--with-violations")
    fresh.ok("check", "scenarios/stale.klp")


def test_a_partial_run_is_refused(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    project.ok("check", "-e", "v4.0", code=1)
    done = project.run("accept", "--reason", "x")
    assert done.returncode == 1
    assert "the check ran some of its engines only" in done.stderr


def test_ci_writes_nothing_without_being_told(fresh: Project) -> None:
    for command in (["accept", "scenarios"], ["prune", "--apply"]):
        done = fresh.run(*command, env={"CI": "true"})
        assert done.returncode == 2
        assert "CI is set" in done.stderr
    assert not (fresh.root / "goldens").exists()
    fresh.ok("accept", "scenarios", "--in-ci", env={"CI": "true"})
    assert (fresh.root / "goldens").exists()


def test_two_accepts_at_once(fresh: Project) -> None:
    for number in range(20):
        fresh.scenario(f"many/s{number}", f"load p{number + 1}\n")
    commands = [
        subprocess.Popen(
            fresh.command("accept", "scenarios"),
            cwd=fresh.root,
            env=fresh.env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    results = [(*command.communicate(timeout=120), command.returncode) for command in commands]
    assert [code for _, _, code in results] == [0, 0], results
    assert sorted(len(out) > 100 for out, _, _ in results) == [False, True]
    fresh.ok("check")


def test_an_accept_that_waits_too_long_says_for_whom(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = 0.5
    monkeypatch.setattr(inspect.unwrap(locking.lock), "__defaults__", (patience,))
    holder = subprocess.Popen(
        ["flock", str(project.root / ".klpdsl/lock"), "sleep", "60"], cwd=project.root, env=project.env()
    )
    try:
        time.sleep(0.3)
        started = time.monotonic()
        done = project.run("accept", "scenarios")
        assert patience <= time.monotonic() - started < locking.PATIENCE
    finally:
        holder.kill()
        holder.wait()
    assert done.returncode == 1
    assert "is writing the goldens of" in done.stderr


def test_reject_drops_what_is_pending_and_leaves_the_goldens(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    (one,) = class_ids(project)
    before = project.snapshot()
    assert "would be rejected" in project.ok("reject", "--dry-run")
    assert "first: " in project.ok("reject", "--class", one)
    assert project.snapshot() == before
    assert project.ok("reject") == "nothing is pending\n"
    assert project.ok("accept", "--reason", "x") == "nothing is pending\n"


def test_prune_finds_a_renamed_scenario_by_inventory(project: Project) -> None:
    os.rename(project.root / "scenarios/first.klp", project.root / "scenarios/renamed.klp")
    before = project.snapshot()
    shown = project.ok("prune", code=3)
    assert "goldens/first/: there is no scenario first: it seems to be renamed now" in shown
    assert "would remove goldens/first/v4.0.trace" in shown
    assert project.snapshot() == before
    project.ok("accept", "scenarios/renamed.klp")
    project.ok("prune", "--apply")
    assert not (project.root / "goldens/first").exists()
    assert project.ok("prune") == "nothing to prune\n"
    project.ok("check")


def test_prune_rehomes_a_golden_that_an_older_engine_had(project: Project) -> None:
    text = (project.root / "scenarios/first.klp").read_text()
    (project.root / "scenarios/first.klp").write_text(text.replace("load p1", "engines v5.2..\nload p1", 1))
    assert project.golden("first", "v5.1").exists()
    project.ok("check", code=3)
    project.ok("prune", "--apply")
    assert not project.golden("first", "v5.1").exists()
    assert project.golden("first", "v5.2").exists()
    project.ok("check")


def test_prune_keeps_everything_when_there_are_no_scenarios(project: Project) -> None:
    for path in (project.root / "scenarios").rglob("*.klp"):
        path.unlink()
    before = project.snapshot()
    assert project.run("prune", "--apply").returncode == 5
    assert project.snapshot() == before


def test_stray_files_go_only_when_asked_for(project: Project) -> None:
    stray = project.root / "goldens/first/v4.0.trace.orig"
    stray.write_text("x")
    project.ok("prune", "--apply", code=3)
    assert stray.exists()
    project.ok("prune", "--apply", "--stray")
    assert not stray.exists()


def test_accept_by_the_golden_itself(project: Project) -> None:
    replace(project.golden("first", "v4.0"), "refs 1", "refs 7")
    project.ok("accept", "goldens/first/v4.0.trace", "--reason", "x")
    project.ok("check")


def test_from_a_folder_below_and_with_odd_names(fresh: Project) -> None:
    fresh.scenario("odd name/ä #1", "load p1\n")
    fresh.ok("accept", "scenarios")
    shown = fresh.run("check", cwd=fresh.root / "scenarios/odd name")
    assert shown.returncode == 0
    assert shown.stdout.startswith("3 scenarios, ")


def test_a_tree_that_cannot_be_written_is_told(project: Project) -> None:
    if os.geteuid() == 0:
        # Nothing is read-only to root but what is no folder at all.
        (project.root / "scenarios/new.klp").write_text("load p1\n")
        (project.root / "goldens/new").write_text("in the way")
    else:
        project.scenario("new", "load p1\n")
        (project.root / "goldens").chmod(0o555)
    done = project.run("accept", "scenarios/new.klp")
    (project.root / "goldens").chmod(0o755)
    assert done.returncode == 2
    assert "klpdsl accept: " in done.stderr
    assert "internal error" not in done.stderr


def test_a_transaction_that_cannot_be_read_is_told(project: Project) -> None:
    (project.root / ".klpdsl/transaction.json").write_text("{")
    done = project.run("accept", "scenarios")
    assert done.returncode == 2
    assert "transaction.json is left from an accept that was not made here" in done.stderr
