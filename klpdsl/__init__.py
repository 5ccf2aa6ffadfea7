"""Scenarios about kernel live patching, run on a model of every kernel's rules.

klpdsl reads scenarios written in a small language, plays them on a model of ``kernel/livepatch`` under the
semantics of a chosen release or proposal, and prints a canonical trace that can be kept as a golden file.
This module holds the version and nothing else, so that importing it costs nothing; the rooms below it
(``syntax``, ``world``, ``semantics``, ``trace``, ``engine``, ``run``, ``goldens`` and ``cli``) are imported
by name when they are needed.
"""

__version__ = "0.1.0"
