"""The canonical trace: typed events, their text and JSON-lines forms, and the structural difference of two traces.

This room knows nothing of scenarios, engines or goldens: it is the vocabulary in which the engine says what
happened and in which everybody else reads it.
"""
