"""What klpdsl promises to show of the whole lineage, from v4.0 to the newest: its output, release by release."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache

from klpdsl.semantics.table import table

TICKS_TO_THE_SIGNAL = 15


def klpdsl(*arguments: str) -> str:
    command = [sys.executable, "-m", "klpdsl", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def number(release: str) -> tuple[int, int]:
    major, minor = release.removeprefix("v").split(".")
    return int(major), int(minor)


@cache
def releases() -> tuple[str, ...]:
    """Every release, those that changed nothing too."""
    lasts = [number(last) for last in table()["last"]]
    return tuple(f"v{major}.{minor}" for major, last in lasts for minor in range(last + 1))


NEWEST = table()["last"][-1]


def between(first: str, last: str) -> set[str]:
    return {release for release in releases() if number(first) <= number(release) <= number(last)}


@cache
def traces(text: str) -> dict[str, list[str]]:
    """The steps of a scenario in every release: each as its statement, its lines and its result."""
    engines = [word for release in releases() for word in ("--engine", release)]
    found: dict[str, list[str]] = {}
    for part in re.split(r"^==== ", klpdsl("run", "-c", text, *engines), flags=re.MULTILINE)[1:]:
        head, _, trace = part.partition("\n")
        steps = re.split(r"^(?=[0-9]+ )", trace.strip(), flags=re.MULTILINE)[1:]
        # Releases that have one engine share a trace: `v6.12 (= v6.11), v6.13 (= v6.11)`.
        for name in head.partition(" on ")[2].split(", "):
            found[name.partition(" ")[0]] = steps
    return found


def where(text: str, step: int, line: str) -> set[str]:
    """The releases in which a step of a scenario has a line."""
    return {
        release
        for release, steps in traces(text).items()
        if line in (s.strip() for s in steps[step].splitlines())
    }


def test_every_release_from_the_first_to_the_newest_is_an_engine() -> None:
    assert releases()[0] == "v4.0"
    assert len(set(releases())) == len(releases()) >= 63
    assert set(traces("load p1")) == set(releases())


def test_the_range_to_v4_12_names_its_changes_with_their_commits() -> None:
    said = klpdsl("engines", "v4.11..v4.12")
    for change, commit in (
        ("per-task-consistency", "d83a7cb375ee"),
        ("immediate-flags", "d83a7cb375ee"),
        ("disabled-patch-rmmod", "3ec24776bfd0"),
    ):
        assert re.search(rf"^ *{change} +v4\.12 +{commit}", said, flags=re.MULTILINE), change


def test_every_change_is_shown_or_said_to_be_invisible() -> None:
    first, *rest = klpdsl("engines", "--coverage").splitlines()
    found = re.fullmatch(
        r"(\d+) changes: (\d+) of (\d+) that scenarios can show are shown in scenarios/changes; "
        r"(\d+) can not be shown",
        first,
    )
    assert found, first
    every, shown, showable, hidden = map(int, found.groups())
    assert shown == showable
    assert shown + hidden == every == len(table()["order"])
    assert sum(line.startswith("  - ") for line in rest) == hidden


# --- force ----------------------------------------------------------------------------------------------------

FORCED = """
task t1 in f uninterruptible
apply p1 { f }; force p1; settle
apply p2 { g }; disable p2; unload p2
disable p1; unload p1
"""


def test_a_patch_that_was_forced_is_in_use_up_to_v5_17() -> None:
    assert where(FORCED, 7, "= EAGAIN (module p1 has 1 reference)") >= between("v4.16", "v5.17")
    assert where(FORCED, 7, "= 0") >= between("v5.18", NEWEST)
    assert where(FORCED, 7, "= 0") & between("v4.16", "v5.17") == set()


def test_a_patch_that_was_loaded_later_is_in_use_up_to_v5_0() -> None:
    assert where(FORCED, 5, "= EAGAIN (module p2 has 1 reference)") >= between("v4.16", "v5.0")
    assert where(FORCED, 5, "= 0") >= between("v5.1", NEWEST)


def test_force_exists_from_v4_16_on() -> None:
    warning = "log warn livepatch: forcing remaining tasks to the patched state"
    assert where(FORCED, 1, warning) == between("v4.16", NEWEST)


# --- what the log says ----------------------------------------------------------------------------------------

PLAIN = "apply p1; disable p1"


def test_the_lines_of_a_transition_change_once() -> None:
    short = [
        "'p1': patching...",
        "'p1': patching complete",
        "'p1': unpatching...",
        "'p1': unpatching complete",
    ]
    for step, line in zip((0, 0, 1, 1), short, strict=True):
        last = NEWEST if line.endswith("complete") else "v4.14"
        assert where(PLAIN, step, f"log notice livepatch: {line}") == between("v4.12", last)
    assert where(PLAIN, 0, "log notice livepatch: 'p1': starting patching transition") == between(
        "v4.15", NEWEST
    )
    assert where(PLAIN, 1, "log notice livepatch: 'p1': starting unpatching transition") == between(
        "v4.15", NEWEST
    )
    for stage in ("initializing", "completing"):
        assert where(PLAIN, 0, f"log debug livepatch: 'p1': {stage} patching transition") == between(
            "v4.15", NEWEST
        )


# --- signals --------------------------------------------------------------------------------------------------

SIGNALLED = "task t1 in f; apply p1; show p1; signal p1"
WAITING = f"task t1 in f; apply p1; tick {TICKS_TO_THE_SIGNAL - 1}; tick; tick"
NOTICE = "log notice livepatch: signaling remaining tasks"


def test_the_attribute_signal_exists_on_v4_16_to_v5_0_alone() -> None:
    has = between("v4.16", "v5.0")
    assert where(SIGNALLED, 1, "sysfs p1/signal = -") == has
    assert where(SIGNALLED, 2, NOTICE) == has
    assert where(SIGNALLED, 2, "task t1 unpatched -> patched") == has
    unsupported = {release for release, steps in traces(SIGNALLED).items() if "= unsupported (" in steps[2]}
    assert unsupported == set(releases()) - has


def test_the_signal_comes_by_itself_at_the_fifteenth_retry_from_v5_1_on() -> None:
    assert where(WAITING, 1, NOTICE) == set()
    assert where(WAITING, 2, NOTICE) == between("v5.1", NEWEST)
    assert where(WAITING, 2, "task t1 unpatched -> patched") == between("v5.1", NEWEST)
    assert where(WAITING, 3, "log notice livepatch: 'p1': patching complete") == between("v5.1", NEWEST)
