"""The data: that the history is what docs and kernel say, change by change."""

import pytest

from klpdsl.semantics.checks import check_axes, check_requires
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.lineage import before_and_after, lineage
from klpdsl.semantics.points import point_name, points
from klpdsl.semantics.records import EngineError
from klpdsl.semantics.table import change, data_text, order, proposal, table
from klpdsl.semantics.tabulate import allowed_values, build

MAINLINE = data_text("mainline.toml").decode()
PROPOSALS = data_text("proposals.toml").decode()
DISTRIBUTIONS = data_text("distributions.toml").decode()

# What livepatch-wide documentation, commits and source trees agree on: the release that each change first shipped in.
# A release that follows these needs no line here: its data say the same.
RELEASES = """
    v4.0  enforce-stacking func-stack klp-alive
    v4.2  coming-failure-resets
    v4.5  sympos-lookup sysfs-func-sympos
    v4.6  coming-refuses-module ambiguity-without-count
    v4.7  klp-modinfo-required
    v4.9  taint-at-module-load
    v4.12 taint-notice-at-load enabled-kstrtobool per-task-consistency immediate-flags disabled-patch-rmmod
    v4.14 coming-failure-unwinds
    v4.15 shadow-api callbacks complete-notice-after-callbacks transition-notices post-unpatch-once reloc-target-check
    v4.16 fake-signal-sysfs switch-before-signals force-sysfs sysfs-actions-locked immediate-removed
    v4.17 shadow-ctor shadow-dtor
    v4.19 name-length-check late-stack-check
    v5.1  forced-per-patch single-call-api enabled-before-complete auto-free-on-disable atomic-replace discard-nops
          no-stacking periodic-signal signal-attr-removed eopnotsupp module-hooks-all-listed
    v5.2  unreliable-stack-warns
    v5.3  early-stack-check
    v5.4  coming-failure-clears-mod kprobe-ipmodify
    v5.5  keep-replaced-until-post-patch klp-state-api klp-state-compat ftrace-permanent ftrace-direct
    v5.8  reject-vmlinux-ko early-vmlinux-relocs module-reloc-no-vmlinux-sym
    v5.11 handler-recursion-guard
    v5.13 notify-signal
    v5.16 try-switch-debug-name wake-idle
    v5.17 early-arg-check
    v5.18 ftrace-loc-message force-only-removed
    v5.19 kvm-notify-exit
    v6.0  direct-shares
    v6.1  fork-pending-sync object-patched-attr symbol-length-512
    v6.3  clear-relocs-on-going
    v6.4  cond-resched-switch start-interrupts reverse-flip-after-sync
    v6.7  direct-retry-stuck
    v6.11 replace-attr
    v6.14 stack-order-attr
    v6.16 freezable-switch
    v6.18 direct-retry-cleans direct-modify-asked
    v6.19 sympos-0-equals-1
    v7.3  ftrace-sysctl-refused early-name-check
"""


def test_the_changes_and_their_order() -> None:
    expected: list[tuple[str, str]] = []
    release = ""
    for word in RELEASES.split():
        if word.startswith("v") and word[1].isdigit():
            release = word
        else:
            expected.append((release, word))
    assert [(change(name).release, name) for name in order()][: len(expected)] == expected


def test_the_commits_of_v5_1_stand_in_the_order_of_their_series() -> None:
    commits = [change(name).commit[:12] for name in order() if change(name).release == "v5.1"]
    assert list(dict.fromkeys(commits)) == [
        "68007289bf3c",
        "958ef1e39d24",
        "e1452b607c48",
        "d697bad588eb",
        "d67a53720966",
        "cba82dea3061",
        "0b3d52790e1c",
        "375bfca3459d",
        "a087cdd4073b",
    ]


def test_commits_are_hex_and_long_enough_to_cite() -> None:
    for name in order():
        commit = change(name).commit
        assert commit == "" or (12 <= len(commit) <= 40 and set(commit) <= set("0123456789abcdef")), name


def test_changes_without_a_known_commit() -> None:
    assert [name for name in order() if not change(name).commit] == [
        "coming-failure-resets",
        "sysfs-func-sympos",
        "ambiguity-without-count",
        "taint-notice-at-load",
        "enabled-kstrtobool",
        "early-stack-check",
    ]


def test_v4_0_is_the_default_of_every_axis() -> None:
    semantics = resolve("v4.0").semantics
    assert semantics == type(semantics)()


def test_every_change_that_can_be_shown_moves_an_axis() -> None:
    for name in order():
        before, after = before_and_after(name)
        if change(name).shown:
            assert before.semantics != after.semantics, name


def test_every_axis_is_moved_by_something() -> None:
    moved = {axis for name in order() for axis, _ in change(name).set}
    moved |= {axis for name in table()["proposals"] for axis, _ in proposal(name).set}
    assert set(allowed_values()) - moved == set()


def test_every_value_is_reached_by_something() -> None:
    reached: dict[str, set[object]] = {axis: set() for axis in allowed_values()}
    for node in lineage():
        for axis, value in resolve(node.name).semantics._asdict().items():
            reached[axis].add(value)
    assert {
        axis: set(values) - reached[axis]
        for axis, values in allowed_values().items()
        if set(values) - reached[axis]
    } == {}


def axes(name: str, *wanted: str) -> dict[str, object]:
    semantics = resolve(name).semantics._asdict()
    return {axis: semantics[axis] for axis in wanted}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("v4.0~3", {"func_stack": False, "stack_enable": "none", "stack_disable": "none"}),
        ("v4.0@enforce-stacking", {"func_stack": False, "stack_enable": "prev", "stack_disable": "next"}),
        (
            "v4.11",
            {"consistency": "none", "module_ref": "register", "taint": "silent", "enabled_write": "digit"},
        ),
        ("v4.12@enabled-kstrtobool", {"consistency": "none", "enabled_write": "bool", "immediate": False}),
        ("d83a7cb375ee", {"consistency": "per-task", "immediate": True, "module_ref": "register"}),
        ("v4.12", {"consistency": "per-task", "immediate": True, "module_ref": "enable", "notices": "short"}),
        (
            "v4.15",
            {
                "callbacks": True,
                "notices": "long",
                "complete_notice": "after",
                "immediate": True,
                "force": "none",
            },
        ),
        ("v4.16", {"immediate": False, "force": "global", "fake_signal": "manual", "signal_attr": True}),
        (
            "v5.0",
            {
                "api": "register",
                "force": "global",
                "signal_attr": True,
                "replace": "none",
                "stack_disable": "next",
            },
        ),
        # Between 958ef1e39d24 and d67a53720966 only the last patch of the list can be disabled.
        (
            "958ef1e39d24",
            {"api": "single", "stack_disable": "last", "replace": "none", "disabled_patch": "free"},
        ),
        (
            "e1452b607c48",
            {
                "replace": "patch",
                "retire": "free",
                "replace_loop": "all-before",
                "put": "forced",
                "put_when": "work",
                "nop_create": "load",
                "nop_free": "with-patch",
                "stack_disable": "last",
                "fake_signal": "manual",
            },
        ),
        ("d697bad588eb", {"nop_free": "completion", "stack_disable": "last"}),
        ("d67a53720966", {"stack_disable": "none", "stack_enable": "none", "fake_signal": "manual"}),
        ("cba82dea3061", {"fake_signal": "periodic", "signal_attr": True, "unreliable_arch": "ENOSYS"}),
        (
            "v5.1",
            {
                "signal_attr": False,
                "unreliable_arch": "EOPNOTSUPP",
                "module_hooks": "listed",
                "force": "listed",
            },
        ),
        ("v5.2", {"unreliable_arch": "warn", "early_stack_check": False}),
        ("v5.3", {"early_stack_check": True}),
        (
            "v5.5",
            {
                "put_when": "after-post-patch",
                "states": True,
                "state_compat": True,
                "ftrace_sysctl": "permanent",
            },
        ),
        ("v5.17", {"force": "listed", "early_arg_check": True}),
        ("v5.18", {"force": "removed", "ftrace_location": "location"}),
        ("v6.3", {"resched_switch": "none"}),
        ("v6.4", {"resched_switch": "cond-resched"}),
        ("v6.12", {"resched_switch": "cond-resched", "replace_attr": True, "stack_order_attr": False}),
        ("v6.16", {"resched_switch": "freezable", "stack_order_attr": True, "sympos_match": "exact"}),
        ("v6.19", {"sympos_match": "zero-is-one"}),
    ],
)
def test_the_axes_at_a_point(name: str, expected: dict[str, object]) -> None:
    assert axes(name, *expected) == expected


@pytest.mark.parametrize(
    ("name", "base", "expected"),
    [
        ("baron-v2", "v4.12", {"replace": "patch", "retire": "flag", "put": "always", "put_when": "first"}),
        (
            "baron-v2",
            "v4.12",
            {"nop_free": "patched+unregister", "nop_kobject": "now", "replace_loop": "preds"},
        ),
        ("mladek-unlink", "mladek-keep-imm", {"retire": "unlink", "put": "keep", "nop_immediate": "prev"}),
        (
            "mladek-reenable",
            "mladek-unlink",
            {"reenable": "replace-only", "nop_create": "enable", "nop_free": "finish"},
        ),
        (
            "mladek-put-after-sync",
            "baron-v2",
            {"put": "always", "put_when": "after-sync", "nop_kobject": "now"},
        ),
        ("sle15-v6", "v4.16", {"retire": "list", "stack_enable": "replace-exempt", "sweep_disabled": True}),
        (
            "mladek-v14",
            "v5.1@no-stacking",
            {"plain_conflict": "refuse", "fake_signal": "manual", "retire": "free"},
        ),
        ("klp-always", "v5.1", {"replace": "always"}),
        ("kgraft", "kgraft-early", {"system": "kgraft", "immediate": False, "consistency": "per-task"}),
        ("kpatch-core", "kpatch-core-old", {"system": "kpatch", "kpatch_drop": "inside"}),
        ("loop-typo", "mladek-unlink", {"replace_loop": "none"}),
    ],
)
def test_proposals(name: str, base: str, expected: dict[str, object]) -> None:
    assert resolve(name).base == base
    assert axes(name, *expected) == expected


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("baron", "baron-v2"),
        ("mladek", "mladek-unlink"),
        ("chain-safe", "mladek-put-optimised"),
        ("nop-inherit-immediate", "mladek-keep-imm"),
        ("upstream-e1452b6", "v5.1@atomic-replace"),
        ("upstream-v5.1", "v5.1"),
        ("upstream-v5.5", "v5.5"),
        ("klp-v4.13", "v4.12"),
    ],
)
def test_aliases(alias: str, name: str) -> None:
    assert resolve(alias).name == name


def test_mainline_is_the_newest() -> None:
    assert resolve("mainline").changes == order()
    assert resolve("mainline") == resolve(table()["last"][-1])


def test_every_engine_in_the_data_makes_sense() -> None:
    for node in lineage():
        engine = resolve(node.name)
        check_requires(engine.changes, engine.name)
        if engine.kind != "root":  # before v4.0's second change there were no rules to keep
            check_axes(engine.semantics, str)


def test_mutants_say_what_catches_them() -> None:
    mutants = [name for name in table()["proposals"] if proposal(name).kind == "mutant"]
    assert mutants == [
        "nop-inherit-put",
        "mladek-unlink-naive",
        "reenable-stale-nops",
        "reenable-stale-modules",
        "reenable-prevloop",
        "enabled-end-naive",
        "enabled-clear-start",
        "loop-typo",
        "loop-unguarded",
        "hybrid-late-flag",
        "shao-tag-draft",
    ]
    for name in mutants:
        assert all(line[0] in "SLR" and ": " in line for line in proposal(name).caught), name


def test_points_to_run_on_leave_out_what_can_not_be_shown() -> None:
    assert points()[0] == "v4.0"
    shown = [name for name in order() if change(name).shown]
    assert points()[-1] == change(shown[-1]).release
    assert "v5.11" not in points()
    assert {"v4.12", "v4.14", "v4.15", "v4.16", "v4.19", "v5.1", "v5.5", "v5.18", "v6.1", "v6.4"} <= set(
        points()
    )


def test_names_of_points_are_told_from_their_place() -> None:
    assert point_name(0) == ("v4.0~3", "root")
    assert point_name(1) == ("v4.0@enforce-stacking", "commit")
    assert point_name(2) == ("v4.0@func-stack", "commit")
    assert point_name(3) == ("v4.0", "release")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('set = { notices = "long" }', 'set = { notices = "longer" }', "notices can not be 'longer'"),
        ('set = { notices = "long" }', "set = { noticse = true }", "there is no axis noticse"),
        ("set = { callbacks = true }", 'set = { callbacks = "true" }', "callbacks can not be 'true'"),
        ('id = "callbacks"', 'id = "shadow-api"', "two of that id"),
        ('id = "callbacks"', 'ident = "callbacks"', "unknown ident; missing id"),
        ('requires = ["shadow-api"]', 'requires = ["no-stacking"]', "which is no earlier change"),
        ('evidence = "trees compared"', 'evidence = "hearsay"', "evidence is one of"),
        (
            'why = "the handler is one indivisible',
            '# why = "the handler is one indivisible',
            "`why` is for changes that are not shown",
        ),
        ("[root]", "[root", "mainline.toml: "),
        ('release = "v4.17"', 'release = "v4.15"', "v4.15 stands in two places"),
    ],
)
def test_broken_data_is_refused(old: str, new: str, complaint: str) -> None:
    assert old in MAINLINE
    broken = MAINLINE.replace(old, new, 1)
    with pytest.raises(EngineError) as caught:
        build(broken, PROPOSALS, DISTRIBUTIONS, "")
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('kind = "mutant"', 'kind = "monster"', "kind is one of"),
        ('id = "baron-v2-skip"', 'id = "baron-v2"', "two of that id"),
        ("caught = [", "inferred = [", ""),
        ('baron = "baron-v2"', "baron = 2", "`aliases.baron` should be a text"),
    ],
)
def test_broken_proposals_are_refused(old: str, new: str, complaint: str) -> None:
    with pytest.raises(EngineError) as caught:
        build(MAINLINE, PROPOSALS.replace(old, new, 1), DISTRIBUTIONS, "")
    assert complaint in str(caught.value)
