"""The lark parser of `grammar/klp.lark`, made at most once per process and its tables at most once per grammar."""

from __future__ import annotations

import lark

from klpdsl._resources import grammar_path

_made: list[lark.Lark] = []


def lark_parser() -> lark.Lark:
    """Return the parser."""
    if not _made:
        with open(grammar_path(), encoding="utf-8") as file:
            _made.append(
                lark.Lark(file.read(), parser="lalr", propagate_positions=True, maybe_placeholders=False)
            )
    return _made[0]
