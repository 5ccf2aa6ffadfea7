"""A throw-away project outside the repository, in which the real command runs as users run it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.calls import call

ROOT = Path(__file__).resolve().parent.parent.parent
BINARY = Path(sys.executable).parent / "klpdsl"

#: Variables of whoever runs the tests that say where klpdsl keeps things, or who is there.
OTHERS = ("CI", "XDG_STATE_HOME", "XDG_CACHE_HOME")

FIRST = """\
# Loading a patch and looking at it.
scenario "first"
load p1
t1: syscall f
show
"""
SECOND = """\
# Two patches for one function.
load p1
load p2
t1: call f
disable p2
settle
"""


class Project:
    """A suite in a folder of its own, and the command in it."""

    def __init__(self, root: Path, state: Path) -> None:
        self.root = root
        self.code: Path | None = None
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("GIT_", "GITHUB_", "PYTEST", "KLPDSL_")) and name not in OTHERS
            },
            "KLPDSL_CACHE_DIR": str(state / "cache"),
            "HOME": str(state / "home"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A. U. Thor",
            "GIT_AUTHOR_EMAIL": "author@example.org",
            "GIT_COMMITTER_NAME": "A. U. Thor",
            "GIT_COMMITTER_EMAIL": "author@example.org",
            "PATH": f"{BINARY.parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "TERM": "xterm",
        }
        (state / "home").mkdir(parents=True)

    def scenario(self, name: str, text: str) -> Path:
        path = self.root / "scenarios" / f"{name}.klp"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def golden(self, name: str, engine: str) -> Path:
        return self.root / "goldens" / name / f"{engine}.trace"

    def command(self, *arguments: str) -> list[str]:
        """The installed command; where the project has klpdsl's code altered, that code."""
        if self.code is None:
            return [str(BINARY), *arguments]
        return [sys.executable, "-m", "klpdsl", *arguments]

    def env(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        altered = {"PYTHONPATH": str(self.code)} if self.code else {}
        return {**self.environment, **altered, **(more or {})}

    def run(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        cwd: Path | None = None,
        process: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run the command: in a process of its own where that is asked for, or makes a difference."""
        cwd, environment = cwd or self.root, self.env(env)
        # More than three scenarios are checked by forked processes, which a test's process, with its threads, is
        # not the one to make.
        if not process and self.code is None and sum(1 for _ in self.root.rglob("*.klp")) < 4:
            done = call(arguments, cwd=cwd, environment=environment, stdin=stdin)
        else:
            done = subprocess.run(
                self.command(*arguments),
                cwd=cwd,
                env=environment,
                input=stdin,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def ok(self, *arguments: str, env: Mapping[str, str] | None = None, code: int = 0) -> str:
        done = self.run(*arguments, env=env)
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=self.env(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"git {arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def alter_code(self, path: str, old: str, new: str) -> None:
        """From now on the project runs on a copy of klpdsl in which one line is another."""
        if self.code is None:
            self.code = self.environment_folder / "code"
            shutil.copytree(
                ROOT / "klpdsl", self.code / "klpdsl", ignore=shutil.ignore_patterns("__pycache__")
            )
            shutil.copytree(ROOT / "grammar", self.code / "grammar")
        file = self.code / "klpdsl" / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{path} does not have {old!r} once, but {text.count(old)} times"
        file.write_text(text.replace(old, new), encoding="utf-8")

    @property
    def cache(self) -> Path:
        return Path(self.environment["KLPDSL_CACHE_DIR"])

    @property
    def environment_folder(self) -> Path:
        return Path(self.environment["HOME"]).parent

    def snapshot(self, *, state: bool = False) -> dict[str, bytes]:
        """Every file of the project with its content; what is in .klpdsl only if asked for."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and (state or ".klpdsl" not in path.parts) and ".git" not in path.parts
        }


def replace(path: Path, old: str, new: str) -> None:
    """Change a file by hand."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} does not have {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")
