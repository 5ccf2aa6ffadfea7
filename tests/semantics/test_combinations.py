"""Engines made by hand: --set, --with, --without, and engine files."""

from pathlib import Path

import pytest

from klpdsl.semantics.engines import ancestors, resolve
from klpdsl.semantics.explain import explain_missing
from klpdsl.semantics.records import EngineError, Setting


def refusal(*arguments: object) -> str:
    with pytest.raises(EngineError) as caught:
        resolve(*arguments)  # type: ignore[arg-type]  # tests give lists
    return str(caught.value)


def test_setting_axes() -> None:
    engine = resolve("v4.14", ["replace=patch", "retire=unlink"])
    assert engine.name == "v4.14+replace=patch+retire=unlink"
    assert engine.kind == "custom"
    assert engine.base == "v4.14"
    assert engine.settings == (Setting("replace", "patch", "--set"), Setting("retire", "unlink", "--set"))
    assert engine.semantics == resolve("v4.14").semantics._replace(replace="patch", retire="unlink")
    assert resolve(engine.name) == engine


def test_settings_come_in_any_order_and_the_last_of_one_axis_wins() -> None:
    assert resolve("v4.14", ["retire=unlink", "replace=patch"]).name == "v4.14+replace=patch+retire=unlink"
    assert (
        resolve("v4.14", ["retire=flag", " retire = unlink ", "replace=patch"]).semantics.retire == "unlink"
    )


def test_what_changes_nothing_is_not_in_the_name() -> None:
    assert resolve("v4.14", ["notices=short"]) == resolve("v4.14")
    assert resolve("v5.0", [], ["callbacks"], ["atomic-replace"]) == resolve("v4.19")


@pytest.mark.parametrize("word", ["true", "True", "yes", "on", "1"])
def test_booleans_are_written_as_people_write_them(word: str) -> None:
    assert resolve("v4.14", [f"patched_attr={word}"]).name == "v4.14+patched_attr=true"


def test_adding_and_taking_away_changes() -> None:
    engine = resolve("v6.12", (), ["freezable-switch"], ["immediate-removed"])
    assert engine.name == "v6.11+freezable-switch^immediate-removed"
    assert engine.semantics.resched_switch == "freezable"
    assert engine.semantics.immediate is True
    assert engine.without == ("immediate-removed",)
    assert resolve(engine.name) == engine


def test_a_change_taken_away_leaves_the_others_as_they_were() -> None:
    engine = resolve("v5.1", without_changes=["no-stacking"])
    assert engine.semantics == resolve("v5.1").semantics._replace(stack_disable="last")
    # Without any single call there are still registration's rules to take away.
    assert resolve("v5.0", with_changes=["no-stacking"]).semantics.stack_disable == "none"


def test_a_change_is_put_where_it_belongs_in_the_history() -> None:
    # periodic-signal comes after fake-signal-sysfs, whatever order they are asked for in.
    engine = resolve("v4.14", with_changes=["periodic-signal", "fake-signal-sysfs"])
    assert engine.semantics.fake_signal == "periodic"
    assert engine.name == "v4.14+fake-signal-sysfs+periodic-signal"


def test_a_proposal_keeps_its_settings_when_changes_are_added() -> None:
    engine = resolve("baron-v2", with_changes=["callbacks"])
    assert engine.semantics == resolve("baron-v2").semantics._replace(callbacks=True)
    assert ancestors(engine)[:2] == ("baron-v2", "v4.12")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (
            ("v4.4", ["immediate=1"]),
            ["immediate=true (from --set)", "consistency=per-task", "here consistency=none"],
        ),
        (
            ("v4.14", ["replace=patch", "retire=free"]),
            ["retire=free (from --set) needs api=single", "here api=register"],
        ),
        (
            ("v5.1", ["retire=flag"]),
            ["retire=flag (from --set) needs api=register", "api=single (since single-call-api)"],
        ),
        (("v4.14", ["nop_create=load", "replace=patch"]), ["nop_create=load (from --set) needs api=single"]),
        (("v4.14", ["replace=patch", "nop_create=enable"]), ["needs nop_free=finish"]),
        (("v4.14", ["replace=patch", "nop_free=finish"]), ["needs nop_create=enable"]),
        (("v4.14", ["replace=patch", "put_when=work"]), ["put_when=work (from --set) needs retire=free"]),
        (
            ("v4.16", ["replace=patch", "nop_immediate=prev"]),
            ["immediate=true", "immediate=false (since immediate-removed)"],
        ),
        (("v4.14", ["disabled_patch=free"]), ["disabled_patch=free (from --set) needs api=single"]),
        (("v4.14", ["reenable=any"]), ["reenable=any (from --set) needs retire=flag or unlink or list"]),
        (("v4.4", ["callbacks=on"]), ["callbacks=true (from --set) needs consistency=per-task"]),
        (
            ("v4.14", ["signal_attr=on"]),
            ["signal_attr=true (from --set) needs fake_signal=manual or periodic"],
        ),
        (("v4.14", ["stack_enable=replace-exempt"]), ["needs replace=sysctl or patch or always"]),
        (("v5.1", ["states=true", "callbacks=false"]), ["states=true (from --set) needs callbacks=true"]),
        (
            ("v4.12", ["func_stack=false"]),
            ["consistency=per-task (since per-task-consistency) needs func_stack=true"],
        ),
        (
            ("v4.14", (), ["discard-nops"]),
            ["discard-nops needs single-call-api, and v4.14+discard-nops has it not"],
        ),
        (
            ("v5.1", (), (), ["atomic-replace"]),
            ["discard-nops needs atomic-replace", "--without discard-nops"],
        ),
        (("v4.16", (), (), ["per-task-consistency"]), ["immediate-flags needs per-task-consistency"]),
        (
            ("v4.16", (), (), ["fake-signal-sysfs", "force-sysfs"]),
            ["sysfs-actions-locked needs fake-signal-sysfs or force-sysfs"],
        ),
        (("v4.14", (), ["callbacks"], ["callbacks"]), ["callbacks can not be both with and without"]),
        (("v4.14", ["replace"]), ["`replace` sets nothing: write axis=value"]),
        (("v4.14", ["=patch"]), ["there is no axis ``"]),
        (("v4.14", ["replce=patch"]), ["there is no axis `replce`; did you mean replace"]),
        (
            ("v4.14", ["replace=pach"]),
            ["replace can not be `pach`, only none, sysctl, patch, always; did you mean patch?"],
        ),
        (("v4.14", ["callbacks=maybe"]), ["callbacks can not be `maybe`, only false, true"]),
        (("v4.14", (), ["callback"]), ["there is no change `callback`; did you mean callbacks"]),
        (("v4.14", (), (), ["nonsense"]), ["there is no change `nonsense`"]),
        (("v4.14+",), ["there is no change ``"]),
        (("v4.14^replace=patch",), ["there is no change `replace=patch`"]),
        (("nosuch+replace=patch",), ["there is no engine nosuch"]),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(
    arguments: tuple[object, ...], parts: list[str]
) -> None:
    said = refusal(*arguments)
    assert [part for part in parts if part not in said] == [], said


def test_rules_of_livepatch_do_not_bind_other_systems() -> None:
    assert resolve("kgraft", ["callbacks=true", "retire=flag"]).semantics.callbacks is True


# --- engine files ---------------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


PROPOSAL = """
base = "v4.14"
prose = "What if replaced patches could come back?"
with = ["callbacks"]
without = ["coming-failure-unwinds"]

[set]
replace = "patch"
retire = "unlink"
reenable = "any"
sweep_disabled = true
"""


def test_an_engine_file(here: Path) -> None:
    (here / "mine.toml").write_text(PROPOSAL)
    engine = resolve("./mine.toml")
    assert engine.name == "./mine.toml"
    assert engine.base == "v4.14"
    assert engine.kind == "custom"
    assert engine.semantics.reenable == "any"
    assert engine.semantics.sweep_disabled is True
    assert engine.semantics.callbacks is True
    assert engine.semantics.coming_unwind == "failing"
    assert engine.settings[0] == Setting("replace", "patch", "./mine.toml")
    assert resolve(engine.name) == engine
    assert ancestors("./mine.toml")[:2] == ("v4.14", "v4.12")


def test_an_engine_file_on_another_and_altered(here: Path) -> None:
    (here / "a").mkdir()
    (here / "a" / "first.toml").write_text(PROPOSAL)
    (here / "a" / "second.toml").write_text('base = "first.toml"\nset = { reenable = "no" }\n')
    engine = resolve("a/second.toml", ["put=never"])
    assert engine.name == "a/second.toml+put=never"
    assert engine.semantics.reenable == "no"
    assert engine.semantics.put == "never"
    assert ancestors(engine)[:3] == ("a/second.toml", "a/first.toml", "v4.14")
    assert resolve(engine.name) == engine


def test_an_engine_file_that_only_gives_a_name(here: Path) -> None:
    (here / "same.toml").write_text('base = "baron"\n')
    assert resolve("same.toml").name == "same.toml"
    assert resolve("same.toml").semantics == resolve("baron").semantics


def test_a_path_may_hold_any_character(here: Path) -> None:
    folder = here / "a+b^c .. d"
    folder.mkdir()
    (folder / "x+y.toml").write_text('base = "v4.14"\n')
    name = f"{folder.name}/x+y.toml"
    assert resolve(name).name == name
    assert resolve(f"{name}+notices=long").name == f"{name}+notices=long"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "`base` must be the name of an engine, and is missing"),
        ("base = 4", "`base` must be the name of an engine, and is 4"),
        ('base = "v4.99"', "there is no v4.99"),
        ('base = "v4.14"\nwith = "callbacks"', "`with` must be a list of changes, and is 'callbacks'"),
        ('base = "v4.14"\nwith = ["x"]', "there is no change `x`"),
        ('base = "v4.14"\nset = 3', "`set` must be a table of axes"),
        ('base = "v4.14"\nset = { replace = 3 }', "replace can not be `3`"),
        ('base = "v4.14"\nset = { replace = { x = 1 } }', "replace can not be"),
        ('base = "v4.14"\nset = { immediate = 1.5 }', "immediate can not be `1.5`"),
        ('base = "v4.4"\nset = { immediate = true }', "mine.toml: immediate=true (from ./mine.toml) needs"),
        ('base = "v4.14"\nproze = ""', "there is no key `proze`; did you mean prose?"),
        ('base = "v4.14', "./mine.toml: "),
        ("\x00", "./mine.toml: "),
        ('base = "mine.toml"', "more than 10 engine files are based on one another"),
        ("a = " + "[" * 20000 + "]" * 20000, "./mine.toml: "),
        ('base = "v4.14" #' + "x" * 100_000, "100000 bytes are the most"),
    ],
)
def test_engine_files_that_are_refused(here: Path, text: str, complaint: str) -> None:
    (here / "mine.toml").write_text(text)
    assert complaint in refusal("./mine.toml")


def test_engine_files_that_can_not_be_read(here: Path) -> None:
    (here / "folder.toml").mkdir()
    (here / "latin.toml").write_bytes(b"base = '\xff'")
    assert "folder.toml: it is a folder, and no regular file" in refusal("folder.toml")
    assert "absent.toml: No such file" in refusal("absent.toml")
    assert "latin.toml: " in refusal("latin.toml")
    assert "names are printable" in refusal("a\0b.toml")


# --- why something is missing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "axis", "wanted", "said"),
    [
        ("v6.12", "immediate", (), "removed in v4.16 by d0807da78e11 (livepatch: Remove immediate feature)"),
        ("v4.14", "replace", (), "added in v5.1 by e1452b607c48 (livepatch: Add atomic replace)"),
        (
            "baron-v1-sysctl",
            "force",
            (),
            "added in v4.16 by c99a2be790b0 (livepatch: force transition to finish)",
        ),
        (
            "v4.11",
            "immediate",
            (),
            "added in v4.12 by d83a7cb375ee (livepatch: change to a per-task consistency model)",
        ),
        (
            "v5.1",
            "signal_attr",
            (),
            "removed in v5.1 by 0b3d52790e1c (livepatch: Remove signal sysfs attribute)",
        ),
        (
            "v4.15",
            "signal_attr",
            (),
            "added in v4.16 by 43347d56c8d9 (livepatch: send a fake signal to all blocking tasks)",
        ),
        (
            "v5.1",
            "api",
            ("register",),
            "removed in v5.1 by 958ef1e39d24 (livepatch: Simplify API by removing registration step)",
        ),
        (
            "v4.4",
            "api",
            ("single",),
            "added in v5.1 by 958ef1e39d24 (livepatch: Simplify API by removing registration step)",
        ),
        (
            "v4.4",
            "enabled_write",
            ("bool",),
            "added in v4.12 by a commit (livepatch: use kstrtobool() in enabled_store())",
        ),
        ("v6.12", "reenable", (), "mainline never had it"),
        ("v6.12+replace=none", "replace", (), "switched off by --set"),
        (
            "v4.16^force-sysfs",
            "force",
            (),
            "left out by --without force-sysfs: c99a2be790b0 (livepatch: force transition to finish)",
        ),
        ("baron-v2+callbacks+immediate=false", "immediate", (), "switched off by --set"),
        ("kgraft", "callbacks", (), "kGraft does not have it"),
        ("kpatch-core", "force", (), "kpatch's core does not have it"),
    ],
)
def test_explain_missing(name: str, axis: str, wanted: tuple[str, ...], said: str) -> None:
    assert explain_missing(resolve(name), axis, wanted) == said


def test_a_file_that_switches_off_is_named(here: Path) -> None:
    (here / "mine.toml").write_text('base = "v5.1"\nset = { replace = "none" }\n')
    assert explain_missing(resolve("mine.toml"), "replace") == "switched off by mine.toml"


def test_nothing_is_missing() -> None:
    with pytest.raises(EngineError, match="nothing is missing"):
        explain_missing(resolve("v5.1"), "replace")
    with pytest.raises(EngineError, match="there is no axis nonsense"):
        explain_missing(resolve("v5.1"), "nonsense")
