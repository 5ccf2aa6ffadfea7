"""docs/language.md: its examples are scenarios as they stand, and it leaves no word of the language out."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from klpdsl._properties import PROPERTIES
from klpdsl.run.session import execute, load_text
from klpdsl.syntax import limits
from klpdsl.syntax.diagnostics import ScenarioError
from klpdsl.syntax.explain import keywords
from klpdsl.syntax.layout import WIDTH, format_scenario
from klpdsl.syntax.parser import lark_parser

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```klp\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_scenario_in_canonical_form(example: str) -> None:
    load_text(example, "language.md")
    assert format_scenario(example) == example


def test_the_first_example_does_what_it_says() -> None:
    loaded = load_text(EXAMPLES[0], "language.md")
    for engine in loaded.engine_names():
        assert execute(loaded, engine).ok, engine


def test_the_ten_words_are_what_most_scenarios_need() -> None:
    (table,) = re.findall(r"## The ten words .*?\n\n((?:\|.*\n)+)", TEXT)
    words = [re.search(r"`(?:t1: )?(\w+)", row)[1] for row in table.splitlines()[2:]]  # type: ignore[index]
    assert len(words) == len(set(words)) == 10
    used: Counter[str] = Counter()
    for path in (ROOT / "scenarios").rglob("*.klp"):
        code = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
        used.update({found[1] for found in re.finditer(r"(?m)^ *(?:[\w./-]+: )?([a-z]+)\b", code)})
    # Before them stand the header's words, and `vmlinux`, which says what is there anyhow.
    most = [word for word, _ in used.most_common() if word not in ("scenario", "engines", "vmlinux")]
    assert set(words) <= set(most[:12])


def test_every_keyword_is_explained() -> None:
    code = " ".join(re.findall(r"`([^`\n]+)`", TEXT) + EXAMPLES)
    words = {word for group in keywords(lark_parser()).values() for word in group}
    assert {"load", "interleave", "free_all"} <= words
    assert sorted(word for word in words if not re.search(rf"(?<![\w-]){word}(?![\w-])", code)) == []


def test_every_property_is_named() -> None:
    assert [name for name in PROPERTIES if f"`{name}`" not in TEXT] == []


def test_the_bounds_are_those_that_hold() -> None:
    said = " ".join(TEXT.split())
    for bound in (
        f"{limits.FILE_BYTES >> 20} MiB and {limits.FILE_ENTRIES:,} statements",
        f"scenario {limits.STEPS:,} steps, {limits.IMPORT_FILES} imported files, {limits.IMPORT_DEPTH} levels",
        f"a name has {limits.NAME_LENGTH} characters, a task's stack {limits.STACK} functions",
        f"a `tick` {limits.TICK_SECONDS:,} seconds and so has a whole run, a machine {limits.CPUS} CPUs",
        f"no more than {WIDTH} columns",
    ):
        assert bound in said
    assert limits.IMPORT_DEPTH == limits.NESTING
    assert all(f"`{text}`" in TEXT for text in ('\\"', "\\\\", "\\n", "\\t"))


def test_the_report_is_one_that_is_given() -> None:
    (shown,) = re.findall(r"^```\n(sleeper.*?)\n^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
    with pytest.raises(ScenarioError) as caught:
        load_text("\n\n\n\nload p1 imediate { f }\n\nenable p2\n", "sleeper.klp")
    assert caught.value.render() == shown
