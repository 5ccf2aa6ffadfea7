"""What people write out of habit, from the shell or another language, and what it is called here."""

from __future__ import annotations

import re

_SYSFS = re.compile(r"""["']?(?:/sys/kernel/(?:livepatch|kgraft|kpatch)/)?([\w.-]+)/(\w+)["']?\s*$""")
_ECHO = re.compile(r"""echo\s+["']?(\S+?)["']?\s*>+\s*(\S.*)$""")
_SHELL = ("sudo", "&&", "$", "#")
_WRITES = {
    ("enabled", "1"): "enable {0}",
    ("enabled", "0"): "disable {0}",
    ("force", "1"): "force {0}",
    ("signal", "1"): "signal {0}",
}
#: Marks that git leaves where two branches changed the same lines.
_CONFLICT = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
_SUCCESS = frozenset({"ok", "success", "successful", "true", "pass", "passed", "done", "fine", "none"})


def command(line: str) -> str:
    """Return the hint for a statement that is a command of the shell; an empty text for any other."""
    words = line.split()
    while words and words[0] in _SHELL:
        words = words[1:]
    if not words:
        return ""
    first, rest = words[0], words[1:]
    name = _module(rest)
    if first in {"insmod", "modprobe"}:
        return f"`load {name}` inserts a module"
    if first in {"rmmod", "delete_module"}:
        return f"`unload {name}` removes a module"
    if first == "echo":
        return _written(" ".join(words))
    if first in {"cat", "ls", "find", "tree", "grep"}:
        found = _SYSFS.search(line)
        return f"`show {found[1]}` shows what sysfs has of it" if found else "`show` shows what sysfs has"
    if first in {"sleep", "usleep", "wait"}:
        seconds = next((word for word in rest if word.isdecimal()), "1")
        return f"`tick {seconds}` lets {'a second' if seconds == '1' else f'{seconds} seconds'} pass"
    if first in {"dmesg", "journalctl"}:
        return '`expect log "text"` looks for a line of the log'
    if first == "kpatch" and rest[:1] in (["load"], ["unload"]):
        return f"`{rest[0]} {_module(rest[1:])}`"
    return ""


def mark(text: str, offset: int) -> str:
    """Return the hint for a mark that stands there and means nothing here; an empty text where none is known."""
    if text.startswith(_CONFLICT, offset) and text[text.rfind("\n", 0, offset) + 1 : offset].strip() == "":
        return "a mark of a merge conflict: git left both sides in the file, and one has to go"
    if text.startswith(("//", "/*", "--"), offset):
        return "a comment begins with `#`"
    if text.startswith(("&&", "||"), offset) or text[offset : offset + 1] in {"&", "|"}:
        return "statements follow one another behind `;` or on new lines"
    return ""


def result(word: str) -> str:
    """Return the hint for a word that somebody took for a step's result."""
    return "success is `0`" if word.lower() in _SUCCESS else ""


def _module(words: list[str]) -> str:
    path = next((word for word in words if not word.startswith("-")), "p1")
    return path.rpartition("/")[2].removesuffix(".ko").replace("-", "_").rstrip(";") or "p1"


def _written(line: str) -> str:
    echo = _ECHO.match(line)
    found = _SYSFS.match(echo[2]) if echo else None
    if echo is None or found is None:
        return '`write p1 enabled "1"` writes into a patch\'s attribute'
    form = _WRITES.get((found[2], echo[1]))
    written = form.format(found[1]) if form else f'write {found[1]} {found[2]} "{echo[1]}"'
    return f"in a scenario that is `{written}`"
