"""A log alone gives back a scenario whose trace has the same lines: on what real kernels were seen to log.

Where a recording says `confirmed`, the kernel's lines were those of the golden; so the golden's lines are the log.
"""

import tomllib
from pathlib import Path

import pytest

from klpdsl.dmesg.fitting import fit, visible
from klpdsl.dmesg.log_lines import read_log
from klpdsl.dmesg.story import tell_story
from klpdsl.run.session import execute, load_file, load_text
from klpdsl.semantics.engines import resolve
from klpdsl.trace.events import Log
from tests.thorough import THOROUGH

ROOT = Path(__file__).resolve().parents[2]
#: What makes these fail is nowhere in their lines: ftrace was off, a symbol is there twice, a module is called vmlinux;
#: somebody else's kprobe is on the function; a function is in another object than the patch says, or in none.
OPEN = {
    "changes/ambiguity-without-count",
    "changes/ftrace-permanent",
    "changes/ftrace-sysctl-refused",
    "changes/sympos-lookup",
    "errors/ambiguous",
    "changes/kprobe-ipmodify",
    "changes/reject-vmlinux-ko",
    "errors/sympos",
    "kpatch/missing-symbol",
    "modules/vmlinux-ko",
    "proposals/L12-symbol-of-another-object",
    "selftests/ftrace-enabled",
    "selftests/kprobe-post-handler",
}


def confirmed() -> list[tuple[str, str]]:
    found = []
    for path in sorted((ROOT / "evidence").glob("*/*.toml")):
        if path.parent.name != "kernels":
            for kernel, said in tomllib.loads(path.read_text(encoding="utf-8")).items():
                if said.get("state") == "confirmed":
                    found.append((f"{path.parent.name}/{path.stem}", kernel))
    return found


RECORDINGS = confirmed()
SAMPLE = [one for one in RECORDINGS if one[0] not in OPEN]


def logged(name: str, engine: str, *, debug: bool) -> list[str]:
    trace = execute(load_file(str(ROOT / "scenarios" / f"{name}.klp")), engine).trace
    return [
        event.text
        for step in trace.steps
        for event in step.events
        if isinstance(event, Log) and (debug or event.level != "debug")
    ]


def found_again(name: str, kernel: str, *, debug: bool) -> bool:
    engine = resolve(f"v{kernel}")
    texts = logged(name, engine.name, debug=debug)
    log = read_log(f"[{number:5}.000000] {text}\n" for number, text in enumerate(texts))
    lines = [line.text for line in log.lines]
    if not visible(lines):
        return True
    found = fit(tell_story(log), lines, engine, 4_000)
    assert not found.closed or found.scenario, f"{name}: a real kernel logged what is called impossible"
    if not found.scenario:
        return False
    trace = execute(load_text(found.scenario, "found.klp"), engine).trace
    again = [
        e.text for s in trace.steps for e in s.events if isinstance(e, Log) and (debug or e.level != "debug")
    ]
    wanted = visible(lines)
    heard = visible(again)
    # What the first actions say before the log begins, and the last after its end, is not held against them.
    return any(heard[at : at + len(wanted)] == wanted for at in range(len(heard)))


def test_there_are_enough_of_them() -> None:
    assert len(SAMPLE[::12]) >= 40


@pytest.mark.parametrize(("name", "kernel"), SAMPLE if THOROUGH else SAMPLE[::12])
def test_a_log_with_debug_lines_gives_its_scenario(name: str, kernel: str) -> None:
    assert found_again(name, kernel, debug=True)


@pytest.mark.parametrize(("name", "kernel"), SAMPLE if THOROUGH else SAMPLE[5::24])
def test_a_log_without_debug_lines_gives_its_scenario(name: str, kernel: str) -> None:
    assert found_again(name, kernel, debug=False)


@pytest.mark.parametrize("name", sorted(OPEN))
def test_what_is_not_found_is_not_called_impossible(name: str) -> None:
    assert not found_again(name, "6.12", debug=True)


def test_a_line_that_was_made_up_is_found() -> None:
    engine = resolve("v6.12")
    tried = 0
    for name, kernel in SAMPLE[::20]:
        texts = logged(name, f"v{kernel}", debug=True)
        done = next((n for n, text in enumerate(texts) if text.endswith(": patching complete")), None)
        # A search over a long log closes late.
        if done is None or done > 30 or any("fail" in text or "not found" in text for text in texts):
            continue
        patch = texts[done].split("'")[1]
        wrong = [*texts[:done], f"livepatch: '{patch}': unpatching complete"]
        log = read_log(wrong)
        found = fit(tell_story(log), [line.text for line in log.lines], engine, 20_000)
        assert not found.scenario
        assert found.closed
        assert found.lines == len(visible(wrong)) - 1
        assert texts[done] in found.instead
        tried += 1
    assert tried >= 8
