"""A keyword is one only where it can stand as one."""

import pytest

from klpdsl.syntax import tree
from klpdsl.syntax.diagnostics import ScenarioError
from klpdsl.syntax.layout import format_scenario
from klpdsl.syntax.parse import parse
from tests.strategies import keywords

# Where a name can stand, written bare, and the keywords that mean themselves there.
PLACES: dict[str, set[str]] = {
    "{}: run": set(),
    "patch {}": set(),
    "patch {} immediate {{ f }}": set(),
    "load {}": set(),
    "load {} replace -> 0": set(),
    "unload {}": set(),
    "enable {} -> EBUSY": set(),
    "signal {}": set(),
    "show {}": set(),
    "write {} enabled 1": set(),
    "module {} loaded": set(),
    "module m {{ {}, {} notrace }}": set(),
    "vmlinux {{ {} }}": set(),
    "task {}": set(),
    "task {} running in f": set(),
    "kthread {} in {} > {}:{} unreliable": set(),
    "arch {}": set(),
    "patch p {{ {} }}": set(),
    "patch p {{ {} sympos 2 immediate; {} immediate }}": set(),
    "patch p {{ {} {{ {}, {} sympos 2 }} }}": set(),
    "patch p {{ callbacks {} }}": {"immediate", "sympos", "srcversion"},
    "patch p {{ callbacks {} {{ pre_patch }} }}": {"immediate", "sympos", "srcversion"},
    "patch p {{ f sympos 2, {}, g immediate, {}, {} }}": set(),
    "patch p {{ callbacks vmlinux {{ pre_patch reads {} }} }}": set(),
    "patch p {{ relocations {} {{ {}, {}:{}, {} }} }}": {"immediate", "sympos", "srcversion"},
    "module m redirects {}, {}:{}, {} loaded": set(),
    "kthread k of {} in f": set(),
    "engines {} .. {}, {}, .. {}": set(),
    "shadow alloc {} 1": set(),
    "callbacks {} {} {{ pre_patch }}": set(),
    "t1: call {}, call {}:{}, syscall {}, fork {}": set(),
    "expect {} enabled = 1": {"no", "violation"},
    "expect p1 {} = 1": {"sees", "see", "patch_state"},
    "write p1 {} 1": set(),
    "expect p1 enabled = {}": set(),
    "expect {} patch_state = patched": {"no", "violation"},
    "expect t1 sees {} = {}": set(),
    "expect transition = {}": {"none"},
    "never {} enabled = 1": {"no", "violation"},
    "never {}": {"transition", "log"},
    "expect violation {}": set(),
    "interleave {{ {} {{ run }} }}": {"operator"},
    "interleave {{ operator {{ load {} }} }}": set(),
    "choose {{ {}: run, {}: call f, {}: run }} or {{ enable {} }}": set(),
}


def filled(place: str, word: str) -> str:
    return (
        place.replace("{{", "\0")
        .replace("}}", "\1")
        .replace("{}", word)
        .replace("\0", "{")
        .replace("\1", "}")
    )


@pytest.mark.parametrize("place", PLACES)
def test_a_keyword_as_a_name(place: str) -> None:
    for word in set(keywords()) - PLACES[place]:
        scenario = parse(filled(place, word))
        assert len(scenario.items) == 1
        assert word in _strings(scenario.items)
        # And it stays bare: quotes stand only where they are needed.
        assert '"' not in format_scenario(scenario)


@pytest.mark.parametrize("place", [place for place, words in PLACES.items() if words])
def test_quotes_make_a_name_of_any_keyword(place: str) -> None:
    for word in PLACES[place]:
        if place == "expect p1 {} = 1" or word == tree.OPERATOR:
            continue  # attributes are never quoted, and nobody is called operator
        scenario = parse(filled(place, f'"{word}"'))
        assert word in _strings(scenario.items)
        assert f'"{word}"' in format_scenario(scenario)


def _strings(part: object) -> set[str]:
    if isinstance(part, str):
        return {part}
    if isinstance(part, tuple):
        return {text for field in part for text in _strings(field)}
    return set()


def test_there_are_keywords() -> None:
    assert len(keywords()) > 60
    assert {"load", "patched", "post_unpatch", "scenario"} <= set(keywords())


def test_the_example() -> None:
    items = parse("patch task { f }; load task; task load in f; load: call f").items
    assert [type(item) for item in items] == [tree.PatchDecl, tree.Step, tree.TaskDecl, tree.Step]


@pytest.mark.parametrize(
    "text", ["load p1 immediately", "task t1 inf", "cpus 2nohz", "tick 1tick", "enable p1-"]
)
def test_a_keyword_ends_where_a_word_ends(text: str) -> None:
    if text == "enable p1-":
        assert "p1-" in _strings(parse(text).items)
        return
    with pytest.raises(ScenarioError):
        parse(text)


def test_a_name_that_begins_like_a_keyword() -> None:
    (item,) = parse("expect transition = nonesuch").items
    assert "nonesuch" in _strings(item)
