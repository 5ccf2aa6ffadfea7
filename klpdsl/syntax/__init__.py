"""The scenario language: from text to a checked syntax tree, and back to canonical text.

This room knows what a scenario looks like and what is wrong with a malformed one. It does not know that kernels
exist: what a statement does is decided in `klpdsl.run` and `klpdsl.engine`. The grammar itself is
`grammar/klp.lark`, the only definition of the syntax.
"""
