"""The parts of statements: functions as they are named and declared, and what stands in a patch's braces."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple, TypeAlias

    from klpdsl.syntax.place import Span
else:
    from klpdsl._records import NamedTuple


class FunctionRef(NamedTuple):
    """A function as a statement names it: `f`, `ext4:read`, or `ext4:read sympos 2` for a later namesake."""

    object: str | None
    name: str
    sympos: int
    span: Span


class FunctionDecl(NamedTuple):
    """A function of vmlinux or of a module. Naming it twice declares two symbols of that name.

    `notrace` functions have no ftrace location: they cannot be patched.
    """

    name: str
    notrace: bool
    span: Span


class PatchFunction(NamedTuple):
    """A function that a patch replaces. `sympos` is 0 when not written (the name must then be unique)."""

    name: str
    sympos: int
    immediate: bool
    span: Span


class PatchObject(NamedTuple):
    """`ext4 { read sympos 2 }` in a patch; `srcversion` is that of the build that is meant, empty for any."""

    name: str
    srcversion: str
    functions: tuple[PatchFunction, ...]
    span: Span


CallbackName: TypeAlias = "Literal['pre_patch', 'post_patch', 'pre_unpatch', 'post_unpatch']"
CALLBACK_NAMES: tuple[CallbackName, ...] = ("pre_patch", "post_patch", "pre_unpatch", "post_unpatch")


class Callback(NamedTuple):
    """`pre_patch fails ENODEV`; `errno` is empty when it succeeds. Only pre_patch can fail.

    `post_patch reads p1`: it uses what the patch p1 keeps; `reads` is empty when it uses nobody else's data.
    `pre_patch takes timer`, `post_unpatch gives timer`: it gets hold of a thing, or gives it back; empty for nothing.
    """

    name: CallbackName
    errno: str
    reads: str
    takes: str
    gives: str
    span: Span


class PatchCallbacks(NamedTuple):
    """`callbacks ext4 { … }`; with no braces `callbacks` is None: all four, succeeding."""

    object: str
    callbacks: tuple[Callback, ...] | None
    span: Span


class PatchState(NamedTuple):
    """`state 1 version 2`: a system state (struct klp_state) that the patch changes.

    What was proposed in 2025 goes on: `block_disable` (it can not be given up), `shadow` (shadow variables of its id
    live as long as it does), and callbacks of its own; `callbacks` is None where no braces stand.
    """

    id: int
    version: int
    block_disable: bool
    shadow: bool
    callbacks: tuple[Callback, ...] | None
    span: Span


class PatchRelocations(NamedTuple):
    """`relocations ext4 { read, vmlinux:printk }` in a patch: its code for ext4 names those symbols.

    They are the relocations that livepatch has to write. A symbol without an object is one of the object's own.
    """

    object: str
    symbols: tuple[FunctionRef, ...]
    span: Span


PatchItem: TypeAlias = "PatchFunction | PatchObject | PatchCallbacks | PatchState | PatchRelocations"


class PatchBody(NamedTuple):
    """What stands in a patch's braces, in the order written."""

    items: tuple[PatchItem, ...]
    span: Span


class PatchFlag(NamedTuple):
    """`immediate`, `replace`, or `unmarked` (its module lacks the modinfo entry livepatch=Y), or one of proposals.

    Those are `replaceable`, `irreplaceable`, and three that have the `numbers` of sets: `replace_set 7`,
    `replace_sets 0 9` (its own first), `override_replace_sets 1` (a parameter of its module).
    """

    name: str
    numbers: tuple[int, ...]
    span: Span
