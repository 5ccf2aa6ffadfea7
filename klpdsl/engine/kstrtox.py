"""What is written into a file of sysfs, as the kernel reads it: lib/kstrtox.c."""

from __future__ import annotations


def digit(text: str) -> bool | None:
    """kstrtoul(buf, 10, &val), and only 0 or 1 after that."""
    stripped = text.removesuffix("\n").removeprefix("+")
    if not stripped.isascii() or not stripped.isdigit() or int(stripped) > 1:
        return None
    return int(stripped) == 1


def kstrtobool(text: str) -> bool | None:
    """kstrtobool() (lib/kstrtox.c): the first character decides, for `o` the second."""
    first = text[:1]
    if first in ("y", "Y", "1"):
        return True
    if first in ("n", "N", "0"):
        return False
    if first in ("o", "O"):
        return {"n": True, "N": True, "f": False, "F": False}.get(text[1:2])
    return None
