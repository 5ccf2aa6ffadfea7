"""Every order in which it can happen: a scenario's orders and branches, explored on the engine's own rules.

A plain run takes one order; here all are taken, and what they end in is counted, with a shortest witness for each. The
model is the engine itself, stepped as a plain run steps it (`klpdsl.run.stepper`): there is no second one. Worlds that
no rule can tell apart are explored once; what that rests on stands in `docs/explore.md`.
"""
