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
SAID = {"EBUSY": "Device or resource busy", "ENODEV": "No such device"}
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
    "alloc": own(f"allocate_loglevel_state: allocating space to store {LEVEL}"),
    "had": own(f"allocate_loglevel_state: space to store {LEVEL} already allocated"),
    "fix": own(f"fix_console_loglevel: fixing {LEVEL}"),
    "over": own(f"fix_console_loglevel: taking over the {LEVEL} change"),
    "restore": own(f"restore_console_loglevel: restoring {LEVEL}"),
    "free": own(f"free_loglevel_state: freeing space for the stored {LEVEL}"),
    "init": own("{m}_init"),
    "exit": own("{m}_exit"),
    "enter": lambda module, _operand, said: said.enter(module),
    "leave": own(f"{WORKER} exit"),
    "live": own("this has been live patched"),
}


# --- what the model does --------------------------------------------------------------------------------------


def logged(trace: ev.Trace, said: Words) -> Iterator[str]:
    """The log that the script would see of a run."""
    for step in trace.steps:
        assert step.result is not None
        verb, _, operand = step.text.partition(" ")
        name = operand.partition(" ")[0]
        target = name in TARGETS
        failed = step.result.value if step.result.value != "0" else ""
        if verb == "load":
            yield said.load(name)
        elif verb == "unload":
            yield f"% rmmod {name}"
        elif verb == "disable":
            yield f"% echo 0 > /sys/kernel/livepatch/{name}/enabled"
        elif verb == "sysctl":
            yield said.sysctl(operand.split()[1], failed)
        exits = verb == "unload" and target
        for event in step.events:
            # A module's exit runs before livepatch hears of its going, but waits for the module's own work.
            if exits and not (isinstance(event, ev.Return) and event.function == WORKER):
                yield f"{name}: {name}_exit"
                exits = False
            state = (
                {"load": "COMING", "unload": "GOING"}.get(verb, "LIVE")
                if event_object(event) == name
                else "LIVE"
            )
            yield from event_lines(event, state, said)
        if verb == "load" and failed:
            yield said.fails(name, failed)
        elif verb == "load" and target:
            yield f"{name}: {name}_init"


TARGETS = {MODULES[short] for short in ("T", "B", "MT")}


def event_object(event: ev.Event) -> str:
    return event.object if isinstance(event, ev.Callback) else ""


def event_lines(event: ev.Event, state: str, said: Words) -> Iterator[str]:
    """What one event puts into the log, the scripts' filter applied."""
    if isinstance(event, ev.Log):
        kept = "livepatch:" in event.text or "test_klp" in event.text
        tainting = re.search(r"(tainting|taints) kernel", event.text)
        # `func klp_try_switch_task -p`: up to v5.15 that function prints what klp_check_stack() found, too.
        silenced = event.text.startswith(("livepatch: klp_try_switch_task:", "livepatch: klp_check_stack:"))
        if kept and not tainting and not silenced:
            yield event.text
    elif isinstance(event, ev.Callback):
        where = event.object if event.object == "vmlinux" else f"{event.object} -> {STATES[state]}"
        yield f"{event.patch}: {event.callback}_callback: {where}"
    elif isinstance(event, ev.Call) and event.function == WORKER:
        yield said.enter(event.object)
    elif isinstance(event, ev.Return) and event.function == WORKER:
        yield f"{event.object}: {WORKER} exit"
    elif isinstance(event, ev.Call) and event.function in SHOW and event.code != "original":
        yield f"{event.code}: this has been live patched"


# --- the comparison -------------------------------------------------------------------------------------------


def numbers(release: str) -> tuple[int, int]:
    major, minor = release.removeprefix("v").split(".")
    return int(major), int(minor)


def releases(span: str) -> list[str]:
    """Every release from one to another, those that changed nothing too."""
    first, _, last = span.partition(" .. ")
    every: list[str] = []
    for newest in table()["last"]:
        major, minor = numbers(newest)
        every += [f"v{major}.{n}" for n in range(minor + 1)]
    return [release for release in every if numbers(first) <= numbers(release) <= numbers(last or first)]


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
        first = ranges[0].split(" .. ")[0]
        covered = [engine for span in ranges for engine in expand(span.replace(" ", ""))]
        assert covered == list(dict.fromkeys(covered)), f"{name} is listed twice for a release"
        assert set(covered) >= set(expand(f"{canonical(first)}..v7.1")), f"{name} is missing for some release"


@pytest.mark.parametrize("case", [case for case in CASES if "beyond" in case], ids=lambda case: case["name"])
def test_what_cannot_be_expressed_says_why(case: dict[str, Any]) -> None:
    assert case["beyond"]
    assert "scenario" not in case
