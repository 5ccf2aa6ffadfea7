"""The built-in properties: what must never happen, by the name that a scenario writes after `never`.

The names belong to the language and to the engine alike, and neither may import the other; so they stand here.
"""

PROPERTIES = {
    "stale-code": "a task is inside code of a module that has been removed, or is about to jump there",
    "dangling-hook": "a function's stack of versions leads to a module that has been removed",
    "dangling-kobject": "a directory in sysfs can be reached although the memory behind it has been freed",
    "stale-data": "a callback uses what another patch keeps after that patch was given up",
    "mixed": "between two switch points a task ran both old and new code of one patch",
    "mixed-world": "new code of a patch runs while a task can still run the old (judged where a scenario names it)",
    "leak": "a module that nothing uses can never be removed, or a shadow variable is nobody's any more",
    "unbalanced": "what a callback has taken nobody will give back, or it is given back once too often",
    "negative-refs": "a module's reference was put more often than it was taken",
    "stuck": "a transition is under way and nothing will ever try to complete it",
    "irreversible": "a transition cannot be cancelled by writing the opposite value into `enabled`",
    "half-retired": "outside transitions, a patch's `enabled` does not say whether its functions are in force",
    "unpatched-module": "an enabled patch does not patch a target module that is loaded",
    "unreplaced": "a replacement is complete, and a patch that it should have retired is still enabled",
    "orphan-state": "a state was brought in by patches that are gone, and nobody has undone it",
    "set-overlap": "outside transitions, patches of different sets both patch one function",
    "stalled": "a transition never completes, although tasks and time go on (judged by `verify` over an alphabet)",
    "leftover-nop": "a replacement is complete, and its no-ops still hook functions that nothing patches",
}

ENDLESS = ("stalled",)
"""Those of runs without an end, which no trace violates: `klpdsl verify` judges them where a scenario names one."""

IN_TRACES = tuple(name for name in PROPERTIES if name not in ENDLESS)
"""Those that a trace can violate, which every run and every search looks for."""
