"""Why a trace is not what its golden says: where they part, the change, the axis or the rule that made them.

It compares typed traces, walks the lineage between two engines, and watches the engine's rules at work. It knows
nothing of checks, and decides nothing.
"""
