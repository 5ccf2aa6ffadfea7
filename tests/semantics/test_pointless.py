"""Every setting acts somewhere in the corpus, or is refused where it changes nothing, with the reason."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from klpdsl.run.session import Loaded, execute, load_file, load_text
from klpdsl.semantics.axes import Semantics
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.pointless import ROWS, Pointless, pointless_settings
from klpdsl.semantics.records import EngineError
from klpdsl.semantics.spelling import spell
from klpdsl.semantics.table import table
from klpdsl.trace.text import to_text
from tests.calls import call
from tests.thorough import THOROUGH

ROOT = Path(__file__).resolve().parents[2]

ENGINES = ("v4.0", "v4.11", "v4.14", "v5.0", "v5.1", "v6.12", "v6.19") if THOROUGH else ("v4.14", "v6.19")


def said(*arguments: str) -> str:
    done = call(arguments, cwd=ROOT, environment=dict(os.environ))
    assert done.returncode == 2, done.stdout
    return done.stderr


@pytest.mark.parametrize("row", ROWS)
def test_rows_name_axes_and_values_that_there_are(row: Pointless) -> None:
    assert row.reason
    for axis in row.axes:
        assert set(row.values) <= set(table()["allowed"][axis]), axis
    assert set(row.axes) <= set(Semantics._fields)


@pytest.mark.parametrize(
    ("engine", "setting", "why"),
    [
        ("v6.19", "put=keep", ""),
        ("v6.19", "put=forced-sticky", ""),
        ("v6.19", "set_zero=none", "patches have no sets"),
        ("v6.19", "kpatch_drop=after", "only kpatch's core module asks for it"),
        ("v4.14", "put=never", "nothing is ever replaced (replace=none)"),
        ("v4.4", "notices=long", "there is no transition"),
        ("kgraft", "put=never", "kGraft has rules of its own"),
        ("kpatch-core", "kpatch_drop=after", ""),
    ],
)
def test_a_setting_that_changes_nothing_is_refused(engine: str, setting: str, why: str) -> None:
    known = [one for settings in pointless_settings(resolve(engine)).values() for one in settings]
    assert (setting in known) == bool(why)
    if why:
        text = said("run", "-c", "load p1", "--engine", engine, "--set", setting)
        assert f"{setting} changes nothing on {resolve(engine).name}: " in text
        assert why in text


def test_what_is_set_beside_it_counts() -> None:
    both = ["--set", "replace=patch", "--set", "retire=unlink", "--set", "put=never"]
    done = call(["engines", "v4.14", *both], cwd=ROOT, environment=dict(os.environ))
    assert done.returncode == 0


def test_the_list_says_why() -> None:
    done = call(["engines", "v6.19", "--pointless"], cwd=ROOT, environment=dict(os.environ))
    assert "  no patch is immediate (immediate=false)\n      replace_with_immediate=false\n" in done.stdout


PUT = "patch old { f }; patch new replace { f }; apply old; settle; apply new; settle; unload old"
FORCE = "task t1 in f; apply p1 { f }; force p1; settle; disable p1; settle; unload p1"


@pytest.mark.parametrize(
    ("text", "engine", "result"),
    [
        (PUT, "v6.19", "0"),
        (PUT, "v6.19+put=never", "EAGAIN"),
        (PUT, "v5.1+put=never", "EAGAIN"),
        (FORCE, "v6.19", "0"),
        (FORCE, "v6.19+force=global", "EAGAIN"),
        (FORCE, "v5.1+force=global", "EAGAIN"),
        (FORCE, "v5.0+force=global", "EAGAIN"),
    ],
)
def test_put_and_force_act_on_every_engine_that_has_them(text: str, engine: str, result: str) -> None:
    last = execute(load_text(text, "<test>"), engine).trace.steps[-1]
    assert last.result is not None
    assert last.result.value == result


@cache
def corpus() -> tuple[Loaded, ...]:
    return tuple(load_file(str(path)) for path in sorted((ROOT / "scenarios").rglob("*.klp")) if _plays(path))


def _plays(path: Path) -> bool:
    return "common" not in path.parts


def _differs(loaded: Loaded, engine: str, text: str) -> bool:
    return to_text(execute(loaded, engine).trace) != text


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
def test_every_other_setting_changes_something_in_the_corpus(name: str) -> None:
    engine = resolve(name)
    before = [to_text(execute(loaded, engine).trace) for loaded in corpus()]
    pointless = {one for settings in pointless_settings(engine).values() for one in settings}
    nothing = set()
    for axis, values in table()["allowed"].items():
        for value in values:
            setting = f"{axis}={spell(value)}"
            if value == getattr(engine.semantics, axis):
                continue
            try:
                altered = resolve(name, [setting]).name
            except EngineError:
                continue
            pairs = list(zip(corpus(), before, strict=True))
            if setting in pointless:
                # Thoroughly all of them; otherwise every eighth scenario, another one for each setting.
                some = pairs if THOROUGH else pairs[len(setting) % 8 :: 8]
                assert not any(_differs(loaded, altered, text) for loaded, text in some), setting
            elif not any(_differs(loaded, altered, text) for loaded, text in pairs):
                nothing.add(setting)
    assert nothing == set()
