"""The three ways in which livepatch modules are made, and where each of them says what it patches.

- By hand: `struct klp_patch` in the module's data (include/linux/livepatch.h), which leads to its objects, and those to
  their functions. Of the structures only the fields that an author fills in are read; what the kernel keeps behind
  them differs by release and configuration, and so does where the next entry of an array begins.
- kpatch-build: a flat list, `.kpatch.funcs`, of which the module's init makes those structures
  (kmod/patch/kpatch-patch.h and livepatch-patch-hook.c).
- klp-build (v6.19): `struct klp_object_ext` (include/linux/livepatch_external.h), likewise (scripts/livepatch/init.c).
"""

from __future__ import annotations

from itertools import pairwise

from klpdsl._names import VMLINUX
from klpdsl.describe.elf_file import DescribeError, Spot
from klpdsl.syntax.parts import CALLBACK_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from klpdsl.describe.elf_file import ModuleFile
else:
    from klpdsl._records import NamedTuple

_LARGEST_SYMPOS = 1 << 16
"""More namesakes than a kernel has; before v4.5 an address stood in that place."""

_BY_HAND = "hand: struct klp_patch"
_OBJECT_EXT = 64
_FUNC_EXT = 24


class FoundFunction(NamedTuple):
    """A function that is replaced: struct klp_func's old_name, old_sympos, and immediate (v4.12 to v4.15)."""

    name: str
    sympos: int
    immediate: bool


class FoundObject(NamedTuple):
    """An object: its name (vmlinux where struct klp_object has none), functions, and the callbacks that it has."""

    name: str
    functions: tuple[FoundFunction, ...]
    callbacks: tuple[str, ...]


class WhatIsPatched(NamedTuple):
    """What a module patches: `made_by` what, its objects in the kernel's order, states by id, and its flags.

    `notes` say what the file does not tell, or tells otherwise than one might think.
    """

    made_by: str
    objects: tuple[FoundObject, ...]
    states: tuple[tuple[int, int], ...]
    replace: bool
    immediate: bool
    notes: tuple[str, ...]


def find(module: ModuleFile) -> WhatIsPatched:
    """Return what a module patches. Raises `DescribeError` where it is none of those, or damaged."""
    if (at := module.section(".kpatch.funcs")) is not None:
        return _kpatch_build(module, at)
    for name in (".init.klp_objects", "__klp_objects"):
        if (at := module.section(name)) is not None:
            return _klp_build(module, at)
    return _by_hand(module)


# --- by hand --------------------------------------------------------------------------------------------------


def _by_hand(module: ModuleFile) -> WhatIsPatched:
    owned = module.pointers_to("__this_module")
    enables = module.imports("klp_enable_patch")
    wrong: list[DescribeError] = []
    found = [(place, entries) for place in owned if (entries := _objects_of(module, place, wrong))]
    if not found:
        if wrong and enables:
            raise wrong[0]
        empty = [place for place in owned if _is_empty_patch(module, place)]
        if enables and len(empty) == 1:
            return WhatIsPatched(_BY_HAND, (), (), False, False, ("its struct klp_patch has no objects",))
        what = "no struct klp_patch is in its data"
        if enables:
            raise DescribeError(f"{what}: its init makes one, and what that says is known when it runs")
        raise DescribeError(f"{what}, and it does not call klp_enable_patch(): it is no livepatch module")
    patch, entries = found[0]
    notes = []
    if len(found) > 1:
        notes.append(
            f"it has {len(found)} of struct klp_patch; this is the first, and only one can be enabled"
        )
    # klp_register_patch() went with v5.1, in which `replace` came; `immediate` was there from v4.12 to v4.15.
    before_5_1 = module.imports("klp_register_patch")
    states: tuple[tuple[int, int], ...] = ()
    replace = immediate = False
    third, fourth = _after(patch, 16), _after(patch, 24)
    if before_5_1:
        immediate = _flag(module, third)
    elif (listed := module.points_to(third)) is not None:
        states = _states(module, listed)
        replace = _flag(module, fourth)
    else:
        # `replace` stood third up to v5.4, and behind `states` from v5.5 on.
        replace = _flag(module, third) or _flag(module, fourth)
    if any(map(module.is_named_by_code, (third, fourth))) and not before_5_1:
        notes.append(
            "its init writes `replace` (a parameter of the module may say it); this is what its data says"
        )
    objects = tuple(_object(module, entry, before_5_1, notes) for entry in entries)
    return WhatIsPatched(_BY_HAND, objects, states, replace, immediate, tuple(dict.fromkeys(notes)))


def _after(place: Spot, offset: int) -> Spot:
    return Spot(place.section, place.offset + offset)


def _flag(module: ModuleFile, place: Spot) -> bool:
    """A bool; False where the structure is so short that it has none."""
    if place.offset >= module.sections[place.section].size:
        return False
    return module.number(place, 1) == 1


def _objects_of(module: ModuleFile, place: Spot, wrong: list[DescribeError]) -> list[_Entry]:
    """The objects of a struct klp_patch; none where what begins with a pointer to the module is another structure.

    What speaks against one that leads to data goes into `wrong`.
    """
    objects = _data(module, _after(place, 8))
    if objects is None:
        return []
    try:
        found = _objects(module, objects)
        for entry in found:
            _functions(module, entry.functions)
    except DescribeError as error:
        wrong.append(error)
        return []
    return found


def _is_empty_patch(module: ModuleFile, place: Spot) -> bool:
    """Whether it may be a struct klp_patch without objects: nothing but its owner is set, and code passes it on."""
    return module.pointers_within(place, module.end_of(place)) == [place] and module.is_named_by_code(place)


class _Entry(NamedTuple):
    """A struct klp_object: where it begins, and where its name and its functions are."""

    start: Spot
    name: Spot | None
    functions: Spot
    callbacks: Spot


def _data(module: ModuleFile, place: Spot) -> Spot | None:
    """Where a pointer leads to, if that is data."""
    found = module.points_to(place)
    return found if found is not None and not module.is_code(found) else None


def _objects(module: ModuleFile, start: Spot) -> list[_Entry]:
    """The entries of an array of struct klp_object. Raises `DescribeError` for what is none.

    Of what an author fills in, name and functions are pointers to data, and callbacks are pointers to code: each entry
    is known by the former two, of which vmlinux has no name.
    """
    # Up to v4.6 a pointer to relocations stands before the one to the functions.
    funcs = 16 if _data(module, _after(start, 16)) else 8
    entries: list[_Entry] = []
    for place in module.pointers_within(start, module.end_of(start)):
        if (entries and place.offset <= entries[-1].start.offset + funcs) or _data(module, place) is None:
            continue
        named = _data(module, _after(place, funcs)) is not None
        entry = place if named else _after(place, -funcs)
        functions = module.points_to(_after(entry, funcs))
        assert functions is not None
        entries.append(_Entry(entry, module.points_to(entry), functions, _after(entry, funcs + 8)))
    _check(module, start, [entry.start for entry in entries])
    return entries


def _functions(module: ModuleFile, start: Spot) -> list[Spot]:
    """The entries of an array of struct klp_func: each begins with its only pointer to data, the name."""
    pointers = module.pointers_within(start, module.end_of(start))
    entries = [place for place in pointers if _data(module, place) is not None]
    if entries:
        _check(module, start, entries)
        module.named_at(entries[0])
    return entries


def _check(module: ModuleFile, start: Spot, entries: list[Spot]) -> None:
    """An array begins where it begins, and its entries are alike in size."""
    offsets = [entry.offset for entry in entries]
    strides = {after - before for before, after in pairwise(offsets)}
    if not offsets or offsets[0] != start.offset or len(strides) > 1:
        name = module.sections[start.section].name
        raise DescribeError(f"damaged: at offset {start.offset} of {name} stands no array of structures")


def _object(module: ModuleFile, entry: _Entry, old: bool, notes: list[str]) -> FoundObject:
    functions = tuple(_function(module, place, old, notes) for place in _functions(module, entry.functions))
    name = module.text(entry.name) if entry.name else VMLINUX
    return FoundObject(name, functions, _callbacks(module, entry.callbacks))


def _callbacks(module: ModuleFile, start: Spot) -> tuple[str, ...]:
    """Which callbacks a struct klp_callbacks has: pointers, in the order of their names."""
    return tuple(
        name for i, name in enumerate(CALLBACK_NAMES) if module.points_to(_after(start, 8 * i)) is not None
    )


def _function(module: ModuleFile, place: Spot, old: bool, notes: list[str]) -> FoundFunction:
    name = module.named_at(place)
    sympos = module.number(_after(place, 16), 8)
    if sympos > _LARGEST_SYMPOS:
        notes.append(f"{name} is chosen by its address {sympos:#x}, as up to v4.4, and not by a position")
        sympos = 0
    return FoundFunction(name, sympos, old and _flag(module, _after(place, 24)))


def _states(module: ModuleFile, start: Spot) -> tuple[tuple[int, int], ...]:
    """An array of struct klp_state: id, version, data; an id of 0 ends it."""
    states: list[tuple[int, int]] = []
    end = module.end_of(start)
    for offset in range(start.offset, end - 15, 24):
        number = module.number(Spot(start.section, offset), 8)
        if number == 0:
            break
        states.append((number, module.number(Spot(start.section, offset + 8), 4)))
    return tuple(states)


# --- by tools -------------------------------------------------------------------------------------------------

_REPLACES = "that it replaces is the default of {}, and decided in its init: its data does not say"


def _kpatch_build(module: ModuleFile, section: int) -> WhatIsPatched:
    """Entries of struct kpatch_patch_func, and of struct kpatch_pre_patch_callback and so on."""
    livepatch = module.imports("klp_enable_patch")
    # Each entry has a pointer to code and two to strings; `sympos`, before them, came in 2016.
    pointers = module.pointers_within(Spot(section, 0), module.sections[section].size)
    starts = pointers[::3]
    objects: dict[str, tuple[list[FoundFunction], list[str]]] = {}
    for number, start in enumerate(starts):
        here = pointers[3 * number : 3 * number + 3]
        if (
            len(here) < 3
            or here[2].offset - here[1].offset != 8
            or here[1].offset - start.offset not in (32, 40)
        ):
            raise DescribeError("damaged: .kpatch.funcs holds no struct kpatch_patch_func")
        name, owner = map(module.named_at, here[1:])
        has_position = here[1].offset - start.offset == 40
        sympos = module.number(_after(start, 32), 8) if has_position else 0
        functions, _ = objects.setdefault(owner, ([], []))
        functions.append(FoundFunction(name, sympos, False))
    for callback in CALLBACK_NAMES:
        at = module.section(f".kpatch.callbacks.{callback}")
        if at is None:
            continue
        both = module.pointers_within(Spot(at, 0), module.sections[at].size)
        for place in both[1::2]:
            objects.setdefault(module.named_at(place), ([], []))[1].append(callback)
    # Its init puts each object, and each function of one, before those that it already has.
    found = tuple(
        FoundObject(name, tuple(reversed(functions)), tuple(callbacks))
        for name, (functions, callbacks) in reversed(objects.items())
    )
    if livepatch:
        simple = not module.imports("klp_register_patch")
        notes = (_REPLACES.format("kpatch-build"),) if simple else ()
        return WhatIsPatched("kpatch-build", found, (), simple, False, notes)
    note = "it is for kpatch's own core module, and not for livepatch: see the engine kpatch-core"
    return WhatIsPatched("kpatch-build", found, (), False, False, (note,))


def _klp_build(module: ModuleFile, section: int) -> WhatIsPatched:
    """Entries of struct klp_object_ext, which lead to as many of struct klp_func_ext as they say."""
    size = module.sections[section].size
    if size == 0 or size % _OBJECT_EXT:
        raise DescribeError(f"damaged: {module.sections[section].name} holds no whole struct klp_object_ext")
    objects = []
    for offset in range(0, size, _OBJECT_EXT):
        entry = Spot(section, offset)
        name, functions = module.points_to(entry), module.points_to(_after(entry, 8))
        count = module.number(_after(entry, 56), 4)
        if (
            functions is None
            or count * _FUNC_EXT > module.sections[functions.section].size - functions.offset
        ):
            raise DescribeError(f"damaged: an object with {count} functions that are not there")
        found = tuple(
            FoundFunction(module.named_at(place), module.number(_after(place, 16), 8), False)
            for place in (_after(functions, _FUNC_EXT * i) for i in range(count))
        )
        callbacks = _callbacks(module, _after(entry, 16))
        objects.append(FoundObject(module.text(name) if name else VMLINUX, found, callbacks))
    return WhatIsPatched("klp-build", tuple(objects), (), True, False, (_REPLACES.format("klp-build"),))
