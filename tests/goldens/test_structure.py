"""The structural difference of two traces: whatever they are, something is said exactly when they differ."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klpdsl.goldens.causes.difference import first_difference, names_in, shape
from klpdsl.goldens.causes.structure import structural
from klpdsl.trace import events as ev

NAMES = st.sampled_from(["p1", "p2", "t1", "f", "g"])
EVENTS = st.one_of(
    st.builds(ev.Log, st.sampled_from(["notice", "debug"]), NAMES),
    st.builds(ev.ModuleRefs, NAMES, st.integers(-1, 3)),
    st.builds(ev.ModuleLoaded, NAMES),
    st.builds(ev.Sysfs, NAMES.map(lambda name: name + "/"), st.sampled_from(["", None])),
    st.builds(ev.Hook, st.just("vmlinux"), NAMES, st.lists(NAMES, max_size=3).map(tuple)),
    st.builds(ev.Call, NAMES, st.just("vmlinux"), NAMES, NAMES),
    st.builds(ev.Return, NAMES, st.just("vmlinux"), NAMES, NAMES),
    st.builds(ev.Blocked, NAMES, st.just("running")),
    st.builds(ev.Blocked, NAMES, st.just("sleeping"), NAMES, NAMES, NAMES),
)


@st.composite
def traces(draw: st.DrawFn) -> ev.Trace:
    steps = []
    for number in range(1, draw(st.integers(0, 3)) + 1):
        events = tuple(draw(st.lists(EVENTS, max_size=6)))
        result = ev.Result(draw(st.sampled_from(["0", "EBUSY"])))
        checks = tuple(ev.Expect("x", ok, "y") for ok in draw(st.lists(st.booleans(), max_size=2)))
        steps.append(ev.StepTrace(number, number, draw(NAMES), events, result, checks))
    return ev.Trace(tuple(steps))


@settings(max_examples=300, deadline=None)
@given(traces(), traces())
def test_something_is_said_exactly_when_traces_differ(old: ev.Trace, new: ev.Trace) -> None:
    lines = structural(old, new)
    found = first_difference(old, new)
    # Two events of different types may hold the same fields: then the tuples are equal, and the traces are not.
    same = repr(old) == repr(new)
    assert (lines == []) == same
    assert (found is None) == same
    if found:
        assert shape(found, names_in(old, new))


LOG = ev.Log("notice", "a")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ([LOG], [ev.Log("notice", "b")], ["log 1: text: 'a' -> 'b'"]),
        (
            [LOG, ev.ModuleRefs("m", 1)],
            [ev.ModuleRefs("m", 1)],
            ["event 1 went: log level='notice' text='a'"],
        ),
        (
            [ev.ModuleRefs("m", 1)],
            [LOG, ev.ModuleRefs("m", 2)],
            ["event 1 came: log", "module 2: refs: 1 -> 2"],
        ),
        ([ev.Hook("v", "f", ("a", "b"))], [ev.Hook("v", "f", ("b",))], ["hook 1: stack went: 'a'"]),
        (
            [LOG, ev.ModuleLoaded("m"), ev.ModuleLoaded("n")],
            [ev.ModuleLoaded("m"), ev.ModuleLoaded("n"), LOG],
            ["event moved from 1 to 3: log level='notice' text='a'"],
        ),
    ],
)
def test_what_is_said(old: list[ev.Event], new: list[ev.Event], said: list[str]) -> None:
    def trace(events: list[ev.Event]) -> ev.Trace:
        return ev.Trace((ev.StepTrace(1, 1, "load p1", tuple(events), ev.Result("0")),))

    lines = structural(trace(old), trace(new))
    assert len(lines) == len(said)
    for line, wanted in zip(lines, said, strict=True):
        assert line.startswith(f"step 1: {wanted}")
