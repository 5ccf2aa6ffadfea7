"""What reads files that somebody else may have written: for each reader, sound examples, and what is done with a file.

A file is laid where the reader looks for it, and a command is called as users call it; a reader that only programs
call is called as they do. `CODES` are the exit codes that the documents know.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

import klpdsl
from klpdsl._errors import KlpdslError
from klpdsl.goldens.deciding import pending, transaction
from klpdsl.goldens.storage import sealed
from klpdsl.goldens.suite import Suite
from tests.calls import call
from tests.describe.modules import Layout, Made, Thing, by_hand, klp_build, kpatch_build

ROOT = Path(__file__).resolve().parents[2]
#: Usage, mismatch, housekeeping, nothing selected, and what a bounded search cannot judge.
CODES = frozenset((0, 1, 2, 3, 5, 125))


class Ended(NamedTuple):
    """How a reader took an input: the exit code (for a function: 2 for its own error), and what was said."""

    code: int
    out: str
    err: str


class Sandbox:
    """A folder with a project in it, and the reader's user beside; nothing outside of the project may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "deep" / "er" / "project"
        self.start = folder / "start"
        self.victims = (folder / "victim", folder / "deep" / "victim", self.root / "victim")
        self.environment = {
            "HOME": str(folder / "home"),
            "PATH": str(folder / "nothing"),
            "TMPDIR": str(folder / "tmp"),
            "KLPDSL_NO_CACHE": "1",
            "COLUMNS": "100",
            "LANG": "C.UTF-8",
        }

    def call(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Ended:
        done = call(arguments, cwd=self.root, environment={**self.environment, **(environment or {})})
        return Ended(done.returncode, done.stdout, done.stderr)

    def set_up(self) -> None:
        """Make the project: two scenarios with goldens, of one of which changes are pending."""
        for name in ("home", "nothing", "tmp", "deep/er/project/scenarios"):
            (self.folder / name).mkdir(parents=True)
        for victim in self.victims:
            victim.write_text("somebody else's\n")
        (self.root / "scenarios/first.klp").write_text(
            "engines v4.9, v5.1, v6.1\nload p1\nt1: syscall f\nshow\n"
        )
        (self.root / "scenarios/second.klp").write_text("engines v5.1\nload p1\n")
        done = self.call("accept", "scenarios", "--reason", "x")
        assert done.code == 0, done
        golden = max((self.root / "goldens/first").iterdir())
        golden.write_text(golden.read_text().replace("load p1", "load  p1").replace("= 0", "= EINVAL"))
        done = self.call("check", "--bundle", "bundle.json", "--jobs", "1")
        assert done.code == 1, done
        os.environ.update({"HOME": self.environment["HOME"], "XDG_STATE_HOME": ""})
        shutil.copytree(self.root, self.start)

    def again(self) -> None:
        """Make the project what it was."""
        shutil.rmtree(self.root)
        shutil.copytree(self.start, self.root)

    def state(self, name: str) -> bytes:
        """A file of klpdsl's state, without its seal."""
        return (self.start / name).read_bytes().partition(b"\n")[2]

    def seal(self, name: str, data: bytes) -> None:
        sealed.write(Suite(str(self.root)), name, data)


class Target(NamedTuple):
    """A reader. `place` is the file from the project's folder; `form` is that of `mutations.damaged`.

    `may_change` are the files and folders of the project that its commands may change; a project in which something
    may have changed is made anew for each input.
    """

    form: str
    place: str
    examples: Callable[[Sandbox], Sequence[bytes]]
    act: Callable[[Sandbox, bytes, Random], Ended]
    may_change: tuple[str, ...] = ()
    #: What of it is to be named where it is refused; empty where that is something else's business.
    named: str = ""
    sealed: bool = False
    #: What is done to a project before anything else.
    prepare: Callable[[Sandbox], None] = lambda _: None

    def lay(self, sandbox: Sandbox, data: bytes, chance: Random) -> None:
        if not self.place:
            return
        if self.sealed and chance.randrange(8):
            sandbox.seal(self.place, data)
            return
        path = sandbox.root / self.place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def one_of(*commands: str) -> Callable[[Sandbox, bytes, Random], Ended]:
    """One of the command lines."""
    return lambda sandbox, _, chance: sandbox.call(*chance.choice(commands).split())


@cache
def scenarios() -> tuple[bytes, ...]:
    found = [path.read_bytes() for path in sorted((ROOT / "scenarios").rglob("*.klp"))]
    return tuple(data for data in found if len(data) < 700)


@cache
def races() -> tuple[bytes, ...]:
    """Scenarios with orders to take, small enough for a search."""
    own = (
        b"patch p1 { f, g }\ninterleave {\n  operator { apply p1; unload p1 }\n  t1 { call f; return }\n}\n",
        b"patch p1 { f }\nnever mixed\ninterleave {\n  operator { apply p1; reverse }\n  t1 { syscall f }\n}\nsettle\n",
        b"choose { load p1 } or { load p1; tick }\nexpect transition = none\n",
    )
    return own + tuple(data for data in scenarios() if b"interleave" in data or b"choose" in data)


@cache
def built_modules() -> tuple[bytes, ...]:
    """Livepatch modules in each form in which they are made."""
    made = Made(
        (Thing("vmlinux", (("f", 1), ("g", 0))), Thing("ext4", (("read", 2),), ("pre_patch", "post_patch"))),
        states=((1, 2),),
        replace=True,
        relocations=(("ext4", "ext4", "lock", 0),),
    )
    unnamed = by_hand(made, Layout(sized=False, parameter=True))
    return (by_hand(made), unnamed, kpatch_build(made), klp_build(made))


@cache
def goldens() -> tuple[bytes, ...]:
    found = [path.read_bytes() for path in sorted((ROOT / "goldens/basics").rglob("*.trace"))]
    return tuple(data for data in found if len(data) < 1_500)


def of_suite(*names: str) -> Callable[[Sandbox], Sequence[bytes]]:
    """The files of the sandbox's project whose paths these patterns fit."""
    return lambda sandbox: [path.read_bytes() for name in names for path in sorted(sandbox.start.glob(name))]


def own_error(act: Callable[[], object]) -> Ended:
    """Call a reader that is a function: its own errors are those of `KlpdslError`, and of traces."""
    try:
        act()
    except (KlpdslError, klpdsl.TraceError) as error:
        return Ended(2, "", str(error))
    return Ended(0, "", "")


def _trace(_: Sandbox, data: bytes, __: Random) -> Ended:
    def act() -> None:
        trace = klpdsl.read_trace(data.decode("utf-8", "surrogateescape"))
        # What was read can be written, and read again.
        assert klpdsl.read_trace(klpdsl.write_trace(trace)) == trace
        assert klpdsl.read_trace(klpdsl.write_trace(trace, "jsonl")) == trace

    return own_error(act)


def _json_traces(_: Sandbox) -> Sequence[bytes]:
    traces = [klpdsl.read_trace(data.decode()) for data in goldens()[:20]]
    return [klpdsl.write_trace(trace, "jsonl").encode() for trace in traces]


def _engines(_: Sandbox) -> Sequence[bytes]:
    return (
        b'base = "v6.12"\nprose = "to try it"\n\n[set]\nforce = "listed"\nreplace = "patch"\n',
        b'base = "v5.1"\nwith = ["signal-attr-removed"]\nwithout = ["no-stacking"]\n',
        b'base = "mladek-hybrid-auto"\n',
    )


def _evidence(_: Sandbox) -> Sequence[bytes]:
    found = sorted((ROOT / "evidence/basics").glob("*.toml"))[:6]
    contradicted = b'["6.1"]\nstate = "contradicted"\nrelease = "6.1"\nengine = "v6.1"\nwhy = ["a", "b"]\n'
    return [*(path.read_bytes() for path in found), contradicted]


def _review(sandbox: Sandbox, _: bytes, chance: Random) -> Ended:
    """What a bundle or what is pending looks like on a terminal, and what accepting it would mean."""
    from klpdsl.goldens.deciding import accepting, bundle
    from klpdsl.goldens.deciding.accepting import Choice
    from klpdsl.goldens.reporting.paint import Paint
    from klpdsl.goldens.reporting.reviewing import KEYS, Review

    def act() -> None:
        suite = Suite(str(sandbox.root))
        if bundled:
            records = list(bundle.read(suite, str(sandbox.root / "bundle.json")).records)
        else:
            records = list(pending.iterate(suite, pending.names(suite)))
        review = Review(suite, pending.classes(records))
        paint = Paint(False)
        for _ in range(len(review.classes)):
            assert all(isinstance(line, str) for line in (*review.lines(paint), *review.explain(paint)))
            review.search("load")
            review.decide(chance.choice(("accept", "reject", "skip")), "why not")
        assert KEYS
        accepting.plan(suite, records, Choice(None, {"": "x"}, violations=True))

    bundled = chance.randrange(2)
    return own_error(act)


def _bundle(sandbox: Sandbox, data: bytes, chance: Random) -> Ended:
    if chance.randrange(2):
        return _review(sandbox, data, Random(1))
    return sandbox.call("review", "--bundle", "bundle.json")


def _pending(sandbox: Sandbox, data: bytes, chance: Random) -> Ended:
    if chance.randrange(4) == 0:
        return _review(sandbox, data, Random(2))
    return one_of(
        "accept --reason x", "reject", "review", "check -j 1", "accept --dry-run", "reject --class 12345678"
    )(sandbox, data, chance)


def _transactions(sandbox: Sandbox) -> Sequence[bytes]:
    record = json.loads(sandbox.state(pending.path_of("first")))
    row = {
        "version": 1,
        "operations": [["goldens/first/v5.1.trace", None, ""], ["goldens/new/v5.1.trace", "0" * 40, ""]],
        "done": ["first"],
        "left": [],
        "decided": ["12345678"],
    }
    return [
        json.dumps(row).encode(),
        json.dumps({**row, "operations": [], "left": [record], "done": []}).encode(),
    ]


def _decisions(sandbox: Sandbox) -> Sequence[bytes]:
    record = json.loads(sandbox.state(pending.path_of("first")))
    return [json.dumps({name: ["accept", "because"] for name in record["classes"]}).encode()]


def _journals(sandbox: Sandbox) -> Sequence[bytes]:
    from klpdsl.goldens.storage.journal import ChangedGolden, JournalEntry
    from klpdsl.goldens.storage.store import fingerprint

    content = fingerprint((sandbox.start / "goldens/first/v4.9.trace").read_bytes())
    files = (ChangedGolden("goldens/first/v4.9.trace", content),)
    entry = JournalEntry("2026-01-01", "why", "12345678", "cause", "shape", "", ("force",), "f", files)
    return [
        entry.text().encode(),
        entry._replace(files=(*files, ChangedGolden("goldens/x", ""))).text().encode(),
    ]


def _settings(sandbox: Sandbox, _: bytes, chance: Random) -> Ended:
    return sandbox.call(
        *chance.choice(("doctor", "doctor --format json", "git-setup --check", "check -j 1")).split(),
        environment={
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CEILING_DIRECTORIES": str(sandbox.folder),
        },
    )


def _kernel_config(_: Sandbox, data: bytes, __: Random) -> Ended:
    from klpdsl.kernel.kernels import KernelImage, given_kernel

    def act() -> None:
        headers = _.root / "headers"
        kernel = given_kernel(_.root / "scenarios/first.klp", headers)
        assert isinstance(kernel, KernelImage)
        assert kernel.version.startswith("v")
        assert all(isinstance(value, str) for value in kernel.facts().values())

    (_.root / "headers/include/config").mkdir(parents=True, exist_ok=True)
    for name in (".config", "include/config/kernel.release"):
        (_.root / "headers" / name).write_bytes(data)
    return own_error(act)


def _report(_: Sandbox, data: bytes, __: Random) -> Ended:
    from klpdsl.kernel.console import read_report
    from klpdsl.kernel.plan import make_plan
    from klpdsl.kernel.retrace import retrace
    from klpdsl.run.session import load_text

    def act() -> None:
        plan = make_plan(
            load_text("apply p1\nt1: call f\nexpect p1 enabled = 1\nt1: return\nshow\n", "x").program
        )
        for seen in read_report(data.decode("utf-8", "replace")).scenarios:
            klpdsl.write_trace(retrace(plan, seen))

    return own_error(act)


_GUEST = b"".join(
    (line if line.startswith(b"LOG") else line.replace(b" ", b"\t")) + b"\n"
    for line in (
        b"BOOT 6.12.1", b"SCENARIO 1", b"STEP 0", b"MODULE p1 1 Live", b"DONE", b"STEP 1", b"RESULT 0",
        b"LOG\t5\tlivepatch: enabling 'p1'", b"SYSFS p1/enabled 1", b"SYSFS p1/ ", b"MODULE p1 1 Live",
        b"HOOK vmlinux f 1 p1", b"TASK t1 -1 asleep S", b"PROBE t1 vmlinux f 1 p1", b"DONE", b"STEP 2", b"RESULT -22",
        b"LOG\t6\tklprt: call t1 vmlinux f p1", b"TASK t1 1 f S", b"NOTE slow", b"LOST", b"DONE", b"CLEAN", b"DIRTY",
    )
)  # fmt: skip


def _tables(_: Sandbox, data: bytes, chance: Random) -> Ended:
    from klpdsl.semantics import table, tabulate

    texts = [table.data_text(name).decode() for name in table.FILES]
    place = max(range(len(texts)), key=lambda i: texts[i][:40] == data.decode("utf-8", "replace")[:40])
    texts[place if chance.randrange(3) else chance.randrange(len(texts))] = data.decode("utf-8", "replace")
    return own_error(lambda: tabulate.build(*texts))


def _data(_: Sandbox) -> Sequence[bytes]:
    from klpdsl.semantics import table

    return [table.data_text(name) for name in table.FILES]


def _cached(sandbox: Sandbox, data: bytes, chance: Random) -> Ended:
    """Whatever lies in the cache: what is printed is the same."""
    from klpdsl.semantics import table

    cache_ = sandbox.root / "cache"
    environment = {"KLPDSL_CACHE_DIR": str(cache_), "KLPDSL_NO_CACHE": ""}
    command = chance.choice((("run", "scenarios/first.klp"), ("check", "-j", "1", "--format", "json")))
    sandbox.call(*command, environment=environment)
    before = _uncounted(sandbox.call(*command, environment=environment))
    for path in cache_.rglob("*"):
        if path.is_file():
            path.write_bytes(data if chance.randrange(2) else path.read_bytes()[: chance.randrange(60)])
    table._loaded.clear()
    after = _uncounted(sandbox.call(*command, environment=environment))
    assert after == before, f"the cache has a say: {before} {after}"
    return after


def _uncounted(ended: Ended) -> Ended:
    """Without how much of it came from the cache."""
    return ended._replace(out=re.sub(r'"cached": \d+', "", ended.out))


TARGETS: dict[str, Target] = {
    "scenario": Target(
        "text",
        "scenarios/first.klp",
        lambda _: scenarios(),
        one_of(
            "run scenarios/first.klp",
            "run scenarios/first.klp -e v4.9,v6.19",
            "run scenarios/first.klp --format jsonl",
            "fmt --check scenarios/first.klp",
            "check -j 1 scenarios/first.klp -e v5.1",
        ),
        (".klpdsl",),
        "first.klp",
    ),
    "golden": Target(
        "text",
        "goldens/first/v5.1.trace",
        lambda _: goldens(),
        one_of(
            "check -j 1",
            "check -j 1 --format json -v",
            "check -j 1 --format github --junit j.xml --summary s.md --bundle b.json",
            "blame goldens/first/v5.1.trace",
            "accept scenarios --reason x -j 1",
            "prune --apply",
        ),
        (".klpdsl", "goldens", "j.xml", "s.md", "b.json"),
    ),
    "trace": Target("text", "", lambda _: goldens(), _trace),
    "trace in JSON lines": Target("json lines", "", _json_traces, _trace),
    "engine file": Target(
        "toml",
        "engine.toml",
        _engines,
        one_of(
            "run scenarios/first.klp -e ./engine.toml",
            "engines ./engine.toml",
            "compare -c show -e v5.1,./engine.toml",
        ),
        named="engine.toml",
    ),
    "evidence": Target(
        "toml",
        "evidence/first.toml",
        _evidence,
        one_of(
            "check -j 1",
            "check -j 1 --format json",
            "kernel evidence",
            "kernel evidence --changes",
            "accept --reason x",
        ),
        (".klpdsl", "goldens"),
    ),
    "bundle": Target("json", "bundle.json", of_suite("bundle.json"), _bundle, (".klpdsl",)),
    "pending": Target(
        "json",
        pending.path_of("first"),
        lambda sandbox: [sandbox.state(pending.path_of("first"))],
        _pending,
        (".klpdsl", "goldens"),
        sealed=True,
    ),
    "transaction": Target(
        "json",
        transaction.TRANSACTION,
        _transactions,
        one_of("accept --reason x", "reject", "check -j 1", "prune --apply", "review"),
        (".klpdsl", "goldens"),
        sealed=True,
    ),
    "decisions": Target(
        "json",
        pending.DECISIONS,
        _decisions,
        lambda sandbox, data, chance: _review(sandbox, data, Random(2))
        if chance.randrange(2)
        else one_of("check -j 1", "reject", "review", "accept --reason x")(sandbox, data, chance),
        (".klpdsl", "goldens"),
        sealed=True,
    ),
    "journal": Target(
        "toml",
        "goldens/.journal/2026-01-01-0.toml",
        _journals,
        one_of("blame goldens/first/v4.9.trace", "blame goldens/first/v4.9.trace:2", "check -j 1", "prune"),
        (".klpdsl",),
    ),
    "alphabet": Target(
        "text",
        "a.klp",
        lambda _: races(),
        one_of(
            "separate v5.0 v5.1 --within a.klp --pairs 15 --depth 2",
            "separate v4.14 v6.1 --within a.klp --pairs 15 --all",
        ),
        named="a.klp",
    ),
    "scenario to explore": Target(
        "text",
        "a.klp",
        lambda _: races(),
        one_of(
            "explain a.klp -e v5.1",
            "explain-log a.klp -e v5.4 --states 50",
            "explain-log a.klp -e v5.4 --snapshot a.klp",
            "explain a.klp:2 --format json",
            "explore a.klp --max-states 60 -e v5.1",
            "explore a.klp --max-states 60 -e v6.1 --format json --observe trace",
            "explore a.klp --max-states 60 -e v5.1 --out out",
            "verify a.klp --max-states 60 -e v5.1",
            "verify a.klp --max-states 60 -e v5.1 --forever --depth 1",
        ),
        ("out",),
        "a.klp",
    ),
    "built module": Target(
        "bytes",
        "p.ko",
        lambda _: built_modules(),
        one_of("describe p.ko", "describe p.ko --format json"),
        named="p.ko",
    ),
    "scenario to draw": Target(
        "text",
        "a.klp",
        lambda _: scenarios(),
        one_of(
            "run a.klp --view timeline",
            "run a.klp --view svg -o p.svg",
            "run a.klp --view html -o p.html -e v6.1",
            "run a.klp --format perfetto -o p.json",
            "compare a.klp --view html -o p.html -e v5.1,v6.1",
            "compare a.klp -e v5.1,v6.1 --format markdown",
            "compare a.klp --view timeline -e v5.1,v6.1",
        ),
        ("p.svg", "p.html", "p.json"),
        "a.klp",
    ),
    "report of a guest": Target("text", "", lambda _: (_GUEST,), _report),
    "configuration of a kernel": Target(
        "text",
        "",
        lambda _: (b"6.12.1-cloud\n", b"CONFIG_LIVEPATCH=y\n# CONFIG_X is not set\nCONFIG_HZ=250\n"),
        _kernel_config,
        ("headers",),
    ),
    "data of the engines": Target("toml", "", _data, _tables),
    "cache": Target("bytes", "", lambda _: scenarios()[:4], _cached, ("cache", ".klpdsl")),
    "settings of git": Target(
        "text",
        ".gitattributes",
        lambda _: (b"goldens/**/*.trace merge=klpdsl -text\n", b"* text=auto\n[attr]x y\n"),
        _settings,
        (".klpdsl",),
    ),
}  # fmt: skip
