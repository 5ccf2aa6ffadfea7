"""Each event is declared once, and everything that has a row for each event has one for this event too."""

import ast
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klpdsl.goldens.causes.difference import first_difference, names_in, shape
from klpdsl.goldens.causes.structure import structural
from klpdsl.kernel.observable import lines_of, visible_steps
from klpdsl.trace import events as ev
from klpdsl.trace.forms import DECLARED, Form, form_of
from klpdsl.trace.jsonl import event_record, from_jsonl, to_jsonl
from klpdsl.trace.reading import TraceError, from_text
from klpdsl.trace.text import event_text, to_text

ROOT = Path(__file__).resolve().parents[2]
FORMS = [(cls, form) for cls, declared in DECLARED.items() for form in declared.forms]

_EXAMPLES: dict[str, Any] = {
    "number": st.integers(-2, 9),
    "names": st.lists(st.sampled_from(["p1", "p2:nop", "a b"]), max_size=3).map(tuple),
    "verdict": st.booleans(),
    "level": st.sampled_from(ev.LEVELS),
    "errno": st.sampled_from(["0", "EBUSY"]),
    "word": st.sampled_from(["patched", "get"]),
    "path": st.sampled_from(["p1/enabled", "p 1/x", "p1/"]),
    "directory": st.sampled_from(["p1/", "p 1/"]),
    "name": st.text(max_size=5) | st.sampled_from(["p1", "t1", "two words", "]", '"']),
    "rest": st.text(max_size=8) | st.sampled_from(["a (got b)", ": ", "gone", "NULL", " x", '"q"', ")"]),
}


def named(cls: type[Any], form: Form) -> str:
    return f"{cls.__name__}-{form.pattern}"


@st.composite
def values(draw: st.DrawFn, cls: type[Any], form: Form) -> Any:
    """A value that has this form."""
    drawn = {slot.field: draw(_EXAMPLES[slot.holds]) for slot in form.slots}
    value = cls(**drawn, **form.fixed)
    # A free text that happens to be what another form is for is written as that one.
    return value if form_of(value) is form else draw(values(cls, form))


def step(event: Any) -> ev.Trace:
    if isinstance(event, ev.Result):
        return ev.Trace((ev.StepTrace(1, 0, "show", (), event),))
    if isinstance(event, ev.Expect):
        return ev.Trace((ev.StepTrace(1, 0, "show", (), ev.Result("0"), (event,)),))
    return ev.Trace((ev.StepTrace(1, 0, "show", (event,), ev.Result("0")),))


def test_every_event_is_declared_and_nothing_else_is() -> None:
    assert set(DECLARED) == {*get_args(ev.Event), ev.Result}
    classes = [
        node
        for node in ast.parse(Path(ev.__file__).read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]
    undeclared = {node.name for node in classes if not node.decorator_list}
    assert undeclared == {"StepTrace", "Trace"}, "an event without a declaration"


@pytest.mark.parametrize(("cls", "form"), FORMS, ids=lambda value: getattr(value, "pattern", ""))
def test_a_form_speaks_of_fields_that_are_there(cls: type[Any], form: Form) -> None:
    assert form.fields <= set(cls._fields)
    assert 0 <= DECLARED[cls].about <= len(cls._fields)
    without = [
        field for field in cls._fields[: len(cls._fields) - len(cls._defaults)] if field not in form.fields
    ]
    assert not without, "a field that the form does not speak of needs a default"


@pytest.mark.parametrize(("cls", "form"), FORMS, ids=lambda value: getattr(value, "pattern", ""))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_room_knows_every_form(cls: type[Any], form: Form, data: st.DataObject) -> None:
    value = data.draw(values(cls, form))
    trace = step(value)
    assert from_text(to_text(trace)) == trace
    assert from_jsonl(to_jsonl(trace)) == trace
    other = data.draw(values(cls, form))
    assert bool(structural(trace, step(other))) == (value != other)
    found = first_difference(trace, step(other))
    assert (found is not None) == (value != other)
    if found is not None:
        assert shape(found, names_in(trace, step(other)))
    visible_steps(trace)


@pytest.mark.parametrize("cls", DECLARED, ids=lambda cls: cls.__name__)
def test_a_difference_in_names_alone_is_one_class(cls: type[Any]) -> None:
    """One rule that does the same to p1 and to p2, in two scenarios, differs from its goldens by one shape."""
    shapes = set()
    for name in ("alpha", "beta"):
        forms = [form for form in DECLARED[cls].forms if any(slot.holds == "name" for slot in form.slots)]
        for form in forms[:1]:
            drawn = {slot.field: name if slot.holds == "name" else _PLAIN[slot.holds] for slot in form.slots}
            event = cls(**drawn, **form.fixed)
            without, with_it = (
                ev.Trace((ev.StepTrace(1, 0, "x", (), None),)),
                ev.Trace((ev.StepTrace(1, 0, "x", (event,), None),)),
            )
            found = first_difference(without, with_it)
            assert found is not None
            shapes.add(shape(found, names_in(with_it)))
    assert len(shapes) <= 1, shapes


_PLAIN: dict[str, Any] = {
    "number": 1,
    "names": ("p1",),
    "level": "notice",
    "errno": "0",
    "word": "patched",
    "path": "p1/enabled",
    "rest": "x",
    "verdict": True,
}


@pytest.mark.parametrize("cls", DECLARED, ids=lambda cls: cls.__name__)
def test_what_a_real_kernel_shows_of_an_event_is_compared_with_it(cls: type[Any]) -> None:
    """`outside` says what the comparison with a real kernel looks at; what is declared as seen is looked at."""
    outside = DECLARED[cls].outside
    form = DECLARED[cls].forms[-1]
    event = cls(
        **{slot.field: _PLAIN[slot.holds] if slot.holds != "name" else "a" for slot in form.slots},
        **form.fixed,
    )
    if cls in (ev.Result, ev.Expect):
        return
    before = (ev.ModuleRefs("a", 3),) if cls is ev.ModuleGone else ()
    text = "show" if outside == "shown" else "load a"
    start = ev.StepTrace(1, 0, "x", before, ev.Result("0"))

    def seen(*events: ev.Event) -> list[tuple[str, ...]]:
        trace = ev.Trace((start, ev.StepTrace(2, 0, text, events, ev.Result("0"))))
        return [lines_of(one) for one in visible_steps(trace)]

    assert (seen() != seen(event)) == (outside != "never")


def _rows() -> dict[str, str]:
    """The table of docs/trace.md: each text form with its names taken out, and its JSON fields."""
    found = {}
    for line in (ROOT / "docs" / "trace.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 3:
            text = re.sub(r"\[P …\]", "[_]", cells[0].strip("`"))
            found[re.sub(r"\b[A-Z]+\b", "_", text)] = cells[1]
    return found


@pytest.mark.parametrize(("cls", "form"), FORMS, ids=lambda value: getattr(value, "pattern", ""))
def test_the_document_has_a_row_for_every_form(cls: type[Any], form: Form) -> None:
    declared = DECLARED[cls]
    head = "=" if cls is ev.Result else declared.kind
    directory = any(slot.holds == "directory" for slot in form.slots)
    skeleton = re.sub(r"\b[A-Z]+\b", "_", f"{head} {form.skeleton}") + ("/" if directory else "")
    rows = _rows()
    assert skeleton in rows, f"docs/trace.md has no row for `{declared.kind} {form.skeleton}`"
    event = cls(**{slot.field: _PLAIN.get(slot.holds, "a/") for slot in form.slots}, **form.fixed)
    fields = [key for key in event_record(event, 1) if key not in ("kind", "step")]
    assert sorted(re.findall(r"`([a-z]+)`", rows[skeleton])) == sorted(fields)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("call t1 vmlinux f", "expected `call TASK OBJECT FUNCTION -> CODE`, found 't1 vmlinux f'"),
        (
            "module m lost",
            "expected `module MODULE refs REFS` or `module MODULE loaded` or `module MODULE gone`",
        ),
        ("log loud x", "expected `log LEVEL TEXT`"),
        ("calls t1", "no event is called 'calls'"),
        ('call "t1 vmlinux f -> p1', "expected `call"),
        ('call "\\q" vmlinux f -> p1', "a quoted text does not end"),
    ],
)
def test_what_is_no_event_is_told_with_what_was_expected(line: str, said: str) -> None:
    with pytest.raises(TraceError) as error:
        from_text(f"# klpdsl trace 1\n\n1 show\n    {line}\n  = 0\n")
    assert error.value.line == 4
    assert said in str(error.value)
    assert event_text(ev.ModuleGone("m")) == "module m gone"


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ('{"kind": "step", "step": 1, "text": null}', "`text` should be a text, and is nothing"),
        ('{"kind": "step", "step": 1, "text": "a", "line": "2"}', "`line` should be a whole number"),
        ('{"kind": "step", "step": 1, "text": "a", "more": 1}', "there should be no `more`"),
        ('{"kind": "step", "step": "1", "text": "a"}', "`step` should be a whole number"),
        (
            """{"kind": "step", "step": 1, "text": "a"}
{"kind": "hook", "step": 1, "object": "vmlinux", "function": "f", "stack": [null]}""",
            "`stack[0]` should be a text, and is nothing",
        ),
    ],
)
def test_a_record_of_another_type_is_no_trace(record: str, said: str) -> None:
    with pytest.raises(TraceError, match=re.escape(said)):
        from_jsonl(f'{{"kind": "header", "trace": 1}}\n{record}\n')
