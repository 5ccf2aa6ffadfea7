"""What people reported, played as they would: each has a scenario in the corpus, whose trace says what was reported."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from klpdsl.run.session import Loaded, execute, load_file
from klpdsl.trace.text import to_text

ROOT = Path(__file__).resolve().parents[1]

#: The scenario, an engine, the statement that a step begins with, and lines of that step (`!`: a line that it has not).
REPORTS: list[tuple[str, str, str, list[str]]] = [
    (
        "tasks/start-is-a-switch-point",
        "v6.4",
        "apply p1",
        ["task t1 unpatched -> patched", "! t1:101 is running"],
    ),
    ("states/asked-outside-a-transition", "v5.5", "load m", ["state p2 1 version 2 previous none"]),
    ("states/asked-outside-a-transition", "v7.3", "load m", ["state p2 1 version 2 previous none"]),
    ("tasks/fork-slowly-leaves-the-cpu", "v4.12", "tick", ["task k1 unpatched -> patched"]),
    ("tasks/fork-slowly-leaves-the-cpu", "v6.12", "tick", ["task k1 unpatched -> patched"]),
    ("sysfs/open-directory", "v6.12", "unload p", ["module p gone", "= 0"]),
    ("force/global", "v5.0", "unload p1", ["= EAGAIN (module p1 has 1 reference)"]),
    ("force/global", "v5.1+force=global", "unload p1", ["= EAGAIN (module p1 has 1 reference)"]),
    ("force/global", "v6.19+force=global", "unload p1", ["= EAGAIN (module p1 has 1 reference)"]),
    ("force/global", "v6.19", "unload p1", ["= 0"]),
    ("refs/put-never", "v6.19+put=never", "unload old", ["= EAGAIN (module old has 1 reference)"]),
    ("refs/put-never", "v6.19+put=never", "apply new", ["violation leak: "]),
    ("trace/reasons", "v4.14", "enable p1", ["= 0"]),
    ("trace/reasons", "v6.12", "load p3", ["= EINVAL (the patch has no objects)"]),
    ("kpatch/target-pinned", "kpatch-core", "unload ext4", ["= EAGAIN (module ext4 has 1 reference)"]),
    (
        "kpatch/missing-symbol",
        "kpatch-core",
        "load M",
        ["module M refs 0", "error (-22) patching newly loaded module 'M'", "! notice", "= 0"],
    ),
    ("tracers/looks-only", "v4.12", "apply test_klp_livepatch", ["= EBUSY"]),
    ("tracers/looks-only", "v5.3", "apply test_klp_livepatch", ["= EBUSY"]),
    ("tracers/looks-only", "v5.4", "apply test_klp_livepatch", ["= 0"]),
    ("refs/before-the-work", "v5.1", "unload p", ["= EAGAIN (module p has 1 reference)"]),
    ("refs/before-the-work", "v7.3", "unload p", ["= EAGAIN (module p has 1 reference)"]),
    ("refs/before-the-work", "v4.16", "unload p", ["= 0"]),
    ("tasks/exit-slowly", "v6.12", "t1: call f", ["WARNING: "]),
    ("tasks/exit-slowly", "v6.12", "unload release6", ["violation stale-code: ", "= 0"]),
    (
        "modules/init-fails",
        "v6.12",
        "load aesni_intel",
        ["applying patch 'kpatch_klp'", "reverting patch 'kpatch_klp'", "= ENODEV"],
    ),
    ("modules/init-fails", "kpatch-core", "unload kpatch_klp", ["= 0"]),
    ("modules/init-fails", "kpatch-core-old", "load aesni_intel", ["= ENODEV"]),
    ("language/two-operators", "v4.0", "apply P2", ["= 0"]),
    ("modules/coming-window", "v4.0", "continue M", ["hook M b [P1 P2]"]),
    ("modules/coming-window", "v6.12", "continue M", ["hook M b [P1 P2]"]),
    ("signal/stop-and-continue", "v4.14", "kill CONT sshd", ["task sshd unpatched -> patched"]),
    ("signal/stop-and-continue", "v4.12", "kill STOP systemd", ["= 0 (the first process ignores signals"]),
    ("signal/stop-and-continue", "v4.12", "kill STOP kworker", ["= 0 (a kernel thread ignores signals)"]),
]


@cache
def scenario(name: str) -> Loaded:
    return load_file(str(ROOT / "scenarios" / f"{name}.klp"))


@cache
def steps(name: str, engine: str) -> dict[str, str]:
    """The text of each step, the first of each statement."""
    result = execute(scenario(name), engine)
    assert result.ok, f"{name} on {engine}: an expectation does not hold"
    found: dict[str, str] = {}
    for part in to_text(result.trace).split("\n\n", 1)[1].replace("\n  expect", "\n    expect").split("\n"):
        if part[:1].isdigit():
            current = part.partition(" ")[2]
            while current in found:
                current += " again"
        found[current] = found.get(current, "") + part + "\n"
    return found


@pytest.mark.parametrize(("name", "engine", "statement", "lines"), REPORTS)
def test_it_goes_as_was_reported(name: str, engine: str, statement: str, lines: list[str]) -> None:
    texts = [text for step, text in steps(name, engine).items() if step.startswith(statement)]
    assert texts or not lines, f"{name} has no step `{statement}`"
    for line in lines:
        wanted = line.removeprefix("! ")
        assert (wanted in texts[0]) == (wanted == line), f"{line}\n{texts[0]}"


@pytest.mark.parametrize("name", sorted({name for name, *_ in REPORTS}))
def test_its_comment_says_what_it_shows(name: str) -> None:
    text = (ROOT / "scenarios" / f"{name}.klp").read_text(encoding="utf-8")
    assert text.startswith("# ") or name == "trace/reasons"
    assert list((ROOT / "goldens" / name).glob("*.trace"))
