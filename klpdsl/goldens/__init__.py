"""Goldens: the traces that were found right, one file for each engine at which a scenario's trace changes.

This room knows where goldens lie, compares runs with them and writes them when told to. It prints nothing.
"""
