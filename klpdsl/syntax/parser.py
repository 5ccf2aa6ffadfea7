"""The lark parser of `grammar/klp.lark`, made at most once per process and its tables at most once per grammar."""

from __future__ import annotations

import io
import sys

import lark

from klpdsl import _cache
from klpdsl._resources import grammar_path

_TABLES = "tables"

_made: list[lark.Lark] = []


def lark_parser() -> lark.Lark:
    """Return the parser."""
    if not _made:
        _made.append(_make())
    return _made[0]


def _make() -> lark.Lark:
    with open(grammar_path(), encoding="utf-8") as file:
        grammar = file.read()
    # What lark saves is a pickle of its own objects.
    key = _cache.digest(lark.__version__.encode(), sys.version.encode(), grammar.encode())
    saved = _cache.load(_TABLES, key)
    if isinstance(saved, bytes):
        return lark.Lark.load(io.BytesIO(saved))
    made = lark.Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)
    buffer = io.BytesIO()
    made.save(buffer)
    _cache.store(_TABLES, key, buffer.getvalue())
    return made
