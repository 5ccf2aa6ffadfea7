"""The interpreter: from a checked scenario to a trace.

`build` turns declarations into a world and statements into steps; `interpreter` carries the steps out on an engine
and records what happened. This room knows the language and the engine; it does not know goldens or terminals.
"""
