"""What the guest is told, and what is refused."""

import pytest

from klpdsl.kernel.errors import NotExpressible
from klpdsl.kernel.plan import GuestPlan, make_plan
from klpdsl.run.session import load_text


def plan(text: str) -> GuestPlan:
    return make_plan(load_text(text, "<test>").program)


def script(text: str) -> list[str]:
    planned = plan(text)
    files = {source: f"/modules/{source.name}.ko" for source in planned.sources}
    return [line.replace("\t", " ") for line in planned.script("x", files).splitlines()]


def test_a_whole_scenario() -> None:
    assert script(
        """
        module ext4 { read } loaded
        task t1 in f > ext4:read uninterruptible
        kthread k1
        load p1 { f }
        t1: return, call g
        tick 2; settle; reverse; force; force p1
        disable p1; enable p1; write p1 enabled y; unload p1; load ext4
        t1: syscall, syscall f, fork t2, exit
        """
    ) == [
        "scenario x",
        "set-up load /modules/klpdsl_vmlinux.ko",
        "set-up load /modules/ext4.ko",
        "task t1 user 1",
        "task k1 kthread 0",
        "task t2 user 0",
        "start t1",
        "set-up call t1 vmlinux f 1",
        "set-up call t1 ext4 read 1",
        "start k1",
        "begin",
        "step 1 load /modules/p1.ko",
        "step 2 return t1",
        "step 3 call t1 vmlinux g 1",
        "step 4 tick 2",
        "step 5 settle",
        "step 6 reverse",
        "step 7 current force 1",
        "step 8 write p1 force 1",
        "step 9 write p1 enabled 0",
        "step 10 write p1 enabled 1",
        "step 11 write p1 enabled y",
        "step 12 unload p1",
        "step 13 load /modules/ext4.ko",
        "step 14 enter t1",
        "step 15 through t1 vmlinux f 1",
        "step 16 fork t1 t2",
        "step 17 exit t1",
        "end",
    ]


def test_signals_and_kprobes() -> None:
    text = "module ext4 { read } loaded; task t1 in f; kill STOP t1; attach kprobe ext4:read; detach kprobe f"
    assert script(text)[-5:] == [
        "begin",
        "step 1 kill t1 STOP",
        "step 2 attach ext4 read 1",
        "step 3 detach vmlinux f 1",
        "end",
    ]


def test_a_module_whose_init_fails_and_modules_with_kprobes() -> None:
    planned = plan(
        "vmlinux { f, g }; module a { h } fails ENODEV; module b redirects f; module c probes f, g; "
        "load a; load b; load c"
    )
    a, b, c = (next(one for one in planned.sources if one.name == name).parts[-1] for name in "abc")
    init = a[a.index("target_init") :]
    assert "_register();" not in init
    assert "return -19;" in init
    assert 'klprt_attach("vmlinux", "f", 1, true)' in b
    assert 'klprt_detach("vmlinux", "f", 1, true);' in b[b.index("target_exit") :]
    first, second = 'klprt_attach("vmlinux", "f", 1, false)', 'klprt_attach("vmlinux", "g", 1, false)'
    assert 0 < c.index(first) < c.index(second) < c.index("part0_register();", c.index("target_init"))
    assert 'klprt_detach("vmlinux", "f", 1, false);\n\t\treturn err;' in c


def test_what_somebody_has_open_is_below_the_stand_in() -> None:
    lines = script("load p1; open p1/enabled; open p1/vmlinux/f; close p1/vmlinux/f")
    assert lines[-4:] == [
        "step 2 open p1 enabled",
        "step 3 open p1 klpdsl_vmlinux/f",
        "step 4 close p1 klpdsl_vmlinux/f",
        "end",
    ]


def test_a_statement_of_another_age_is_not_carried_out() -> None:
    step = plan("load p1 immediate").steps[0]
    assert step.order == ("observe",)
    assert step.fixed == "unsupported"


def test_expectations_stay_with_their_step() -> None:
    planned = plan("expect p1 refs = gone\nload p1 -> 0\nexpect transition = none")
    assert len(planned.opening) == 1
    assert planned.steps[0].wanted == "0"
    assert len(planned.steps[0].checks) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("task t1 running in f; load p1", "on a CPU (`running`)"),
        ("task t1 in f unreliable; load p1", "unreliable"),
        ("cpus 2; load p1", "idle tasks"),
        ("arch unreliable-stacks; load p1", "x86-64"),
        ("t1: run", "on a CPU (`run`)"),
        ("interleave { operator { load p1 }; t1 { syscall f } }", "interleave"),
        ('load "p-1"', "'p-1'"),
        ("sysctl kernel.panic 1", "kernel.panic"),
        ("attach fexit f; load p1", "the guest cannot do `attach fexit f`"),
        ("load p1; hold p1/vmlinux", "takes a reference on a kobject"),
        ("kthread k1 in f; k1: fork k2", "only user tasks fork"),
    ],
)
def test_what_a_real_kernel_cannot_be_made_to_do(text: str, reason: str) -> None:
    with pytest.raises(NotExpressible) as refused:
        plan(text)
    assert any(reason in said for said in refused.value.reasons)


def test_all_reasons_at_once() -> None:
    with pytest.raises(NotExpressible) as refused:
        plan("cpus 2; task t1 running in f; load p1; t1: sleep")
    assert len(refused.value.reasons) == 3
