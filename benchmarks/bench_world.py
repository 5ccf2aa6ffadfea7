"""What it costs to copy and to key a world of six tasks and four patches (target: 20 microseconds together)."""

import timeit
from collections.abc import Callable, Iterator
from inspect import signature

from klpdsl.engine import klp, tasks
from klpdsl.engine.context import Kernel
from klpdsl.run.session import load_text
from klpdsl.semantics.engines import resolve
from klpdsl.world.world import World

_ROUNDS = 20_000
_DECLARED = "\n".join(
    [
        *(f"task t{n} in f > g" for n in range(1, 7)),
        "module ext4 { read } loaded",
        *(f"patch p{n} {{ f, h; ext4 {{ read }} }}" for n in range(1, 5)),
        "load p1",
    ]
)


def _world() -> World:
    loaded = load_text(_DECLARED, "benchmark")
    k = Kernel(loaded.program.world.copy(), resolve("v6.12").semantics)
    for name in ("p1", "p2", "p3", "p4"):
        klp.load_patch(k, loaded.program.patches[name])
        for task in ("t1", "t2", "t3", "t4", "t5", "t6"):
            tasks.return_(k, task)
        klp.settle(k)
    assert len(k.w.klp_patches) == 4
    return k.w


def run() -> Iterator[str]:
    """Time copying, keying, and keying with the hash that a set of seen worlds needs."""
    world = _world()
    actions: dict[str, Callable[[], object]] = {
        "copy": world.copy,
        "key": world.key,
        "copy, key and hash": lambda: hash(world.copy().key()),
    }
    if "symmetric" in signature(world.key).parameters:  # an older tree that this is compared with has none
        actions["symmetric key and hash"] = lambda: hash(world.key(symmetric=True))
    for what, action in actions.items():
        best = min(timeit.repeat(action, number=_ROUNDS // 10, repeat=10)) / (_ROUNDS // 10)
        yield f"{what}: {best * 1e6:.2f} us"
