"""The shape of the project: who may import whom, and what a module may look like (docs/architecture.md)."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "klpdsl"
MODULES = sorted(PACKAGE.rglob("*.py"))

_FLOW = {"syntax", "world", "semantics", "trace", "engine", "run", "goldens"}
_ABOVE_CLI = _FLOW | {
    "bisect",
    "compare",
    "describe",
    "dmesg",
    "explore",
    "kernel",
    "reasons",
    "selftest",
    "separate",
    "view",
}

# Which rooms a room may import. A room that is not here may import none and be imported by none: add it, here and in
# docs/architecture.md, when it is built. Modules `klpdsl/_*.py` are the ground that every room stands on, and import
# no room.
MAY_IMPORT: dict[str, set[str]] = {
    "syntax": set(),
    "world": set(),
    "semantics": {"world"},
    "trace": set(),
    "engine": {"world", "semantics", "trace"},
    "run": {"syntax", "world", "semantics", "trace", "engine"},
    "goldens": _FLOW - {"goldens"},
    "bisect": _FLOW,
    "compare": _FLOW,
    "describe": {"syntax"},
    "explore": _FLOW,
    "kernel": _FLOW,
    "dmesg": _FLOW - {"goldens"} | {"kernel", "reasons", "separate"},
    "reasons": _FLOW - {"goldens"},
    "selftest": _FLOW - {"goldens"} | {"kernel"},
    "separate": _FLOW - {"goldens"} | {"bisect"},
    "view": _FLOW - {"goldens"},
    "cli": _ABOVE_CLI,
    "pytest_plugin": _ABOVE_CLI,
    "__main__": {"cli"},
    "api": _FLOW | {"compare"},
    "__init__": {"api"},
}

# What is not in the standard library, and the only rooms that may import it.
THIRD_PARTY: dict[str, set[str]] = {
    "lark": {"syntax"},
    "deepdiff": {"trace", "goldens"},
    "textual": {"cli"},
    "rich": {"cli"},
    "shtab": {"cli"},
    "elftools": {"describe"},
    "pytest": {"pytest_plugin"},
    "_pytest": {"pytest_plugin"},
}

# The inner rooms of a room, from the ground up: what stands in one may import what stands before it, and itself.
INNER_ROOMS: dict[str, list[str]] = {
    "goldens": ["suite", "storage", "runs", "causes", "checking", "deciding", "reporting", "with_git"],
}

MAX_LINES = 500


def room_of(module: Path) -> str:
    """Return the room that a module of klpdsl belongs to: its folder, or its own name at the top."""
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def is_ground(room: str) -> bool:
    return room.startswith("_") and room not in MAY_IMPORT


def imported_names(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the absolute name of all that `source`, a module of `package`, imports, however deep.

    `from a import b` gives `a.b`: whether b is a module or a value can not be told, and the rules do not ask.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                parents = parents[: len(parents) - (node.level - 1)]
                base = ".".join([*parents, base]) if base else ".".join(parents)
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"
        elif isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            name = node.args[0]
            if (
                called in {"import_module", "__import__"}
                and isinstance(name, ast.Constant)
                and isinstance(name.value, str)
            ):
                yield node.lineno, name.value


def offences(source: str, room: str, package: str, rooms: set[str]) -> list[str]:
    """Return the imports in `source` that a module of `room`, in `package`, may not have."""
    found = []
    for line, name in imported_names(source, package):
        top, _, rest = name.partition(".")
        if top != "klpdsl":
            if top not in sys.stdlib_module_names and room not in THIRD_PARTY.get(top, set()):
                found.append(f"line {line}: {room} may not import {top}")
            continue
        target = rest.partition(".")[0]
        if target in rooms and target != room and target not in MAY_IMPORT.get(room, set()):
            found.append(f"line {line}: {room} may not import klpdsl.{target}")
    return found


def all_rooms() -> set[str]:
    return {room for room in map(room_of, MODULES) if not is_ground(room)} | set(MAY_IMPORT)


def dotted_package(module: Path) -> str:
    return ".".join(module.parent.relative_to(ROOT).parts)


def name(module: Path) -> str:
    return str(module.relative_to(ROOT))


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_imports_go_one_way(module: Path) -> None:
    room = room_of(module)
    assert is_ground(room) or room in MAY_IMPORT, f"klpdsl/{room} is a room that nobody has put in its place"
    assert offences(module.read_text(encoding="utf-8"), room, dotted_package(module), all_rooms()) == []


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("syntax", "import klpdsl.engine.core"),
        ("syntax", "from klpdsl import engine"),
        ("syntax", "from .. import engine"),
        ("syntax", "from ..engine import core"),
        ("syntax", "def f():\n    from klpdsl.engine.core import step"),
        ("syntax", "if TYPE_CHECKING:\n    from klpdsl.run import Interpreter"),
        ("syntax", "import_module('klpdsl.engine')"),
        ("engine", "import klpdsl.syntax"),
        ("engine", "from klpdsl.run import Interpreter"),
        ("trace", "import klpdsl.world"),
        ("bisect", "import klpdsl.explore"),
        ("kernel", "import klpdsl.bisect"),
        ("goldens", "import klpdsl.cli.check"),
        ("cli", "import klpdsl.pytest_plugin"),
        ("_resources", "import klpdsl.syntax"),
        ("engine", "import lark"),
        ("run", "import pytest"),
        ("cli", "import numpy"),
    ],
)
def test_a_forbidden_import_is_seen(room: str, source: str) -> None:
    assert len(offences(source, room, f"klpdsl.{room}", all_rooms())) == 1


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("engine", "import os, klpdsl.world.state"),
        ("engine", "from klpdsl.trace.events import Event"),
        ("engine", "from . import core\nfrom .core import step\nfrom ..world import World"),
        ("syntax", "from klpdsl import __version__, _resources\nimport lark.lexer"),
        ("cli", "from klpdsl.goldens.storage import store"),
    ],
)
def test_an_allowed_import_is_not(room: str, source: str) -> None:
    assert offences(source, room, f"klpdsl.{room}", all_rooms()) == []


def test_the_table_has_no_cycle() -> None:
    placed: set[str] = set()
    while placed != set(MAY_IMPORT):
        ready = {room for room, below in MAY_IMPORT.items() if below <= placed} - placed
        assert ready, f"these import each other: {sorted(set(MAY_IMPORT) - placed)}"
        placed |= ready


def circles() -> set[frozenset[str]]:
    """The sets of modules that import each other, imports inside functions included."""
    names = {".".join(module.relative_to(ROOT).with_suffix("").parts): module for module in MODULES}
    below: dict[str, set[str]] = {}
    for module, path in names.items():
        wanted = {imported for _, imported in imported_names(path.read_text("utf-8"), dotted_package(path))}
        found = {one if one in names else one.rpartition(".")[0] for one in wanted}
        below[module] = {one for one in found if one in names and one != module}
    reached = {module: set(others) for module, others in below.items()}
    grown = True
    while grown:
        grown = False
        for others in reached.values():
            more = set().union(*(reached[one] for one in others)) - others
            others.update(more)
            grown = grown or bool(more)
    return {
        frozenset(one for one in others if module in reached[one])
        for module, others in reached.items()
        if module in others
    }


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circles() == set()


@pytest.mark.parametrize("room", sorted(INNER_ROOMS))
def test_inner_rooms_stand_upon_each_other(room: str) -> None:
    order = INNER_ROOMS[room]
    found = []
    for module in sorted((PACKAGE / room).rglob("*.py")):
        inner = module.relative_to(PACKAGE / room).parts[0].removesuffix(".py")
        if inner == "__init__":
            continue
        assert inner in order, f"klpdsl/{room}/{inner} is an inner room that nobody has put in its place"
        for line, imported in imported_names(module.read_text("utf-8"), dotted_package(module)):
            target = imported.removeprefix(f"klpdsl.{room}.").partition(".")[0]
            if imported.startswith(f"klpdsl.{room}.") and order.index(target) > order.index(inner):
                found.append(f"{name(module)}:{line}: {inner} may not import {target}")
    assert found == []


# A statement, and the event that says that it was done, have one word. Both are named through their modules
# (`tree.Call`, `events.Call`).
STATEMENT_AND_EVENT = {"Call", "Callback", "Enter", "Expect", "Return"}

# Modules of one name in two rooms, and what each is about. None may be added.
NAMESAKES = {
    "conditions": {"run", "syntax"},  # when one holds; its node and its words
    "explain": {"semantics", "syntax"},  # why an engine is as it is; what the parser's complaint means
    "spelling": {"semantics", "syntax"},  # of an axis's value; of a mistyped word
    "wording": {"syntax", "view"},  # of a statement; of a picture's cell
}


def test_a_public_class_is_the_only_one_of_its_name() -> None:
    places: dict[str, list[str]] = {}
    for module in MODULES:
        for node in ast.parse(module.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(f"{name(module)}:{node.lineno}")
    several = {word: found for word, found in places.items() if len(found) > 1}
    excused = {word for word in STATEMENT_AND_EVENT if len(several.get(word, ())) == 2}
    assert excused == STATEMENT_AND_EVENT, "what has one class now needs no exception"
    assert {word: found for word, found in several.items() if word not in excused} == {}


def test_a_module_is_the_only_one_of_its_name() -> None:
    rooms: dict[str, set[str]] = {}
    for module in MODULES:
        # A command's module has the command's name.
        if module.name != "__init__.py" and room_of(module) != "cli":
            rooms.setdefault(module.stem, set()).add(str(module.parent.relative_to(PACKAGE)))
    assert {word: found for word, found in rooms.items() if len(found) > 1} == NAMESAKES


def handled(module: Path) -> Iterator[tuple[int, str]]:
    """The errors that the except clauses of a module name, each with its line."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            for named in ast.walk(node.type) if node.type else ():
                if isinstance(named, ast.Name | ast.Attribute):
                    yield node.lineno, named.id if isinstance(named, ast.Name) else named.attr


def test_commands_leave_their_ends_to_the_ladder() -> None:
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    known = {"KlpdslError", "BrokenPipeError", "Exception"}
    while grown := {word for word, of in bases.items() if of & (known - {"Exception"})} - known:
        known |= grown
    assert len(known) > 10
    found = [
        f"{name(module)}:{line}: {word} is klpdsl.cli.common.guard's"
        for module in sorted((PACKAGE / "cli").glob("*.py"))
        if module.name != "common.py"
        for line, word in handled(module)
        if word in known
    ]
    assert found == []


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_can_be_read_in_one_sitting(module: Path) -> None:
    lines = len(module.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{name(module)} has {lines} lines; split it by concern ({MAX_LINES} at most)"


@pytest.mark.parametrize("folder", sorted({module.parent for module in MODULES}), ids=name)
def test_a_room_says_what_it_is_for(folder: Path) -> None:
    init = folder / "__init__.py"
    assert init.is_file(), f"{name(folder)} holds modules and is no package"
    docstring = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) or ""
    title, _, paragraph = docstring.partition("\n\n")
    assert title, f"{name(init)} needs a docstring"
    assert len(paragraph) >= 80, (
        f"{name(init)}: after its first line, say in a paragraph what the room is for"
    )


def test_the_command_starts_without_the_heavy_libraries() -> None:
    heavy = ["lark", "deepdiff", "importlib.metadata", "importlib.resources"]
    code = f"import sys, klpdsl.__main__, klpdsl._resources; print([m for m in {heavy} if m in sys.modules])"
    # -S: what an environment's .pth files import at start is not klpdsl's doing.
    isolated = [sys.executable, "-S", "-c", code]
    shown = subprocess.run(isolated, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert shown == "[]\n"


MACHINE_PATH = re.compile(r"(?<![\w.$}~*-])/(?:home|root|Users|mnt|work)/[\w.]")


def test_nothing_mentions_somebodys_machine() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: no list of the project's files")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    found = []
    for path in filter(None, listed.split("\0")):
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        found += [f"{path}: {hit.group()}" for hit in MACHINE_PATH.finditer(text)]
    assert found == []
