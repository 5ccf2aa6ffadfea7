"""Run the benchmarks, all of them or those named on the command line; perhaps beside those of another revision."""

import argparse
import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import benchmarks

_PREFIX = "bench_"
_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parent


def main() -> int:
    """Run the benchmarks and print what they say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a benchmark (default: all)")
    parser.add_argument(
        "--against", metavar="REVISION", help="run each on that revision of this repository too, in turn"
    )
    parser.add_argument("--rounds", type=int, default=3, help="with --against: how often (default: 3)")
    arguments = parser.parse_args()
    names = sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name.startswith(_PREFIX))
    wanted = [_PREFIX + name.removeprefix(_PREFIX) for name in arguments.names] or names
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        known = ", ".join(name.removeprefix(_PREFIX) for name in names)
        sys.stderr.write(f"no benchmark {', '.join(unknown)}; there are: {known}\n")
        return 2
    if arguments.against:
        _against(arguments.against, wanted, arguments.rounds)
        return 0
    for name in wanted:
        print(f"== {name.removeprefix(_PREFIX)}")
        for line in importlib.import_module(f"benchmarks.{name}").run():
            print(f"  {line}", flush=True)
    return 0


def _against(revision: str, names: list[str], rounds: int) -> None:
    """Run each benchmark on both trees in turn, so that what else the machine does hits both."""
    with _tree(revision) as other:
        for name in names:
            print(f"== {name.removeprefix(_PREFIX)}")
            for _ in range(rounds):
                for label, root in ((revision[:12], other), ("here", _ROOT)):
                    for line in _told(root, name.removeprefix(_PREFIX)):
                        print(f"  {label:>12}: {line}", flush=True)


@contextmanager
def _tree(revision: str) -> Iterator[Path]:
    """The tree of that revision, with the benchmarks of this one."""
    with tempfile.TemporaryDirectory(prefix="klpdsl-bench-") as folder:
        root = Path(folder) / "tree"
        git = ["git", "-C", str(_ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(root), revision], check=True)
        try:
            shutil.rmtree(root / "benchmarks")
            shutil.copytree(_HERE, root / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
            yield root
        finally:
            subprocess.run([*git, "remove", "--force", str(root)], check=True)


def _told(root: Path, name: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return [f"does not run: {done.stderr.strip().splitlines()[-1]}"]
    return [line.strip() for line in done.stdout.splitlines()[1:]]


if __name__ == "__main__":
    sys.exit(main())
