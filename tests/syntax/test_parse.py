"""Each construct of the language, and the tree it gives."""

import pytest

from klpdsl.syntax import tree
from klpdsl.syntax.compare import same
from klpdsl.syntax.parse import parse
from klpdsl.syntax.tree import Span

S = Span("anywhere", 1, 1, 1, 1)


def f(name: str, owner: str | None = None, sympos: int = 0) -> tree.FunctionRef:
    return tree.FunctionRef(owner, name, sympos, S)


def fn(name: str, sympos: int = 0, *, immediate: bool = False) -> tree.PatchFunction:
    return tree.PatchFunction(name, sympos, immediate, S)


def step(operation: tree.Operation, result: str = "") -> tree.Step:
    return tree.Step(operation, result, S)


def of_task(*actions: tree.Action, task: str = "t1") -> tree.Step:
    return step(tree.TaskStep(task, actions, S))


def flag(name: str) -> tree.PatchFlag:
    return tree.PatchFlag(name, (), S)


def expect(condition: tree.Condition) -> tree.Expect:
    return tree.Expect(condition, S)


BODY = tree.PatchBody((fn("f"),), S)

CASES: dict[str, tree.Item] = {
    # header
    'scenario "a title"': tree.Title("a title", S),
    r'scenario "\"a\\b\"\tc\nd"': tree.Title('"a\\b"\tc\nd', S),
    "engines v7.0+system=kgraft": tree.Engines(
        (tree.EngineRange("v7.0+system=kgraft", "v7.0+system=kgraft", S),), S
    ),
    "engines v4.12": tree.Engines((tree.EngineRange("v4.12", "v4.12", S),), S),
    "engines v4.12 .. v4.14, baron": tree.Engines(
        (tree.EngineRange("v4.12", "v4.14", S), tree.EngineRange("baron", "baron", S)), S
    ),
    "engines v4.12..v5.1~3": tree.Engines((tree.EngineRange("v4.12", "v5.1~3", S),), S),
    "engines v4.12 .., .. v5.0": tree.Engines(
        (tree.EngineRange("v4.12", "", S), tree.EngineRange("", "v5.0", S)), S
    ),
    'import "common/two-tasks.klp"': tree.Import("common/two-tasks.klp", S),
    # world
    "vmlinux { f, g notrace; f }": tree.VmlinuxDecl(
        (tree.FunctionDecl("f", False, S), tree.FunctionDecl("g", True, S), tree.FunctionDecl("f", False, S)),
        S,
    ),
    "vmlinux {}": tree.VmlinuxDecl((), S),
    "module ext4 { read }": tree.ModuleDecl(
        "ext4", (tree.FunctionDecl("read", False, S),), (), (), False, "", "", "", S
    ),
    "module nfs { open } loaded": tree.ModuleDecl(
        "nfs", (tree.FunctionDecl("open", False, S),), (), (), True, "", "", "", S
    ),
    "module nfs loaded": tree.ModuleDecl("nfs", (), (), (), True, "", "", "", S),
    "task t1": tree.TaskDecl("t1", "user", "", False, (), False, False, (), S),
    "task t3 in f > ext4:g": tree.TaskDecl(
        "t3", "user", "", False, (f("f"), f("g", "ext4")), False, False, (), S
    ),
    "task t4 running in f": tree.TaskDecl("t4", "user", "", True, (f("f"),), False, False, (), S),
    "task t4 running": tree.TaskDecl("t4", "user", "", True, (), False, False, (), S),
    "task t5 in f uninterruptible": tree.TaskDecl("t5", "user", "", False, (f("f"),), True, False, (), S),
    "kthread k1 in f unreliable uninterruptible": tree.TaskDecl(
        "k1", "kthread", "", False, (f("f"),), True, True, (), S
    ),
    "module probe redirects f, ext4:g loaded": tree.ModuleDecl(
        "probe", (), (), (f("f"), f("g", "ext4")), True, "", "", "", S
    ),
    "module probe { h } probes f, ext4:g redirects h fails ENODEV": tree.ModuleDecl(
        "probe",
        (tree.FunctionDecl("h", False, S),),
        (f("f"), f("g", "ext4")),
        (f("h"),),
        False,
        "ENODEV",
        "",
        "",
        S,
    ),
    "kthread k1 of ext4 in f": tree.TaskDecl("k1", "kthread", "ext4", False, (f("f"),), False, False, (), S),
    "task t1 in f vcpu nohz": tree.TaskDecl(
        "t1", "user", "", False, (f("f"),), False, False, ("nohz", "vcpu"), S
    ),
    "async": tree.AsyncDecl(S),
    "contended 3": tree.ContendedDecl(3, S),
    "cpus 2": tree.CpusDecl(2, False, S),
    "cpus 2 nohz": tree.CpusDecl(2, True, S),
    "arch unreliable-stacks": tree.ArchDecl("unreliable-stacks", S),
    "patch p1": tree.PatchDecl("p1", (), None, S),
    "patch p1 {}": tree.PatchDecl("p1", (), tree.PatchBody((), S), S),
    "patch p1 irreplaceable replace_sets 0 9 override_replace_sets 1": tree.PatchDecl(
        "p1",
        (
            flag("irreplaceable"),
            tree.PatchFlag("replace_sets", (0, 9), S),
            tree.PatchFlag("override_replace_sets", (1,), S),
        ),
        None,
        S,
    ),
    "patch p1 { state 1 version 3 block_disable shadow { pre_patch fails ENOMEM } }": tree.PatchDecl(
        "p1",
        (),
        tree.PatchBody(
            (tree.PatchState(1, 3, True, True, (tree.Callback("pre_patch", "ENOMEM", "", "", "", S),), S),),
            S,
        ),
        S,
    ),
    "patch p1 replace immediate unmarked { f }": tree.PatchDecl(
        "p1", (flag("replace"), flag("immediate"), flag("unmarked")), BODY, S
    ),
    "patch p1 { f immediate, g sympos 2, h sympos 3 immediate, i immediate sympos 4 }": tree.PatchDecl(
        "p1",
        (),
        tree.PatchBody(
            (
                fn("f", immediate=True),
                fn("g", 2),
                fn("h", 3, immediate=True),
                fn("i", 4, immediate=True),
            ),
            S,
        ),
        S,
    ),
    "patch p1 { vmlinux { f }\n ext4 { read sympos 2 } }": tree.PatchDecl(
        "p1",
        (),
        tree.PatchBody(
            (
                tree.PatchObject("vmlinux", "", (fn("f"),), S),
                tree.PatchObject("ext4", "", (fn("read", 2),), S),
            ),
            S,
        ),
        S,
    ),
    "patch p1 { callbacks ext4 { pre_patch fails ENODEV; post_unpatch }; callbacks vmlinux; state 1 version 2 }": (
        tree.PatchDecl(
            "p1",
            (),
            tree.PatchBody(
                (
                    tree.PatchCallbacks(
                        "ext4",
                        (
                            tree.Callback("pre_patch", "ENODEV", "", "", "", S),
                            tree.Callback("post_unpatch", "", "", "", "", S),
                        ),
                        S,
                    ),
                    tree.PatchCallbacks("vmlinux", None, S),
                    tree.PatchState(1, 2, False, False, None, S),
                ),
                S,
            ),
            S,
        )
    ),
    # actions
    "load p1": step(tree.Load("p1", (), None, S)),
    "load p1 replace { f } -> EBUSY": step(tree.Load("p1", (flag("replace"),), BODY, S), "EBUSY"),
    "apply p1 immediate": step(tree.Apply("p1", (flag("immediate"),), None, S)),
    "unload p1 -> 0": step(tree.Unload("p1", S), "0"),
    "enable p1->EBUSY": step(tree.Enable("p1", S), "EBUSY"),
    "disable p1": step(tree.Disable("p1", S)),
    "reverse": step(tree.Reverse(S)),
    "signal": step(tree.Signal(None, S)),
    "signal p1": step(tree.Signal("p1", S)),
    "force": step(tree.Force(None, S)),
    "force p1": step(tree.Force("p1", S)),
    'write p1 enabled "2\\n"': step(tree.Write("p1", "enabled", "2\n", S)),
    "write p1 force 1": step(tree.Write("p1", "force", "1", S)),
    'write p1 replace ""': step(tree.Write("p1", "replace", "", S)),
    "sysctl kernel.ftrace_enabled 0": step(tree.Sysctl("kernel.ftrace_enabled", 0, S)),
    "sysctl kernel.ftrace_enabled = 1": step(tree.Sysctl("kernel.ftrace_enabled", 1, S)),
    "tick": step(tree.Tick(1, S)),
    "tick 15": step(tree.Tick(15, S)),
    "settle": step(tree.Settle(S)),
    "show": step(tree.Show(None, S)),
    "open p1/vmlinux/f,1": step(tree.Open("p1", "vmlinux/f,1", S)),
    "close p1/vmlinux": step(tree.Close("p1", "vmlinux", S)),
    "hold p1/vmlinux/f,1": step(tree.Hold("p1", "vmlinux/f,1", S)),
    "drop p1/vmlinux": step(tree.Drop("p1", "vmlinux", S)),
    "callbacks p1 ext4 { post_patch reads p2 }": step(
        tree.SetCallbacks("p1", "ext4", (tree.Callback("post_patch", "", "p2", "", "", S),), S)
    ),
    "shadow get obj 1": step(tree.Shadow("get", "obj", 1, None, "", False, None, S)),
    'shadow alloc obj 1 "data" ctor fails ENOMEM': step(
        tree.Shadow("alloc", "obj", 1, "data", "ENOMEM", False, None, S)
    ),
    "shadow get_or_alloc obj 1 ctor": step(tree.Shadow("get_or_alloc", "obj", 1, None, "0", False, None, S)),
    "shadow alloc obj 1 of p1": step(tree.Shadow("alloc", "obj", 1, None, "", False, "p1", S)),
    "shadow free obj 1 dtor": step(tree.Shadow("free", "obj", 1, None, "", True, None, S)),
    "shadow free_all 1": step(tree.Shadow("free_all", "", 1, None, "", False, None, S)),
    "show p1": step(tree.Show("p1", S)),
    "t1: call f": of_task(tree.Call(f("f"), S)),
    "t1: call ext4:read sympos 2": of_task(tree.Call(f("read", "ext4", 2), S)),
    "t1: return": of_task(tree.Return(S)),
    "t1: syscall": of_task(tree.Syscall(None, S)),
    "t1: syscall f": of_task(tree.Syscall(f("f"), S)),
    "t1: enter f, continue": of_task(tree.Enter(f("f"), S), tree.Simple("continue", S)),
    "t1: fork t9 slowly": of_task(tree.Fork("t9", True, S)),
    "patch p1 { relocations ext4 { read, vmlinux:printk sympos 2 } }": tree.PatchDecl(
        "p1",
        (),
        tree.PatchBody((tree.PatchRelocations("ext4", (f("read"), f("printk", "vmlinux", 2)), S),), S),
        S,
    ),
    "t1: run, sleep, resched, freeze, exit": of_task(
        *(tree.Simple(verb, S) for verb in ("run", "sleep", "resched", "freeze")), tree.Exit(False, S)
    ),
    '"kworker/0:1": fork t9': of_task(tree.Fork("t9", False, S), task="kworker/0:1"),
    # observations
    "expect p1 enabled = 1": expect(tree.AttributeIs("p1", "enabled", "1", S)),
    "expect p1 enabled = gone": expect(tree.AttributeIs("p1", "enabled", "gone", S)),
    "expect p1 vmlinux/patched = 1": expect(tree.AttributeIs("p1", "vmlinux/patched", "1", S)),
    "expect p1 vmlinux/f,1 = gone": expect(tree.AttributeIs("p1", "vmlinux/f,1", "gone", S)),
    "expect p1 transition = 0": expect(tree.AttributeIs("p1", "transition", "0", S)),
    "expect t1 patch_state = patched": expect(tree.TaskStateIs("t1", "patched", False, S)),
    "expect t1 patch_state != undefined": expect(tree.TaskStateIs("t1", "undefined", True, S)),
    "expect t1 sees f = p2": expect(tree.TaskSees("t1", f("f"), "p2", False, S)),
    "expect t1 sees ext4:read != original": expect(
        tree.TaskSees("t1", f("read", "ext4"), "original", True, S)
    ),
    "expect transition = p2": expect(tree.TransitionIs("p2", False, S)),
    "expect any task sees f != p1": expect(tree.TasksSee("any", f("f"), "p1", True, S)),
    "expect all tasks patch_state = patched": expect(tree.TasksAre("all", "patched", False, S)),
    "never transition = p1 and p1 refs = 0": tree.Never(
        tree.Both((tree.TransitionIs("p1", False, S), tree.AttributeIs("p1", "refs", "0", S)), S), S
    ),
    "expect any patch_state = patched": expect(tree.TaskStateIs("any", "patched", False, S)),
    "expect transition != none": expect(tree.TransitionIs(None, True, S)),
    'expect transition = "none"': expect(tree.TransitionIs("none", False, S)),
    'expect log "patching complete"': expect(tree.LogContains("patching complete", S)),
    "expect violation": expect(tree.ViolationSeen(None, False, S)),
    "expect violation stale-code": expect(tree.ViolationSeen("stale-code", False, S)),
    "expect no violation": expect(tree.ViolationSeen(None, True, S)),
    "expect no violation mixed": expect(tree.ViolationSeen("mixed", True, S)),
    "never stale-code": tree.Never(tree.PropertyNamed("stale-code", S), S),
    "always t1 patch_state != undefined": tree.Always(tree.TaskStateIs("t1", "undefined", True, S), S),
    "never transition = p1": tree.Never(tree.TransitionIs("p1", False, S), S),
    # nondeterminism
    "choose { force } or { settle; tick }": tree.Choose(
        ((step(tree.Force(None, S)),), (step(tree.Settle(S)), step(tree.Tick(1, S)))), (S, S), S
    ),
    "choose {} or\n{}\nor {}": tree.Choose(((), (), ()), (S, S, S), S),
    "interleave { operator { enable p2, reverse -> EINVAL }\n t1 { call f, return -> 0 } }": tree.Interleave(
        (
            tree.Thread("operator", (step(tree.Enable("p2", S)), step(tree.Reverse(S), "EINVAL")), S),
            tree.Thread(
                "t1", (of_task(tree.Call(f("f"), S)), of_task(tree.Return(S))._replace(result="0")), S
            ),
        ),
        0,
        S,
    ),
    "interleave forever { operator { tick } }": tree.Interleave(
        (tree.Thread("operator", (step(tree.Tick(1, S)),), S),), 2, S
    ),
    "interleave forever 3 { operator { tick } }": tree.Interleave(
        (tree.Thread("operator", (step(tree.Tick(1, S)),), S),), 3, S
    ),
    "interleave { t1 { choose { run } or { sleep; expect p1 refs = 1 } } }": tree.Interleave(
        (
            tree.Thread(
                "t1",
                (
                    tree.Choose(
                        (
                            (of_task(tree.Simple("run", S)),),
                            (
                                of_task(tree.Simple("sleep", S)),
                                expect(tree.AttributeIs("p1", "refs", "1", S)),
                            ),
                        ),
                        (S, S),
                        S,
                    ),
                ),
                S,
            ),
        ),
        0,
        S,
    ),
}


@pytest.mark.parametrize("text", CASES)
def test_a_construct(text: str) -> None:
    (item,) = parse(text).items
    assert same(item, CASES[text]), item


@pytest.mark.parametrize(
    "separator", ["\n", ";", ";\n", "\r\n", " ; ; ", "\n\n# note\n", " # note; not a statement\n"]
)
def test_what_separates_statements(separator: str) -> None:
    items = parse(separator.join(["", "load p1", "reverse", "patch p { f }", ""])).items
    assert [type(item) for item in items] == [tree.Step, tree.Step, tree.PatchDecl]


@pytest.mark.parametrize("separator", [",", ";", "\n", ",\n", " # note, no function\n", "\r\n", ",,"])
def test_what_separates_entries(separator: str) -> None:
    (item,) = parse("patch p {" + separator.join(["", "f", "ext4 { read }", "g immediate", ""]) + "}").items
    assert isinstance(item, tree.PatchDecl)
    assert item.body
    assert [part[0] for part in item.body.items] == ["f", "ext4", "g"]


def test_a_comma_in_braces_goes_on_with_a_task_or_begins_a_statement() -> None:
    (item,) = parse("choose { t1: call f, return, t2: run, load p1, call: run, sleep } or {}").items
    assert isinstance(item, tree.Choose)
    expected = (
        of_task(tree.Call(f("f"), S), tree.Return(S)),
        of_task(tree.Simple("run", S), task="t2"),
        step(tree.Load("p1", (), None, S)),
        of_task(tree.Simple("run", S), tree.Simple("sleep", S), task="call"),
    )
    assert same(item.branches[0], expected)


def test_a_comma_before_continue_with_a_name_begins_a_statement() -> None:
    (item,) = parse("choose { unload p1, continue p1 } or { t1: call f, continue, load p1 }").items
    assert isinstance(item, tree.Choose)
    expected = (step(tree.Unload("p1", S)), step(tree.Proceed("p1", S)))
    assert same(item.branches[0], expected)
    acted = of_task(tree.Call(f("f"), S), tree.Simple("continue", S))
    assert same(item.branches[1], (acted, step(tree.Load("p1", (), None, S))))


@pytest.mark.parametrize("text", ["", "\n", ";;\n", "# nothing\n", "\ufeff", "  \t "])
def test_nothing_is_a_scenario(text: str) -> None:
    assert parse(text).items == ()


def test_every_node_knows_its_place() -> None:
    text = 'load p1\n\n  patch p2 { f; ext4 {\n    read sympos 2 } }\nt1: call "f", return -> 0 # note'
    scenario = parse(text, "here.klp")
    load, patch, step_ = scenario.items
    assert load.span == Span("here.klp", 1, 1, 1, 8)
    assert patch.span == Span("here.klp", 3, 3, 4, 22)
    assert isinstance(patch, tree.PatchDecl)
    assert patch.body
    assert patch.body.span == Span("here.klp", 3, 12, 4, 22)
    assert patch.body.items[1].span == Span("here.klp", 3, 17, 4, 20)
    assert isinstance(step_, tree.Step)
    assert isinstance(step_.operation, tree.TaskStep)
    assert step_.operation.span == Span("here.klp", 5, 1, 5, 21)
    assert [action.span[1:] for action in step_.operation.actions] == [(5, 5, 5, 13), (5, 15, 5, 21)]
    (comment,) = scenario.comments
    assert comment == tree.Comment("# note", False, Span("here.klp", 5, 27, 5, 33))
    assert scenario.span == Span("here.klp", 1, 1, 5, 33)


def test_columns_count_characters_whatever_they_take_to_store() -> None:
    (title, load) = parse('scenario "日本語 é"; load p1').items
    assert (title.span.end_column, load.span.column) == (17, 19)


def test_comments_know_whether_something_stands_before_them() -> None:
    scenario = parse('# one\n  # two\nload "#1" # three\npatch p { # four\n  # five\n f # six\n}')
    assert [(comment.text, comment.own_line) for comment in scenario.comments] == [
        ("# one", True),
        ("# two", True),
        ("# three", False),
        ("# four", False),
        ("# five", True),
        ("# six", False),
    ]
