"""The state of a modelled kernel as plain values: tasks, modules, patches, stacks of versions, pending work, clock.

Everything a `World` holds is immutable (named tuples, tuples, strings), and the world itself is a handful of lists
and dictionaries of such values: copying one costs a few shallow copies, and what did not change is shared. No rule
lives here: what an operation does to a world is in `klpdsl.engine`.
"""
