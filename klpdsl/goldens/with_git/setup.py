"""What of git and of a project is set up for goldens: the merge driver, the hooks, the workflow; and setting it up."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from typing import NamedTuple

import klpdsl
from klpdsl._checkout import is_below, repository_above
from klpdsl._errors import KlpdslError
from klpdsl._git import git, trouble
from klpdsl._reading import SMALL_BYTES, read_file
from klpdsl._writing import UnfitPlaceError, open_folder
from klpdsl.goldens.suite import GOLDENS, STATE, Suite

DRIVER = "klpdsl"
_ATTRIBUTES_FILE = ".gitattributes"
ATTRIBUTES = f"{GOLDENS}/**/*.trace merge={DRIVER} -text"

WORKFLOW_PATH = os.path.join(".github", "workflows", "klpdsl.yml")
WORKFLOW = """\
# Checks every scenario against its goldens, annotates the lines that differ, and keeps a bundle for the reviewer:
# download it and run `klpdsl review --bundle klpdsl-bundle.json` on the branch of the pull request.
name: klpdsl

on:
  push:
    branches: [main]
  pull_request:

permissions:
  contents: read

jobs:
  check:
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0 # klpdsl asks git what has changed since the goldens were touched
          persist-credentials: false
      - uses: actions/setup-python@v5
        with:
          python-version: "3.13"
      - run: pip install klpdsl
      - name: klpdsl check
        run: >-
          klpdsl check --format github --junit klpdsl-junit.xml
          --summary "$GITHUB_STEP_SUMMARY" --bundle klpdsl-bundle.json
      - uses: actions/upload-artifact@v4
        if: ${{ !cancelled() }}
        with:
          name: klpdsl
          path: |
            klpdsl-junit.xml
            klpdsl-bundle.json
          if-no-files-found: ignore
"""


class SetupItem(NamedTuple):
    """One thing that can be set up: whether it is, what was found, and how to set it up."""

    what: str
    ok: bool
    said: str
    remedy: str = ""


def driver_command() -> str:
    """The command that git is to call. The interpreter is named in full: git's PATH need not have klpdsl."""
    return f"{shlex.quote(sys.executable)} -P -m klpdsl merge-golden %O %A %B %P"


class ForeignCodeError(KlpdslError):
    """klpdsl lies in the repository that it is to merge in."""


def within(top: str) -> str:
    """Why no klpdsl that lies below this folder is to be git's driver there; empty where this one does not."""
    package = os.path.dirname(os.path.realpath(klpdsl.__file__))
    if not top or not is_below(package, os.path.realpath(top)):
        return ""
    return (
        "klpdsl runs from this repository itself, so a merge or a rebase would run whatever code a branch brings; "
        "install it elsewhere (python3 -m venv DIR && DIR/bin/pip install klpdsl) and call DIR/bin/klpdsl git-setup"
    )


def install(suite: Suite) -> list[str]:
    """Register the merge driver and its attribute; returns what was changed.

    Raises OSError where git refuses, `ForeignCodeError` where a merge would run the code that it brings.
    """
    problem = within((git(suite.root, "rev-parse", "--show-toplevel") or "").rstrip("\n"))
    if problem:
        raise ForeignCodeError(problem)
    done = []
    for key, value in (
        (f"merge.{DRIVER}.name", "klpdsl goldens, recomputed"),
        (f"merge.{DRIVER}.driver", driver_command()),
    ):
        if (git(suite.root, "config", "--local", "--get", key) or "").rstrip("\n") != value:
            if git(suite.root, "config", "--local", key, value) is None:
                raise OSError(0, f"git does not take the setting {key}")
            done.append(f"git config {key}")
    if not attribute(suite):
        with open_folder(suite.root) as folder:
            folder.write(_ATTRIBUTES_FILE, _with_attribute(suite).encode("utf-8", "surrogateescape"))
        done.append(f"{_ATTRIBUTES_FILE} (commit it)")
    return done


def _with_attribute(suite: Suite) -> str:
    path = os.path.join(suite.root, _ATTRIBUTES_FILE)
    if os.path.islink(path):
        raise UnfitPlaceError(path, "it is a link, and git takes none for this file")
    try:
        text = read_file(path, SMALL_BYTES).decode(errors="surrogateescape")
    except FileNotFoundError:
        text = ""
    if text and not text.endswith("\n"):
        text += "\n"
    return f"{text}{ATTRIBUTES}\n"


def write_workflow(suite: Suite) -> str:
    """Write the workflow into the repository; returns its path, or an empty text where there is one already."""
    top = (git(suite.root, "rev-parse", "--show-toplevel") or suite.root).strip()
    path = os.path.join(top, WORKFLOW_PATH)
    if os.path.lexists(path):
        return ""
    *parts, name = WORKFLOW_PATH.split(os.sep)
    with open_folder(top, parts, make=True) as folder:
        folder.write(name, WORKFLOW.encode())
    return path


def attribute(suite: Suite) -> bool:
    """Whether git has the driver's name for a golden."""
    told = git(suite.root, "check-attr", "merge", "--", f"{GOLDENS}/any/v5.1.trace") or ""
    return told.rstrip("\n").endswith(f": merge: {DRIVER}")


def driver(suite: Suite) -> str:
    """The command that git would call; empty when the driver's name means nothing to it."""
    return (git(suite.root, "config", "--get", f"merge.{DRIVER}.driver") or "").strip()


def verify(command: str) -> str:
    """Merge two branches with a golden in conflict, in a repository made for that; returns what went wrong."""
    with tempfile.TemporaryDirectory(prefix="klpdsl-") as root:
        try:
            return _verify(command, root)
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout or "").strip().splitlines()
            return f"{' '.join(error.cmd[:4])} …: {said[-1] if said else f'exit code {error.returncode}'}"
        except OSError as error:
            return str(error)


def _verify(command: str, root: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT")}
    # A user's settings (signing, hooks, templates) have no say in a repository that lives for a second.
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    # The commands share what they keep, with one another alone; in .git nothing of it is committed.
    environment["KLPDSL_CACHE_DIR"] = os.path.join(root, ".git", "klpdsl")
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "klpdsl", f"GIT_{role}_EMAIL": "klpdsl@localhost"}
    environment.pop("CI", None)

    def call(*words: str) -> str:
        done = subprocess.run(words, cwd=root, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    def commit(text: str, message: str) -> None:
        with open(os.path.join(root, "scenarios", "verify.klp"), "w", encoding="utf-8") as file:
            file.write(text)
        klpdsl = (sys.executable, "-P", "-m", "klpdsl")
        call(*klpdsl, "accept", "scenarios", "--reason", "to verify the merge driver")
        call("git", "add", "-A")
        call("git", "commit", "-qm", message)

    os.mkdir(os.path.join(root, "scenarios"))
    call("git", "init", "-q", "-b", "main")
    with open(os.path.join(root, ".gitattributes"), "w", encoding="utf-8") as file:
        file.write(ATTRIBUTES + "\n")
    call("git", "config", f"merge.{DRIVER}.driver", command)
    lines = ["engines v5.1", *(f"load p{number}" for number in range(1, 8))]
    commit("\n".join(lines) + "\n", "base")
    call("git", "checkout", "-qb", "side")
    commit("\n".join([*lines, "t1: syscall f"]) + "\n", "side")
    call("git", "checkout", "-q", "main")
    commit("\n".join([lines[0], "load p0", *lines[1:]]) + "\n", "main")
    call("git", "merge", "-q", "-m", "merged", "side")
    wanted = call(sys.executable, "-P", "-m", "klpdsl", "run", "scenarios/verify.klp", "--engine", "v5.1")
    with open(os.path.join(root, "goldens", "verify", "v5.1.trace"), encoding="utf-8") as file:
        return "" if file.read() == wanted else "the merged golden is not what the merged scenario gives"


# --- the doctor -------------------------------------------------------------------------------------------------


def findings(suite: Suite) -> list[SetupItem]:
    """Everything that a project with goldens should have set up, and whether it has."""
    problem = trouble(suite.root)
    top = "" if problem else (git(suite.root, "rev-parse", "--show-toplevel") or "").strip()
    found = [_repository(suite, top, problem)]
    if top:
        found += [_attribute(suite), _driver(suite), _ignored(suite)]
    found += [_workflow(top or suite.root), _hook(top or suite.root), _cache(), _plugin(), _state(suite)]
    return found


def _repository(suite: Suite, top: str, problem: str) -> SetupItem:
    if problem:
        there = repository_above(suite.root)
        # Another one inside it would not help. Where git does not trust it, that is the user's to say.
        remedy = f"git config --global --add safe.directory {shlex.quote(there)}, if you trust who owns it"
        told = f"git does not use the repository {there}: {problem}"
        return SetupItem("git", False, told, remedy if "ownership" in problem else "")
    return SetupItem("git", bool(top), top or "no repository", "git init")


def _attribute(suite: Suite) -> SetupItem:
    ok = attribute(suite)
    return SetupItem("attribute of goldens", ok, f"merge={DRIVER}" if ok else "not set", "klpdsl git-setup")


def _driver(suite: Suite) -> SetupItem:
    command = driver(suite)
    if not command:
        said = "not registered: git merges the texts of goldens, without a word"
        return SetupItem("merge driver", False, said, "klpdsl git-setup")
    problem = within((git(suite.root, "rev-parse", "--show-toplevel") or "").rstrip("\n"))
    if not problem or command != driver_command():
        problem = verify(command)
    return SetupItem(
        "merge driver", not problem, problem or "works (tried in a repository of its own)", "klpdsl git-setup"
    )


def _ignored(suite: Suite) -> SetupItem:
    # The folder ignores itself when it is there; before, that is nothing to worry about.
    inside = os.path.exists(suite.state) and git(suite.root, "check-ignore", "-q", f"{STATE}/lock") is None
    return SetupItem(
        f"{STATE} ignored by git", not inside, "no" if inside else "yes", f"echo '*' > {STATE}/.gitignore"
    )


def _mentions(folder: str, words: str) -> str:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return ""
    for name in names:
        try:
            if words.encode() in read_file(os.path.join(folder, name), SMALL_BYTES):
                return name
        except OSError:
            continue
    return ""


def _workflow(top: str) -> SetupItem:
    folder = os.path.join(top, ".github", "workflows")
    name = (
        _mentions(folder, "klpdsl check") or _mentions(folder, "make check") or _mentions(folder, ".ci/run")
    )
    return SetupItem(
        "workflow that checks goldens", bool(name), name or "none", "klpdsl git-setup --workflow"
    )


def _hook(top: str) -> SetupItem:
    path = os.path.join(top, ".pre-commit-config.yaml")
    ok = os.path.isfile(path) and "klpdsl" in _read(path)
    hook = (git(top, "rev-parse", "--git-path", "hooks/pre-commit") or "").strip()
    ok = ok or bool(hook and "klpdsl" in _read(os.path.join(top, hook)))
    remedy = "the hooks klpdsl-check and klpdsl-fmt of this repository, in .pre-commit-config.yaml"
    return SetupItem("pre-commit hook", ok, "set up" if ok else "none", remedy)


def _read(path: str) -> str:
    try:
        return read_file(path, SMALL_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _cache() -> SetupItem:
    from klpdsl import _cache as cache

    folder = cache.directory()
    if folder is None:
        return SetupItem("cache", False, "switched off", "unset KLPDSL_NO_CACHE, set KLPDSL_CACHE_DIR")
    try:
        os.makedirs(folder, exist_ok=True)
        ok = os.access(folder, os.W_OK)
    except OSError:
        ok = False
    return SetupItem("cache", ok, folder if ok else f"{folder} cannot be written", "set KLPDSL_CACHE_DIR")


def _plugin() -> SetupItem:
    from importlib.metadata import entry_points

    found = [point for point in entry_points(group="pytest11") if point.name == "klpdsl"]
    return SetupItem(
        "pytest plugin", bool(found), "installed" if found else "not installed", "pip install klpdsl"
    )


def _state(suite: Suite) -> SetupItem:
    from klpdsl.goldens.deciding import transaction

    broken = transaction.in_progress(suite)
    return SetupItem(
        "accepts finished", not broken, "one was interrupted" if broken else "yes", "klpdsl accept"
    )
