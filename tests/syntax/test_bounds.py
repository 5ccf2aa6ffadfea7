"""Whatever a file holds, it is known within seconds what it is."""

import time

import pytest

from klpdsl.syntax.diagnostics import ScenarioError
from klpdsl.syntax.load import load_text

MEGABYTE = 1 << 20
TEN_MEGABYTES = 10 * MEGABYTE

MONSTERS: dict[str, bytes] = {
    "ten megabytes of braces": b"{" * TEN_MEGABYTES,
    "braces that open": b"{" * MEGABYTE,
    "braces that close": b"}" * MEGABYTE,
    "braces that do both": b"{}" * 9_000,
    "nested choices": b"choose {" * 16 + b"}" * 16,
    "open patches": b"patch p {\n f\n" * 6_000,
    "a line of ten megabytes": b"a" * TEN_MEGABYTES,
    "a word of a megabyte": b"a" * MEGABYTE,
    "a number of a megabyte": b"tick " + b"9" * (MEGABYTE - 5),
    "a text of a megabyte": b'scenario "' + b"a" * (MEGABYTE - 11) + b'"',
    "an open text of a megabyte": b'"' + b"a" * (MEGABYTE - 1),
    "escapes": b'"' + b"\\" * (MEGABYTE - 1),
    "quotes": b'"' * MEGABYTE,
    "open texts": b'load "a\n' * 19_000,
    "comments": b"#" * MEGABYTE,
    "semicolons": b";" * MEGABYTE,
    "commas": b"choose { a: run" + b", " * 19_000,
    "dots": b"." * MEGABYTE,
    "dashes": b"a" + b"-" * (MEGABYTE - 1),
    "arrows": b"a" + b"->" * (MEGABYTE // 2 - 1),
    "spaces": b"choose { a: run }\n" + b" " * (MEGABYTE - 20),
    "empty lines": b"\n" * 19_000,
    "carriage returns": b"\r" * MEGABYTE,
    "null bytes": b"\0" * MEGABYTE,
    "no UTF-8": b"\xff" * MEGABYTE,
    "wide characters": "漢".encode() * (MEGABYTE // 3),
    "statements that are none": b"foo bar\n" * 19_000,
    "steps": b"load p1\n" * 19_000,
    "actions": b"t1: run" + b", run" * 100_000,
    "tasks": b"".join(b"task t%d\n" % i for i in range(19_000)),
    "unknown names": b"".join(b"task t%d\nexpect x%d patch_state = patched\n" % (i, i) for i in range(9_000)),
    "modules": b"".join(b"module m%d { f%d }\n" % (i, i) for i in range(6_000)),
    "a stack": b"task t in f" + b" > f" * 200_000,
    "flags": b"load p" + b" immediate" * 100_000,
    "engines": b"engines v1" + b", v1 .. v2" * 90_000,
}


@pytest.mark.parametrize("name", MONSTERS)
def test_a_monster(name: str) -> None:
    started = time.monotonic()
    found = None
    try:
        load_text(MONSTERS[name])
    except ScenarioError as error:
        found = error
    if found is not None:
        assert 0 < len(found.diagnostics) <= 201
        assert len(found.render()) < 200_000
    # Generous, for slow machines; here it is below three seconds. What is quadratic takes hours.
    assert time.monotonic() - started < 60
