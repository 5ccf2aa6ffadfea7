"""Random scenarios for Hypothesis.

`scenarios()` are trees of everything that can be written, whatever it means. `sound_texts()` are texts whose names
all mean something: what can run. `disguised(text)` are other ways of writing the same.
"""

from __future__ import annotations

import re
from typing import Literal, TypeVar

from hypothesis import strategies as st

from klpdsl._resources import grammar_path
from klpdsl.syntax import tree
from klpdsl.syntax.tree import Span

T = TypeVar("T")
NOWHERE = Span("random", 1, 1, 1, 1)


def keywords() -> tuple[str, ...]:
    """Every word that is a keyword somewhere."""
    with open(grammar_path(), encoding="utf-8") as file:
        lines = [line for line in file if " END_OF_WORD" in line]
    return tuple(word for line in lines for word in re.findall(r'"([a-z_]+)"', line))


# --- words --------------------------------------------------------------------------------------------------------

_plain = st.sampled_from(["f", "g", "p1", "p2", "t1", "t2", "ext4", "nfs", "v4.12", "a-b", "x.y", "_", "A9"])
_printable = st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"], include_characters=" ")
_texts = st.text(st.characters(exclude_categories=["Cc", "Cs"], include_characters="\n\t"), max_size=12)


def names() -> st.SearchStrategy[str]:
    """Anything that can be a name: the usual, keywords, what only quotes make one."""
    odd = st.text(_printable, min_size=1, max_size=8).filter(str.isprintable)
    return st.one_of(_plain, _plain, st.sampled_from(keywords()), odd)


_numbers = st.integers(0, 1000)
_errnos = st.sampled_from(["EBUSY", "EINVAL", "ENODEV", "EWOULDBLOCK"])
_directories = st.sampled_from(["vmlinux", "vmlinux/f", "ext4/read,1"])
_attributes = st.sampled_from(
    ["enabled", "refs", "transition", "replace", "vmlinux/patched", "vmlinux/f,1", "no"]
)


# --- parts --------------------------------------------------------------------------------------------------------


def functions() -> st.SearchStrategy[tree.FunctionRef]:
    """Functions as statements name them."""
    return st.builds(
        tree.FunctionRef, st.none() | names(), names(), st.sampled_from([0, 0, 1, 2]), st.just(NOWHERE)
    )


def _several(
    strategy: st.SearchStrategy[T], least: int = 0, most: int = 4
) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(strategy, min_size=least, max_size=most).map(tuple)


_patch_functions = st.builds(
    tree.PatchFunction, names(), st.sampled_from([0, 0, 2]), st.booleans(), st.just(NOWHERE)
)
_callbacks = st.builds(
    tree.Callback,
    st.sampled_from(tree.CALLBACK_NAMES),
    st.just("") | _errnos,
    st.just("") | names(),
    st.just("") | names(),
    st.just("") | names(),
    st.just(NOWHERE),
)
_state_callbacks = st.builds(
    tree.Callback,
    st.sampled_from(tree.CALLBACK_NAMES),
    st.just("") | _errnos,
    st.just(""),
    st.just(""),
    st.just(""),
    st.just(NOWHERE),
)
_patch_items = st.one_of(
    _patch_functions,
    st.builds(
        tree.PatchObject, names(), st.sampled_from(["", "A"]), _several(_patch_functions), st.just(NOWHERE)
    ),
    st.builds(tree.PatchCallbacks, names(), st.none() | _several(_callbacks), st.just(NOWHERE)),
    st.builds(tree.PatchRelocations, names(), _several(functions()), st.just(NOWHERE)),
    st.builds(
        tree.PatchState,
        _numbers,
        _numbers,
        st.booleans(),
        st.booleans(),
        st.none() | _several(_state_callbacks),
        st.just(NOWHERE),
    ),
)
_bodies = st.none() | st.builds(tree.PatchBody, _several(_patch_items, most=5), st.just(NOWHERE))
_plain_flags = st.sampled_from(["immediate", "replace", "unmarked", "replaceable", "irreplaceable"])
_numbered_flags = st.sampled_from(["replace_sets", "override_replace_sets"])
_flags = _several(
    st.builds(tree.PatchFlag, _plain_flags, st.just(()), st.just(NOWHERE))
    | st.builds(tree.PatchFlag, st.just("replace_set"), st.tuples(_numbers), st.just(NOWHERE))
    | st.builds(tree.PatchFlag, _numbered_flags, _several(_numbers, least=1), st.just(NOWHERE)),
    most=3,
)
_declared_functions = _several(
    st.builds(tree.FunctionDecl, names(), st.booleans(), st.just(NOWHERE)), most=30
)


@st.composite
def _engine_ranges(draw: st.DrawFn) -> tree.EngineRange:
    first = draw(st.just("") | names())
    last = draw(names() if not first else st.just("") | st.just(first) | names())
    return tree.EngineRange(first, last, NOWHERE)


def headers() -> st.SearchStrategy[tree.Item]:
    """Statements of the header."""
    return st.one_of(
        st.builds(tree.Title, _texts, st.just(NOWHERE)),
        st.builds(tree.Engines, _several(_engine_ranges(), least=1), st.just(NOWHERE)),
        st.builds(tree.Import, _texts, st.just(NOWHERE)),
    )


@st.composite
def _tasks(draw: st.DrawFn) -> tree.TaskDecl:
    kinds: list[Literal["user", "kthread"]] = ["user", "kthread"]
    kind = draw(st.sampled_from(kinds))
    owner = draw(st.just("") | names()) if kind == "kthread" else ""
    stack = draw(_several(functions()))
    return tree.TaskDecl(
        draw(names()),
        kind,
        owner,
        draw(st.booleans()),
        stack,
        draw(st.booleans()),
        draw(st.booleans()),
        tuple(flag for flag in tree.TASK_FLAGS if kind == "user" and draw(st.booleans())),
        NOWHERE,
    )


def declarations() -> st.SearchStrategy[tree.Item]:
    """Statements that say what world there is."""
    return st.one_of(
        st.builds(tree.VmlinuxDecl, _declared_functions, st.just(NOWHERE)),
        st.builds(
            tree.ModuleDecl,
            names(),
            _declared_functions,
            _several(functions()),
            _several(functions()),
            st.just(False),
            st.just("") | _errnos,
            st.just("") | names(),
            st.sampled_from(["", "A", '0 "1']),
            st.just(NOWHERE),
        ),
        st.builds(
            tree.ModuleDecl,
            names(),
            _declared_functions,
            st.just(()),
            st.just(()),
            st.just(True),
            st.just(""),
            st.just(""),
            st.just(""),
            st.just(NOWHERE),
        ),
        _tasks(),
        st.builds(tree.ContendedDecl, st.integers(1, 1000), st.just(NOWHERE)),
        st.builds(tree.CpusDecl, st.integers(1, 64), st.booleans(), st.just(NOWHERE)),
        st.builds(tree.ArchDecl, names(), st.just(NOWHERE)),
        st.builds(tree.PatchDecl, names(), _flags, _bodies, st.just(NOWHERE)),
    )


def actions() -> st.SearchStrategy[tree.Action]:
    """What a task does."""
    verbs: list[Literal["run", "sleep", "resched", "freeze", "switchpoint", "continue"]]
    verbs = ["run", "sleep", "resched", "freeze", "switchpoint", "continue"]
    return st.one_of(
        st.builds(tree.Call, functions(), st.just(NOWHERE)),
        st.builds(tree.Return, st.just(NOWHERE)),
        st.builds(tree.Syscall, st.none() | functions(), st.just(NOWHERE)),
        st.builds(tree.Enter, functions(), st.just(NOWHERE)),
        st.builds(tree.Simple, st.sampled_from(verbs), st.just(NOWHERE)),
        st.builds(tree.Fork, names(), st.booleans(), st.just(NOWHERE)),
        st.builds(tree.Exit, st.booleans(), st.just(NOWHERE)),
    )


@st.composite
def _shadows(draw: st.DrawFn) -> tree.Shadow:
    verbs: list[Literal["get", "alloc", "get_or_alloc", "free", "free_all"]]
    verbs = ["get", "alloc", "get_or_alloc", "free", "free_all"]
    verb = draw(st.sampled_from(verbs))
    made = "alloc" in verb
    return tree.Shadow(
        verb,
        "" if verb == "free_all" else draw(names()),
        draw(_numbers),
        draw(st.none() | _texts) if made else None,
        draw(st.sampled_from(["", "0", "ENOMEM"])) if made else "",
        draw(st.booleans()) if "free" in verb else False,
        draw(st.none() | names()) if made else None,
        NOWHERE,
    )


def operator_actions() -> st.SearchStrategy[tree.Operation]:
    """What an operator does."""
    by_name = [
        st.builds(kind, names(), st.just(NOWHERE)) for kind in (tree.Unload, tree.Enable, tree.Disable)
    ]
    perhaps = [
        st.builds(kind, st.none() | names(), st.just(NOWHERE))
        for kind in (tree.Signal, tree.Force, tree.Show)
    ]
    return st.one_of(
        st.builds(tree.Load, names(), _flags, _bodies, st.just(NOWHERE)),
        st.builds(tree.Apply, names(), _flags, _bodies, st.just(NOWHERE)),
        *by_name,
        *perhaps,
        st.builds(tree.BeginLoad, names(), st.sampled_from(["coming", "starting"]), st.just(NOWHERE)),
        st.builds(tree.BeginUnload, names(), st.just("going"), st.just(NOWHERE)),
        st.builds(tree.Proceed, names(), st.just(NOWHERE)),
        *(
            st.builds(
                kind,
                st.sampled_from(["kprobe", "fentry", "fexit", "direct"]),
                functions(),
                st.just(NOWHERE),
            )
            for kind in (tree.Attach, tree.Detach)
        ),
        st.builds(tree.Reverse, st.just(NOWHERE)),
        st.builds(tree.Write, names(), _attributes, _texts, st.just(NOWHERE)),
        st.builds(tree.Sysctl, st.just("kernel.ftrace_enabled"), _numbers, st.just(NOWHERE)),
        st.builds(tree.Tick, st.integers(1, 1000), st.just(NOWHERE)),
        st.builds(tree.Settle, st.just(NOWHERE)),
        *(
            st.builds(kind, st.sampled_from(["p1", "load", "a-b"]), _directories, st.just(NOWHERE))
            for kind in (tree.Open, tree.Close)
        ),
        st.builds(tree.SetCallbacks, names(), names(), _several(_callbacks), st.just(NOWHERE)),
        _shadows(),
    )


def conditions() -> st.SearchStrategy[tree.Condition]:
    """What `expect`, `always` and `never` can all say."""
    states = st.sampled_from(["patched", "unpatched", "undefined"])
    return st.one_of(
        st.builds(tree.AttributeIs, names(), _attributes, _texts, st.just(NOWHERE)),
        st.builds(tree.TaskStateIs, names(), states, st.booleans(), st.just(NOWHERE)),
        st.builds(tree.TaskSees, names(), functions(), names(), st.booleans(), st.just(NOWHERE)),
        st.builds(
            tree.TasksAre,
            st.sampled_from(["any", "all"]),
            st.sampled_from(["patched", "unpatched", "undefined", "gone"]),
            st.booleans(),
            st.just(NOWHERE),
        ),
        st.builds(
            tree.TasksSee,
            st.sampled_from(["any", "all"]),
            functions(),
            names(),
            st.booleans(),
            st.just(NOWHERE),
        ),
        st.builds(tree.TransitionIs, st.none() | names(), st.booleans(), st.just(NOWHERE)),
        st.builds(tree.LogContains, _texts, st.just(NOWHERE)),
    )


def _expectations() -> st.SearchStrategy[tree.Statement]:
    violations = st.builds(tree.ViolationSeen, st.none() | names(), st.booleans(), st.just(NOWHERE))
    return st.builds(tree.Expect, conditions() | violations, st.just(NOWHERE))


_results = st.sampled_from(["", "", "0", "EBUSY", "unsupported"])


def _steps(operations: st.SearchStrategy[tree.Operation]) -> st.SearchStrategy[tree.Statement]:
    return st.builds(tree.Step, operations, _results, st.just(NOWHERE))


def _nested(leaves: st.SearchStrategy[tree.Statement]) -> st.SearchStrategy[tree.Statement]:
    # Not st.recursive, which spells all its leaves out, for a message, at every draw.
    @st.composite
    def statement(draw: st.DrawFn, depth: int) -> tree.Statement:
        if depth == 2 or draw(st.integers(0, 5)):
            return draw(leaves)
        branches = draw(st.lists(_several(statement(depth + 1), most=3), min_size=2, max_size=3))
        return tree.Choose(tuple(branches), (NOWHERE,) * len(branches), NOWHERE)

    return statement(0)


@st.composite
def threads(draw: st.DrawFn) -> tree.Thread:
    """Threads of an interleave: the operator's, or a task's."""
    if draw(st.booleans()):
        body = draw(_several(_nested(_steps(operator_actions()) | _expectations())))
        return tree.Thread(tree.OPERATOR, body, NOWHERE)
    name = draw(names().filter(lambda name: name != tree.OPERATOR))
    alone = actions().map(lambda action: tree.TaskStep(name, (action,), NOWHERE))
    return tree.Thread(name, draw(_several(_nested(_steps(alone) | _expectations()))), NOWHERE)


def statements() -> st.SearchStrategy[tree.Statement]:
    """Statements of all kinds."""
    properties = st.builds(tree.PropertyNamed, names(), st.just(NOWHERE))
    task_steps = st.builds(tree.TaskStep, names(), _several(actions(), least=1), st.just(NOWHERE))
    leaves = st.one_of(
        _steps(operator_actions()),
        _steps(task_steps),
        _expectations(),
        st.builds(tree.Always, conditions() | properties, st.just(NOWHERE)),
        st.builds(tree.Never, conditions() | properties, st.just(NOWHERE)),
        st.builds(tree.Interleave, _several(threads(), most=3), st.integers(0, 3), st.just(NOWHERE)),
    )
    return _nested(leaves)


_items = _several(st.one_of(headers(), declarations(), statements(), statements()), most=8)


@st.composite
def scenarios(draw: st.DrawFn) -> tree.ScenarioTree:
    """Whole scenarios, as trees; their names need not mean anything."""
    return tree.ScenarioTree(draw(_items), (), NOWHERE)


# --- texts ----------------------------------------------------------------------------------------------------------

_PIECES = re.compile(r'"(?:[^"\\\n]|\\.)*"|\n|; |[{}]|[^"\n;{}]+|.')
_ENDS = ["\n", "\n", ";", " ; ", "\n\n\n", "  # note\n", "\n# note\n", " \t\r\n", "\n;\n"]
_SEPARATORS = ["; ", ";", " , ", "\n", "  # note\n", "\n\n  # note\n", ";;"]
_OPENINGS = ["{", "{", "{\n", "{  # note\n", "{ ,"]
_CLOSINGS = ["}", "}", "\n}", "; }", "\n# note\n}"]


@st.composite
def disguised(draw: st.DrawFn, text: str) -> str:
    """Another way of writing a canonical text: other separators, line ends and spaces, and comments."""
    pieces = []
    for piece in _PIECES.findall(text):
        choices = {"\n": _ENDS, "; ": _SEPARATORS, "{": _OPENINGS, "}": _CLOSINGS}.get(piece)
        pieces.append(draw(st.sampled_from(choices)) if choices else piece)
    return draw(st.sampled_from(["", "\ufeff", "# note\n", "\n \t\n"])) + "".join(pieces)


@st.composite
def _sound_step(draw: st.DrawFn, patches: list[str], tasks: list[str], modules: list[str]) -> str:
    patch = draw(st.sampled_from(patches))
    task = draw(st.sampled_from(tasks))
    called = ["f", "g", *(f"{module}:read" for module in modules)]
    steps = [f"{verb} {patch}" for verb in ("load", "apply", "unload", "enable", "disable", "show", "force")]
    steps += [f"{verb} {module}" for verb in ("load", "unload") for module in modules]
    steps += [f"{task}: call {function}" for function in called]
    steps += [f"{task}: {action}" for action in ("return", "run", "sleep", "syscall f", "call f, return")]
    steps += [f"expect {patch} refs = 1", f"expect {task} sees f = {patch}", "expect transition = none"]
    steps += ["reverse", "tick", "tick 3", "settle", "signal"]
    return draw(st.sampled_from(steps))


@st.composite
def sound_texts(draw: st.DrawFn) -> str:
    """A text whose names mean something: modules, tasks and patches that are declared, and what happens to them."""
    patches = draw(st.lists(st.sampled_from(["p1", "p2", "p3", "task"]), min_size=1, max_size=3, unique=True))
    tasks = draw(st.lists(st.sampled_from(["t1", "t2", "load"]), max_size=3, unique=True))
    modules = draw(st.lists(st.sampled_from(["ext4", "nfs"]), max_size=2, unique=True))
    lines = []
    if draw(st.booleans()):
        lines.append("vmlinux { f, g }")
    lines += (
        f"module {module} {{ read, write }}{draw(st.sampled_from(['', ' loaded']))}" for module in modules
    )
    for task in tasks:
        where = draw(
            st.sampled_from(["", " in f", " running in g", " in f > g unreliable", " in g uninterruptible"])
        )
        lines.append(f"{draw(st.sampled_from(['task', 'kthread']))} {task}{where}")
    for patch in patches:
        flags = draw(st.sampled_from(["", " immediate", " replace"]))
        body = ["f", "g immediate", *(f"{module} {{ read }}" for module in modules), "state 1 version 2"]
        parts = draw(st.lists(st.sampled_from(body), min_size=1, unique=True))
        lines.append(f"patch {patch}{flags} {{ {'; '.join(parts)} }}")
    step = _sound_step(patches, tasks or ["t1"], modules)
    lines += draw(st.lists(step, max_size=12))
    return "".join(f"{line}\n" for line in lines)
