"""Where the files that are not Python lie.

This is on the way to every scenario, so it uses nothing but ``os.path``, which the interpreter has loaded
already: ``importlib.resources`` and ``pathlib`` would cost more than all the rest of a start.
"""

import os.path

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_GRAMMAR = "klp.lark"


def grammar_path() -> str:
    """Return the path of the grammar: inside the package in an installed wheel, beside it in a checkout."""
    installed = os.path.join(_PACKAGE, "_grammar", _GRAMMAR)
    if os.path.isfile(installed):
        return installed
    checkout = os.path.join(os.path.dirname(_PACKAGE), "grammar", _GRAMMAR)
    if os.path.isfile(checkout):
        return checkout
    raise FileNotFoundError(f"klpdsl's grammar is neither at {installed} nor at {checkout}: reinstall klpdsl")
