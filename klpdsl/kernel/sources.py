"""The C source of a scenario's modules: one for each patchable module, one for each patch.

A function of the scenario becomes a C function with a name of our own and the scenario's name as its symbol, so
that a function may be called like one of the kernel's (`read`, `schedule`). Namesakes in one module stand in
source files of their own, in the order in which they were declared: that is the order of their positions.
"""

from __future__ import annotations

import re
from pathlib import Path
from string import Template
from typing import NamedTuple

STAND_IN = "klpdsl_vmlinux"
"""The module that stands in for the core kernel: its functions cannot be ours, and cannot be made to sleep."""

GUEST = Path(__file__).parent / "guest"

MAX_MODULE_NAME = 55
MAX_NAME = 63
"""As long as the runtime's buffers for names are."""

_MODULE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_TEXT = re.compile(r"[ !#-\[\]-~]*")
#: Symbols of a module that are not the scenario's: the runtime's, what the templates define, what every module has.
_OWN_SYMBOL = re.compile(
    r"klprt_.*|sites|fn[0-9]+|part[0-9]+_(un)?register|target_(init|exit)|(init|cleanup)_module|__.*"
)
_OWN_MODULES = ("klprt", STAND_IN)

_TASK_NAME = re.compile(r"[!-~]+")


class Function(NamedTuple):
    """A function that a module has; `notrace`: it has no ftrace location."""

    name: str
    notrace: bool = False


class ModuleProbe(NamedTuple):
    """A kprobe that a module brings; `after`: with a post_handler, so that it claims the function."""

    object: str
    function: str
    position: int
    after: bool


class TargetModule(NamedTuple):
    """A patchable module; `init_error` is the errno's number with which its init fails (0: it does not)."""

    name: str
    functions: tuple[Function, ...]
    init_error: int = 0
    probes: tuple[ModuleProbe, ...] = ()


class PatchedFunction(NamedTuple):
    """A function that a patch replaces."""

    name: str
    sympos: int


class PatchedObject(NamedTuple):
    """An object that a patch names; `callbacks` are names with the errno's number they return (0: success)."""

    name: str
    functions: tuple[PatchedFunction, ...]
    callbacks: tuple[tuple[str, int], ...] = ()


class PatchModule(NamedTuple):
    """A livepatch module."""

    name: str
    objects: tuple[PatchedObject, ...]
    replace: bool = False
    marked: bool = True
    states: tuple[tuple[int, int], ...] = ()


class Source(NamedTuple):
    """A module as C: its name and its source files, in the order in which they are linked."""

    name: str
    parts: tuple[str, ...]


def module_name_problem(name: str) -> str:
    """Say why no module can be called so; empty if one can."""
    if not _MODULE_NAME.fullmatch(name):
        return f"a kernel module cannot be called '{name}'"
    if name in _OWN_MODULES:
        return f"'{name}' is the name of a module of our own in the guest"
    if len(name) > MAX_MODULE_NAME:
        return f"the name '{name}' is longer than a kernel module's can be ({MAX_MODULE_NAME})"
    return ""


def symbol_problem(name: str) -> str:
    """Say why no function can be called so; empty if one can."""
    if not _SYMBOL.fullmatch(name):
        return f"a C function cannot be called '{name}'"
    if _OWN_SYMBOL.fullmatch(name):
        return f"'{name}' is the name of something else in the guest's modules"
    return (
        f"the name '{name}' of a function is too long for the guest ({MAX_NAME})"
        if len(name) > MAX_NAME
        else ""
    )


def task_name_problem(name: str) -> str:
    """Say why no task can be called so; empty if one can."""
    if not _TASK_NAME.fullmatch(name):
        return f"a task cannot be called '{name}' here: its name would not survive the kernel's log"
    if len(name) > MAX_NAME:
        return f"the name '{name}' of a task is too long for the guest ({MAX_NAME})"
    return ""


def object_name_problem(name: str) -> str:
    """Say why no patch can name such an object; empty if one can. No module needs to be called so."""
    return "" if _TEXT.fullmatch(name) else f"'{name}' cannot be written in a patch's source"


def object_symbol(name: str) -> str:
    """Return the module that holds the functions of the object `name`."""
    return STAND_IN if name == "vmlinux" else name


def _template(name: str) -> Template:
    return Template((GUEST / name).read_text(encoding="utf-8"))


def _parts(functions: tuple[Function, ...]) -> list[list[tuple[Function, int]]]:
    """Deal the functions out, each with its position, so that no part holds two of one name."""
    parts: list[list[tuple[Function, int]]] = [[]]
    seen: dict[str, int] = {}
    for function in functions:
        position = seen[function.name] = seen.get(function.name, 0) + 1
        while len(parts) < position:
            parts.append([])
        parts[position - 1].append((function, position))
    return parts


def target_source(target: TargetModule) -> Source:
    """Return the C of a patchable module."""
    parts = []
    dealt = _parts(target.functions)
    for number, functions in enumerate(dealt):
        declarations = "".join(
            f'static noinline {"notrace " if function.notrace else ""}void fn{i}(void) asm("{function.name}");\n'
            for i, (function, _) in enumerate(functions)
        )
        sites = "".join(
            f'\t{{ "{_shown(target.name)}", "{function.name}", {position}, "original", fn{i} }},\n'
            for i, (function, position) in enumerate(functions)
        )
        bodies = "".join(
            f"static noinline void fn{i}(void)\n{{\n\tklprt_body(&sites[{i}]);\n\tKLPRT_NO_TAIL_CALL();\n}}\n\n"
            for i in range(len(functions))
        )
        parts.append(
            _template("target_part.c.in").substitute(
                declarations=declarations, sites=sites, bodies=bodies, number=number
            )
        )
    numbers = range(len(dealt))
    register = "".join(f"\tpart{n}_register();\n" for n in numbers)
    main = _template("target_main.c.in").substitute(
        declarations="".join(
            f"void part{n}_register(void);\nvoid part{n}_unregister(void);\n" for n in numbers
        ),
        # Of a module whose init fails nothing may be known afterwards: its memory goes.
        register="" if target.init_error else _attaching(target.probes) + register,
        result=-target.init_error,
        unregister="".join(f"\tpart{n}_unregister();\n" for n in numbers)
        + "".join(f"\t{_probing('detach', probe)};\n" for probe in target.probes),
    )
    return Source(target.name, (*parts[:-1], f"{parts[-1]}\n{main}"))


def _attaching(probes: tuple[ModuleProbe, ...]) -> str:
    """The C that sets the probes, or none of them."""
    if not probes:
        return ""
    lines = ["\tint err;\n\n"]
    for count, probe in enumerate(probes):
        undone = "".join(f"\t\t{_probing('detach', one)};\n" for one in probes[:count])
        lines.append(f"\terr = {_probing('attach', probe)};\n\tif (err) {{\n{undone}\t\treturn err;\n\t}}\n")
    return "".join(lines)


def _probing(verb: str, probe: ModuleProbe) -> str:
    after = "true" if probe.after else "false"
    return f'klprt_{verb}("{probe.object}", "{probe.function}", {probe.position}, {after})'


def _shown(module: str) -> str:
    """Return the name of the object as the scenario knows it."""
    return "vmlinux" if module == STAND_IN else module


def patch_source(patch: PatchModule) -> Source:
    """Return the C of a livepatch module."""
    functions = ""
    tables = ""
    objects = ""
    new = 0
    for index, patched in enumerate(patch.objects):
        rows = ""
        for function in patched.functions:
            functions += (
                f'static const struct klprt_site site{new} = {{ "{patched.name}", "{function.name}", '
                f'{function.sympos or 1}, "{patch.name}" }};\n'
                f"static noinline void new{new}(void)\n"
                f"{{\n\tklprt_body(&site{new});\n\tKLPRT_NO_TAIL_CALL();\n}}\n\n"
            )
            sympos = f", .old_sympos = {function.sympos}" if function.sympos else ""
            rows += f'\t{{ .old_name = "{function.name}", .new_func = new{new}{sympos} }},\n'
            new += 1
        tables += f"static struct klp_func funcs{index}[] = {{\n{rows}\t{{ }}\n}};\n\n"
        callbacks = ""
        for name, errno in patched.callbacks:
            kind, give = ("int", "return ") if name == "pre_patch" else ("void", "")
            functions += (
                f"static {kind} {name}{index}(struct klp_object *object)\n{{\n"
                f'\t{give}klprt_callback("{patch.name}", "{patched.name}", "{name}", {-errno});\n}}\n\n'
            )
            callbacks += f" .callbacks.{name} = {name}{index},"
        objects += f'\t{{ .name = "{object_symbol(patched.name)}", .funcs = funcs{index},{callbacks} }},\n'
    states = "".join(f"\t{{ .id = {id_}, .version = {version} }},\n" for id_, version in patch.states)
    text = _template("patch.c.in").substitute(
        functions=functions,
        tables=tables,
        objects=f"static struct klp_object objects[] = {{\n{objects}\t{{ }}\n}};\n\n" if objects else "",
        states=f"static struct klp_state states[] = {{\n{states}\t{{ }}\n}};\n\n" if states else "",
        use_states=" .states = states," if states else "",
        # A patch of nothing has no list of objects at all, which is not the same as an empty one.
        use_objects=" .objs = objects," if patch.objects else "",
        replace="true" if patch.replace else "false",
        mark='MODULE_INFO(livepatch, "Y");\n' if patch.marked else "",
    )
    return Source(patch.name, (text,))
