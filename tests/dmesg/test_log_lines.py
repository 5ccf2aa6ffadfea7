"""Livepatch's lines in logs of every form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klpdsl.dmesg.log_lines import read_log
from klpdsl.dmesg.story import tell_story

TEXT = "livepatch: enabling patch 'p1'"


@pytest.mark.parametrize(
    ("prefix", "seconds"),
    [
        ("", None),
        ("    ", None),
        ("[   12.345678] ", 12.345678),
        ("<5>[   12.345678] ", 12.345678),
        ("[   12.345678][ T4242] ", 12.345678),
        ("[T4242   12.345678] ", 12.345678),
        ("Nov 27 10:00:01 host kernel: ", 36001.0),
        ("Nov 27 10:00:01 host kernel: [   12.345678] ", 12.345678),
        ("2026-11-27T10:00:01+0000 host kernel: ", 36001.0),
        ("2026-11-27T10:00:01.500000+00:00 host kernel: ", 36001.5),
        ("2026-11-27 10:00:01 host kernel: [ 12.345678] ", 12.345678),
        ("[Sat Sep  6 11:00:20 2025] ", 39620.0),
        ("03:49:54.562912 kernel ", 13794.562912),
        ("kernel: [   12.345678] ", 12.345678),
    ],
)
def test_what_stands_before_a_line(prefix: str, seconds: float | None) -> None:
    log = read_log(["noise\n", f"{prefix}{TEXT}\r\n"])
    (line,) = log.lines
    assert (line.number, line.text, line.seconds, log.total) == (2, TEXT, seconds, 2)


@pytest.mark.parametrize(
    "line",
    [
        "[ 1.0] kpatch: livepatch: enabling patch 'p1'",
        "[ 1.0] systemd: started livepatch: service",
        "[ 1.0] foo_livepatch: loading out-of-tree module taints kernel.",
        "somebody wrote: livepatch: enabling patch 'p1'",
    ],
)
def test_what_is_not_livepatchs_own(line: str) -> None:
    assert read_log([line]).lines == ()


def test_the_release_is_what_the_first_boot_line_says() -> None:
    log = read_log(["[ 0.0] Linux version 6.12.95 (gcc)\n", f"[ 1.0] {TEXT}\n", "Linux version 5.4.0 (x)\n"])
    assert log.release == "6.12.95"


@given(st.lists(st.text(max_size=60) | st.just(f"[ 3.0] {TEXT}")))
def test_any_text_is_read(lines: list[str]) -> None:
    log = read_log(lines)
    tell_story(log)
    assert log.total == len(lines)
    assert sum(line == f"[ 3.0] {TEXT}" for line in lines) <= len(log.lines)


def test_how_transitions_end() -> None:
    texts = """\
[ 1.0] livepatch: 'p1': starting patching transition
[ 2.0] livepatch: klp_try_switch_task: a b:c:17 is sleeping on function f
[ 3.0] livepatch: signaling remaining tasks
[ 4.0] livepatch: 'p1': reversing transition from patching to unpatching
[ 4.5] livepatch: 'p1': starting unpatching transition
[ 5.0] livepatch: 'p1': unpatching complete
[ 6.0] livepatch: 'p2': patching...
[ 7.0] livepatch: forcing remaining tasks to the patched state
[ 8.0] livepatch: 'p2': patching complete
[ 9.0] livepatch: 'p3': unpatching complete
[ 9.5] livepatch: 'p4': starting patching transition
""".splitlines()
    story = tell_story(read_log(texts))
    told = [(t.patch, t.way, t.end, t.signalled, t.forced, t.begin is None) for t in story.transitions]
    assert told == [
        ("p1", "patching", "reversed", 1, 0, False),
        ("p1", "unpatching", "complete", 0, 0, False),
        ("p2", "patching", "complete", 0, 1, False),
        ("p3", "unpatching", "complete", 0, 0, True),
        ("p4", "patching", "", 0, 0, False),
    ]
    (blocker,) = story.transitions[0].blockers
    assert (blocker.task, blocker.pid, blocker.reason, blocker.function) == ("a b:c", 17, "sleeping", "f")
