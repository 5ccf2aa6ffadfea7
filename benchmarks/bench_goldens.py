"""`klpdsl check` of 1,000 scenarios on 10 engines, cold and from the cache, beside other snapshot tools.

The others compare as many snapshots of the same size with no engine behind them: pytest with syrupy has one test for
each, prysk one file for each scenario with a `cat` for each engine. Targets: cold, less time per case than either of
them; from the cache, 20 times less than cold.

The others are installed into build/bench, never into the environment of the project; where that cannot be done, they
are left out. KLPDSL_BENCH_PYTHON names an interpreter that has them already.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_KLPDSL = Path(sys.executable).parent / "klpdsl"
_SCENARIOS = 1000
_ENGINES = ("v4.0", "v4.5", "v4.9", "v4.12", "v4.15", "v4.17", "v5.1", "v5.5", "v6.1", "v6.14")
_CASES = _SCENARIOS * len(_ENGINES)
_WARM_ROUNDS = 5

_SYRUPY = """\
import json, pathlib, pytest
TEXTS = json.loads(pathlib.Path(__file__).with_name("texts.json").read_text())
@pytest.mark.parametrize("case", sorted(TEXTS))
def test_case(case, snapshot):
    assert TEXTS[case] == snapshot
"""


def run() -> Iterator[str]:
    """Measure, and say what came out per case and as ratios."""
    with tempfile.TemporaryDirectory(prefix="klpdsl-bench-") as folder:
        root = Path(folder)
        environment = {**os.environ, "KLPDSL_CACHE_DIR": str(root / "cache")}
        for name in ("CI", "KLPDSL_NO_CACHE", "PYTHONDONTWRITEBYTECODE"):
            environment.pop(name, None)
        texts = _suite(root, environment)
        size = sum(map(len, texts.values())) / len(texts)
        yield f"{_SCENARIOS} scenarios x {len(_ENGINES)} engines, a trace has {size:.0f} bytes on average"
        check = [str(_KLPDSL), "check"]
        _timed(check, root, environment)  # the code is compiled
        cold = min(_cold(check, root, environment) for _ in range(2))
        yield _line("klpdsl check, cold (nothing in the cache)", cold)
        alone = _cold([*check, "--jobs", "1"], root, environment)
        yield _line("klpdsl check, cold, one process", alone)
        warm = min(_timed(check, root, environment) for _ in range(_WARM_ROUNDS))
        yield _line("klpdsl check, from the cache", warm)
        yield f"from the cache {cold / warm:.0f} times faster than cold (target: 20)"
        others = _others()
        if not others:
            yield "pytest+syrupy and prysk are left out: they cannot be installed here"
            return
        for name, seconds in _compare(root, environment, texts, others):
            yield _line(name, seconds)
            yield f"  klpdsl, cold, takes {cold / seconds:.2f} of that (target: below 1)"


def _line(what: str, seconds: float) -> str:
    return f"{what}: {seconds:.2f} s, {seconds / _CASES * 1e6:.0f} us per case"


def _timed(command: list[str], cwd: Path, environment: dict[str, str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(
            f"{command}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return taken


def _cold(command: list[str], root: Path, environment: dict[str, str]) -> float:
    shutil.rmtree(root / "cache", ignore_errors=True)
    return _timed(command, root, environment)


def _suite(root: Path, environment: dict[str, str]) -> dict[str, str]:
    """Write the scenarios and their goldens; returns every case's trace."""
    folder = root / "scenarios"
    folder.mkdir()
    for number in range(_SCENARIOS):
        text = (
            f"# Number {number}.\nengines {', '.join(_ENGINES)}\nload p{number}\nt1: call f\n"
            f"apply q{number}\ntick {number % 7 + 1}\nt1: return\nsettle\nshow\n"
        )
        (folder / f"n{number:04}.klp").write_text(text, encoding="utf-8")
    _timed([str(_KLPDSL), "accept", "scenarios"], root, environment)
    texts = {}
    for number in range(_SCENARIOS):
        last = ""
        for engine in _ENGINES:  # an engine without a file has the trace of the one before it
            path = root / "goldens" / f"n{number:04}" / f"{engine}.trace"
            last = path.read_text(encoding="utf-8") if path.exists() else last
            texts[f"n{number:04}-{engine}"] = last
    return texts


def _others() -> str:
    """An interpreter that has pytest, syrupy and prysk; empty when there can be none."""
    chosen = os.environ.get("KLPDSL_BENCH_PYTHON", "")
    if chosen:
        return chosen
    venv = _ROOT / "build" / "bench"
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "pytest", "syrupy", "prysk"]
    done = subprocess.run(install, capture_output=True, check=False)
    return str(python) if done.returncode == 0 else ""


def _compare(
    root: Path, environment: dict[str, str], texts: dict[str, str], python: str
) -> Iterator[tuple[str, float]]:
    syrupy = root / "syrupy"
    syrupy.mkdir()
    (syrupy / "test_snapshots.py").write_text(_SYRUPY, encoding="utf-8")
    (syrupy / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    pytest = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_snapshots.py"]
    _timed([*pytest, "--snapshot-update"], syrupy, environment)
    yield "pytest+syrupy", _timed(pytest, syrupy, environment)

    prysk = root / "prysk"
    prysk.mkdir()
    for case, text in texts.items():
        (prysk / case).write_text(text, encoding="utf-8")
    for number in range(_SCENARIOS):
        lines = []
        for engine in _ENGINES:
            case = f"n{number:04}-{engine}"
            lines.append(f'  $ cat "$TESTDIR/{case}"')
            lines += [f"  {line}" for line in texts[case].splitlines()]
        (prysk / f"n{number:04}.t").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [python, "-m", "prysk", "-q", "."]
    yield "prysk", _timed(command, prysk, environment)
