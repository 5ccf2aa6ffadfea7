"""What is kept between runs, and that nothing goes wrong when it is not there, or not what it was."""

import marshal
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from klpdsl import _cache
from klpdsl.syntax.files import key_of
from klpdsl.syntax.load import load_scenario, load_text

ROOT = Path(__file__).parent.parent.parent
TEXT = "load p1 immediate; enable p1; load p2 replace; reverse"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KLPDSL_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_value_comes_back(folder: Path) -> None:
    value = {"a": (1, [2, None], b"\0", "é")}
    _cache.store("kind", "key", value)
    assert _cache.load("kind", "key") == value
    assert _cache.load("other", "key") is None
    assert _cache.load("kind", "other") is None
    assert [path.name for path in entries(folder)] == ["key"]


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nowhere/someone")
    monkeypatch.delenv("KLPDSL_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert _cache.directory() == "/nowhere/someone/.cache/klpdsl"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert _cache.directory() == "/nowhere/someone/.cache/klpdsl"
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache")
    assert _cache.directory() == "/var/cache/klpdsl"
    monkeypatch.setenv("KLPDSL_CACHE_DIR", "here")
    assert _cache.directory() == "here"
    monkeypatch.setenv("KLPDSL_NO_CACHE", "1")
    assert _cache.directory() is None
    monkeypatch.setenv("KLPDSL_NO_CACHE", "0")
    monkeypatch.delenv("KLPDSL_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    assert _cache.directory() is None


@pytest.mark.parametrize("damage", [b"", b"x", b"\0" * 100, None])
def test_a_damaged_entry_is_none(folder: Path, damage: bytes | None) -> None:
    _cache.store("kind", "key", "value")
    (path,) = entries(folder)
    path.write_bytes(path.read_bytes()[:-1] if damage is None else damage)
    assert _cache.load("kind", "key") is None
    _cache.store("kind", "key", "value")
    assert _cache.load("kind", "key") == "value"


def test_a_cache_that_can_not_be_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    for where in (tmp_path / "file", tmp_path / "file" / "below", "/proc/nowhere", "a\0b"):
        monkeypatch.setattr(_cache, "directory", lambda where=where: str(where))
        _cache.store("kind", "key", "value")
        assert _cache.load("kind", "key") is None
        assert len(load_text(TEXT).items) == 4


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_can_not_be_written_is_no_error(folder: Path) -> None:
    folder.mkdir(mode=0o500)
    assert len(load_text(TEXT).items) == 4
    assert entries(folder) == []


def test_old_entries_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cache, "_ENTRIES", 10)
    monkeypatch.setattr(_cache, "_LOOKS", 1)
    for i in range(11):
        _cache.store("kind", f"key{i:02}", i)
        os.utime(folder / "kind" / f"key{i:02}", (i, i))
        if i == 10:
            _cache.store("kind", "last", i)
    assert _cache.load("kind", "last") == 10
    assert len(entries(folder)) <= 10
    assert _cache.load("kind", "key00") is None


def test_many_at_once(folder: Path) -> None:
    wrong: list[object] = []

    def work() -> None:
        for i in range(50):
            _cache.store("kind", f"key{i % 5}", i % 5)
            found = _cache.load("kind", f"key{i % 5}")
            if found not in {i % 5, None}:
                wrong.append(found)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(entries(folder)) == 5


def test_the_digest_tells_parts_apart() -> None:
    assert _cache.digest(b"ab", b"c") != _cache.digest(b"a", b"bc") != _cache.digest(b"abc")


def test_the_code_is_in_the_key(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one")
    before = _cache.code_digest([str(tmp_path)])
    assert before == _cache.code_digest([str(tmp_path)])
    (tmp_path / "a.txt").write_text("no code")
    assert before == _cache.code_digest([str(tmp_path)])
    (tmp_path / "a.py").write_text("two")
    assert before != _cache.code_digest([str(tmp_path)])
    assert _cache.code_digest([str(tmp_path / "nowhere")]) is None


def test_code_that_nobody_touched_is_not_read_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "a.py").write_text("one")
    read: list[str] = []

    def spied(name: str, *rest: Any, **more: Any) -> Any:
        read.append(os.path.basename(name))
        return open(name, *rest, **more)

    monkeypatch.setattr(_cache, "open", spied, raising=False)
    first = _cache.code_digest([str(code)])
    assert first == _cache.code_digest([str(code)])
    assert read.count("a.py") == 2, (
        "what has only just been written may be written once more at the same time"
    )
    assert not (folder / "code").exists()
    monkeypatch.setattr(_cache, "_SETTLED_NS", -(10**12))
    for _ in range(3):
        assert first == _cache.code_digest([str(code)])
    assert read.count("a.py") == 3
    # The same size and the same time of change: the file system still knows.
    before = (code / "a.py").stat()
    (code / "a.py").write_text("two")
    os.utime(code / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    second = _cache.code_digest([str(code)])
    assert second != first
    (code / "b.py").write_text("")
    assert _cache.code_digest([str(code)]) not in {first, second}
    monkeypatch.setenv("KLPDSL_NO_CACHE", "1")
    (code / "b.py").unlink()
    assert _cache.code_digest([str(code)]) == second


def test_names_of_code_count_where_asked(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    (tmp_path / "one" / "a.py").write_text("x")
    (tmp_path / "two" / "b.py").write_text("x")
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    assert _cache.code_digest([one]) == _cache.code_digest([two])
    assert _cache.code_digest([one], one) != _cache.code_digest([two], two)
    (tmp_path / "two" / "b.py").rename(tmp_path / "two" / "a.py")
    assert _cache.code_digest([one], one) == _cache.code_digest([two], two)


def test_a_scenario_is_parsed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_text(TEXT, "one.klp")
    assert {path.parent.name for path in entries(folder)} >= {"trees"}
    monkeypatch.setitem(sys.modules, "klpdsl.syntax.parse", None)
    monkeypatch.setitem(sys.modules, "klpdsl.syntax.validity", None)
    assert load_text(TEXT, "one.klp") == first
    assert load_text(TEXT, "two.klp").items[0].span.source == "two.klp"


def test_so_is_one_with_imports(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "main.klp").write_text('import "a.klp"\nload p1\n')
    (tmp_path / "a.klp").write_text("patch p1 { f }\n")
    monkeypatch.chdir(tmp_path)
    first = load_scenario("main.klp")
    monkeypatch.setitem(sys.modules, "klpdsl.syntax.parse", None)
    monkeypatch.setitem(sys.modules, "klpdsl.syntax.validity", None)
    assert load_scenario("main.klp") == first
    # What was right by itself is checked again in other company.
    (tmp_path / "a.klp").write_text("load p1\n")
    with pytest.raises(ImportError):
        load_scenario("main.klp")
    assert folder.exists()


def test_errors_are_not_kept(folder: Path) -> None:
    from klpdsl.syntax.diagnostics import ScenarioError

    for _ in range(2):
        with pytest.raises(ScenarioError):
            load_text("enable p1")
        with pytest.raises(ScenarioError):
            load_text("laod p1")
    assert all(path.parent.name != "checked" for path in entries(folder))


def test_an_entry_of_another_shape_is_none(folder: Path) -> None:
    load_text(TEXT)
    key = key_of(TEXT.encode())
    assert key
    for shape in (1, (), ([0, [1]], True), ([9999], True), (["x"], True), (((),), True)):
        _cache.store("trees", key, shape)
        assert len(load_text(TEXT).items) == 4
    assert folder.exists()


def test_what_is_kept_is_plain(folder: Path) -> None:
    load_text(TEXT)
    for path in entries(folder):
        if path.parent.name == "trees":
            assert b"pickle" not in path.read_bytes()
            assert isinstance(marshal.loads(path.read_bytes()[16:]), tuple)


def test_a_known_scenario_costs_no_more_than_it_must(folder: Path) -> None:
    load_text(TEXT, "x")
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); before = set(sys.modules);"
        "from klpdsl.syntax.load import load_text;"
        f"from klpdsl.syntax.wording import format_statement; loaded = load_text({TEXT!r}, 'x');"
        "list(map(format_statement, loaded.items)); print(*sorted(set(sys.modules) - before))"
    )
    imported = subprocess.run(
        [sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True, env={**os.environ}
    ).stdout.split()
    heavy = {
        "lark",
        "re",
        "typing",
        "dataclasses",
        "pathlib",
        "tomllib",
        "collections",
        "enum",
        "hashlib",
        "difflib",
    }
    assert heavy.isdisjoint(imported), imported
    assert {name for name in imported if name.startswith("klpdsl.syntax.")} <= {
        f"klpdsl.syntax.{name}"
        for name in (
            "actions",
            "analysis",
            "codec",
            "conditions",
            "files",
            "limits",
            "load",
            "operands",
            "parts",
            "place",
            "resolve",
            "tree",
            "words",
            "wording",
        )
    }
    assert folder.exists()
