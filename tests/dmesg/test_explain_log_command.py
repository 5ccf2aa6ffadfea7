"""`klpdsl explain-log` and `klpdsl observe` as users run them, on logs of public reports with the names replaced."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.calls import call

ROOT = Path(__file__).resolve().parents[2]
LOGS = Path(__file__).resolve().parent / "logs"

#: Each report: the kernel, the exit code, and who or what is said to hold the transition.
REPORTS = {
    "01-powerpc-unreliable": (
        "v5.1",
        125,
        [
            "the unwinder can not vouch for kdevtmpfs:340's stack",
            "swapper/63:0 is on a CPU",
            "nobody wakes an idle CPU that is in the way on this engine (added in v5.16",
        ],
    ),
    "02-thread-in-its-loop": ("v6.8", 0, ["worker_b:417 is inside loop_b, the version before it"]),
    "03-s390-idle": ("v5.13", 125, ["swapper/63:0 is on a CPU", "added in v5.16"]),
    "04-many-in-do_exit": (
        "v6.1",
        0,
        [f"executor_d:{pid} is inside do_exit" for pid in (421106, 421244, 421457)],
    ),
    "05-loongarch-syscall": ("v6.16", 0, ["the unwinder can not vouch for bash:1193's stack"]),
    "06-loongarch-kvm": ("v6.3", 0, ["the unwinder can not vouch for CPU 31/KVM:3116's stack"]),
    "07-replacement-stalled": (
        "v6.12",
        0,
        [
            "fix_6: patching, under way at the end of the log after 17.5 s (signals sent once)",
            "the log does not say",
        ],
    ),
    "08-fifteen-seconds": (
        "v6.16",
        0,
        ["livepatch_sample: patching, complete after 16.0 s (signals sent once)"],
    ),
    "09-agent-reloads": (
        "v5.15",
        0,
        ["hook_i: unpatching, complete (signals sent once)", "hook_i: patching, under way at the end"],
    ),
    "10-both-ways-by-signal": (
        "v4.19",
        0,
        ["fix_j: patching, begun before the log, complete", "fix_j: unpatching, complete after 16.0 s"],
    ),
    "11-many-cpus": ("v4.16", 0, ["fix_k: patching, complete after 3.3 s"]),
    "12-rcu-warns": ("v6.1", 0, ["log: 2 of 4 lines are livepatch's", "fix_l6: patching, under way"]),
}


def klpdsl(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return call(arguments, cwd=cwd, environment=dict(os.environ))


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", REPORTS)
def test_a_public_report_is_explained(name: str, tmp_path: Path) -> None:
    engine, code, said = REPORTS[name]
    done = klpdsl(
        "explain-log", str(LOGS / f"{name}.log"), "-e", engine, "--scenario", "found.klp", cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (code, "")
    assert [words for words in said if words not in flat(done.stdout)] == []
    if code == 0:
        again = klpdsl("run", "found.klp", cwd=tmp_path)
        assert again.returncode == 0
    else:
        assert not (tmp_path / "found.klp").exists()
        assert "which says nothing against the log" in done.stdout


def test_every_report_is_used() -> None:
    assert sorted(path.stem for path in LOGS.glob("*.log")) == sorted(REPORTS)


STUCK = """\
[    0.000000] Linux version 6.1.0-56-cloud-amd64 (debian-kernel@lists.debian.org)
[   12.200000] fix: tainting kernel with TAINT_LIVEPATCH
[   12.300000] livepatch: enabling patch 'fix'
[   12.310000] livepatch: 'fix': initializing patching transition
[   12.320000] livepatch: 'fix': starting patching transition
[   12.330000] livepatch: klp_try_switch_task: kworker/2:1:231 is sleeping on function nfs_wait
[   12.340000] livepatch: klp_try_switch_task: spinner:4242 is running
"""


def test_in_full(tmp_path: Path) -> None:
    (tmp_path / "stuck.log").write_text(STUCK, encoding="utf-8")
    done = klpdsl("explain-log", "stuck.log", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout
        == """\
kernel: debian-12 (6.1.0-56-cloud-amd64)
log: 6 of 7 lines are livepatch's, lines 2 to 7, 0.1 s

what happened
  line 5, 12.3 s: fix: patching, under way at the end of the log after 0.0 s

who holds fix's transition
  - kworker/2:1:231 is inside nfs_wait, the version before it, which is what fix replaces (line 6 of the log)
      by klp_check_stack(), kernel/livepatch/transition.c; consistency=per-task since v4.12, d83a7cb375ee
      * once it is off nfs_wait, the next attempt switches it: there is one every second
        (klp_transition_work_fn(), kernel/livepatch/transition.c; consistency=per-task since v4.12,
        d83a7cb375ee)
      * no signal reaches it: a kernel thread is only woken, and goes on with what it does
        (klp_send_signals(), kernel/livepatch/transition.c; fake_signal=periodic since v5.1, cba82dea3061)
  - spinner:4242 is on a CPU: nobody else can look at its stack (line 7 of the log)
      by klp_try_switch_task(), kernel/livepatch/transition.c; consistency=per-task since v4.12, d83a7cb375ee
      * going back to user space switches it at once (klp_update_patch_state(), kernel/livepatch/transition.c;
        consistency=per-task since v4.12, d83a7cb375ee)
      * once it sleeps outside of what is patched, the next attempt switches it: there is one every second
        (klp_transition_work_fn(), kernel/livepatch/transition.c; consistency=per-task since v4.12,
        d83a7cb375ee)
      * nowhere inside the kernel does it look at its own stack on this engine (added in v6.4 by e3ff7c609f39
        (livepatch,sched: Add livepatch task switching to cond_resched())) (klp_sched_try_switch(),
        kernel/livepatch/transition.c)
  for all of them
      * `force` switches it as it is, and pins the modules whose code it may still be in for ever
        (klp_force_transition(), kernel/livepatch/transition.c; force=removed since v5.18, 2957308343fa)
      * `reverse` gives the transition up: it then waits for those who have switched
        (klp_reverse_transition(), kernel/livepatch/transition.c; consistency=per-task since v4.12,
        d83a7cb375ee)

would debian-12 say this?
  yes: this run of the model gives the same 5 lines (8 states looked at)

    vmlinux { nfs_wait }
    kthread "kworker/2:1" in nfs_wait
    task spinner running in nfs_wait
    patch fix { nfs_wait }

    apply fix
"""
    )


def test_a_line_that_no_run_gives(tmp_path: Path) -> None:
    text = STUCK.replace("starting patching", "starting unpatching")
    (tmp_path / "odd.log").write_text(text, encoding="utf-8")
    done = klpdsl("explain-log", "odd.log", "--scenario", "found.klp", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.partition("would debian-12 say this?\n")[2].startswith(
        "  no: no run over what the log names gives line 5 after those before it (closed, "
    )
    assert done.stdout.endswith(
        "    livepatch: 'fix': starting unpatching transition\n"
        "  what the model prints there:\n"
        "    livepatch: 'fix': starting patching transition\n"
    )
    assert not (tmp_path / "found.klp").exists()


def test_a_bound_that_is_hit_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "odd.log").write_text(
        STUCK.replace("starting patching", "starting unpatching"), encoding="utf-8"
    )
    done = klpdsl("explain-log", "odd.log", "--states", "2", cwd=tmp_path)
    assert done.returncode == 125
    assert "which says nothing against the log" in done.stdout


SNAPSHOT = """\
klpdsl-observe 1
uname 6.12.117+deb13-cloud-amd64
patch fix enabled 1
patch fix transition 1
module fix 1
task 231 D 0 kthread kworker/2:1
stack 231 schedule
stack 231 nfs_wait
task 4242 R 0 user spin ner
task 17 S 1 user bash
stack 17 do_wait
"""


def test_a_snapshot_knows_all_tasks(tmp_path: Path) -> None:
    lines = [
        line for line in STUCK.splitlines(keepends=True) if "klp_try" not in line and "Linux" not in line
    ]
    (tmp_path / "quiet.log").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "now.txt").write_text(SNAPSHOT, encoding="utf-8")
    done = klpdsl("explain-log", "quiet.log", "--snapshot", "now.txt", cwd=tmp_path)
    assert done.returncode == 0
    said = flat(done.stdout)
    assert said.startswith("kernel: debian-13")
    assert (
        "kworker/2:1:231 (a kernel thread) is inside schedule < nfs_wait, of which one is what fix replaces "
        "(the snapshot)"
    ) in said
    assert "spin ner:4242 is on a CPU: nobody else can look at its stack (the snapshot)" in said
    assert "bash" not in said


def test_a_snapshot_in_which_no_transition_is_under_way(tmp_path: Path) -> None:
    (tmp_path / "stuck.log").write_text(STUCK, encoding="utf-8")
    (tmp_path / "now.txt").write_text(SNAPSHOT.replace("transition 1", "transition 0"), encoding="utf-8")
    done = klpdsl("explain-log", "stuck.log", "--snapshot", "now.txt", cwd=tmp_path)
    assert "no transition is under way at the end\n" in done.stdout


def test_a_kernel_that_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("livepatch: enabling patch 'p1'\n", encoding="utf-8")
    done = klpdsl("explain-log", "a.log", cwd=tmp_path)
    assert done.returncode == 125
    assert done.stdout.endswith(
        "which kernel it was is not known: -e names it, and says what that kernel would do\n"
    )


@pytest.mark.parametrize(
    ("files", "arguments", "complaint"),
    [
        ({"a": "nothing\n"}, ["a"], "klpdsl explain-log: a: none of the 1 lines is livepatch's\n"),
        ({"a": ""}, ["a"], "klpdsl explain-log: a: none of the 0 lines is livepatch's\n"),
        ({}, ["a"], "klpdsl explain-log: a: No such file or directory\n"),
        ({"a": STUCK}, ["a", "--states", "0"], "klpdsl explain-log: --states takes a number from 1 on\n"),
        (
            {"a": STUCK, "s": "x\n"},
            ["a", "--snapshot", "s"],
            (
                "klpdsl explain-log: s:1: this is not what the script prints: it begins with `klpdsl-observe 1` "
                "(`klpdsl observe --print-script`)\n"
            ),
        ),
        (
            {"a": STUCK, "s": "klpdsl-observe 1\ntask 1 R zero user x\n"},
            ["a", "--snapshot", "s"],
            "klpdsl explain-log: s:2: not a line of a snapshot: 'task 1 R zero user x'\n",
        ),
    ],
)
def test_what_is_wrong_is_said(
    files: dict[str, str], arguments: list[str], complaint: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = klpdsl("explain-log", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", complaint)


def test_from_standard_input() -> None:
    command = [sys.executable, "-m", "klpdsl", "explain-log"]
    done = subprocess.run(command, input=STUCK, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert done.stdout.startswith("kernel: debian-12")


def test_the_script_is_sound_and_its_output_is_read(tmp_path: Path) -> None:
    done = klpdsl("observe", "--print-script", cwd=tmp_path)
    assert done.returncode == 0
    script = tmp_path / "observe.sh"
    script.write_text(done.stdout, encoding="utf-8")
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    if shutil.which("shellcheck"):
        assert subprocess.run(["shellcheck", str(script)], check=False).returncode == 0
    ran = subprocess.run(["sh", str(script)], check=False, capture_output=True, text=True)
    assert ran.returncode == 0
    assert ran.stdout.startswith("klpdsl-observe 1\nuname ")
    (tmp_path / "now.txt").write_text(ran.stdout, encoding="utf-8")
    (tmp_path / "a.log").write_text(STUCK, encoding="utf-8")
    assert klpdsl("explain-log", "a.log", "--snapshot", "now.txt", "-e", "v6.1", cwd=tmp_path).returncode == 0
    assert klpdsl("observe", cwd=tmp_path).returncode == 2
