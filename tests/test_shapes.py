"""Plain data out of a file is held against a shape, and what does not fit is named."""

from typing import Any

import pytest

from klpdsl._shapes import Escaped, ShapeError, check

SHAPE: dict[Any, Any] = {
    "name": str,
    "count?": int,
    "tags": [str],
    "by": {str: bool},
    "path?": Escaped,
    "sizes?": {Escaped: int},
    "text": (int, None),
    "at": ({"x": int}, None),
}
SOUND: dict[str, Any] = {"name": "a", "tags": ["b"], "by": {"c": True}, "text": None, "at": {"x": 1}}


def test_what_fits_is_let_through() -> None:
    check(SOUND, SHAPE)
    check({**SOUND, "count": 3, "text": 2, "at": None, "tags": [], "by": {}}, SHAPE)
    check({**SOUND, "path": "a\udcff", "sizes": {"\udc80": 1}}, SHAPE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": 1}, "`name` should be a text, and is a whole number, 1"),
        ({"name": None}, "`name` should be a text, and is nothing"),
        ({"count": True}, "`count` should be a whole number, and is true or false"),
        ({"tags": "b"}, "`tags` should be a list, and is a text, 'b'"),
        ({"tags": ["b", {}]}, "`tags[1]` should be a text, and is a table"),
        ({"by": {"c": 1}}, "`by.c` should be true or false, and is a whole number, 1"),
        ({"text": 1.5}, "`text` should be a whole number or nothing, and is a number, 1.5"),
        ({"at": {"x": "y"}}, "`at` should be a table or nothing, and is a table"),
        ({"name": "\udcff"}, r"`name` should be a text, and is none that can be written, '\udcff'"),
        ({"path": "\ud800"}, r"`path` should be a text, and is none that can be written, '\ud800'"),
        (
            {"by": {"\ud800": True}},
            r"`a name in by` should be a text, and is none that can be written, '\ud800'",
        ),
        ({"nme": "a"}, "there should be no `nme`"),
    ],
)
def test_what_does_not_is_named(change: dict[str, object], said: str) -> None:
    with pytest.raises(ShapeError) as error:
        check({**SOUND, **change}, SHAPE)
    assert str(error.value) == said


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ShapeError, match="there is no `name`"):
        check({key: value for key, value in SOUND.items() if key != "name"}, SHAPE)
    with pytest.raises(ShapeError, match=r"`\.` should be a table, and is a list"):
        check([], SHAPE)
