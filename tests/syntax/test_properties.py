"""What holds for every scenario, and for every text that is none."""

import marshal
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klpdsl.syntax import tree
from klpdsl.syntax.codec import decode, encode
from klpdsl.syntax.compare import same
from klpdsl.syntax.diagnostics import ScenarioError
from klpdsl.syntax.layout import format_scenario
from klpdsl.syntax.load import load_text
from klpdsl.syntax.parse import parse
from tests import strategies

_many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_many
@given(strategies.scenarios())
def test_what_is_written_is_read_again(scenario: tree.ScenarioTree) -> None:
    text = format_scenario(scenario)
    assert same(parse(text).items, scenario.items)
    assert format_scenario(text) == text


@_many
@given(st.data())
def test_the_form_makes_no_difference_and_no_comment_is_lost(data: st.DataObject) -> None:
    scenario = data.draw(strategies.scenarios())
    written = parse(data.draw(strategies.disguised(format_scenario(scenario))))
    assert same(written.items, scenario.items)
    formatted = format_scenario(written)
    again = parse(formatted)
    assert same(again, written)
    assert format_scenario(again) == formatted


@_many
@given(strategies.scenarios())
def test_the_cache_gives_back_what_it_got(scenario: tree.ScenarioTree) -> None:
    parsed = parse(format_scenario(scenario), "one.klp")
    plain = marshal.loads(marshal.dumps(encode(parsed)))
    assert decode(plain, "one.klp") == parsed
    assert same(decode(plain, "other.klp"), parsed)
    assert decode(plain, "other.klp").span.source == "other.klp"


@_many
@given(strategies.sound_texts())
def test_sound_texts_are_sound(text: str) -> None:
    load_text(text)


def survives(text: str | bytes) -> None:
    """A text is a scenario or has errors, and either is found out at once."""
    started = time.monotonic()
    try:
        loaded = load_text(text)
    except ScenarioError as error:
        found = error
    else:
        formatted = format_scenario(loaded.scenario)
        assert same(parse(formatted).items, loaded.scenario.items)
        return
    assert found.diagnostics
    assert found.render()
    for diagnostic in found.diagnostics:
        span = diagnostic.span
        assert (1, 1) <= (span.line, span.column) <= (span.end_line, span.end_column)
    assert time.monotonic() - started < 20


@_many
@given(strategies.sound_texts(), st.data())
def test_damaged_scenarios(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 8)))
        piece = data.draw(
            st.sampled_from([*'{};,\n":>=#\\', "->", "or {", "choose {", "\0", "é", "or", ""])
            | st.text(max_size=3)
        )
        text = text[:start] + piece + text[end:]
    survives(text)


@_many
@given(
    st.lists(
        st.sampled_from([*strategies.keywords(), *"{};,\n:>=", "->", "..", "p1", '"x"', "1"]), max_size=40
    )
)
def test_random_words(words: list[str]) -> None:
    survives(" ".join(words))


@_many
@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    survives(data)


@_many
@given(st.text(max_size=200))
def test_random_texts(text: str) -> None:
    survives(text)
