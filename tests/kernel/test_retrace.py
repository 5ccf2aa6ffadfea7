"""Recorded guests, read again: tests/kernel/recorded/README.md says where they come from."""

from pathlib import Path

import pytest

from klpdsl.kernel.console import ConsoleLine, SeenScenario, SeenStep, SeenTask, read_report
from klpdsl.kernel.distribution import engine_of
from klpdsl.kernel.kernels import KernelImage
from klpdsl.kernel.observable import compare, visible_steps
from klpdsl.kernel.plan import GuestPlan, make_plan
from klpdsl.kernel.retrace import retrace
from klpdsl.run.session import Loaded, execute, load_file, load_text
from klpdsl.trace import events
from klpdsl.trace.reading import from_text
from klpdsl.trace.text import to_text

ROOT = Path(__file__).resolve().parents[2]
RECORDED = Path(__file__).parent / "recorded"
SCENARIOS = {"by-itself": "signal", "no-op-for-a-module": "replace"}


def scenario(recorded: Path) -> Loaded:
    name = recorded.stem.rsplit("-", 1)[0]
    return load_file(str(ROOT / "scenarios" / SCENARIOS[name] / f"{name}.klp"))


def kernel(recorded: Path) -> KernelImage:
    name = recorded.stem.rsplit("-", 1)[1]
    release = {"6.1": "6.1.0-56-cloud-amd64", "6.12": "6.12.117+deb12-cloud-amd64"}[name]
    return KernelImage(name, release, Path("vmlinuz"), Path("headers"))


reports = pytest.mark.parametrize("recorded", sorted(RECORDED.glob("*.report")), ids=lambda path: path.stem)


@reports
def test_a_recorded_guest_gives_the_recorded_trace(recorded: Path) -> None:
    (seen,) = read_report(recorded.read_text(encoding="utf-8")).scenarios
    assert seen.end == "clean"
    trace = retrace(make_plan(scenario(recorded).program), seen)
    assert to_text(trace) == recorded.with_suffix(".trace").read_text(encoding="utf-8")


@reports
def test_the_model_agrees_with_a_recorded_guest(recorded: Path) -> None:
    real = from_text(recorded.with_suffix(".trace").read_text(encoding="utf-8"))
    model = execute(scenario(recorded), engine_of(kernel(recorded))).trace
    assert compare(visible_steps(model), visible_steps(real)) is None


@reports
def test_a_report_that_breaks_off_is_read_as_far_as_it_goes(recorded: Path) -> None:
    text = recorded.read_text(encoding="utf-8")
    plan = make_plan(scenario(recorded).program)
    whole = retrace(plan, read_report(text).scenarios[0])
    for length in range(0, text.index("CLEAN"), 97):
        report = read_report(text[:length])
        for seen in report.scenarios:
            assert seen.end == "cut"
            steps = retrace(plan, seen).steps
            assert steps == whole.steps[: len(steps)]


# --- by hand ------------------------------------------------------------------------------------------------------


def planned(text: str) -> GuestPlan:
    return make_plan(load_text(text, "<test>").program)


def seen_step(number: int, **what: object) -> SeenStep:
    nothing = SeenStep(number, 0, (), {}, {}, {}, {}, (), {}, True)
    return nothing._replace(**what)  # type: ignore[arg-type]


def traced(text: str, *steps: SeenStep) -> tuple[events.StepTrace, ...]:
    return retrace(planned(text), SeenScenario("x", (seen_step(0), *steps), "clean")).steps


def test_the_stand_in_never_shows() -> None:
    (step,) = traced(
        "load p1",
        seen_step(
            1,
            log=(ConsoleLine("warn", "livepatch: failed to patch object 'klpdsl_vmlinux'"),),
            sysfs={"p1/": "", "p1/klpdsl_vmlinux/": ""},
            modules={"klpdsl_vmlinux": 1, "klprt": 2, "p1": 1},
            hooks={("klpdsl_vmlinux", "f"): ("p1",)},
        ),
    )
    assert step.events == (
        events.Log("warn", "livepatch: failed to patch object 'vmlinux'"),
        events.Hook("vmlinux", "f", ("p1",)),
        events.ModuleLoaded("p1"),
        events.ModuleRefs("p1", 1),
        events.Sysfs("p1/", ""),
        events.Sysfs("p1/vmlinux/", ""),
    )


def test_what_is_not_livepatch_s_is_no_event() -> None:
    (step,) = traced(
        "load p1", seen_step(1, log=(ConsoleLine("info", "tsc: Refined TSC clocksource calibration"),))
    )
    assert step.events == ()


def test_the_runtime_s_lines_become_events() -> None:
    lines = (
        "klprt: call t1 ext4 read p1",
        "klprt: return t1 ext4 read p1",
        "klprt: callback p1 ext4 pre_patch -19",
    )
    (step,) = traced("load p1", seen_step(1, log=tuple(ConsoleLine("info", text) for text in lines)))
    assert step.events == (
        events.Call("t1", "ext4", "read", "p1"),
        events.Return("t1", "ext4", "read", "p1"),
        events.Callback("p1", "ext4", "pre_patch", "ENODEV"),
    )


def test_pids_are_those_of_the_trace() -> None:
    text = "livepatch: klp_try_switch_task: t2:4711 is sleeping on function f"
    (step,) = traced("task t1; task t2 in f; load p1", seen_step(1, log=(ConsoleLine("debug", text),)))
    assert step.events == (events.Log("debug", text.replace("4711", "102")),)


def test_a_vanished_directory_is_said_once() -> None:
    there = {"p1/": "", "p1/enabled": "1", "p1/vmlinux/": "", "p2/": ""}
    *_, last = traced("load p1; disable p1", seen_step(1, sysfs=there), seen_step(2, sysfs={"p2/": ""}))
    assert last.events == (events.Sysfs("p1/", None),)


def test_results_expectations_and_states() -> None:
    first, second = traced(
        "load p1 -> EWOULDBLOCK\nexpect t1 patch_state = unpatched\nexpect transition = p1\nsignal",
        seen_step(1, result=11, tasks={"t1": SeenTask("0", "asleep")}, sysfs={"p1/transition": "1"}),
        seen_step(2, result=2),
    )
    assert first.result == events.Result("EAGAIN")
    assert [check.ok for check in first.checks] == [True, True, True]
    assert events.TaskState("t1", "undefined", "unpatched") in first.events
    assert second.result == events.Result("unsupported")
