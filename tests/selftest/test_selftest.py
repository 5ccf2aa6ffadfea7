"""`klpdsl selftest`: scripts and modules, and why there are none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from klpdsl.kernel.errors import KernelError
from klpdsl.kernel.kernels import KernelImage, kernel_named
from tests.calls import call
from tests.selftest import guest
from tests.selftest.upstream import CASES, Upstream, digest

ROOT = Path(__file__).parents[2]
OURS = Path(__file__).parent / "cases"
KEPT = Path(__file__).parent / "expected"
UPSTREAM = ROOT / "scenarios" / "selftests"

#: What the scripts of the family do too: a name of a module is not quoted, and `. functions.sh` is found at run time.
SHELLCHECK = ["shellcheck", "--exclude=SC1091,SC2046,SC2086", "--shell=bash"]


Called = subprocess.CompletedProcess[str]


def klpdsl(*arguments: str) -> Called:
    return call(arguments, cwd=ROOT, environment=os.environ)


def expected_log(script: str) -> list[str]:
    """The log that a script compares with, its variables filled in."""
    names = dict(re.findall(r"(?m)^(MOD_\w+)=(\w+)$", script))
    found = re.search(r'(?s)check_result "(.*?)"\n\nexit 0\n', script)
    assert found
    lines = re.sub(r"\$\{?(MOD_\w+)\}?", lambda name: names[name[1]], found[1])
    return re.sub(r"\\(.)", r"\1", lines).split("\n")


def written(scenario: Path, kernel: str, folder: Path) -> Called:
    done = klpdsl("selftest", str(scenario), "--kernel", kernel, "--out", str(folder))
    assert done.returncode == 0, done.stderr
    return done


def test_exactly_what_is_written(tmp_path: Path) -> None:
    done = written(OURS / "reversal.klp", "v6.12", tmp_path)
    assert done.stdout == (
        "# Makefile\nTEST_PROGS += test-gen-reversal.sh\n\n"
        "# test_modules/Makefile\nobj-m += test_klp_gen_m.o\nobj-m += test_klp_gen_p1.o\n"
    )
    files = {str(path.relative_to(tmp_path)): path for path in tmp_path.rglob("*") if path.is_file()}
    assert sorted(files) == [
        "test-gen-reversal.sh", "test_modules/test_klp_gen_m.c", "test_modules/test_klp_gen_p1.c",
    ]  # fmt: skip
    for path in files.values():
        assert path.read_text() == (KEPT / path.name).read_text()
    assert files["test-gen-reversal.sh"].stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.scenario)
def test_the_log_is_what_the_kernels_own_scripts_expect(case: Upstream) -> None:
    done = klpdsl("selftest", str(UPSTREAM / f"{case.scenario}.klp"), "--kernel", "v6.6")
    assert done.returncode == 0, done.stderr
    assert digest(expected_log(done.stdout)) == case.digest


@pytest.mark.parametrize(
    ("text", "kernel", "reasons"),
    [
        ("t1: syscall f\ninterleave { operator { load p1 }; t1 { syscall f } }", "v6.12",
         ["2: not as a selftest: a script has one order, and `interleave` has many"]),
        ("task t1 running\nload p1", "v6.12", [" not as a selftest: no script can put 't1' on a CPU"]),
        ("load p1\nenable p1", "v4.14",
         [" not as a selftest: modules for v4.14 would have to register their patches first (before v5.1)"]),
        ("t1: call f\nload p1\ntick 20", "v6.12",
         ["3: not as a selftest: the kernel sends signals at a moment that no script can choose"]),
        ("apply p1\nshadow alloc o 1 \"x\"\nt1: fork t2", "v6.12",
         ["2: not as a selftest: no helper of the family does `shadow alloc o 1 \"x\"`",
          "3: not as a selftest: no script can make a task do `fork t2` and know when it has"]),
        ("load p1 { printk }\nexpect p1 enabled = 0", "v6.12",
         ["2: not as a selftest: on v6.12 (= v6.11) it expects `p1 enabled = 0` and gets 1"]),
    ],
)  # fmt: skip
def test_why_not(text: str, kernel: str, reasons: list[str], tmp_path: Path) -> None:
    scenario = tmp_path / "case.klp"
    scenario.write_text(text)
    done = klpdsl("selftest", str(scenario), "--kernel", kernel, "--out", str(tmp_path / "out"))
    assert (done.returncode, done.stdout) == (125, "")
    told = done.stderr.splitlines()
    assert told == [f"klpdsl selftest: {scenario}:{reason}" for reason in reasons]
    assert not (tmp_path / "out").exists()


def test_the_kernels_own_files_are_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "test_modules" / "test_klp_livepatch.c"
    own.parent.mkdir()
    own.write_text("// SPDX-License-Identifier: GPL-2.0\n// Copyright\n")
    scenario = str(UPSTREAM / "livepatch-basic.klp")
    done = klpdsl("selftest", scenario, "--kernel", "v6.12", "--out", str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (
        2, "", f"klpdsl selftest: {own} is there, and klpdsl has not made it: give the patch another name\n",
    )  # fmt: skip
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [own.name]
    own.unlink()
    for _ in range(2):  # what klpdsl has made it may make again
        assert klpdsl("selftest", scenario, "--kernel", "v6.12", "--out", str(tmp_path)).returncode == 0


def test_a_release_that_is_none(tmp_path: Path) -> None:
    done = klpdsl("selftest", "-c", "load p1", "--kernel", "v6.99", "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "v6.99" in done.stderr
    done = klpdsl("selftest", "-c", "load p1", "--kernel", "kgraft")
    assert (done.returncode, done.stderr) == (2, "klpdsl selftest: kgraft is not a release of mainline\n")


def test_what_older_kernels_lack_is_not_asked_of_them() -> None:
    scenario = str(UPSTREAM / "sysfs-object-patched.klp")
    done = klpdsl("selftest", scenario, "--kernel", "v6.12")
    plain = "check_sysfs_value $MOD_CALLBACKS_DEMO test_klp_callbacks_mod/patched 1\n"
    assert f"\n{plain}" in done.stdout
    done = klpdsl("selftest", scenario, "--kernel", "v6.12", "--stable-from", "v5.5")
    assert (done.returncode, done.stderr) == (0, "")
    guard = "if does_sysfs_exist $MOD_CALLBACKS_DEMO test_klp_callbacks_mod/patched; then"
    assert f"\n{guard}\n\t{plain}fi\n" in done.stdout


def test_a_log_that_older_kernels_write_otherwise() -> None:
    scenario = str(ROOT / "scenarios" / "modules" / "vmlinux-ko.klp")
    done = klpdsl("selftest", scenario, "--kernel", "v6.12", "--stable-from", "v5.5")
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr.startswith(
        f"klpdsl selftest: {scenario}: not as a selftest: it would not pass on v5.5: that writes "
        "`test_klp_gen_target_vmlinux: test_klp_gen_target_vmlinux_init` where v6.12 writes `livepatch: "
    )


HOSTILE = """# $(touch ran) `touch ran` " '; touch ran
# */ #include "/etc/passwd"
scenario "a $(touch ran) `touch ran` '; touch ran; \\\\ */ title"
engines v5.1 ..
task "$(touch ran)" uninterruptible

"$(touch ran)": call f
apply p1 { f }
"$(touch ran)": return
settle
"""


def test_no_name_breaks_out(tmp_path: Path) -> None:
    scenario = tmp_path / "$(touch ran).klp"
    scenario.write_text(HOSTILE)
    out = tmp_path / "out"
    written(scenario, "v6.12", out)
    (script,) = out.glob("*.sh")
    assert script.name == "test-gen-touch-ran.sh"
    # What is called does nothing, and says what it was called with.
    (out / "functions.sh").write_text(
        "setup_config() { :; }\nlog() { :; }\ndie() { :; }\nloop_until() { :; }\nload_mod() { :; }\nload_lp() { :; }\n"
        "load_lp_nowait() { :; }\nunload_mod() { :; }\nunload_lp() { :; }\ndisable_lp() { :; }\n"
        'start_test() { echo "$1"; }\ncheck_result() { :; }\n'
    )
    done = subprocess.run(["bash", script.name], cwd=out, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[0] == "a $(touch ran) `touch ran` '; touch ran; \\ */ title"
    assert not list(tmp_path.rglob("ran"))
    for source in (out / "test_modules").glob("*.c"):
        assert source.read_text().splitlines()[1].startswith("// Made by klpdsl from the scenario")
        assert "/etc/passwd" not in source.read_text()


def test_scripts_are_clean(tmp_path: Path) -> None:
    for case in (*UPSTREAM.glob("*.klp"), *OURS.glob("*.klp")):
        done = klpdsl("selftest", str(case), "--kernel", "v6.12", "--out", str(tmp_path / case.stem))
        assert done.returncode in (0, 125), done.stderr
    scripts = sorted(str(path) for path in tmp_path.rglob("*.sh"))
    assert len(scripts) > 25
    for script in scripts:
        subprocess.run(["bash", "-n", script], check=True)
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not there")
    done = subprocess.run([*SHELLCHECK, *scripts], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


# --- on real kernels ---

PLAYED = (
    *(OURS / f"{name}.klp" for name in ("force", "refused", "reversal", "sleeper")),
    *(UPSTREAM / f"{case.scenario}.klp" for case in CASES),
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ["6.1", "6.12"])
def test_on_a_real_kernel(name: str, tmp_path: Path) -> None:
    kernel = _at_hand(name)
    tests = {}
    for scenario in PLAYED:
        done = klpdsl("selftest", str(scenario), "--kernel", name, "--out", str(tmp_path / scenario.stem))
        if done.returncode == 0:
            tests[scenario.stem] = tmp_path / scenario.stem
    assert len(tests) > 12
    wrong = tmp_path / "wrong-expectation"
    shutil.copytree(tests["reversal"], wrong)
    (script,) = wrong.glob("*.sh")
    script.write_text(script.read_text().replace("unpatching complete", "unpatching done"))
    tests[wrong.name] = wrong
    for folder in tests.values():
        assert guest.build(kernel, folder) == "", "W=1 has nothing to say"
    ran = guest.run(kernel, tests)
    refused = ran.pop(wrong.name)
    assert refused.code == 1
    assert "not ok" in refused.said
    assert {test: (done.code, done.said.rstrip().endswith("... ok")) for test, done in ran.items()} == {
        test: (0, True) for test in tests if test != wrong.name
    }, "\n".join(done.said for done in ran.values())


def _at_hand(name: str) -> KernelImage:
    if lacking := guest.missing():
        pytest.skip(f"not there: {lacking}")
    try:
        return kernel_named(name)
    except KernelError as error:
        pytest.skip(str(error))
