"""Damaged inputs out of sound ones, the same for the same number: bytes, words and lines, and values of other types."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

#: What has broken readers before: ends of texts, orders for terminals and runners, numbers, paths.
PIECES = (
    b'"', b"'", b"\n", b"\r", b"{", b"}", b"[", b"]", b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xae",
    b"::error::x", b"\n::stop-commands::x\n", b"\x1b[2J", b"-1", b"9" * 30, b"7" * 5_000, b"\\", b"#", b"@", b"%s",
    b"<<<<<<< ours\n", b"=======\n", b">>>>>>> theirs\n", b"../../victim", b"/dev/zero", b"\xc2\xa0", b"=", b",",
)  # fmt: skip

DEEP = "\ufdd0deep"
"""Stands for something that nests without end; see `_deep`."""

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2, 2**63, 10**30, 1.5, 1e308, float("nan"), float("inf"), "", "x", "v5.1", "0",
    "::error::x", "\x1b[2J\x07", "../../victim", "goldens/../../victim", ".klpdsl/lock", "goldens", "/dev/zero", "a\0b",
    "\u202e", "\ud800", "x" * 300, "x" * 5_000, [], {}, [None], [1], [[]], {"x": 1}, {"": ""}, ["x", "y"], [{}], DEEP,
)  # fmt: skip


def of_bytes(data: bytes, chance: Random) -> bytes:
    """The same with a few bytes changed, taken out, doubled, put in, or cut off."""
    bytes_ = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        at, length = chance.randrange(len(bytes_) + 1), chance.randrange(1, 20)
        match chance.randrange(6):
            case 0:
                bytes_[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del bytes_[at : at + length]
            case 2:
                bytes_[at:at] = bytes_[at : at + length] * chance.randrange(1, 40)
            case 3 | 4:
                bytes_[at:at] = chance.choice(PIECES)
            case _:
                del bytes_[at:]
    return bytes(bytes_)


def of_words(data: bytes, chance: Random, others: Sequence[bytes]) -> bytes:
    """The same with lines moved, doubled and taken out, and words that are some other example's."""
    lines = data.split(b"\n")
    for _ in range(chance.randrange(1, 6)):
        other = chance.choice(others).split(b"\n")
        at = chance.randrange(len(lines) + 1)
        match chance.randrange(6):
            case 0:
                lines[at:at] = [chance.choice(other)] * chance.choice((1, 1, 2, 30))
            case 1:
                del lines[at : at + chance.randrange(1, 4)]
            case 2:
                chance.shuffle(lines[at : at + 5])
                lines[at:at] = lines[at : at + chance.randrange(1, 5)]
            case _:
                if at < len(lines):
                    lines[at] = _another_word(lines[at], chance.choice(other), chance)
    return b"\n".join(lines)


_WORDS = re.compile(rb"[\w.-]+|\s+|[^\w\s]")


def _another_word(line: bytes, other: bytes, chance: Random) -> bytes:
    words, source = _WORDS.findall(line), _WORDS.findall(other) or [b"x"]
    at = chance.randrange(len(words) + 1)
    words[at : at + chance.randrange(2)] = [chance.choice((*source, *PIECES))]
    return b"".join(words)


def of_values(value: Any, chance: Random) -> Any:
    """The same with a value of another type somewhere, a key that is missing, new or another, or entries moved."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        value = _altered(value, chance, depth=chance.randrange(7))
    return value


def _altered(value: Any, chance: Random, depth: int) -> Any:
    odd = chance.choice(ODD)
    if isinstance(value, dict) and value and depth:
        return _altered_table(value, chance, depth, odd)
    if isinstance(value, list) and value and depth:
        at = chance.randrange(len(value))
        match chance.randrange(8):
            case 0:
                return value[:at] + value[at + 1 :]
            case 1:
                return value + [value[at]] * chance.choice((1, 50))
            case 2:
                return [*value, odd]
        return [*value[:at], _altered(value[at], chance, depth - 1), *value[at + 1 :]]
    if isinstance(value, str) and chance.randrange(3) == 0:
        return of_bytes(value.encode("utf-8", "surrogatepass"), chance).decode("utf-8", "replace")
    return odd


def _altered_table(value: dict[str, Any], chance: Random, depth: int, odd: Any) -> dict[str, Any]:
    key = chance.choice(list(value))
    match chance.randrange(12):
        case 0:
            return {name: one for name, one in value.items() if name != key}
        case 1:
            return {**value, chance.choice(("x", "", "kind", "__class__", "\x1b")): odd}
        case 2:
            return {(f"{name}s" if name == key else name): one for name, one in value.items()}
        case 3:
            return {**value, key: value[chance.choice(list(value))]}
    return {**value, key: _altered(value[key], chance, depth - 1)}


def _deep(text: str, chance: Random) -> str:
    depth = chance.choice((20, 900, 3_000, 100_000))
    return text.replace(json.dumps(DEEP), "[" * depth + "]" * depth)


def as_json(value: Any, chance: Random) -> bytes:
    return _deep(json.dumps(value), chance).encode()


def as_json_lines(value: Any, chance: Random) -> bytes:
    lines = value if isinstance(value, list) else [value]
    return b"".join(as_json(line, chance) + b"\n" for line in lines)


def as_toml(value: Any, chance: Random) -> bytes:
    if not isinstance(value, dict):
        value = {"x": value}
    lines = [f"{_toml(str(key))} = {_toml(one)}\n" for key, one in value.items() if one is not None]
    return _deep("".join(lines), chance).encode()


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        inside = (f"{_toml(str(key))} = {_toml(one)}" for key, one in value.items() if one is not None)
        return f"{{ {', '.join(inside)} }}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value if one is not None)}]"
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    return json.dumps(str(value)).replace("\x7f", "\\u007f")


def from_json_lines(data: bytes) -> Any:
    return [json.loads(line) for line in data.splitlines()]


def from_toml(data: bytes) -> Any:
    return tomllib.loads(data.decode())


Reader = Callable[[bytes], Any]
Writer = Callable[[Any, Random], bytes]
#: How a form of files becomes values, and values become a file.
VALUES: dict[str, tuple[Reader, Writer]] = {
    "json": (json.loads, as_json),
    "json lines": (from_json_lines, as_json_lines),
    "toml": (from_toml, as_toml),
}


def damaged(examples: Sequence[bytes], form: str, chance: Random) -> bytes:
    """One of the examples, damaged; `form` is `text`, `bytes`, or one of `VALUES`."""
    data = chance.choice(examples)
    if form in VALUES and chance.randrange(4):
        read, write = VALUES[form]
        data = write(of_values(read(data), chance), chance)
        return of_bytes(data, chance) if chance.randrange(6) == 0 else data
    if form == "text" and chance.randrange(4):
        data = of_words(data, chance, examples)
        return of_bytes(data, chance) if chance.randrange(6) == 0 else data
    return of_bytes(data, chance)
