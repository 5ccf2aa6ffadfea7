"""Engine steps per second with the events thrown away (target 20,000), and per second with a recorded trace."""

import time
from collections.abc import Callable, Iterator

from klpdsl.engine import klp, tasks
from klpdsl.engine.context import Kernel
from klpdsl.run.session import execute, load_text
from klpdsl.semantics.engines import resolve

_SECONDS = 2.0
_DECLARED = """
task t1 in f
task t2; task t3; task t4; task t5; task t6
patch p1 { f, g }
patch p2 { f }
"""
_STEPS = """
apply p1; tick; t2: call g; t1: return; tick; t1: call f; t2: return; apply p2; tick; reverse; tick; disable p1
t1: return; tick; unload p2; unload p1
"""
_F, _G = ("vmlinux", "f", 1), ("vmlinux", "g", 1)


def run() -> Iterator[str]:
    """Replay one mixed life of two patches among six tasks, with and without a listener."""
    loaded = load_text(_DECLARED + _STEPS, "benchmark")
    p1, p2 = loaded.program.patches["p1"], loaded.program.patches["p2"]
    operations: list[Callable[[Kernel], object]] = [
        lambda k: klp.apply_patch(k, p1),
        klp.tick,
        lambda k: tasks.call(k, "t2", _G),
        lambda k: tasks.return_(k, "t1"),
        klp.tick,
        lambda k: tasks.call(k, "t1", _F),
        lambda k: tasks.return_(k, "t2"),
        lambda k: klp.apply_patch(k, p2),
        klp.tick,
        klp.reverse,
        klp.tick,
        lambda k: klp.write(k, "p1", "enabled", "0"),
        lambda k: tasks.return_(k, "t1"),
        klp.tick,
        lambda k: klp.unload_patch(k, "p2"),
        lambda k: klp.unload_patch(k, "p1"),
    ]
    for name in ("v4.12", "v6.12"):
        engine = resolve(name)
        steps = 0
        start = time.process_time()
        while time.process_time() - start < _SECONDS:
            k = Kernel(loaded.program.world.copy(), engine.semantics)
            for operation in operations:
                operation(k)
                klp.drain(k)
            steps += len(operations)
        silent = steps / (time.process_time() - start)
        steps = 0
        start = time.process_time()
        while time.process_time() - start < _SECONDS:
            steps += len(execute(loaded, engine).trace.steps)
        recorded = steps / (time.process_time() - start)
        yield f"{name}: {silent:,.0f} steps/s unheard, {recorded:,.0f} steps/s recorded as a trace"
