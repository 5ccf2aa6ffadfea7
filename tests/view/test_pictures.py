"""Pictures of runs: in the terminal, as files, and the document that shows them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klpdsl.run.session import load_text
from klpdsl.semantics.engines import resolve
from klpdsl.view.document import renewed
from klpdsl.view.film import film
from klpdsl.view.grid import Grid, first_difference, grid
from klpdsl.view.page import to_page
from klpdsl.view.perfetto import to_perfetto
from klpdsl.view.svg import to_svg
from klpdsl.view.timeline import side_by_side, to_timeline
from tests.calls import call
from tests.recorded.random_scenarios import scenario

ROOT = Path(__file__).resolve().parents[2]
WAITS = "task t1 in f uninterruptible; kthread k1; patch p1 { f; g }; apply p1; tick 20; k1: call g; t1: return; settle"


def drawn(text: str, engine: str = "v6.1") -> Grid:
    return grid(film(load_text(text, "test.klp"), resolve(engine)))


@pytest.mark.parametrize(("document", "shows"), [("pictures", 3), ("separate", 0)])
def test_the_document_and_its_pictures_are_up_to_date(
    document: str, shows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    text = (ROOT / f"docs/{document}.md").read_text(encoding="utf-8")
    now, pictures = renewed(text)
    assert now == text
    assert len(pictures) == shows
    for name, picture in pictures.items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == picture


def test_a_cell_says_where_a_task_is_and_what_it_would_call() -> None:
    shown = drawn(WAITS)
    assert shown.tasks == ("t1", "k1")
    _, applied, waited, called, returned, settled = shown.rows
    t1, k1 = applied.cells
    assert t1
    assert k1
    assert t1.holds == "in f of original"
    assert [code for _, code in t1.calls] == ["original", "original"]
    assert t1.state == "unpatched"
    assert t1.pending
    assert k1.state == "patched"
    assert [code for _, code in k1.calls] == ["p1", "p1"]
    assert applied.transition == "p1 patching"
    assert waited.seconds == 20
    assert called.cells[1]
    assert called.cells[1].inside == (("g", "p1"),)
    assert returned.cells[0]
    assert returned.cells[0].state == "patched"
    assert not returned.cells[0].holds
    assert settled.transition == ""
    assert settled.stacks == (("f", ("p1",)), ("g", ("p1",)))


def test_who_holds_the_transition_is_marked_until_the_task_has_switched() -> None:
    shown = drawn("task t1 in f; patch p1 { f }; apply p1; show; t1: return")
    assert [bool(row.cells[0] and row.cells[0].holds) for row in shown.rows] == [False, True, True, False]


def test_threads_of_an_interleave_are_named() -> None:
    text = "patch p1 { f }\ninterleave {\n operator { apply p1 }\n t1 {\n call f; return }\n}\nsettle\n"
    assert [row.thread for row in drawn(text).rows] == ["", "operator", "t1", "t1", ""]


def test_the_table_is_as_wide_as_the_terminal() -> None:
    tasks = "; ".join(f"task t{i} in f" for i in range(1, 9))
    shown = drawn(f"{tasks}; patch p1 {{ f }}; apply p1; t1: return")
    for width in (60, 80, 120, 400):
        text = to_timeline(shown, width)
        table = text.partition("\n\nf@p1")[0]
        assert max(map(len, table.splitlines())) <= width
        assert all(f"t{i}" in text for i in range(1, 9))
        assert len(re.findall(r"^2 t1: return", text, re.MULTILINE)) == (
            1 if width == 400 else len(re.findall("^step", text, re.MULTILINE))
        )


def test_colour_adds_nothing_but_colour() -> None:
    shown = drawn(WAITS)
    coloured = to_timeline(shown, 100, colour=True)
    assert "\x1b[" in coloured
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in bare.splitlines()] == to_timeline(shown, 100).splitlines()


def test_the_first_difference_is_marked() -> None:
    text = "task t1 in f; patch p1 immediate { f }; show; apply p1"
    a, b = drawn(text, "v4.15"), drawn(text, "v4.16")
    assert first_difference(a, a) is None
    assert first_difference(a, b) == 2
    side = side_by_side(a, b, 120)
    (marked,) = [line for line in side.splitlines() if line.startswith("> ")]
    assert marked.startswith("> 2 apply p1")
    assert "unsupported" in marked
    assert "First difference: step 2 (apply p1)" in side
    assert "No step differs" in side_by_side(a, a, 120)


class _Page(HTMLParser):
    """What a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [
            f"{name}={value}" for name, value in attrs if name in ("src", "href") or name.startswith("on")
        ]


def test_nothing_in_a_scenario_becomes_part_of_the_page() -> None:
    text = 'task t1 in f; patch p1 { f }; apply p1; expect log "<script>alert(1)</script>&"'
    shown = drawn(text)._replace(title='<script src="http://x/">"\'&')
    for made in (to_page(shown), to_svg(shown)):
        page = _Page()
        page.feed(made)
        assert page.loads == []
        assert "script" not in page.tags
        assert "alert(1)" in made
    ET.fromstring(to_svg(shown))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_every_run_can_be_drawn(seed: int) -> None:
    shown = drawn(scenario(seed, (6, 12)), "v6.12")
    for width in (20, 100):
        to_timeline(shown, width)
    ET.fromstring(to_svg(shown))
    to_page(shown)
    events = json.loads(to_perfetto(shown))["traceEvents"]
    open_: dict[tuple[int, int], list[str]] = {}
    for event in events:
        track = (event["pid"], event.get("tid", 0))
        if event["ph"] == "B":
            open_.setdefault(track, []).append(event["name"])
        elif event["ph"] == "E":
            assert open_[track].pop() == event["name"]
    assert not any(open_.values())


def test_seconds_are_seconds_in_perfetto() -> None:
    events = json.loads(to_perfetto(drawn(WAITS)))["traceEvents"]
    lasts = {event["name"]: event["dur"] for event in events if event["ph"] == "X"}
    assert lasts["tick 20"] == 20_000_000
    assert lasts["apply p1"] == 1_000


def test_from_the_command_line(tmp_path: Path) -> None:
    def klpdsl(*arguments: str) -> tuple[int, str, str]:
        done = call(arguments, cwd=tmp_path, environment={"KLPDSL_NO_CACHE": "1", "COLUMNS": "100"})
        return done.returncode, done.stdout, done.stderr

    code, out, _ = klpdsl("run", "-c", "apply p1; unload p1 -> 0", "--view", "timeline", "-e", "v6.1")
    assert code == 1
    assert "step 2: expected -> 0, got EAGAIN" in out
    code, out, _ = klpdsl("run", "-c", "apply p1", "--view", "svg", "-o", "x.svg", "-e", "v6.1")
    assert (code, out) == (0, "")
    ET.fromstring((tmp_path / "x.svg").read_text(encoding="utf-8"))
    assert [path.name for path in tmp_path.iterdir()] == ["x.svg"]
    code, _, err = klpdsl("run", "-c", "apply p1", "--view", "svg", "-e", "v6.1", "-e", "v4.0")
    assert code == 2
    assert "one svg shows one run" in err
    code, _, err = klpdsl("run", "-c", "apply p1", "-o", "x.svg")
    assert code == 2
    assert "--view svg" in err
    code, _, err = klpdsl("run", "-c", "apply p1", "--view", "html", "-o", "no/x.html")
    assert code == 2
    assert "no/x.html" in err
    code, out, _ = klpdsl("compare", "-c", "apply p1", "--view", "html", "-e", "v4.0,v6.1")
    assert code == 0
    assert out.count("<table>") == 2
