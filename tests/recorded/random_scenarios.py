"""Random scenarios for comparison with the kernel's own code: one for each seed and release, always the same.

They are dense in what goes wrong: modules that lack a symbol, callbacks that fail, transitions that are turned round,
forced, or meet a module. Everything is declared, so that model and kernel start from the same world.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

FUNCTIONS = {"vmlinux": ("f", "g", "h"), "m1": ("r", "w"), "m2": ("o",)}
CALLBACKS = ("pre_patch", "post_patch", "pre_unpatch", "post_unpatch")
ERRNOS = ("ENODEV", "EBUSY", "ENOMEM", "EINVAL")


def scenario(seed: int, release: tuple[int, int]) -> str:
    """The scenario of that seed, as a release's users could write it."""
    rng = random.Random(seed)
    lines = list(_world(rng))
    patches = [f"p{number + 1}" for number in range(rng.randint(1, 4))]
    tasks = [line.split()[1] for line in lines if line.startswith(("task", "kthread"))]
    lines += [_patch(rng, name, release) for name in patches]
    lines += _steps(rng, patches, tasks, release)
    return "\n".join(lines) + "\n"


def _world(rng: random.Random) -> Iterator[str]:
    # d stands twice in the symbol table, n cannot be traced.
    yield "vmlinux { f, g, h, d, d, n notrace }"
    loaded = {name: rng.random() < 0.5 for name in ("m1", "m2")}
    for name, is_loaded in loaded.items():
        yield f"module {name} {{ {', '.join(FUNCTIONS[name])} }}" + (" loaded" if is_loaded else "")
    if rng.random() < 0.15:
        yield f"cpus {rng.randint(1, 3)}" + rng.choice(("", " nohz"))
    for number in range(rng.randint(1, 4)):
        kind = rng.choice(("task", "task", "kthread"))
        running = " running" if rng.random() < 0.2 else ""
        inside = [_asleep_in(rng, loaded["m1"]) for _ in range(rng.choice((0, 1, 1, 2)))]
        stack = f" in {' > '.join(inside)}" if inside else ""
        flags = (" uninterruptible" if rng.random() < 0.4 else "") + (
            " unreliable" if rng.random() < 0.1 else ""
        )
        yield f"{kind} t{number + 1}{running}{stack}{flags}"


def _asleep_in(rng: random.Random, module_loaded: bool) -> str:
    if module_loaded and rng.random() < 0.2:
        return "m1:r"
    return f"vmlinux:{rng.choice(FUNCTIONS['vmlinux'])}"


def _patch(rng: random.Random, name: str, release: tuple[int, int]) -> str:
    flags = " immediate" if (4, 12) <= release < (4, 16) and rng.random() < 0.2 else ""
    flags += " replace" if release >= (5, 1) and rng.random() < 0.5 else ""
    items: list[str] = []
    for obj in rng.sample(list(FUNCTIONS), rng.choice((1, 1, 2, 2, 3))):
        items += _object(rng, obj, release)
    if release >= (5, 5) and rng.random() < 0.2:
        items.append(f"state {rng.randint(1, 2)} version {rng.randint(0, 2)}")
    return f"patch {name}{flags} {{ {'; '.join(items)} }}"


def _object(rng: random.Random, obj: str, release: tuple[int, int]) -> Iterator[str]:
    names = rng.sample(FUNCTIONS[obj], rng.randint(1, len(FUNCTIONS[obj])))
    names += [odd for odd in _odd_names(obj) if rng.random() < 0.06]
    with_callbacks = release >= (4, 15) and rng.random() < 0.4
    if not (with_callbacks and rng.random() < 0.2):
        yield f"{obj} {{ {', '.join(_function(rng, name, release) for name in names)} }}"
    if with_callbacks:
        present = [name for name in CALLBACKS if rng.random() < 0.7] or ["post_patch"]
        errno = f" fails {rng.choice(ERRNOS)}" if rng.random() < 0.25 else ""
        listed = [name + (errno if name == "pre_patch" else "") for name in present]
        yield f"callbacks {obj} {{ {'; '.join(listed)} }}"


def _odd_names(obj: str) -> tuple[str, ...]:
    return ("nosuch", "n", "d") if obj == "vmlinux" else ("nosuch",)


def _function(rng: random.Random, name: str, release: tuple[int, int]) -> str:
    sympos = rng.choice((0, 1, 2, 3)) if name == "d" else rng.choice((0, 0, 0, 1)) if name in "fr" else 0
    text = f"{name} sympos {sympos}" if sympos else name
    return text + (" immediate" if (4, 12) <= release < (4, 16) and rng.random() < 0.15 else "")


def _steps(
    rng: random.Random, patches: list[str], tasks: list[str], release: tuple[int, int]
) -> Iterator[str]:
    alive = list(tasks)
    forked = 0
    for _ in range(rng.randint(8, 40)):
        if rng.random() < 0.63:
            yield _operators_step(rng, patches, release)
            continue
        task = rng.choice(alive)
        action = rng.choice(("call", "call", "call", "return", "return", "return", "syscall", "other"))
        if action != "other":
            yield f"{task}: {action}" + ("" if action == "return" else f" {_callee(rng)}")
            continue
        action = rng.choice(("run", "sleep", "sleep", "fork", "exit", "resched", "freeze"))
        if action == "fork":
            forked += 1
            alive.append(f"c{forked}")
            yield f"{task}: fork c{forked}"
        elif action != "exit":
            yield f"{task}: {action}"
        elif len(alive) > 1:
            alive.remove(task)
            yield f"{task}: exit"


def _operators_step(rng: random.Random, patches: list[str], release: tuple[int, int]) -> str:
    patch = rng.choice(patches)
    choices = (
        [f"apply {patch}"] * 8 + [f"load {patch}"] * 2 + [f"disable {patch}"] * 5 + [f"enable {patch}"] * 4
    )
    choices += [f"unload {patch}"] * 3 + ["reverse"] * 3 + [f"tick {rng.choice((1, 1, 1, 2, 3, 16))}"] * 5
    choices += ["load m1", "load m2", "unload m1", "unload m2"]
    if release >= (4, 16):
        choices += ["force", f"write {patch} force {rng.choice(('1', '0', 'maybe'))}"]
        choices += ["signal"] * 2 if release < (5, 1) else []
    return rng.choice(choices)


def _callee(rng: random.Random) -> str:
    return rng.choice(("vmlinux:f", "vmlinux:g", "vmlinux:h", "m1:r", "m1:w", "m2:o"))
