"""The commands of `klpdsl`, one thin module for each, with a `main(argv)` that returns the exit code.

They read arguments, call the rooms below and print. No rule lives here: what a scenario does is the engine's to say,
and what a golden is, the goldens'.
"""
