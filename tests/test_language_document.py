"""docs/language.md: its examples are scenarios as they stand, and it leaves no word of the language out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from klpdsl._properties import PROPERTIES
from klpdsl.run.session import execute, load_text
from klpdsl.syntax.explain import keywords
from klpdsl.syntax.layout import format_scenario
from klpdsl.syntax.parser import lark_parser

TEXT = (Path(__file__).parents[1] / "docs" / "language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```klp\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_scenario_in_canonical_form(example: str) -> None:
    load_text(example, "language.md")
    assert format_scenario(example) == example


def test_the_first_example_does_what_it_says() -> None:
    loaded = load_text(EXAMPLES[0], "language.md")
    for engine in loaded.engine_names():
        assert execute(loaded, engine).ok, engine


def test_every_keyword_is_explained() -> None:
    code = " ".join(re.findall(r"`([^`\n]+)`", TEXT) + EXAMPLES)
    words = {word for group in keywords(lark_parser()).values() for word in group}
    assert {"load", "interleave", "free_all"} <= words
    assert sorted(word for word in words if not re.search(rf"(?<![\w-]){word}(?![\w-])", code)) == []


def test_every_property_is_named() -> None:
    assert [name for name in PROPERTIES if f"`{name}`" not in TEXT] == []
