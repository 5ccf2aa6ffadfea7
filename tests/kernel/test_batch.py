"""Many scenarios on boots that end well, badly or not at all; qemu is played by the test."""

from pathlib import Path

import pytest

from klpdsl.kernel import batch
from klpdsl.kernel.initramfs import pack
from klpdsl.kernel.kbuild import Built
from klpdsl.kernel.kernels import KernelImage
from klpdsl.kernel.machine import Boot, qemu_command
from klpdsl.kernel.plan import GuestPlan, make_plan
from klpdsl.run.session import load_text

KERNEL = KernelImage("6.12", "6.12.0", Path("vmlinuz"), Path("headers"))


class Machine:
    """Plays every boot: scenarios end as `fates` says by their keys, the first time and the second."""

    def __init__(self, fates: dict[str, list[str]]) -> None:
        self.fates = fates
        self.boots: list[list[str]] = []

    def boot(self, _kernel: KernelImage, initramfs: bytes, **_options: object) -> Boot:
        keys = initramfs.decode().split()
        self.boots.append(keys)
        report = "BOOT\t6.12.0\n"
        for key in keys:
            fate = self.fates[key].pop(0) if self.fates.get(key) else "clean"
            if fate == "nothing":
                return Boot("", "no init", "crashed", 1.0)
            report += f"SCENARIO\t{key}\nSTEP\t0\nDONE\nSTEP\t1\nRESULT\t0\n"
            if fate == "crashed":
                return Boot(report, "Oops", "crashed", 1.0)
            if fate == "hung":
                return Boot(report, "", "hung", 1.0)
            report += f"DONE\n{fate.upper()}\n"
            if fate == "dirty":
                return Boot(report, "", "finished", 1.0)
        return Boot(f"{report}FINISHED\n", "", "finished", 1.0)


def play(
    monkeypatch: pytest.MonkeyPatch, fates: dict[str, list[str]]
) -> tuple[Machine, dict[str, batch.Played]]:
    machine = Machine(fates)
    monkeypatch.setattr(batch, "boot", machine.boot)
    monkeypatch.setattr(batch, "build_modules", lambda *_: Built(Path("klprt.ko"), {}))
    monkeypatch.setattr(batch, "build_init", lambda: Path("init"))
    monkeypatch.setattr(
        batch, "_initramfs", lambda _built, _init, plans: " ".join(k for k, _ in plans).encode()
    )
    plans: dict[str, GuestPlan] = {key: make_plan(load_text("load p1", key).program) for key in fates}
    return machine, batch.Batch(KERNEL, plans, machines=1).run()


def test_all_share_one_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, outcomes = play(monkeypatch, {"a": [], "b": [], "c": []})
    assert machine.boots == [["a", "b", "c"]]
    assert [(key, outcome.end, outcome.boots) for key, outcome in outcomes.items()] == [
        ("a", "played", 1),
        ("b", "played", 1),
        ("c", "played", 1),
    ]


def test_who_leaves_traces_costs_the_others_a_boot_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, outcomes = play(monkeypatch, {"a": ["dirty"], "b": []})
    assert machine.boots == [["a", "b"], ["b"]]
    assert {outcome.end for outcome in outcomes.values()} == {"played"}
    assert outcomes["a"].seen.end == "dirty"


def test_who_crashes_is_tried_once_more_after_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, outcomes = play(monkeypatch, {"a": ["crashed"], "b": []})
    assert machine.boots == [["a", "b"], ["b", "a"]]
    assert (outcomes["a"].end, outcomes["a"].boots) == ("played", 2)


def test_who_crashes_twice_cannot_be_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    _, outcomes = play(monkeypatch, {"a": ["crashed", "crashed"], "b": [], "c": ["hung", "hung"]})
    assert (outcomes["a"].end, outcomes["a"].boot.console) == ("crashed", "Oops")
    assert outcomes["b"].end == "played"
    assert outcomes["c"].end == "hung"


def test_a_guest_that_does_not_start_is_not_started_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, outcomes = play(monkeypatch, {"a": ["nothing"] * 9, "b": []})
    assert machine.boots == [["a", "b"]]
    assert [outcome.end for outcome in outcomes.values()] == ["crashed", "crashed"]
    assert outcomes["b"].boot.console == "no init"


def test_the_machine_is_repeatable_unless_asked_otherwise() -> None:
    paths = Path("i"), Path("c"), Path("r")
    counted = qemu_command(KERNEL, *paths)
    assert "shift=2,sleep=off" in counted
    assert "kvm" not in " ".join(counted)
    assert "-icount" not in qemu_command(KERNEL, *paths, "kvm")


def test_an_initramfs_is_the_same_every_time() -> None:
    files = {"init": b"x", "modules/a.ko": b"yz"}
    assert pack(files) == pack(dict(files))
