"""`klpdsl fmt`, as a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
UGLY = 'load   "p1"; reverse # é'
CANONICAL = "load p1\nreverse  # é\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def fmt(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
    # A locale that can not spell é must not matter.
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "klpdsl", "fmt", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        env=environment,
    )
    return ran.returncode, ran.stdout.decode(), ran.stderr.decode(errors="replace")


def test_a_file_is_rewritten_once() -> None:
    path = Path("a.klp")
    path.write_text(UGLY, encoding="utf-8")
    path.chmod(0o640)
    assert fmt("a.klp") == (0, "a.klp\n", "")
    assert path.read_text(encoding="utf-8") == CANONICAL
    assert path.stat().st_mode & 0o777 == 0o640
    assert fmt("a.klp") == (0, "", "")
    assert [path.name for path in Path().iterdir()] == ["a.klp"]


def test_a_link_stays_a_link() -> None:
    Path("a.klp").write_text(UGLY, encoding="utf-8")
    Path("link.klp").symlink_to("a.klp")
    assert fmt("link.klp")[0] == 0
    assert Path("link.klp").is_symlink()
    assert Path("a.klp").read_text(encoding="utf-8") == CANONICAL


def test_check_writes_nothing() -> None:
    Path("a.klp").write_text(UGLY, encoding="utf-8")
    Path("b.klp").write_text(CANONICAL, encoding="utf-8")
    Path("c.klp").write_bytes(CANONICAL.replace("\n", "\r\n").encode())
    assert fmt("--check", ".") == (1, "./a.klp: not in canonical form\n./c.klp: not in canonical form\n", "")
    assert Path("a.klp").read_text(encoding="utf-8") == UGLY
    assert fmt("--check", "b.klp") == (0, "", "")
    assert fmt("--check", "-", stdin=UGLY.encode())[0] == 1


def test_from_stdin_to_stdout() -> None:
    assert fmt("-", stdin=UGLY.encode()) == (0, CANONICAL, "")
    assert fmt("-", stdin=b"\xef\xbb\xbf" + UGLY.encode()) == (0, CANONICAL, "")


@pytest.mark.parametrize("data", [b"laod p1", b"load p\xff", b"load p\0", b"{" * 3_000_000])
def test_what_does_not_parse_is_left_alone(data: bytes) -> None:
    Path("a.klp").write_bytes(data)
    code, out, err = fmt("a.klp")
    assert (code, out) == (2, "")
    assert err.startswith("a.klp:1:")
    assert Path("a.klp").read_bytes() == data
    assert fmt("nowhere.klp")[0] == 2
