"""The nodes of what a module's own code does, of which livepatch knows nothing; `tree.py` offers them as its own."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple

    from klpdsl.syntax.tree import Callback, FunctionRef, Span
else:
    from klpdsl._records import NamedTuple


class PatchRelocations(NamedTuple):
    """`relocations ext4 { read, vmlinux:printk }` in a patch: its code for ext4 names those symbols.

    They are the relocations that livepatch has to write. A symbol without an object is one of the object's own.
    """

    object: str
    symbols: tuple[FunctionRef, ...]
    span: Span


class SetCallbacks(NamedTuple):
    """`callbacks p1 ext4 { pre_patch fails ENODEV }`: from now on those callbacks of the object end like that."""

    name: str
    object: str
    callbacks: tuple[Callback, ...]
    span: Span


class Shadow(NamedTuple):
    """`shadow alloc inode 7 "data"`: a call of klp_shadow_alloc() and its like, by whatever code has reason to.

    `object` is empty for `free_all`. `data` is what the variable gets (None: nothing), and `constructor` the errno
    of the constructor that gives it (`0` when it succeeds, empty when there is none). `destructor`: freeing calls one.
    """

    verb: Literal["get", "alloc", "get_or_alloc", "free", "free_all"]
    object: str
    id: int
    data: str | None
    constructor: str
    destructor: bool
    span: Span
