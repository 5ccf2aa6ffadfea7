"""What an attack on the newer commands has found: each row failed before, and is one example of a kind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.calls import call

WORLD = "task t1; patch p1 { f }\ninterleave { operator { apply p1 }; t1 { syscall f } }\n"


def klpdsl(*arguments: str, cwd: Path, stdin: str = "") -> tuple[int, str, str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "KLPDSL_NO_CACHE": "1"}
    done = call(arguments, cwd=cwd, environment=environment, stdin=stdin)
    assert "Traceback" not in done.stderr
    assert "bug of klpdsl" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "verify x.klp --property=--",
        "verify x.klp --graph=--",
        "verify -c=--",
        "run x.klp --set=--",
        "selftest x.klp --kernel=--",
        "explain-log --states=--",
        "separate v5.0 v5.1 --within=--",
        "history --alphabet=--",
    ],
)
def test_dashes_are_no_value(command: str, tmp_path: Path) -> None:
    (tmp_path / "x.klp").write_text(WORLD, encoding="utf-8")
    code, _, err = klpdsl(*command.split(" "), cwd=tmp_path)
    assert code == 2
    assert err.endswith(": expected one argument\n")


# --- bounds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", ["0", "nan", "inf", "-1", "x"])
def test_a_bound_that_is_none(seconds: str, tmp_path: Path) -> None:
    (tmp_path / "x.klp").write_text(WORLD, encoding="utf-8")
    code, _, err = klpdsl("explore", "x.klp", "--max-seconds", seconds, cwd=tmp_path)
    assert code == 2
    assert "--max-seconds" in err


def test_the_clock_is_looked_at_in_a_state_of_many_steps_too(tmp_path: Path) -> None:
    tasks = range(200)
    threads = "; ".join(f"t{n} {{ syscall f }}" for n in tasks)
    declared = "\n".join(f"task t{n}" for n in tasks)
    (tmp_path / "x.klp").write_text(f"{declared}\ninterleave {{ {threads} }}\n", encoding="utf-8")
    code, out, _ = klpdsl("verify", "x.klp", "--max-seconds", "0.5", "-e", "v6.12", cwd=tmp_path)
    assert code == 125
    assert "the bound of 0.5 seconds stopped the search" in out


@pytest.mark.parametrize("command", ["verify x.klp", "explore x.klp", "verify x.klp --forever"])
def test_a_step_that_no_run_could_take_is_refused_before_the_search(command: str, tmp_path: Path) -> None:
    tasks = "\n".join(f"task t{n} in f uninterruptible" for n in range(300))
    text = f"{tasks}\npatch p1 {{ f }}\ninterleave {{ operator {{ apply p1; tick 9000 }} }}\n"
    (tmp_path / "x.klp").write_text(text, encoding="utf-8")
    code, _, err = klpdsl(*command.split(" "), cwd=tmp_path)
    assert code == 2
    assert err.startswith("x.klp:302:35: error: this goes on too long: too many seconds and tasks together\n")


# --- logs -----------------------------------------------------------------------------------------------------------

STARTS = "livepatch: '{}': starting patching transition\n"


@pytest.mark.parametrize("option", ["", "--snapshot"])
@pytest.mark.parametrize("place", ["/dev/zero", "pipe", "."])
def test_a_log_is_a_regular_file(option: str, place: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "log").write_text(STARTS.format("p1"), encoding="utf-8")
    code, _, err = klpdsl("explain-log", *(["log", option] if option else []), place, cwd=tmp_path)
    assert code == 2
    assert err.startswith(f"klpdsl explain-log: {place}: ")


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (STARTS.format("p" * 300), "can be no scenario"),
        (STARTS.format("vmlinux"), "can be no scenario"),
        (STARTS.format("a\x9bb"), "can be no scenario"),
        (
            STARTS.format("p") + "livepatch: applying patch 'p' to loading module 'p'\n",
            "can be no scenario",
        ),
        ("".join(STARTS.format(f"p{n}") for n in range(100)), "names 100 patches, and 64 are the most"),
        (
            STARTS.format("p")
            + "".join(f"livepatch: klp_try_switch_task: t{n}:{n + 9} is running\n" for n in range(100)),
            "names 100 tasks, and 64 are the most",
        ),
    ],
)
def test_a_log_of_which_no_scenario_can_be_made(log: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(log, encoding="utf-8")
    code, out, err = klpdsl("explain-log", "log", "-e", "v6.12", cwd=tmp_path)
    assert code == 125
    assert out.startswith("kernel: v6.11")
    assert err.startswith("klpdsl explain-log: no run is looked for: ")
    assert said in err
    assert len(err.splitlines()) == 1


def test_of_many_who_hold_it_the_first_are_told(tmp_path: Path) -> None:
    held = "livepatch: klp_try_switch_task: t{0}:{0} is running\n"
    log = STARTS.format("p") + "".join(held.format(n % 60 + 1) for n in range(90_000))
    (tmp_path / "log").write_text(log, encoding="utf-8")
    code, out, _ = klpdsl("explain-log", "log", "-e", "v6.12", "--states", "1", cwd=tmp_path)
    assert code == 125
    assert out.count("\n  - t") == 20
    assert "  - and 40 others\n" in out


def test_a_log_that_takes_all_the_usual_names(tmp_path: Path) -> None:
    lines = [f"livepatch: failed to find location for function '{name}'\n" for name in "fghijk"]
    (tmp_path / "log").write_text(
        "".join([*lines, "livepatch: failed to enable patch 'p'\n"]), encoding="utf-8"
    )
    assert klpdsl("explain-log", "log", "-e", "v6.12", cwd=tmp_path)[0] in {0, 125}


def test_a_scenario_without_a_name_is_written_nowhere(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(
        "livepatch: enabling patch 'p1'\n" + STARTS.format("p1") + "livepatch: 'p1': patching complete\n",
        encoding="utf-8",
    )
    assert klpdsl("explain-log", "log", "-e", "v6.12", "--scenario", "x.klp", cwd=tmp_path)[0] == 0
    assert klpdsl("explain-log", "log", "-e", "v6.12", "--scenario", "", cwd=tmp_path)[0] == 2
    (tmp_path / "w.klp").write_text(WORLD, encoding="utf-8")
    assert klpdsl("explore", "w.klp", "--out", "", cwd=tmp_path)[0] == 2


# --- what is written ------------------------------------------------------------------------------------------------

CASE = "task t1; patch {} {{ f }}\napply {} -> 0\nsettle\n"


@pytest.mark.parametrize(
    "command", ["selftest x.klp --kernel v6.12 --out link/sub", "explore x.klp --out link/sub"]
)
def test_no_folder_is_made_through_a_link_out_of_the_checkout(command: str, tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    (project / "scenarios").mkdir(parents=True)
    outside.mkdir()
    (project / "link").symlink_to(outside)
    (project / "x.klp").write_text(CASE.format("p1", "p1"), encoding="utf-8")
    code, _, err = klpdsl(*command.split(" "), cwd=project)
    assert code == 2
    assert "leads out of" in err
    assert list(outside.iterdir()) == []


def test_a_selftest_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "x.klp").write_text(CASE.format("p1", "p1"), encoding="utf-8")
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "test_modules").symlink_to(tmp_path / "elsewhere")
    assert klpdsl("selftest", "x.klp", "--kernel", "v6.12", "--out", "out", cwd=tmp_path)[0] == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["test_modules"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ['"p\\"x"', '"../../x"', '"m\'x"'])
def test_a_selftest_for_a_name_that_no_module_has(name: str, tmp_path: Path) -> None:
    (tmp_path / "x.klp").write_text(CASE.format(name, name), encoding="utf-8")
    code, _, err = klpdsl("selftest", "x.klp", "--kernel", "v6.12", cwd=tmp_path)
    assert code == 125, err


@pytest.mark.parametrize("first", ["", "v6.12,v6.11", "v5.0..v6.0"])
def test_stable_from_one_release(first: str, tmp_path: Path) -> None:
    (tmp_path / "x.klp").write_text(CASE.format("p1", "p1"), encoding="utf-8")
    code, _, err = klpdsl("selftest", "x.klp", "--kernel", "v6.12", f"--stable-from={first}", cwd=tmp_path)
    assert code == 2
    assert "--stable-from takes one release" in err


# --- explain and describe -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x.klp:" + "9" * 5_000], "there is no step"),
        (["x.klp:0"], "one step, by its number from 1 on"),
        (["x.klp", "--step", "0"], "one step, by its number from 1 on"),
        (["x.klp", "--step", "-1"], "one step, by its number from 1 on"),
        (["x.klp:1", "--step", "2"], "one step, by its number from 1 on"),
    ],
)
def test_steps_that_are_none(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "x.klp").write_text("load p1\n", encoding="utf-8")
    code, _, err = klpdsl("explain", *arguments, cwd=tmp_path)
    assert code == 2
    assert said in err


RACE = """\
task t1
patch p1 { f }
interleave { operator { apply p1; force p1; unload p1 }; t1 { call f; call f } }
expect transition = none
never mixed
"""


def test_a_witness_replaces_witnesses_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "x.klp").write_text(RACE, encoding="utf-8")
    first = klpdsl("explore", "x.klp", "-e", "v6.12", "--out", "out", cwd=tmp_path)
    made = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert any(".expect1." in name for name in made)
    assert klpdsl("explore", "x.klp", "-e", "v6.12", "--out", "out", cwd=tmp_path) == first
    for name, content in made.items():
        (tmp_path / "out" / name).write_text("# mine\nload p1\n", encoding="utf-8")
        code, _, err = klpdsl("explore", "x.klp", "-e", "v6.12", "--out", "out", cwd=tmp_path)
        assert code == 2
        assert f"out/{name}" in err
        assert (tmp_path / "out" / name).read_text(encoding="utf-8") == "# mine\nload p1\n"
        (tmp_path / "out" / name).write_bytes(content)
