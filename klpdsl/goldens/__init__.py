"""Goldens: the traces that were found right, one file for each engine at which a scenario's trace changes.

This room knows where goldens lie, compares runs with them and writes them when told to. It prints nothing. Its inner
rooms stand upon each other: `suite` (the folder), `storage` (what lies below goldens/), `runs` (what a scenario gives),
`causes` (why that is another trace), `checking` (all of a suite), `deciding` (pending, accepted), `reporting` (in every
form), and `with_git` beside them.
"""
