"""The commands by name: what each is for, in a line."""

from __future__ import annotations

COMMANDS = {
    "run": "print the trace of a scenario on one engine or several",
    "init": "make a project, with a first scenario",
    "new": "write a scenario with prose to fill in",
    "check": "run every scenario on every engine it is meant for and compare with the goldens",
    "review": "look at what differs, one class at a time, and decide",
    "accept": "make what scenarios give now their goldens",
    "reject": "drop changes that are pending",
    "prune": "remove goldens that belong to no scenario or say what their ancestor's says",
    "diff": "compare what two engines make of a scenario, with the changes responsible",
    "blame": "say which engine change, commit and reason brought a golden's line",
    "git-setup": "let git recompute goldens that two branches have changed",
    "merge-golden": "merge a golden, called by git",
    "doctor": "say what is not set up",
    "fmt": "rewrite scenarios in their canonical form",
    "kernel": "play scenarios on a real kernel in qemu, and confirm the model by it",
    "explain": "say what happened in a step of a scenario and why, with the kernel functions behind it",
    "explain-log": "say what a machine's log tells of livepatch, and find a run of the model that gives it",
    "observe": "print a script that collects what explain-log wants to know of a machine",
    "describe": "say what a built livepatch module patches, as a patch declaration",
    "compare": "show in one table what different engines do with a scenario",
    "explore": "take every order and every branch of a scenario, and count what they end in",
    "verify": "say whether properties hold in every state, whatever the order",
    "separate": "find the shortest scenario on which two engines differ, or show that there is none",
    "history": "print every change at which a scenario's trace changes",
    "bisect": "find the change, or our commit, that makes a difference",
    "reduce": "find the smallest scenario that still shows a difference",
    "selftest": "write a scenario as a test of the kernel's own livepatch selftests",
    "engines": "list the lineage, an engine's axes, the changes between two engines",
    "completion": "print a script that lets bash, zsh or fish complete all of this",
}
"""The subcommands, each in the module of its name in `klpdsl.cli`, and what they do."""

HIDDEN = frozenset({"merge-golden"})
"""Commands that programs call, and nobody types."""
