"""What holds for any set of changes and axes."""

import contextlib
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from klpdsl.semantics.checks import RULES, check_axes
from klpdsl.semantics.engines import ancestors, canonical, expand, resolve
from klpdsl.semantics.explain import history
from klpdsl.semantics.lineage import lineage
from klpdsl.semantics.points import all_names
from klpdsl.semantics.records import EngineError
from klpdsl.semantics.spelling import spell
from klpdsl.semantics.table import change, order, table
from klpdsl.semantics.tabulate import allowed_values

NAMES = [node.name for node in lineage()]
CHANGES = st.sets(st.sampled_from(order()))
SETTINGS = st.lists(
    st.sampled_from(
        [f"{axis}={spell(value)}" for axis, values in allowed_values().items() for value in values]
    )
)


def closure(wanted: set[str]) -> set[str]:
    """What `wanted` takes in addition so that nothing lacks what it requires."""
    closed = set(wanted)
    for name in reversed(order()):
        if name in closed:
            for group in change(name).requires:
                alternatives = group.split("|")
                if not closed.intersection(alternatives):
                    closed.add(alternatives[0])
    return closed


@settings(deadline=None)
@given(CHANGES)
def test_any_set_of_changes_that_is_closed_under_requires_resolves(wanted: set[str]) -> None:
    closed = closure(wanted)
    at_root = set(resolve("v4.0").changes)
    engine = resolve("v4.0", with_changes=closed, without_changes=at_root - closed)
    assert set(engine.changes) == closed
    assert engine.changes == tuple(name for name in order() if name in closed)
    assert resolve(engine.name) == engine


@settings(deadline=None)
@given(CHANGES)
def test_any_other_set_is_refused_with_both_names(wanted: set[str]) -> None:
    closed = closure(wanted)
    at_root = set(resolve("v4.0").changes)
    try:
        engine = resolve("v4.0", with_changes=wanted, without_changes=at_root - wanted)
    except EngineError as error:
        lacking, _, rest = str(error).partition(" needs ")
        needed = rest.partition(", and ")[0].split(" or ")
        assert lacking in wanted
        assert wanted.isdisjoint(needed)
        assert "|".join(needed) in change(lacking).requires
    else:
        assert set(engine.changes) == wanted == closed


@settings(deadline=None)
@given(st.sampled_from(NAMES), SETTINGS)
def test_settings_resolve_or_are_refused_and_names_come_back(name: str, chosen: list[str]) -> None:
    try:
        engine = resolve(name, chosen)
    except EngineError:
        return
    assert resolve(engine.name) == engine
    assert canonical(engine.name) == engine.name
    check_axes(engine.semantics, str)
    for setting in chosen:
        axis, _, word = setting.partition("=")
        if [other for other in chosen if other.startswith(f"{axis}=")][-1] == setting:
            assert spell(getattr(engine.semantics, axis)) == word


@settings(deadline=None)
@given(st.sampled_from(all_names()))
def test_known_names_come_back(name: str) -> None:
    engine = resolve(name)
    assert resolve(engine.name) == engine
    assert expand(name) == (engine.name,)


@settings(deadline=None)
@given(st.sampled_from(NAMES))
def test_ancestors_are_the_bases_one_after_the_other(name: str) -> None:
    engine = resolve(name)
    walked = []
    while engine.base:
        walked.append(engine.base)
        engine = resolve(engine.base)
    assert ancestors(name) == tuple(walked)
    assert engine.kind == "root"


@settings(deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from(sorted(allowed_values())))
def test_history_ends_with_the_value_an_axis_has(name: str, axis: str) -> None:
    engine = resolve(name)
    steps = history(engine, axis)
    assert steps[-1].value == getattr(engine.semantics, axis)
    assert all(older.value != newer.value for older, newer in itertools.pairwise(steps))


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_text_is_more_than_unknown(text: str) -> None:
    for parse in (resolve, expand):
        with contextlib.suppress(EngineError):
            parse(text)


@settings(deadline=None)
@given(st.sampled_from(all_names()), st.text(alphabet="v0123456789.~@+^,=abcdef-/ ", max_size=12))
def test_names_with_something_behind_them(name: str, more: str) -> None:
    with contextlib.suppress(EngineError):
        engine = resolve(name + more)
        assert resolve(engine.name) == engine


def test_rules_name_axes_and_values_that_exist() -> None:
    allowed = table()["allowed"]
    for rule in RULES:
        assert set(rule.values) <= set(allowed[rule.axis])
        assert set(rule.needed) <= set(allowed[rule.needs])
