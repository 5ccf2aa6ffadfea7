"""What klpdsl promises to show, seen as users see it: the command in a process of its own, its output to the byte."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

SEED = "load p1 immediate; enable p1; load p2 replace; reverse"
SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"


def klpdsl(
    *arguments: str, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the command with these arguments, in that folder, with these changes to the environment."""
    command = [sys.executable, "-m", "klpdsl", *arguments]
    return subprocess.run(
        command, capture_output=True, check=False, cwd=cwd, env={**os.environ, **environment}
    )


def steps(trace: str) -> list[tuple[str, list[str], str]]:
    """A trace as its steps: the statement, the lines below it, the result."""
    found = []
    for part in re.split(r"^(?=[0-9]+ )", trace, flags=re.MULTILINE)[1:]:
        title, *lines = part.splitlines()
        (result,) = [line.strip().removeprefix("= ") for line in lines if line.startswith("  = ")]
        found.append(
            (title.split(" ", 1)[1], [line.strip() for line in lines if line.startswith("    ")], result)
        )
    return found


def run(text: str, engine: str) -> list[tuple[str, list[str], str]]:
    """The steps of a scenario given as text, on one engine; the run must end with exit code 0."""
    done = klpdsl("run", "-c", text, "--engine", engine)
    assert done.returncode == 0, done.stderr.decode()
    return steps(done.stdout.decode())


@cache
def releases() -> tuple[str, ...]:
    """Every engine of mainline at which something changed, oldest first."""
    done = klpdsl("run", "-c", "load p1", "--engine", "v4.0..")
    names = tuple(re.findall(r"^==== .* on (\S+)$", done.stdout.decode(), flags=re.MULTILINE))
    assert {"v4.0", "v4.12", "v5.1", "v6.12"} & set(names), names
    return names


def version(engine: str) -> tuple[int, ...]:
    return tuple(int(part) for part in engine.removeprefix("v").split("."))


def of_all_releases(text: str) -> dict[str, list[tuple[str, list[str], str]]]:
    """The steps of a scenario on every release of mainline, from one process."""
    done = klpdsl("run", "-c", text, "--engine", "v4.0..")
    assert done.returncode == 0, done.stderr.decode()
    parts = re.split(r"^==== .* on (\S+)$", done.stdout.decode(), flags=re.MULTILINE)
    traces = {name: steps(trace) for name, trace in zip(parts[1::2], parts[2::2], strict=True)}
    assert tuple(traces) == releases()
    return traces


# --- the question that it all began with ---


def test_the_seed_is_a_trace_of_four_steps_on_the_proposal() -> None:
    done = klpdsl("run", "-c", SEED, "--engine", "baron-v2")
    assert done.returncode == 0
    assert done.stderr == b"on baron-v2\n"
    found = steps(done.stdout.decode())
    assert [title for title, _, _ in found] == [
        "load p1 immediate",
        "enable p1",
        "load p2 replace",
        "reverse",
    ]
    assert not [result for _, _, result in found if result.startswith("unsupported")]
    assert "hook vmlinux f [p1]" in found[1][1]


@pytest.mark.parametrize(
    ("engine", "step", "commit"), [("v6.12", 0, "d0807da78e11"), ("v4.14", 2, "e1452b607c48")]
)
def test_a_release_says_which_commit_a_step_of_the_seed_is_missing(
    engine: str, step: int, commit: str
) -> None:
    results = [result for _, _, result in run(SEED, engine)]
    unsupported = [i for i, result in enumerate(results) if result.startswith("unsupported")]
    assert unsupported == [step]
    assert commit in results[step]


def test_the_seed_is_in_the_corpus_word_for_word() -> None:
    text = (SCENARIOS / "basics" / "seed.klp").read_text(encoding="utf-8")
    assert SEED in text
    statements = [
        line for line in text.splitlines() if line and not line.startswith(("#", "scenario", "engines"))
    ]
    assert "; ".join(statements) == SEED
    assert re.search(r"^engines .*\bbaron-v2\b", text, flags=re.MULTILINE)


# --- the same bytes wherever and whenever ---


@pytest.mark.parametrize("form", ["text", "jsonl"])
@pytest.mark.parametrize("name", ["tasks/who-holds-it", "replace/nops", "language/quoted-names"])
def test_a_trace_is_the_same_bytes_in_every_process(name: str, form: str, tmp_path: Path) -> None:
    path = SCENARIOS / f"{name}.klp"
    arguments = ("run", str(path), "--engine", "v6.12", "--format", form)
    plain = klpdsl(*arguments, PYTHONHASHSEED="0", LC_ALL="C", TZ="UTC")
    assert plain.returncode == 0
    assert plain.stdout.startswith((b"# klpdsl trace 1\n", b'{"kind": "header"'))
    others = [
        klpdsl(*arguments, cwd=tmp_path, PYTHONHASHSEED="4711", LC_ALL="C.UTF-8", TZ="Asia/Tokyo"),
        klpdsl(*arguments, cwd=path.parent, PYTHONHASHSEED="random", LC_ALL="de_DE.UTF-8", LANG="tr_TR"),
        klpdsl(*arguments, PYTHONIOENCODING="latin-1", KLPDSL_NO_CACHE="1", COLUMNS="20", NO_COLOR="1"),
        klpdsl("run", path.name, *arguments[2:], cwd=path.parent, PYTHONHASHSEED="1"),
    ]
    assert [done.stdout for done in others] == [plain.stdout] * len(others)


def test_a_trace_names_no_engine_and_no_place() -> None:
    path = SCENARIOS / "basics" / "first-patch.klp"
    trace = klpdsl("run", str(path), "--engine", "v6.12").stdout.decode()
    assert "v6.12" not in trace
    assert str(SCENARIOS) not in trace


# --- a task asleep in the function that is being replaced ---


def test_a_sleeper_in_f_keeps_the_transition_open_from_v4_12_on_and_nothing_before() -> None:
    traces = of_all_releases("task t1 in f uninterruptible; apply p1 { f }; tick 3; t1: return; tick")
    for engine, (apply, waiting, leaves, after) in traces.items():
        held = "blocked t1 sleeping in vmlinux f of original"
        if version(engine) < (4, 12):
            assert "sysfs p1/enabled = 1" in apply[1], engine
            assert held not in apply[1], engine
            assert waiting[1] == [], engine
        else:
            assert "sysfs p1/transition = 1" in apply[1], engine
            assert "sysfs p1/transition = 0" not in apply[1][-3:], engine
            assert apply[1][-1] == held, engine
            assert waiting[1][-1] == held, engine
            assert "task t1 unpatched -> patched" in leaves[1], engine
            assert "sysfs p1/transition = 0" in after[1], engine
            assert "log notice livepatch: 'p1': patching complete" in after[1], engine


def test_whoever_sleeps_elsewhere_keeps_nothing_open() -> None:
    for engine, (apply, *_) in of_all_releases("task t1 in g uninterruptible; apply p1 { f }").items():
        assert not [line for line in apply[1] if line.startswith("blocked")], engine
        assert apply[1][-1] in ("sysfs p1/enabled = 1", "sysfs p1/transition = 0"), engine


# --- turning a transition round ---


def test_a_reversal_completes_on_a_later_tick_only() -> None:
    # Nobody stands in the way of the unpatching, and still nothing is tried at once.
    traces = of_all_releases("task t1 in f uninterruptible; task t2; apply p1 { f }; reverse; tick")
    for engine, (_, reverse, tick) in traces.items():
        if version(engine) < (4, 12):
            assert reverse[2].startswith("unsupported"), engine
            assert "d83a7cb375ee" in reverse[2], engine
            continue
        assert reverse[2] == "0", engine
        assert "sysfs p1/enabled = 0" in reverse[1], engine
        assert not [line for line in reverse[1] if "complete" in line or line.startswith(("task", "hook"))], (
            engine
        )
        assert "task t2 patched -> unpatched" in tick[1], engine
        assert "hook vmlinux f []" in tick[1], engine
        assert "log notice livepatch: 'p1': unpatching complete" in tick[1], engine


# --- what is left of a disabled patch ---


def test_a_disabled_patch_is_gone_from_v5_1_on_and_can_be_enabled_again_before() -> None:
    traces = of_all_releases("apply p1 { f }; disable p1; enable p1; t1: syscall f")
    for engine, (_, disable, enable, call) in traces.items():
        assert disable[2] == "0", engine
        if version(engine) < (5, 1):
            assert "sysfs p1/ gone" not in disable[1], engine
            assert enable[2] == "0", engine
            assert call[1][0] == "call t1 vmlinux f -> p1", engine
        else:
            assert disable[1][-2:] == ["sysfs p1/ gone", "module p1 refs 0"], engine
            assert enable[2].startswith("ENOENT"), engine
            assert call[1][0] == "call t1 vmlinux f -> original", engine


# --- why a transition does not complete ---


def test_the_trace_says_of_everyone_who_holds_a_transition_why() -> None:
    text = (
        "task t1 running in g; task t2 in f uninterruptible; task t3 in f > g uninterruptible; "
        "kthread k1 in g unreliable; task t4 in g; apply p1 { f }"
    )
    first = run(text, "v6.12")[0][1]
    assert [line for line in first if line.startswith("blocked")] == [
        "blocked t1 running",
        "blocked t2 sleeping in vmlinux f of original",
        "blocked t3 sleeping in vmlinux f of original",
        "blocked k1 unreliable",
    ]


def test_a_stall_is_said() -> None:
    for engine in ("v4.12", "v6.12"):
        settle = run("task t1 in f uninterruptible; apply p1 { f }; settle", engine)[-1]
        assert settle[2] == "0 (stalled: 'p1' is still in transition)"
        assert settle[1][-1] == "blocked t1 sleeping in vmlinux f of original"
