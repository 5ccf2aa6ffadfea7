"""Whatever a file holds, it is known within seconds what it is."""

import time

import pytest

from klpdsl.syntax import limits
from klpdsl.syntax.diagnostics import ScenarioError
from klpdsl.syntax.load import load_text


def monsters(part: int) -> dict[str, bytes]:
    """What nobody writes: as large as it may be, or ten times that, divided by `part` like the bounds."""
    whole = limits.FILE_BYTES // part
    return {
        "ten megabytes of braces": b"{" * 10 * whole,
        "braces that open": b"{" * whole,
        "braces that close": b"}" * whole,
        "braces that do both": b"{}" * (9_000 // part),
        "nested choices": b"choose {" * 16 + b"}" * 16,
        "open patches": b"patch p {\n f\n" * (6_000 // part),
        "a line of ten megabytes": b"a" * 10 * whole,
        "a word of a megabyte": b"a" * whole,
        "a number of a megabyte": b"tick " + b"9" * (whole - 5),
        "a text of a megabyte": b'scenario "' + b"a" * (whole - 11) + b'"',
        "an open text of a megabyte": b'"' + b"a" * (whole - 1),
        "escapes": b'"' + b"\\" * (whole - 1),
        "quotes": b'"' * whole,
        "open texts": b'load "a\n' * (19_000 // part),
        "comments": b"#" * whole,
        "semicolons": b";" * whole,
        "commas": b"choose { a: run" + b", " * (19_000 // part),
        "dots": b"." * whole,
        "dashes": b"a" + b"-" * (whole - 1),
        "arrows": b"a" + b"->" * (whole // 2 - 1),
        "spaces": b"choose { a: run }\n" + b" " * (whole - 20),
        "empty lines": b"\n" * (19_000 // part),
        "carriage returns": b"\r" * whole,
        "null bytes": b"\0" * whole,
        "no UTF-8": b"\xff" * whole,
        "wide characters": "漢".encode() * (whole // 3),
        "statements that are none": b"foo bar\n" * (19_000 // part),
        "steps": b"load p1\n" * (19_000 // part),
        "actions": b"t1: run" + b", run" * (100_000 // part),
        "tasks": b"".join(b"task t%d\n" % i for i in range(19_000 // part)),
        "unknown names": b"".join(
            b"task t%d\nexpect x%d patch_state = patched\n" % (i, i) for i in range(9_000 // part)
        ),
        "modules": b"".join(b"module m%d { f%d }\n" % (i, i) for i in range(6_000 // part)),
        "a stack": b"task t in f" + b" > f" * (200_000 // part),
        "flags": b"load p" + b" immediate" * (100_000 // part),
        "engines": b"engines v1" + b", v1 .. v2" * (90_000 // part),
    }


NAMES = tuple(monsters(1000))


def look_at(monster: bytes, seconds: float) -> None:
    started = time.monotonic()
    found = None
    try:
        load_text(monster)
    except ScenarioError as error:
        found = error
    if found is not None:
        assert 0 < len(found.diagnostics) <= 201
        assert len(found.render()) < 200_000
    assert time.monotonic() - started < seconds


@pytest.mark.parametrize("name", NAMES)
def test_a_monster(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    part = 16
    monster = monsters(part)[name]
    for bound in ("FILE_BYTES", "FILE_ENTRIES", "STEPS"):
        monkeypatch.setattr(limits, bound, getattr(limits, bound) // part)
    # Generous, for slow machines; here it is below a quarter of a second. What is quadratic takes minutes.
    look_at(monster, 20)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_monster_as_large_as_may_be(name: str) -> None:
    # Here it is below three seconds. What is quadratic takes hours.
    look_at(monsters(1)[name], 60)
