"""Many scenarios on few boots: each starts from a clean guest, and one that breaks it does not spoil the next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

from klpdsl.kernel.console import SeenScenario, read_report
from klpdsl.kernel.initramfs import pack
from klpdsl.kernel.kbuild import Built, build_init, build_modules
from klpdsl.kernel.kernels import KernelImage
from klpdsl.kernel.machine import Acceleration, Boot, boot
from klpdsl.kernel.plan import GuestPlan
from klpdsl.syntax import tree

SHARE = 40
"""As many scenarios as share a boot at most."""


class Played(NamedTuple):
    """How a scenario went on a kernel.

    `end` is `played`, or why it cannot be judged: the guest `crashed` or `hung` in it. `seen` goes as far as the
    guest came. `boot` is the last one it took part in, with others; `boots` says how many that were.
    """

    seen: SeenScenario
    end: Literal["played", "crashed", "hung"]
    boot: Boot
    boots: int


def _leaves_traces(plan: GuestPlan) -> bool:
    # A forced removal pins its patch for ever: such a scenario had better be the last of its boot.
    return any(isinstance(step.operation, (tree.Force, tree.Write)) for step in plan.steps)


def _initramfs(built: Built, init: Path, plans: Sequence[tuple[str, GuestPlan]]) -> bytes:
    files: dict[str, bytes] = {"init": init.read_bytes(), "modules/klprt.ko": built.runtime.read_bytes()}
    names = {}
    for _, plan in plans:
        for source in plan.sources:
            path = built.modules[source]
            names[source] = f"/modules/{path.name}"
            files[f"modules/{path.name}"] = path.read_bytes()
    files["scenarios"] = "".join(plan.script(key, names) for key, plan in plans).encode()
    return pack(files)


class Batch:
    """The work of playing `plans` on `kernel`; `progress` is called with each key as its scenario ends."""

    def __init__(
        self,
        kernel: KernelImage,
        plans: dict[str, GuestPlan],
        *,
        accel: Acceleration = "tcg",
        machines: int = 2,
        silence: float = 45.0,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self._kernel = kernel
        self._plans = plans
        self._accel: Acceleration = accel
        self._machines = machines
        self._silence = silence
        self._progress = progress
        self._lock = threading.Lock()
        self._done: dict[str, Played] = {}
        self._boots: dict[str, int] = dict.fromkeys(plans, 0)

    def run(self) -> dict[str, Played]:
        """Play all of them; returns each one's outcome, in the order of the plans."""
        if not self._plans:
            return {}
        sources = [source for plan in self._plans.values() for source in plan.sources]
        built = build_modules(self._kernel, sources)
        init = build_init()
        keys = sorted(self._plans, key=lambda key: _leaves_traces(self._plans[key]))
        machines = max(1, min(self._machines, len(keys)))
        shares = max(machines, -(-len(keys) // SHARE))
        with ThreadPoolExecutor(machines) as pool:
            # Dealt out like cards, so that every machine has as many of the kind that spoils a boot.
            dealt = [keys[start::shares] for start in range(shares)]
            for future in [pool.submit(self._share, built, init, share) for share in dealt]:
                future.result()
        return {key: self._done[key] for key in self._plans}

    def _share(self, built: Built, init: Path, keys: list[str]) -> None:
        left = list(keys)
        while left:
            plans = [(key, self._plans[key]) for key in left]
            told: set[str] = set()
            came = boot(
                self._kernel,
                _initramfs(built, init, plans),
                accel=self._accel,
                silence=self._silence,
                limit=120.0 + 60.0 * len(left),
                progress=lambda text, told=told: self._tell(text, told),  # type: ignore[misc]
            )
            left = self._take(came, left)

    def _tell(self, text: str, told: set[str]) -> None:
        # Reading it all anew for each line would cost more than the guest does.
        if not self._progress or text.count("\nCLEAN\n") + text.count("\nDIRTY\n") <= len(told):
            return
        for scenario in read_report(text).scenarios:
            if scenario.end != "cut" and scenario.key not in told:
                told.add(scenario.key)
                with self._lock:
                    self._progress(scenario.key)

    def _take(self, came: Boot, asked: list[str]) -> list[str]:
        """Note what a boot gave; return the keys that have to be asked again."""
        seen = {scenario.key: scenario for scenario in read_report(came.report).scenarios}
        left = []
        for key in asked:
            scenario = seen.get(key)
            if scenario is not None:
                self._boots[key] += 1
            if scenario is not None and scenario.end != "cut":
                self._note(key, Played(scenario, "played", came, self._boots[key]))
            elif scenario is not None and self._boots[key] > 1:
                end: Literal["crashed", "hung"] = "hung" if came.end == "hung" else "crashed"
                self._note(key, Played(scenario, end, came, self._boots[key]))
            else:
                left.append(key)
        if left == asked and not any(key in seen for key in asked):
            # The guest did not even begin: it would not the next time either.
            empty = {key: SeenScenario(key, (), "cut") for key in left}
            end = "hung" if came.end == "hung" else "crashed"
            for key in left:
                self._note(key, Played(empty[key], end, came, self._boots[key]))
            return []
        # Who broke the guest once goes last, so that the others are not kept waiting by it.
        return sorted(left, key=lambda key: self._boots[key])

    def _note(self, key: str, outcome: Played) -> None:
        with self._lock:
            self._done[key] = outcome
