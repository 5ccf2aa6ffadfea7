"""`--graph`: the states and steps of a search as a picture, as a reader of the file finds them."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.calls import call

SVG = "{http://www.w3.org/2000/svg}"
ORDERS = """\
task t1 in f; task t2 in f; patch p1 { f }
apply p1
interleave { operator { reverse; tick }; t1 { return; call f; return } }
"""
FORCED = """\
task t1; patch p1 { f }
interleave forever { operator { load p1; enable p1; force p1 }; t1 { call f; return } }
"""
TINY = """\
task t1; task t2 in f; patch p1 { f }
load p1
interleave { operator { reverse }; t1 { syscall f } }
"""


def klpdsl(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return call(arguments, cwd=cwd, environment={"KLPDSL_NO_CACHE": "1"})


def drawn(text: str, name: str, cwd: Path, *arguments: str) -> str:
    (cwd / "x.klp").write_text(text, encoding="utf-8")
    done = klpdsl(*arguments, "x.klp", "--graph", name, cwd=cwd)
    assert done.returncode in {0, 1}, done.stderr
    return (cwd / name).read_text(encoding="utf-8")


class Read:
    """A graph as it stands in a .dot file: labels of nodes, and of edges with whether they are bold and red."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.nodes = dict(re.findall(r'^  (n\d+) \[label="(.*?)", tooltip', text, re.MULTILINE))
        found = re.findall(r'^  (n\d+) -> (n\d+) \[label="(.*?)"(.*)\];$', text, re.MULTILINE)
        self.edges = {(a, b): (label, "penwidth" in look, "a80000" in look) for a, b, label, look in found}

    def bold_ends(self) -> set[str]:
        """Where one comes to from the start on bold edges alone, and can go no further on them."""
        bold = [edge for edge, (_, marked, _) in self.edges.items() if marked]
        reached = {"n0"}
        while more := {b for a, b in bold if a in reached} - reached:
            reached |= more
        return {self.nodes[one] for one in reached if not any(a == one for a, _ in bold)}


def test_a_tiny_graph(tmp_path: Path) -> None:
    text = drawn(TINY, "x.dot", tmp_path, "explore", "-e", "v6.12")
    assert text == (Path(__file__).parent / "tiny.dot").read_text(encoding="utf-8")


def test_each_outcome_has_a_bold_way_and_its_colour(tmp_path: Path) -> None:
    graph = Read(drawn(ORDERS, "x.dot", tmp_path, "explore", "-e", "v6.12"))
    assert len(graph.nodes) == 20
    assert graph.bold_ends() == {"A", "B", "C"}
    assert sum(marked for _, marked, _ in graph.edges.values()) < len(graph.edges)
    colours = re.findall(r'label="([ABC])".*fillcolor="(#.*?)"', graph.text)
    assert len(dict(colours)) == len({colour for _, colour in colours}) == 3
    assert not any(red for _, _, red in graph.edges.values())


def test_the_picture_has_all_of_it(tmp_path: Path) -> None:
    dot = Read(drawn(ORDERS, "x.dot", tmp_path, "explore", "-e", "v6.12"))
    svg = ET.fromstring(drawn(ORDERS, "x.svg", tmp_path, "explore", "-e", "v6.12"))
    boxes = [one for one in svg.iter(f"{SVG}rect") if "box" in one.get("class", "").split()]
    lines = [one for one in svg.iter(f"{SVG}path") if "e" in one.get("class", "").split()]
    assert (len(boxes), len(lines)) == (len(dot.nodes), len(dot.edges))
    texts = [one.text or "" for one in svg.iter(f"{SVG}text")]
    assert sorted(texts[:3]) == sorted(re.findall(r"[^\"]+", dot.text.split("label=")[1])[0].split("\\n"))
    assert sorted(texts[3:]) == sorted([*dot.nodes.values(), *(label for label, _, _ in dot.edges.values())])
    width, height = (float(svg.get(side, "0")) for side in ("width", "height"))
    for box in boxes:
        x, y, broad = (float(box.get(name, "-1")) for name in ("x", "y", "width"))
        assert 0 <= x <= x + broad <= width
        assert 0 <= y <= height


def test_boxes_do_not_lie_on_one_another(tmp_path: Path) -> None:
    svg = ET.fromstring(drawn(FORCED, "x.svg", tmp_path, "verify", "-e", "v6.12", "-p", "stale-code"))
    rows: dict[str, list[tuple[float, float]]] = {}
    for box in svg.iter(f"{SVG}rect"):
        if "box" in box.get("class", "").split():
            left = float(box.get("x", "0"))
            rows.setdefault(box.get("y", ""), []).append((left, left + float(box.get("width", "0"))))
    assert len(rows) > 3
    for row in rows.values():
        row.sort()
        assert all(a[1] < b[0] for a, b in itertools.pairwise(row))


def test_a_violation_is_red_and_what_was_not_gone_on_from_is_dashed(tmp_path: Path) -> None:
    graph = Read(drawn(FORCED, "x.dot", tmp_path, "verify", "-e", "v6.12", "-p", "mixed"))
    red = [(b, label) for (_, b), (label, marked, red) in graph.edges.items() if red and marked]
    assert [label for _, label in red] == ["t1: call f: mixed"]
    assert graph.bold_ends() == {graph.nodes[red[0][0]]}
    assert "not closed: the first violation stopped the search" in graph.text
    assert 'style="rounded,dashed"' in graph.text
    closed = drawn(FORCED, "y.dot", tmp_path, "verify", "-e", "v6.12", "-p", "stale-code")
    assert "dashed" not in closed
    assert not any(marked for _, marked, _ in Read(closed).edges.values())


def test_several_engines_have_a_picture_each(tmp_path: Path) -> None:
    (tmp_path / "x.klp").write_text(TINY, encoding="utf-8")
    assert klpdsl("explore", "x.klp", "-e", "v5.1,v6.12", "--graph", "x.svg", cwd=tmp_path).returncode == 0
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == ["x.v5.1.svg", "x.v6.11.svg"]


def test_a_graph_that_is_too_large_is_not_drawn(tmp_path: Path) -> None:
    world = FORCED.replace("task t1;", "task t1; task t2;").replace(
        "}; t1", "; tick }; t2 { call f; return }; t1"
    )
    (tmp_path / "x.klp").write_text(world, encoding="utf-8")
    done = klpdsl("verify", "x.klp", "-e", "v6.12", "-p", "stale-code", "--graph", "x.svg", cwd=tmp_path)
    assert done.returncode == 2
    assert "stale-code: holds on v6.11" in done.stdout
    assert re.search(
        r"^x\.svg: not drawn: [\d,]+ states, and a picture in \.svg has 300 at most \(\.dot takes more\)$",
        done.stderr,
    )
    assert not (tmp_path / "x.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("explore", "--graph", "x.png"), "a picture's name ends in .svg or .dot"),
        (("verify", "--graph", "svg"), "a picture's name ends in .svg or .dot"),
        (
            ("verify", "--completes", "--graph", "x.svg"),
            "--completes is a question of its own; it has no --graph",
        ),
        (("verify", "--kept", "--graph", "x.svg"), "--graph is for one scenario"),
        (("explore", "--graph", "none/x.svg"), "none/"),
    ],
)
def test_what_cannot_be_drawn(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    (tmp_path / "x.klp").write_text(TINY, encoding="utf-8")
    done = klpdsl(*arguments, "x.klp", cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr


def test_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    (tmp_path / "x.klp").write_text(ORDERS, encoding="utf-8")
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "klpdsl", "explore", "x.klp", "--graph", f"{seed}.svg"]
        subprocess.run(
            command, cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True
        )
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()
