"""klpdsl reduce: thirty scenarios blown up and brought back, and what the result looks like."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from klpdsl.bisect.history import Stretch, passage
from klpdsl.bisect.route import way
from klpdsl.bisect.scenario import Runner, read_items, text_of
from klpdsl.bisect.trace_text import signature
from klpdsl.semantics.points import mainline_engine
from klpdsl.semantics.table import order
from klpdsl.syntax import tree
from klpdsl.syntax.layout import format_scenario
from klpdsl.syntax.parse import parse
from klpdsl.syntax.resolve import resolve
from klpdsl.syntax.validity import check_names

ROOT = Path(__file__).parents[2]
CHANGES = ROOT / "scenarios" / "changes"
NOISE = 200
SECONDS = 10
BLOWN_UP = sorted(path.stem for path in CHANGES.glob("*.klp"))[:30]

Write = Callable[..., Path]
Items = tuple[tree.Item, ...]


def around(name: str) -> tuple[str, str]:
    place = order().index(name)
    return mainline_engine(place).name, mainline_engine(place + 1).name


def noise(chance: random.Random) -> str:
    """A statement about what no scenario of scenarios/changes/ knows."""
    task, patch, module = (f"{kind}{chance.randrange(6)}" for kind in ("noise_t", "noise_p", "noise_m"))
    function = f"noise_f{chance.randrange(6)}"
    return chance.choice(
        [
            f"{task}: syscall {function}",
            f"{task}: syscall {function}, syscall",
            f"{task}: call {function}",
            f"{task}: return",
            f"{task}: run",
            f"{task}: sleep",
            f"kthread {task}k{chance.randrange(100)} in {function} > noise_g",
            f"load {patch} {{ {function}, noise_g }}",
            f"unload {patch}",
            f"enable {patch}",
            f"expect {task} sees {function} = original",
            f"expect {patch} enabled = 1",
            f"write {patch} enabled {chance.randrange(2)}",
            f"load {module}",
            f"unload {module}",
            f"choose {{ {task}: resched; {task}: syscall }} or {{ show {patch} }}",
            f"interleave {{ operator {{ enable {patch} }}; {task} {{ syscall {function} }} }}",
            "expect transition = none",
            "show",
            "tick 3",
            "settle",
        ]
    )


DECLARATIONS = "".join(
    [
        *(f"task noise_t{i}\n" for i in range(6)),
        *(f"module noise_m{i} {{ noise_o{i} }}\n" for i in range(6)),
        *(f"patch noise_p{i} {{ noise_f{i}; noise_m{i} {{ noise_o{i} }} }}\n" for i in range(6)),
    ]
)


def blow_up(name: str) -> str:
    """A change's scenario with 200 more statements, at places where they make no other difference than its own.

    What a statement may not disturb is where the two engines first part, and how. Always the same text.
    """
    chance = random.Random(name)
    engines = [mainline_engine(order().index(name) + i) for i in range(2)]
    items: list[tree.Item] = body(read_items(str(CHANGES / f"{name}.klp")))

    def first_difference(candidate: Sequence[tree.Item]) -> object:
        runner = Runner(candidate)
        return signature(*(runner.text(engine) for engine in engines))

    wanted = first_difference(items)
    assert wanted is not None
    world: list[tree.Item] = list(parse(DECLARATIONS, "world").items)
    if any(isinstance(item, tree.VmlinuxDecl) for item in items):
        world = [item for item in world if not isinstance(item, tree.PatchDecl)]
    if first_difference(world + items) == wanted:
        items = world + items
    added = 0
    batch = 10
    line = 1000
    while added < NOISE:
        candidate = list(items)
        for _ in range(min(batch, NOISE - added)):
            # Each on a line of its own: a statement is known by where it stands.
            line += 1
            (statement,) = parse("\n" * line + noise(chance)).items
            place = len(candidate) if chance.random() < 0.3 else chance.randrange(len(candidate) + 1)
            candidate.insert(place, statement)
        if not check_names(resolve(candidate)) and first_difference(candidate) == wanted:
            added += len(candidate) - len(items)
            items = candidate
            batch = min(40, batch * 2)
        else:
            batch = max(1, batch // 2)
    return text_of(items)


def statements(text: str) -> list[tree.Item]:
    return body(parse(text).items)


def body(items: Sequence[tree.Item]) -> list[tree.Item]:
    """All but the header."""
    return [item for item in items if not isinstance(item, tree.Title | tree.Engines)]


def size(items: Sequence[tree.Item]) -> int:
    """How much there is to read: the words of a scenario without its header and comments."""
    return len(text_of(items).split())


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if place % 3 else ()) for place, name in enumerate(BLOWN_UP)],
)
def test_a_blown_up_scenario_comes_back(name: str, klpdsl: Any, scenario: Write, tmp_path: Path) -> None:
    before, after = around(name)
    big = scenario(blow_up(name), "big.klp")
    original = body(read_items(str(CHANGES / f"{name}.klp")))
    assert len(statements(big.read_text(encoding="utf-8"))) >= len(original) + NOISE
    start = time.perf_counter()
    klpdsl("reduce", big, "--keep-difference", before, after, "-o", tmp_path / "small.klp")
    taken = time.perf_counter() - start
    small = (tmp_path / "small.klp").read_text(encoding="utf-8")
    assert len(statements(small)) <= 1.5 * len(original)
    assert size(statements(small)) <= 1.5 * size(original)
    assert taken < SECONDS
    # The same difference, at the same change, and nowhere else between its neighbours.
    engines = [mainline_engine(order().index(name) + i) for i in range(2)]
    texts = [Runner(statements(small)).text(engine) for engine in engines]
    wanted = [Runner(original).text(engine) for engine in engines]
    assert signature(*texts) == signature(*wanted)
    (turn,) = passage(Runner(statements(small)), Stretch("", way(*engines))).turns
    assert [move.change for move in turn.moves] == [name]


def test_the_result_is_ready_to_commit(klpdsl: Any, tmp_path: Path) -> None:
    suite = tmp_path / "scenarios"
    suite.mkdir()
    source = tmp_path / "big.klp"
    source.write_text(blow_up("no-stacking"), encoding="utf-8")
    target = suite / "small.klp"
    before, after = around("no-stacking")
    klpdsl("reduce", source, "--keep-difference", before, after, "-o", target)
    text = target.read_text(encoding="utf-8")
    assert format_scenario(text) == text
    first, *_ = text.splitlines()
    assert first.startswith("# In the step `")
    prose = " ".join(line.removeprefix("# ") for line in text.splitlines() if line.startswith("#"))
    assert 'What makes the difference is no-stacking, commit d67a53720966 ("' in prose
    assert prose.endswith("Reduced from big.klp.")
    assert f"engines {before}, {after}\n" in text
    klpdsl("accept", target)
    assert sorted(path.name for path in (tmp_path / "goldens" / "small").iterdir()) == sorted(
        [f"{before}.trace", f"{after}.trace"]
    )
    klpdsl("check", suite)


def test_it_is_the_same_every_time(klpdsl: Any, scenario: Write) -> None:
    path = scenario(blow_up("callbacks"))
    arguments = ["reduce", path, "--keep-difference", *around("callbacks")]
    one, other = (klpdsl(*arguments, process=True, PYTHONHASHSEED=seed).stdout for seed in "12")
    assert one == other


def test_far_apart_engines_keep_the_change_that_makes_the_first_difference(
    klpdsl: Any, scenario: Write
) -> None:
    path = scenario(
        'scenario "all of it"\nt1: call f\nload p1 { f, g }\nenable p1\nshow\nt1: return\nsettle\nunload p1\n'
    )
    shown = klpdsl("reduce", path, "--keep-difference", "v4.0", "v4.11").stdout
    assert shown == (
        "# In the step `load p1`, v4.0 gives `sysfs p1/vmlinux/f/` where v4.9 gives `sysfs\n"
        '# p1/vmlinux/f,1/`. What makes the difference is sysfs-func-sympos ("livepatch: function,sympos\n'
        "# scheme in livepatch sysfs directory\"), first in v4.5. A function's directory in sysfs is called\n"
        '# f,1 instead of f. Reduced from x.klp ("all of it").\n'
        "\n"
        'scenario "all of it, reduced"\n'
        "engines v4.0, v4.9\n"
        "\n"
        "load p1\n"
    )


BUSY = """\
vmlinux { f, g, h notrace }
module ext4 { read, write } loaded
task t1 running in f > g uninterruptible
kthread k1 in f unreliable
cpus 4 nohz
patch p1 { f sympos 1; g; ext4 { read; write }; callbacks ext4 { pre_patch; post_patch }; state 1 version 3 }
load p1 -> 0
interleave {
    operator { tick 40; disable p1; show }
    k1 { call f; return; return }
}
choose { force } or { settle }
always t1 patch_state != patched
"""


def keep(klpdsl: Any, path: Path, *arguments: str) -> list[str]:
    """The statements of the reduced scenario, without header and comments."""
    shown = klpdsl("reduce", path, *arguments).stdout
    return text_of(statements(shown)).splitlines()


@pytest.mark.parametrize(
    ("what", "left"),
    [
        (["--keep-line", "callback p1 ext4 pre_patch = 0"], ["callbacks ext4"]),
        (["--keep-line", "log debug livepatch: klp_try_switch_task: t1:101 is running"], ["task t1 running"]),
        (["--keep-line", "sysfs p1/ext4/write,1/"], ["ext4 { write }"]),
        (["--keep", "transition = p1"], ["load p1"]),
        (["--keep", "p1 enabled = 0"], ["disable p1"]),
    ],
)
def test_every_part_is_made_simpler(klpdsl: Any, scenario: Write, what: list[str], left: list[str]) -> None:
    lines = keep(klpdsl, scenario(BUSY), *what, "--engine", "v6.12")
    assert all(any(words in line for line in lines) for words in left)
    assert len(lines) <= 4
    assert not any(
        word in "\n".join(lines) for word in ("interleave", "choose", "always", "state 1", "40", "-> 0")
    )


def test_a_tick_is_as_long_as_it_must_be(klpdsl: Any, scenario: Write) -> None:
    # The fake signal comes by itself at the 15th retry.
    path = scenario("task t1 in f\nload p1\ntick 400\nshow\n")
    lines = keep(
        klpdsl, path, "--keep-line", "log notice livepatch: signaling remaining tasks", "-e", "v6.12"
    )
    assert lines == ["task t1 in f", "load p1", "tick 15"]


def test_a_violation_is_kept_with_the_kind_of_step_that_it_comes_in(klpdsl: Any, scenario: Write) -> None:
    path = scenario("t2: syscall g\napply p1\nshow\ndisable p1\nshow\nunload p1\nt2: syscall g\n")
    arguments = ["--keep-violation", "leak", "-e", "v5.1@single-call-api"]
    assert keep(klpdsl, path, *arguments) == ["apply p1", "disable p1"]
    shown = klpdsl("reduce", path, *arguments).stdout
    assert (
        "# On v5.1@single-call-api, `disable p1` violates a property: leak: nothing uses module p1" in shown
    )


def test_what_must_differ_can_be_chosen(klpdsl: Any, scenario: Write) -> None:
    path = scenario(
        "t2: syscall g\nload p1\nenable p1\nshow\ndisable p1\nt2: syscall g\nunload p1\nload p2\n"
    )
    ends = ["--keep-difference", "v4.0", "v4.12"]
    assert keep(klpdsl, path, *ends) == ["load p1"]
    assert keep(klpdsl, path, *ends, "--result", "unload p1=EAGAIN") == ["load p1", "unload p1"]
    assert keep(klpdsl, path, *ends, "--result", "7=EAGAIN") == ["load p1", "unload p1"]
    assert keep(klpdsl, path, *ends, "--expect", "module p1 refs 0") == ["load p1", "enable p1", "disable p1"]
    assert keep(klpdsl, path, *ends, "--events", "task") == ["t2: syscall", "load p1", "enable p1"]


def test_one_of_several_equal_steps_is_meant(klpdsl: Any, scenario: Write) -> None:
    # The first two fail everywhere, while the patch is enabled; the third fails until v4.12.
    path = scenario(
        "load p1\nenable p1\nunload p1\nt2: syscall g\nunload p1\ndisable p1\nsettle\nunload p1\nshow\n"
    )
    arguments = ["--keep-difference", "v4.11", "v4.12", "--result", "8=EAGAIN"]
    assert keep(klpdsl, path, *arguments) == ["load p1", "unload p1"]
    shown = klpdsl("reduce", path, *arguments).stdout
    assert shown.startswith("# Whether `unload p1` ends with EAGAIN: yes on v4.9, no on v4.12.")
    done = klpdsl("reduce", path, "--keep-difference", "v4.11", "v4.12", "--result", "3=EAGAIN", code=2)
    assert "v4.9 and v4.12 are alike in this: whether `unload p1` ends with EAGAIN" in done.stderr


def test_a_condition_becomes_the_last_statement(klpdsl: Any, scenario: Write) -> None:
    path = scenario("load p1 { f }\nload p2 { f, g }\nt1: syscall g\ndisable p2\nsettle\nunload p2\n")
    assert keep(klpdsl, path, "--keep", "t1 sees f = p1", "-e", "v6.12") == [
        "load p1",
        "expect t1 sees f = p1",
    ]


def test_a_command_decides(klpdsl: Any, scenario: Write) -> None:
    path = scenario("load p1\nshow\nt1: syscall f\nload p2\n")
    assert keep(klpdsl, path, "--keep-run", 'grep -q p2 "$KLPDSL_SCENARIO"') == ["load p2"]


def test_what_is_imported_is_taken_in(klpdsl: Any, scenario: Write) -> None:
    scenario("module ext4 { read, write }\ntask t1\n", "common/world.klp")
    path = scenario('import "common/world.klp"\nload ext4\nload p1 { ext4 { read } }\nt1: syscall read\n')
    lines = keep(klpdsl, path, "--keep-line", "call t1 ext4 read -> p1", "-e", "v6.12")
    assert lines == ["module ext4 { read }", "load ext4", "load p1 { ext4 { read } }", "t1: syscall read"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--keep-difference", "v4.12", "v4.13"], "v4.12 and v4.12 are alike in this: the whole trace"),
        (["--keep-difference", "v4.12", "v9.9"], "v9.9"),
        (["--keep-violation", "leak"], "leak is not violated on "),
        (["--keep", "p1 enabled = 7"], "the condition does not hold at the end on "),
        (["--keep", "p1 enabled ="], "<--keep>:1:"),
        (["--keep-line", "no such line"], "has no line `no such line`"),
        (["--keep-run", "false"], "`false` does not exit with 0"),
        (["--keep-difference", "v4.0", "v4.5", "--engine", "v5.1"], "leave --engine out"),
        (["--keep", "p1 enabled = 1", "--result", "1=0"], "go with --keep-difference"),
        ([], "one of the arguments"),
    ],
)
def test_what_cannot_be_kept_is_said(klpdsl: Any, scenario: Write, arguments: list[str], said: str) -> None:
    assert said in klpdsl("reduce", scenario("load p1\n"), *arguments, code=2).stderr
