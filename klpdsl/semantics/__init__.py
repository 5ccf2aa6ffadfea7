"""Semantics as data: the axes on which kernels and proposals differ, and the history that moves them.

A kernel release is a value of axes (`Semantics`), never a version number to branch on. The history is a list of
changes, each with its kernel commit; an engine is a name for a set of changes. This room loads and checks that
data; it does not know how the engine obeys it.
"""
