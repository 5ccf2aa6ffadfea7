"""Completion, as bash asks for it; and that the other shells get a script that knows the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from klpdsl.cli.arguments import asked_parser
from klpdsl.cli.commands import COMMANDS, HIDDEN
from klpdsl.cli.completion import SHELLS
from tests.cli.command import call

pytest.importorskip("shtab", reason="the extra completion")
Capture = pytest.CaptureFixture[str]

#: What is on the command line, the last word unfinished, and what may come of it.
TYPED = {
    "klpdsl com": {"compare", "completion"},
    "klpdsl run --eng": {"--engine", "--engines"},
    "klpdsl run --engine debian-12": {"debian-12", "debian-12-backports"},
    "klpdsl run -e prop": {"proposals"},
    "klpdsl history --from rhel-10": {"rhel-10.0", "rhel-10"},
    "klpdsl engines shao-nosuch": set(),
    "klpdsl run --without atomic": {"atomic-replace"},
    "klpdsl run --set force=g": {"force=global"},
    "klpdsl bisect --property st": {"stale-code", "stale-data", "stuck"},
    "klpdsl reduce --keep-violation mi": {"mixed", "mixed-world"},
    "klpdsl compare --format m": {"markdown"},
    "klpdsl run --color n": {"never"},
    "klpdsl kernel r": {"run"},
    "klpdsl help bis": {"bisect"},
    "klpdsl run fir": {"first.klp"},
}


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completion")
    (folder / "first.klp").touch()
    command = [sys.executable, "-m", "klpdsl", "completion", "bash"]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    asks = [
        f"COMP_WORDS=({line}); COMP_CWORD={len(line.split()) - 1}; COMPREPLY=(); _shtab_klpdsl; "
        'echo "${COMPREPLY[@]}"'
        for line in TYPED
    ]
    (folder / "script").write_text("\n".join([made.stdout, *asks, ""]), encoding="utf-8")
    return folder


def test_bash_completes(bash: Path) -> None:
    done = subprocess.run(["bash", "script"], cwd=bash, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    found = {line: set(said.split()) for line, said in zip(TYPED, done.stdout.splitlines(), strict=True)}
    assert found == TYPED


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_a_script(shell: str, capsys: Capture) -> None:
    done = call(capsys, "completion", shell)
    assert (done.code, done.err) == (0, "")
    for word in ("debian-12", "stale-code", "atomic-replace", "--keep-violation", "markdown"):
        assert word in done.out
    assert "merge-golden" not in done.out


def test_another_shell_has_none(capsys: Capture) -> None:
    done = call(capsys, "completion", "bsh")
    assert done.code == 2
    assert "did you mean bash?" in done.err


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in HIDDEN])
def test_a_command_s_parser_can_be_had_without_the_command(command: str) -> None:
    assert asked_parser(command).prog == f"klpdsl {command}"


@pytest.mark.parametrize("command", ["run", "bisect", "completion"])
def test_help_of_a_command(command: str, capsys: Capture) -> None:
    done = call(capsys, "help", command)
    assert (done.code, done.err) == (0, "")
    assert done.out == call(capsys, command, "--help").out
    assert call(capsys, "help", "kernel", "run").out.startswith("usage: klpdsl kernel run")


@pytest.mark.parametrize("action", ["list", "fetch", "confirm", "evidence", "run"])
def test_help_of_a_command_within_a_command_has_an_example(action: str, capsys: Capture) -> None:
    done = call(capsys, "kernel", action, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"example: klpdsl kernel {action}" in " ".join(done.out.split())
