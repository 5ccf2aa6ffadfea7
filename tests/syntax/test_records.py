"""The stand-in for typing.NamedTuple behaves as the real one, as far as klpdsl uses it."""

import copy
import pickle

import pytest

from klpdsl.semantics.axes import Semantics
from klpdsl.semantics.engines import resolve
from klpdsl.syntax.diagnostics import Diagnostic
from klpdsl.syntax.tree import Enable, Span

SPAN = Span("x", 1, 2, 3, 4)


def test_it_is_a_tuple_with_names() -> None:
    assert SPAN == ("x", 1, 2, 3, 4)
    assert SPAN.line == 1
    assert SPAN._fields == ("source", "line", "column", "end_line", "end_column")
    assert SPAN._asdict() == {"source": "x", "line": 1, "column": 2, "end_line": 3, "end_column": 4}
    assert repr(SPAN) == "Span(source='x', line=1, column=2, end_line=3, end_column=4)"
    assert not hasattr(SPAN, "__dict__")


def test_fields_by_name_and_defaults() -> None:
    assert Enable(name="p", span=SPAN) == Enable("p", SPAN)
    assert Diagnostic(SPAN, "wrong") == (SPAN, "wrong", (), "")
    assert Diagnostic(SPAN, "wrong", hint="h").hint == "h"
    assert Diagnostic(SPAN, message="wrong", expected=("a",)).expected == ("a",)


def test_what_does_not_fit() -> None:
    with pytest.raises(TypeError, match=r"Enable.__new__\(\) missing 1 required positional argument: 'span'"):
        Enable("p")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Enable.__new__\(\) takes 3 positional arguments but 4 were given"):
        Enable("p", SPAN, 3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Enable.__new__\(\) got an unexpected keyword argument 'other'"):
        Enable("p", span=SPAN, other=1)  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        SPAN.line = 2  # type: ignore[misc]


def test_records_of_many_fields() -> None:
    """More fields than functions are kept ready for: the same, made in another way."""
    values = resolve("v4.14").semantics
    assert len(values) > 30
    named = values._asdict()
    assert Semantics(**named) == Semantics(*values) == values
    assert Semantics() == Semantics(*Semantics())
    with pytest.raises(TypeError, match=f"Semantics takes {len(values)} values, got {len(values) + 1}"):
        Semantics(*values, 1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Semantics has no field 'other' left to set"):
        Semantics(other=1)  # type: ignore[call-arg]


def test_a_changed_copy() -> None:
    assert SPAN._replace(line=9) == ("x", 9, 2, 3, 4)
    with pytest.raises(TypeError):
        SPAN._replace(other=1)  # type: ignore[call-arg]


def test_copies_and_pickles() -> None:
    node = Enable("p", SPAN)
    for again in (copy.copy(node), copy.deepcopy(node), pickle.loads(pickle.dumps(node))):
        assert again == node
        assert type(again) is Enable


def test_matching() -> None:
    match Enable("p", SPAN):
        case Enable(name, Span(line=line)):
            assert (name, line) == ("p", 1)
        case _:
            pytest.fail("no match")
