"""scenarios/selftests/: the log of each case is what the kernel's own script waits for, in every release that has it.

The scripts compare the kernel's log, debug lines on, with a list. Here a trace is turned into such a log (`logged`):
its log lines through the scripts' filter, its callbacks in the words of the selftests' modules, its steps as the notes
that the scripts leave of their commands. expected.toml has the lists, in short; `spelled` writes them out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from klpdsl.run.session import execute, load_file
from klpdsl.semantics.engines import canonical, expand
from klpdsl.semantics.table import table
from klpdsl.trace import events as ev

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios" / "selftests"
DATA = tomllib.loads((Path(__file__).parent / "expected.toml").read_text(encoding="utf-8"))
MODULES: dict[str, str] = DATA["modules"]
CASES: list[dict[str, Any]] = DATA["case"]
EXPRESSED = [case for case in CASES if "beyond" not in case]

NUMBERS = {"EBUSY": 16, "ENODEV": 19, "EINVAL": 22}
SAID = {
    "EBUSY": "Device or resource busy",
    "ENODEV": "No such device",
    "EOPNOTSUPP": "Operation not supported",
}
STATES = {
    "LIVE": "[MODULE_STATE_LIVE] Normal state",
    "COMING": "[MODULE_STATE_COMING] Full formed, running module_init",
    "GOING": "[MODULE_STATE_GOING] Going away",
}
WORKER = "busymod_work_func"
SHOW = {"cmdline_proc_show", "meminfo_proc_show"}


class Words(NamedTuple):
    """How a release's script and tools say things."""

    insmod: bool
    block_transition: bool
    sysctl_says_value: bool

    def load(self, module: str) -> str:
        return f"% insmod test_modules/{module}.ko" if self.insmod else f"% modprobe {module}"

    def fails(self, module: str, errno: str) -> str:
        if self.insmod:
            why = SAID.get(errno, "Invalid parameters")
            return f"insmod: ERROR: could not insert module test_modules/{module}.ko: {why}"
        return f"modprobe: ERROR: could not insert '{module}': {SAID.get(errno, 'Invalid argument')}"

    def enter(self, module: str) -> str:
        what = f"{WORKER} enter" if self.block_transition else f"{WORKER}, sleeping"
        return f"{module}: {what}"

    def sysctl(self, value: str, errno: str) -> str:
        if not errno:
            return f"livepatch: kernel.ftrace_enabled = {value}"
        more = f" kernel.ftrace_enabled = {value}" if self.sysctl_says_value else ""
        return f'livepatch: sysctl: setting key "kernel.ftrace_enabled": {SAID[errno]}{more}'


def words(release: str) -> Words:
    """Since v6.9 the modules are built beside the scripts; v5.8 changed the busy module and the sysctl's check."""
    number = numbers(release)
    return Words(number >= (6, 9), number >= (5, 8), number < (5, 8))


# --- what the script waits for --------------------------------------------------------------------------------


def spelled(lines: str, said: Words) -> Iterator[str]:
    """The lines of the log that a case of expected.toml stands for."""
    for line in lines.strip().splitlines():
        head, *tokens = line.split()
        if head == "%":
            yield command(said, *tokens)
            continue
        for token in tokens:
            name, _, operand = token.partition(":")
            yield SPELLINGS[name](MODULES[head], operand, said)


def command(said: Words, verb: str, what: str, *more: str) -> str:
    """A command's note."""
    module = MODULES.get(what, what)
    match verb, *more:
        case ["load"]:
            return said.load(module)
        case ["unload"]:
            return f"% rmmod {module}"
        case ["disable"]:
            return f"% echo 0 > /sys/kernel/livepatch/{module}/enabled"
        case ["set", parameter, errno]:
            return f"% echo -{NUMBERS[errno]} > /sys/module/{module}/parameters/{parameter}"
        case ["fails", errno]:
            return said.fails(module, errno)
        case ["sysctl", *errno]:
            return said.sysctl(what, *(errno or [""]))
    raise AssertionError(f"expected.toml: no command {verb}")


def log(text: str) -> Any:
    """A spelling: a line of livepatch, of the patch {p} and an operand: {o} a module or function, {n} a number."""

    def spell(patch: str, operand: str, _said: Words) -> str:
        first, _, second = operand.partition("/")
        return "livepatch: " + text.format(p=patch, o=MODULES.get(first, first), n=second)

    return spell


def callback(name: str) -> Any:
    """A spelling: a callback of an object, with its module's state."""

    def spell(patch: str, operand: str, _said: Words) -> str:
        obj, _, state = operand.partition("/")
        where = f"{MODULES[obj]} -> {STATES[state]}" if state else obj
        return f"{patch}: {name}_callback: {where}"

    return spell


def own(text: str) -> Any:
    """A spelling: a module's own line, {m} being its name."""
    return lambda module, _operand, _said: f"{module}: " + text.format(m=module)


def shadow(what: str) -> Any:
    """A spelling: something done with a shadow variable."""

    def spell(module: str, operand: str, _said: Words) -> str:
        *obj, id_ = operand.removesuffix("/NULL").split("/")
        return shadow_line(module, what, "obj" + obj[0] if obj else "", id_, operand.endswith("/NULL"))

    return spell


def shadow_line(module: str, what: str, obj: str, id_: str, null: bool) -> str:
    return f"{module}: {what} {obj} {id_}" + (" NULL" if null else "")


LEVEL = "console_loglevel"
SPELLINGS: dict[str, Any] = {
    "en": log("enabling patch '{p}'"),
    "ip": log("'{p}': initializing patching transition"),
    "iu": log("'{p}': initializing unpatching transition"),
    "sp": log("'{p}': starting patching transition"),
    "su": log("'{p}': starting unpatching transition"),
    "cp": log("'{p}': completing patching transition"),
    "cu": log("'{p}': completing unpatching transition"),
    "pc": log("'{p}': patching complete"),
    "uc": log("'{p}': unpatching complete"),
    "rev": log("'{p}': reversing transition from patching to unpatching"),
    "can": log("'{p}': canceling patching transition, going to unpatch"),
    "failed": lambda p, o, s: log(f"failed to {'patch object {o!r}' if o else 'enable patch {p!r}'}")(
        p, o, s
    ),
    "pre-failed": log("pre-patch callback failed for object '{o}'"),
    "ftrace": log("failed to register ftrace handler for function '{o}' ({n})"),
    "app": log("applying patch '{p}' to loading module '{o}'"),
    "rvt": log("reverting patch '{p}' on unloading module '{o}'"),
    "refuse": log("patch '{p}' failed for module '{o}', refusing to load module '{o}'"),
    "incompatible": log("Livepatch patch ({p}) is not compatible with the already installed livepatches."),
    "pre": callback("pre_patch"),
    "post": callback("post_patch"),
    "preu": callback("pre_unpatch"),
    "postu": callback("post_unpatch"),
    "allocates": own(f"allocate_loglevel_state: allocating space to store {LEVEL}"),
    "has": own(f"allocate_loglevel_state: space to store {LEVEL} already allocated"),
    "fixes": own(f"fix_console_loglevel: fixing {LEVEL}"),
    "takes-over": own(f"fix_console_loglevel: taking over the {LEVEL} change"),
    "restores": own(f"restore_console_loglevel: restoring {LEVEL}"),
    "frees": own(f"free_loglevel_state: freeing space for the stored {LEVEL}"),
    "init": own("{m}_init"),
    "exit": own("{m}_exit"),
    "enter": lambda module, _operand, said: said.enter(module),
    "leave": own(f"{WORKER} exit"),
    "get": shadow("get"),
    "alloc": shadow("alloc"),
    "get-or-alloc": shadow("get_or_alloc"),
    "ctor": shadow("ctor"),
    "dtor": shadow("dtor"),
    "free": shadow("free"),
    "free-all": shadow("free_all"),
    "live": own("this has been live patched"),
}


# --- what the model does --------------------------------------------------------------------------------------


class Step(NamedTuple):
    """A step of a trace, taken apart: `name` is the module or patch that it is about."""

    verb: str
    name: str
    words: list[str]
    errno: str


def logged(trace: ev.Trace, said: Words) -> Iterator[str]:
    """The log that the script would see of a run."""
    for traced in trace.steps:
        assert traced.result is not None
        words = traced.text.split()
        errno = traced.result.value if traced.result.value != "0" else ""
        step = Step(words[0], words[1] if len(words) > 1 else "", words, errno)
        yield from note(step, said)
        exits = step.verb == "unload" and step.name in TARGETS
        latest = ""
        for event in traced.events:
            # A module's exit runs before livepatch hears of its going, but waits for the module's own work.
            if exits and not (isinstance(event, ev.Return) and event.function == WORKER):
                yield f"{step.name}: {step.name}_exit"
                exits = False
            yield from event_lines(event, step, said)
            if isinstance(event, ev.Callback):
                latest = event.callback
            elif isinstance(event, ev.StateFound):
                yield SPELLINGS[STATE_SAYINGS[latest][event.previous is None]](event.patch, "", said)
        if step.words[:2] == ["shadow", "free_all"]:
            yield shadow_line(SHADOW, "free_all", "", f"{int(step.words[2]):x}", null=False)
        if step.verb == "load" and step.errno:
            yield said.fails(step.name, step.errno)
        elif step.verb == "load" and step.name in TARGETS:
            yield f"{step.name}: {step.name}_init"


def note(step: Step, said: Words) -> Iterator[str]:
    """The script's own note of a command."""
    match step.verb:
        case "load":
            yield said.load(step.name)
        case "unload":
            yield f"% rmmod {step.name}"
        case "disable":
            yield f"% echo 0 > /sys/kernel/livepatch/{step.name}/enabled"
        case "sysctl":
            yield said.sysctl(step.words[2], step.errno)
        case "callbacks":
            errno = step.words[step.words.index("fails") + 1]
            yield f"% echo -{NUMBERS[errno]} > /sys/module/{step.name}/parameters/pre_patch_ret"


# What the modules of test-state.sh say in a callback: where an earlier patch has the state, and where none has.
STATE_SAYINGS = {
    "pre_patch": ("has", "allocates"),
    "post_patch": ("takes-over", "fixes"),
    "pre_unpatch": ("", "restores"),
    "post_unpatch": ("", "frees"),
}
TARGETS = {MODULES[short] for short in ("T", "B", "MT")}
SHADOW = MODULES["SV"]


def event_lines(event: ev.Event, step: Step, said: Words) -> Iterator[str]:
    """What one event puts into the log, the scripts' filter applied."""
    if isinstance(event, ev.Log):
        kept = "livepatch:" in event.text or "test_klp" in event.text
        tainting = re.search(r"(tainting|taints) kernel", event.text)
        # `func klp_try_switch_task -p`: up to v5.15 that function prints what klp_check_stack() found, too.
        silenced = event.text.startswith(("livepatch: klp_try_switch_task:", "livepatch: klp_check_stack:"))
        if kept and not tainting and not silenced:
            yield event.text
    elif isinstance(event, ev.Callback):
        states = {"load": "COMING", "unload": "GOING"} if event.object == step.name else {}
        state = STATES[states.get(step.verb, "LIVE")]
        where = event.object if event.object == "vmlinux" else f"{event.object} -> {state}"
        yield f"{event.patch}: {event.callback}_callback: {where}"
    elif isinstance(event, ev.Call) and event.function == WORKER:
        yield said.enter(event.object)
    elif isinstance(event, ev.Return) and event.function == WORKER:
        yield f"{event.object}: {WORKER} exit"
    elif isinstance(event, ev.Call) and event.function in SHOW and event.code != "original":
        yield f"{event.code}: this has been live patched"
    elif isinstance(event, ev.ShadowVariable) and (event.what, step.words[1]) != ("free", "free_all"):
        null = event.data is None
        yield shadow_line(SHADOW, event.what, event.object, f"{event.id:x}", null)


# --- the comparison -------------------------------------------------------------------------------------------


def numbers(release: str) -> tuple[int, int]:
    major, minor = release.removeprefix("v").split(".")
    return int(major), int(minor)


def releases(span: str) -> list[str]:
    """Every release from one to another, those that changed nothing too."""
    first, _, last = map(str.strip, span.partition(".."))
    every: list[str] = []
    for newest in table()["last"]:
        major, minor = numbers(newest)
        every += [f"v{major}.{n}" for n in range(minor + 1)]
    return [
        release
        for release in every
        if numbers(first) <= numbers(release) <= numbers(last or (every[-1] if ".." in span else first))
    ]


def runs() -> Iterator[Any]:
    for case in EXPRESSED:
        for release in releases(case["releases"]):
            yield pytest.param(case, release, id=f"{case['scenario']}-{release}")


@pytest.mark.parametrize(("case", "release"), list(runs()))
def test_the_log_is_what_the_kernels_script_waits_for(case: dict[str, Any], release: str) -> None:
    said = words(release)
    result = execute(load_file(str(SCENARIOS / f"{case['scenario']}.klp")), release)
    assert list(logged(result.trace, said)) == list(spelled(case["lines"], said))
    assert result.ok


@pytest.mark.parametrize("case", EXPRESSED, ids=lambda case: case["scenario"])
def test_the_scenario_is_meant_for_the_releases_that_have_the_case(case: dict[str, Any]) -> None:
    loaded = load_file(str(SCENARIOS / f"{case['scenario']}.klp"))
    assert loaded.engine_names() == expand(case["releases"].replace(" ", ""))
    text = " ".join(
        (SCENARIOS / f"{case['scenario']}.klp").read_text(encoding="utf-8").replace("\n#", "").split()
    )
    assert f'{case["script"]}, "{case["name"]}"' in text


def test_every_scenario_plays_a_case() -> None:
    assert sorted(path.stem for path in SCENARIOS.glob("*.klp")) == sorted(
        case["scenario"] for case in EXPRESSED
    )


def test_the_cases_follow_one_another_without_a_gap() -> None:
    """A case that changed its form is listed once for each: together they must cover what the model has releases of."""
    for script, name in {(case["script"], case["name"]) for case in CASES}:
        ranges = [case["releases"] for case in CASES if (case["script"], case["name"]) == (script, name)]
        first = ranges[0].split(" ..")[0]
        covered = [engine for span in ranges for engine in expand(span.replace(" ", ""))]
        assert covered == list(dict.fromkeys(covered)), f"{name} is listed twice for a release"
        assert set(covered) >= set(expand(f"{canonical(first)}..")), f"{name} is missing for some release"


@pytest.mark.parametrize("case", [case for case in CASES if "beyond" in case], ids=lambda case: case["name"])
def test_what_cannot_be_expressed_says_why(case: dict[str, Any]) -> None:
    assert case["beyond"]
    assert "scenario" not in case
